use std::{error, fmt, io};

/// An object could not be registered; it is given back in here.
///
/// It becomes an [`io::Error`] with `?`, which drops the object.
pub struct RegisterError<E> {
    error: io::Error,
    io: E,
}

impl<E> RegisterError<E> {
    pub(crate) fn new(error: io::Error, io: E) -> Self {
        Self { error, io }
    }

    /// Why.
    pub fn error(&self) -> &io::Error {
        &self.error
    }

    /// The object, to be used elsewhere.
    pub fn into_inner(self) -> E {
        self.io
    }

    /// Both.
    pub fn into_parts(self) -> (io::Error, E) {
        (self.error, self.io)
    }
}

impl<E> fmt::Debug for RegisterError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RegisterError").field(&self.error).finish()
    }
}

impl<E> fmt::Display for RegisterError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the object could not be registered: {}", self.error)
    }
}

impl<E> error::Error for RegisterError<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}

impl<E> From<RegisterError<E>> for io::Error {
    fn from(error: RegisterError<E>) -> Self {
        error.error
    }
}
