use std::{error, fmt, io};

/// What can go wrong with frames that end with a delimiter.
///
/// As an [`io::Error`], [`TooLong`](Self::TooLong) is of the kind
/// [`InvalidData`](io::ErrorKind::InvalidData), those of an *item* are of the kind
/// [`InvalidInput`](io::ErrorKind::InvalidInput), and this error is the source. [`Io`](Self::Io) becomes
/// the error that is in it.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnyDelimiterError {
    /// A frame was longer than the maximum.
    TooLong,
    /// An item to be encoded is longer than the maximum.
    ItemTooLong {
        /// The length of the item in bytes.
        len: usize,
    },
    /// An item to be encoded holds a delimiter, so that it would be decoded as two.
    DelimiterInItem {
        /// Where the delimiter stands, in bytes from the front of the item.
        at: usize,
    },
    /// The reader or writer failed.
    Io(io::Error),
}

impl fmt::Display for AnyDelimiterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("a frame is longer than the maximum"),
            Self::ItemTooLong { len } => {
                write!(f, "{len} bytes are longer than the maximum of a frame")
            }
            Self::DelimiterInItem { at } => write!(f, "byte {at} of an item is a delimiter"),
            Self::Io(_) => f.write_str("reading or writing frames failed"),
        }
    }
}

impl error::Error for AnyDelimiterError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(source) => Some(source),
            _ => None,
        }
    }
}

impl From<io::Error> for AnyDelimiterError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<AnyDelimiterError> for io::Error {
    fn from(error: AnyDelimiterError) -> Self {
        match error {
            AnyDelimiterError::Io(error) => error,
            AnyDelimiterError::TooLong => Self::new(io::ErrorKind::InvalidData, error),
            AnyDelimiterError::ItemTooLong { .. } | AnyDelimiterError::DelimiterInItem { .. } => {
                Self::new(io::ErrorKind::InvalidInput, error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_small_and_has_its_source() {
        use error::Error;

        assert!(size_of::<AnyDelimiterError>() <= 16);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let error = AnyDelimiterError::from(reset);
        assert!(error.source().unwrap().is::<io::Error>());
        assert_eq!(
            io::Error::from(error).kind(),
            io::ErrorKind::ConnectionReset
        );
        for (error, kind) in [
            (AnyDelimiterError::TooLong, io::ErrorKind::InvalidData),
            (
                AnyDelimiterError::ItemTooLong { len: 1 },
                io::ErrorKind::InvalidInput,
            ),
            (
                AnyDelimiterError::DelimiterInItem { at: 1 },
                io::ErrorKind::InvalidInput,
            ),
        ] {
            assert!(error.source().is_none());
            let io = io::Error::from(error);
            assert_eq!(io.kind(), kind);
            assert!(io.get_ref().unwrap().is::<AnyDelimiterError>());
        }
    }
}
