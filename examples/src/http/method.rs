/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The answer has a body.
    Get,
    /// The answer is that of GET, without the body.
    Head,
    /// Not answered here.
    Other,
}
