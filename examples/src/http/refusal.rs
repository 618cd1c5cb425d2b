/// Why a head is not a request. It gets an answer all the same, after which nobody knows where the next
/// one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// More than 16 KiB, or more than 64 headers.
    TooLarge,
    /// Not HTTP/1.
    Malformed,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(self) -> &'static str {
        match self {
            Self::TooLarge => "431 Request Header Fields Too Large",
            Self::Malformed => "400 Bad Request",
        }
    }
}
