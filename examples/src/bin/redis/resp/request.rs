use bytes::Bytes;

/// A command and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    // INVARIANT: not empty; the first is the name.
    words: Vec<Bytes>,
}

impl Request {
    /// `None` of no words, which are no request.
    pub(crate) fn new(words: Vec<Bytes>) -> Option<Self> {
        (!words.is_empty()).then_some(Self { words })
    }

    pub(crate) fn name(&self) -> &Bytes {
        &self.words[0]
    }

    pub(crate) fn arguments(&self) -> &[Bytes] {
        &self.words[1..]
    }
}
