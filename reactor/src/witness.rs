use crate::{readiness::Seen, slot::Slot};

macro_rules! witness {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Debug)]
        #[must_use = "the operation may be tried now"]
        pub struct $name<'a> {
            slot: &'a Slot,
            seen: Seen,
        }

        impl<'a> $name<'a> {
            pub(crate) fn new(slot: &'a Slot, seen: Seen) -> Self {
                Self { slot, seen }
            }

            /// What was seen, if it was seen of that object.
            pub(crate) fn of(self, slot: &Slot) -> Option<Seen> {
                std::ptr::eq(self.slot, slot).then_some(self.seen)
            }

            /// Whether the peer's close, or an error, was reported for this direction.
            ///
            /// It is information for whoever judges a short transfer. It never is permission to go on
            /// trying: after a "would block" the task waits all the same.
            pub fn is_closed(&self) -> bool {
                self.seen.is_closed()
            }
        }
    };
}

witness! {
    /// A read may be tried now: what [`PollEvented::poll_read`](crate::PollEvented::poll_read) saw.
    ///
    /// If the read would block all the same, hand the witness to
    /// [`need_read`](crate::PollEvented::need_read). It can take back only the readiness that it was
    /// made from, so whatever has happened since is never lost.
    ReadWitness
}

witness! {
    /// A write may be tried now: what [`PollEvented::poll_write`](crate::PollEvented::poll_write) saw.
    ///
    /// If the write would block all the same, hand the witness to
    /// [`need_write`](crate::PollEvented::need_write). It can take back only the readiness that it was
    /// made from, so whatever has happened since is never lost.
    WriteWitness
}
