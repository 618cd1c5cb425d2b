/// What a [`copy_bidirectional`](super::copy_bidirectional()) has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Carried {
    /// From `a` to `b`, in bytes.
    pub a_to_b: u64,
    /// From `b` to `a`, in bytes.
    pub b_to_a: u64,
    /// Whether a [`Watch`](super::Watch) ended it before both ways had.
    pub stopped: bool,
}
