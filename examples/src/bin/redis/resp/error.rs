use std::{error, fmt, io};

/// What can go wrong with the protocol. All of it ends the connection.
#[derive(Debug)]
pub(crate) enum RespError {
    /// The number of arguments is no number, or too large.
    Count,
    /// The length of an argument is no number, or the request would be longer than the maximum.
    Length,
    /// An argument does not begin with `$`.
    NoDollar(u8),
    /// An argument is longer than was said.
    NoEnding,
    /// A line is longer than one can be.
    LineTooLong,
    /// A quote in a line is not closed, or closed inside of a word.
    Quotes,
    /// The reader or writer failed, or the stream ended inside a request.
    Io(io::Error),
}

impl fmt::Display for RespError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("invalid multibulk length"),
            Self::Length => f.write_str("invalid bulk length"),
            Self::NoDollar(byte) => write!(f, "expected '$', got '{}'", byte.escape_ascii()),
            Self::NoEnding => f.write_str("expected a line ending behind an argument"),
            Self::LineTooLong => f.write_str("too big inline request"),
            Self::Quotes => f.write_str("unbalanced quotes in request"),
            Self::Io(_) => f.write_str("reading or writing failed"),
        }
    }
}

impl error::Error for RespError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(source) => Some(source),
            _ => None,
        }
    }
}

impl From<io::Error> for RespError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<RespError> for io::Error {
    fn from(error: RespError) -> Self {
        match error {
            RespError::Io(error) => error,
            error => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}
