use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
};

use mio::{Registry, Token, event::Source};

use crate::{
    Direction, Handle, Options,
    error::ReactorGone,
    executor,
    readiness::Seen,
    shared::Shared,
    slot::{Slot, Waited},
    sync::lock,
    sys,
};

/// The owner's side of one registered object: the slot that it shares with the reactor.
#[derive(Debug)]
pub(crate) struct Registration {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    token: Token,
    options: Options,
    /// What was registered, if the poller can be asked for other directions later.
    descriptor: Option<sys::Descriptor>,
}

impl Registration {
    pub(crate) fn new(
        io: &mut impl Source,
        handle: &Handle,
        options: Options,
        descriptor: Option<sys::Descriptor>,
    ) -> io::Result<Self> {
        let shared = handle.shared().clone();
        let slot = Arc::new(Slot::new(
            options.armed,
            options.assume_ready,
            descriptor.is_none(),
        ));
        let token = lock(&shared.slots).insert(slot.clone())?;
        // Outside of the lock: other threads' system calls do not wait for ours.
        let interest = options.interest(options.armed);
        if let Err(error) = io.register(&shared.registry, token, interest) {
            drop(lock(&shared.slots).remove(token));
            return Err(error);
        }
        tracing::trace!(token = token.0, ?interest, "registered");
        Ok(Self {
            shared,
            slot,
            token,
            options,
            descriptor,
        })
    }

    /// Frees the slot, whatever the poller says.
    pub(crate) fn deregister(&self, io: &mut impl Source) -> io::Result<()> {
        let result = io.deregister(&self.shared.registry);
        let slot = lock(&self.shared.slots).remove(self.token);
        drop(slot);
        tracing::trace!(token = self.token.0, "deregistered");
        result
    }

    /// Ready, or the task of `cx` will be woken. `current` is the object's descriptor now.
    #[inline]
    pub(crate) fn poll_ready(
        &self,
        direction: Direction,
        cx: &Context<'_>,
        current: impl FnOnce() -> Option<sys::Descriptor>,
    ) -> Poll<io::Result<Seen>> {
        let seen = self.slot.seen(direction);
        seen.check_gone()?;
        if seen.is_ready() {
            return Poll::Ready(Ok(seen));
        }
        self.wait(direction, cx, current)
    }

    /// Makes the task of `cx` wait, unless the direction has become ready.
    #[inline(always)]
    pub(crate) fn wait(
        &self,
        direction: Direction,
        cx: &Context<'_>,
        current: impl FnOnce() -> Option<sys::Descriptor>,
    ) -> Poll<io::Result<Seen>> {
        let own = executor::own_task(&self.shared, cx.waker());
        match self.slot.wait(direction, cx.waker(), own)? {
            Waited::Ready(seen) => Poll::Ready(Ok(seen)),
            Waited::Parked => Poll::Pending,
            Waited::Rearm => {
                self.rearm(direction, current())?;
                Poll::Pending
            }
        }
    }

    #[inline]
    pub(crate) fn seen(&self, direction: Direction) -> Result<Seen, ReactorGone> {
        let seen = self.slot.seen(direction);
        seen.check_gone()?;
        Ok(seen)
    }

    /// An operation has failed: `Ok` if it is to be tried again, after a wait if it would have blocked.
    #[cold]
    pub(crate) fn failed(
        &self,
        direction: Direction,
        seen: Seen,
        error: io::Error,
    ) -> io::Result<()> {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.would_block(direction, seen),
            io::ErrorKind::Interrupted => {}
            _ => return Err(error),
        }
        Ok(())
    }

    /// The operation has found nothing: takes back what was seen.
    pub(crate) fn would_block(&self, direction: Direction, seen: Seen) {
        if self.slot.clear(direction, seen) && seen.is_from_event() {
            self.shared.counters.spurious.add(1);
        }
    }

    /// The operation says that it has taken everything: takes back what was seen *before* it, if that
    /// can be trusted.
    #[inline]
    pub(crate) fn drained(&self, direction: Direction, seen: Seen) {
        if sys::TRUSTS_SHORT_TRANSFERS && seen.trusts_short_transfer() {
            self.slot.clear(direction, seen);
        }
    }

    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    fn rearm(&self, direction: Direction, current: Option<sys::Descriptor>) -> io::Result<()> {
        let Some(descriptor) = self.descriptor else {
            // Registered for both directions once and for all.
            return Ok(());
        };
        if current != Some(descriptor) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the object was exchanged: it is not the one that was registered",
            ));
        }
        let registry: &Registry = &self.shared.registry;
        self.slot.rearm(direction, |armed| {
            let interest = self.options.interest(armed);
            tracing::trace!(token = self.token.0, ?interest, "rearmed");
            sys::rearm(registry, descriptor, self.token, interest)
        })
    }
}
