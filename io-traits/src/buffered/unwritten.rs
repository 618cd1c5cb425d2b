use std::mem;

use bytes::BytesMut;

use crate::pool::{self, Lent};

/// What has not been written; says so when it is dropped. Without memory whenever it is empty.
pub(super) struct Unwritten(pub(super) Lent);

impl Unwritten {
    pub(super) fn take(&mut self) -> Lent {
        mem::replace(&mut self.0, Lent::from(BytesMut::new()))
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.0.is_empty() {
            self.0 = pool::take();
        }
        self.0.extend_from_slice(bytes);
    }
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        if cfg!(debug_assertions) && !self.0.is_empty() {
            tracing::warn!(
                unwritten = self.0.len(),
                "a BufWriter was dropped before it was flushed"
            );
        }
    }
}
