use std::{error, fmt, io};

/// Why options make no [`LengthDelimitedCodec`](crate::LengthDelimitedCodec).
///
/// As an [`io::Error`] it is of the kind [`InvalidInput`](io::ErrorKind::InvalidInput), with this error
/// as its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LengthDelimitedBuildError {
    /// The length field has no bytes, or more than 8.
    FieldLength,
    /// The head is longer than any buffer can be, or its field begins beyond 4 GiB.
    HeadTooLong,
    /// The item would begin inside the length field.
    SkipInsideField,
    /// No frame fits: the shortest that the options allow is longer than the maximum, or has no length
    /// that the field could hold.
    NoFrameFits,
}

impl fmt::Display for LengthDelimitedBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FieldLength => "the length field does not have 1 to 8 bytes",
            Self::HeadTooLong => "the head is longer than any buffer",
            Self::SkipInsideField => "the frame would begin inside the length field",
            Self::NoFrameFits => "no frame fits the maximum and the length field",
        })
    }
}

impl error::Error for LengthDelimitedBuildError {}

impl From<LengthDelimitedBuildError> for io::Error {
    fn from(error: LengthDelimitedBuildError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}
