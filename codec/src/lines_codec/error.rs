use std::{error, fmt, io, str::Utf8Error};

/// What can go wrong with lines.
///
/// As an [`io::Error`], [`TooLong`](Self::TooLong) and [`InvalidUtf8`](Self::InvalidUtf8) are of the kind
/// [`InvalidData`](io::ErrorKind::InvalidData), [`ItemTooLong`](Self::ItemTooLong) and
/// [`EndingInItem`](Self::EndingInItem) of the kind [`InvalidInput`](io::ErrorKind::InvalidInput), and this error is the
/// source. [`Io`](Self::Io) becomes the error that is in it.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinesError {
    /// A line was longer than the maximum.
    TooLong,
    /// A line was not UTF-8.
    InvalidUtf8(Utf8Error),
    /// A line to be encoded is longer than the maximum.
    ItemTooLong {
        /// The length of the line in bytes.
        len: usize,
    },
    /// A line to be encoded holds a `\n`, so that it would be decoded as two.
    EndingInItem {
        /// Where the `\n` stands, in bytes from the front of the line.
        at: usize,
    },
    /// The reader or writer failed.
    Io(io::Error),
}

impl fmt::Display for LinesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("a line is longer than the maximum"),
            Self::InvalidUtf8(_) => f.write_str("a line is not UTF-8"),
            Self::ItemTooLong { len } => {
                write!(f, "{len} bytes are longer than the maximum of a line")
            }
            Self::EndingInItem { at } => write!(f, "byte {at} of a line is a `\\n`"),
            Self::Io(_) => f.write_str("reading or writing lines failed"),
        }
    }
}

impl error::Error for LinesError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::InvalidUtf8(source) => Some(source),
            Self::Io(source) => Some(source),
            Self::TooLong | Self::ItemTooLong { .. } | Self::EndingInItem { .. } => None,
        }
    }
}

impl From<io::Error> for LinesError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Utf8Error> for LinesError {
    fn from(error: Utf8Error) -> Self {
        Self::InvalidUtf8(error)
    }
}

impl From<LinesError> for io::Error {
    fn from(error: LinesError) -> Self {
        match error {
            LinesError::Io(error) => error,
            LinesError::TooLong | LinesError::InvalidUtf8(_) => {
                Self::new(io::ErrorKind::InvalidData, error)
            }
            LinesError::ItemTooLong { .. } | LinesError::EndingInItem { .. } => {
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

        assert!(size_of::<LinesError>() <= 24);
        let invalid = LinesError::from(str::from_utf8(b"\xff".as_slice()).unwrap_err());
        assert!(invalid.source().unwrap().is::<Utf8Error>());
        let io = io::Error::from(invalid);
        assert_eq!(io.kind(), io::ErrorKind::InvalidData);
        assert!(io.get_ref().unwrap().is::<LinesError>());
        let kind = io::Error::from(LinesError::TooLong).kind();
        assert_eq!(kind, io::ErrorKind::InvalidData);
        for item in [
            LinesError::ItemTooLong { len: 1 },
            LinesError::EndingInItem { at: 1 },
        ] {
            assert!(item.source().is_none());
            let io = io::Error::from(item);
            assert_eq!(io.kind(), io::ErrorKind::InvalidInput);
            assert!(io.get_ref().unwrap().is::<LinesError>());
        }

        let reset = LinesError::from(io::Error::from(io::ErrorKind::ConnectionReset));
        assert!(reset.source().unwrap().is::<io::Error>());
        assert_eq!(
            io::Error::from(reset).kind(),
            io::ErrorKind::ConnectionReset
        );
    }
}
