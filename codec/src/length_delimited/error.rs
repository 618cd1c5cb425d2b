use std::{error, fmt, io};

/// What can go wrong with frames that say how long they are.
///
/// Those of a *frame* are mistakes of the peer: as an [`io::Error`] they are of the kind
/// [`InvalidData`](io::ErrorKind::InvalidData). Those of an *item* are mistakes of one's own:
/// [`InvalidInput`](io::ErrorKind::InvalidInput). Either way this error is the source.
/// [`Io`](Self::Io) becomes the error that is in it.
#[derive(Debug)]
#[non_exhaustive]
pub enum LengthDelimitedError {
    /// A frame was announced whose item would be longer than the maximum.
    FrameTooLong {
        /// What stands in its length field.
        field: u64,
    },
    /// A frame was announced that would end before its head does.
    FrameTooShort {
        /// What stands in its length field.
        field: u64,
    },
    /// An item to be encoded is longer than the maximum.
    ItemTooLong {
        /// The length of the item in bytes.
        len: usize,
    },
    /// An item to be encoded is shorter than the adjustment, so that its length field would be
    /// negative, or does not hold the part of the head that is its own.
    ItemTooShort {
        /// The length of the item in bytes.
        len: usize,
    },
    /// The reader or writer failed, or the stream ended inside a frame
    /// ([`UnexpectedEof`](io::ErrorKind::UnexpectedEof)).
    Io(io::Error),
}

impl fmt::Display for LengthDelimitedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameTooLong { field } => {
                write!(
                    f,
                    "a frame is longer than the maximum: {field} in its length field"
                )
            }
            Self::FrameTooShort { field } => {
                write!(
                    f,
                    "a frame is shorter than its head: {field} in its length field"
                )
            }
            Self::ItemTooLong { len } => {
                write!(f, "{len} bytes are longer than the maximum of a frame")
            }
            Self::ItemTooShort { len } => {
                write!(f, "{len} bytes are shorter than the minimum of a frame")
            }
            Self::Io(_) => f.write_str("reading or writing frames failed"),
        }
    }
}

impl error::Error for LengthDelimitedError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(source) => Some(source),
            _ => None,
        }
    }
}

impl From<io::Error> for LengthDelimitedError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<LengthDelimitedError> for io::Error {
    fn from(error: LengthDelimitedError) -> Self {
        match error {
            LengthDelimitedError::Io(error) => error,
            LengthDelimitedError::FrameTooLong { .. }
            | LengthDelimitedError::FrameTooShort { .. } => {
                Self::new(io::ErrorKind::InvalidData, error)
            }
            LengthDelimitedError::ItemTooLong { .. }
            | LengthDelimitedError::ItemTooShort { .. } => {
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

        assert!(size_of::<LengthDelimitedError>() <= 16);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let error = LengthDelimitedError::from(reset);
        assert!(error.source().unwrap().is::<io::Error>());
        assert_eq!(
            io::Error::from(error).kind(),
            io::ErrorKind::ConnectionReset
        );
        for (error, kind) in [
            (
                LengthDelimitedError::FrameTooLong { field: 1 },
                io::ErrorKind::InvalidData,
            ),
            (
                LengthDelimitedError::FrameTooShort { field: 1 },
                io::ErrorKind::InvalidData,
            ),
            (
                LengthDelimitedError::ItemTooLong { len: 1 },
                io::ErrorKind::InvalidInput,
            ),
            (
                LengthDelimitedError::ItemTooShort { len: 1 },
                io::ErrorKind::InvalidInput,
            ),
        ] {
            assert!(error.source().is_none());
            let io = io::Error::from(error);
            assert_eq!(io.kind(), kind);
            assert!(io.get_ref().unwrap().is::<LengthDelimitedError>());
        }
    }
}
