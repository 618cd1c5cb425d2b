use std::{fmt::Display, io};

use examples::named;
use futures::{Stream, StreamExt};

use crate::content::invalid;

/// The next item of a stream that must have one. An error says which item it was to be.
pub(crate) async fn next_item<T, E>(
    stream: &mut (impl Stream<Item = Result<T, E>> + Unpin),
    name: impl Display,
) -> io::Result<T>
where
    io::Error: From<E>,
{
    let item = match stream.next().await {
        Some(item) => item.map_err(io::Error::from),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    };
    item.map_err(|error| named(name, error))
}

/// Checks that the stream has come to its end. An error says which item it would have been.
pub(crate) async fn expect_end<T, E>(
    stream: &mut (impl Stream<Item = Result<T, E>> + Unpin),
    name: impl Display,
) -> io::Result<()>
where
    io::Error: From<E>,
{
    match stream.next().await.transpose() {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(invalid(format!("{name} has come, which nobody has sent"))),
        Err(error) => Err(named(name, error.into())),
    }
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, stream};

    use super::*;

    #[test]
    fn an_item_that_is_missing_wrong_or_too_much_is_named() {
        let right = || Ok::<_, io::Error>(1);
        let wrong = || Err(io::ErrorKind::InvalidData.into());

        assert_eq!(
            block_on(next_item(&mut stream::iter([right()]), "a")).unwrap(),
            1
        );
        for (items, kind) in [
            (vec![wrong()], io::ErrorKind::InvalidData),
            (vec![], io::ErrorKind::UnexpectedEof),
        ] {
            let error = block_on(next_item(&mut stream::iter(items), "line 7")).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().starts_with("line 7: "), "{error}");
        }

        let mut nothing = stream::iter(Vec::<io::Result<u8>>::new());
        block_on(expect_end(&mut nothing, "a")).unwrap();
        for item in [right(), wrong()] {
            let error = block_on(expect_end(&mut stream::iter([item]), "line 7")).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().starts_with("line 7"), "{error}");
        }
    }
}
