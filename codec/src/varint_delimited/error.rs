use std::{error, fmt, io};

/// What can go wrong with frames whose length is a varint.
///
/// As an [`io::Error`], mistakes of the peer are of the kind
/// [`InvalidData`](io::ErrorKind::InvalidData), [`ItemTooLong`](Self::ItemTooLong) is of the kind
/// [`InvalidInput`](io::ErrorKind::InvalidInput), and this error is the source. [`Io`](Self::Io) becomes
/// the error that is in it.
#[derive(Debug)]
#[non_exhaustive]
pub enum VarintDelimitedError {
    /// A length had more than ten bytes or 64 bits.
    LengthOverflow,
    /// A frame was announced that is longer than the maximum.
    FrameTooLong {
        /// Its length in bytes.
        len: u64,
    },
    /// An item to be encoded is longer than the maximum.
    ItemTooLong {
        /// The length of the item in bytes.
        len: usize,
    },
    /// The reader or writer failed, or the stream ended inside a frame
    /// ([`UnexpectedEof`](io::ErrorKind::UnexpectedEof)).
    Io(io::Error),
}

impl fmt::Display for VarintDelimitedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LengthOverflow => f.write_str("the length of a frame has more than 64 bits"),
            Self::FrameTooLong { len } => {
                write!(f, "a frame of {len} bytes is longer than the maximum")
            }
            Self::ItemTooLong { len } => {
                write!(f, "{len} bytes are longer than the maximum of a frame")
            }
            Self::Io(_) => f.write_str("reading or writing frames failed"),
        }
    }
}

impl error::Error for VarintDelimitedError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(source) => Some(source),
            _ => None,
        }
    }
}

impl From<io::Error> for VarintDelimitedError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<VarintDelimitedError> for io::Error {
    fn from(error: VarintDelimitedError) -> Self {
        match error {
            VarintDelimitedError::Io(error) => error,
            VarintDelimitedError::LengthOverflow | VarintDelimitedError::FrameTooLong { .. } => {
                Self::new(io::ErrorKind::InvalidData, error)
            }
            VarintDelimitedError::ItemTooLong { .. } => {
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

        assert!(size_of::<VarintDelimitedError>() <= 16);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let error = VarintDelimitedError::from(reset);
        assert!(error.source().unwrap().is::<io::Error>());
        assert_eq!(
            io::Error::from(error).kind(),
            io::ErrorKind::ConnectionReset
        );
        for (error, kind) in [
            (
                VarintDelimitedError::LengthOverflow,
                io::ErrorKind::InvalidData,
            ),
            (
                VarintDelimitedError::FrameTooLong { len: 1 },
                io::ErrorKind::InvalidData,
            ),
            (
                VarintDelimitedError::ItemTooLong { len: 1 },
                io::ErrorKind::InvalidInput,
            ),
        ] {
            assert!(error.source().is_none());
            let io = io::Error::from(error);
            assert_eq!(io.kind(), kind);
            assert!(io.get_ref().unwrap().is::<VarintDelimitedError>());
        }
    }
}
