use std::{error, fmt, io, str::Utf8Error};

/// What can go wrong with lines.
///
/// As an [`io::Error`] the first two are of the kind [`InvalidData`](io::ErrorKind::InvalidData), with
/// this error as their source.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinesError {
    /// A line was longer than the maximum.
    TooLong,
    /// A line was not UTF-8.
    InvalidUtf8(Utf8Error),
    /// The reader or writer failed.
    Io(io::Error),
}

impl fmt::Display for LinesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "a line is longer than the maximum",
            Self::InvalidUtf8(_) => "a line is not UTF-8",
            Self::Io(_) => "reading or writing lines failed",
        })
    }
}

impl error::Error for LinesError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::TooLong => None,
            Self::InvalidUtf8(source) => Some(source),
            Self::Io(source) => Some(source),
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
            error => Self::new(io::ErrorKind::InvalidData, error),
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

        let reset = LinesError::from(io::Error::from(io::ErrorKind::ConnectionReset));
        assert!(reset.source().unwrap().is::<io::Error>());
        assert_eq!(
            io::Error::from(reset).kind(),
            io::ErrorKind::ConnectionReset
        );
    }
}
