use std::{error, fmt, io};

/// Why a name has given no addresses; the source of an [`io::Error`] of the same kind as its own source.
///
/// | kind | |
/// |---|---|
/// | [`InvalidInput`](io::ErrorKind::InvalidInput) | it is not of the form `host:port` |
/// | [`NotFound`](io::ErrorKind::NotFound) | the resolver has answered that there is no address |
/// | [`TimedOut`](io::ErrorKind::TimedOut) | there was no answer within the limit |
/// | others | those of the resolver; std gives getaddrinfo's a kind without a name, and a text |
#[derive(Debug)]
pub struct LookupError {
    target: String,
    source: io::Error,
}

impl LookupError {
    /// Looks into an error of [`lookup`](crate::lookup) or [`connect`](crate::connect).
    pub fn source_of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// What was looked up, as it was written.
    pub fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn of(target: &str, source: io::Error) -> io::Error {
        let target = target.to_owned();
        io::Error::new(source.kind(), Self { target, source })
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not look up {:?}: {}", self.target, self.source)
    }
}

impl error::Error for LookupError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}
