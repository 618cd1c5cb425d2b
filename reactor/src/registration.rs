use std::{
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use mio::{Token, event::Source};

use crate::{
    Direction, Handle, Options, Trigger,
    error::{NotPollable, ReactorGone},
    executor::{self, Message},
    fault::{Fault, seeded},
    readiness::{Seen, Told},
    shared::{Shared, wake_all},
    slot::{Rearmed, Slot, Waited},
    sync::lock,
    sys::{self, Watch},
    waker_set::Drained,
};

/// The owner's side of one registered object: the slot that it shares with the reactor.
#[derive(Debug)]
pub(crate) struct Registration {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    token: Token,
}

impl Registration {
    /// Registers an object that is known to the poller in its own way, for both directions.
    pub(crate) fn of_source(io: &mut impl Source, handle: &Handle) -> io::Result<Self> {
        let interest = mio::Interest::READABLE | mio::Interest::WRITABLE;
        let slot = Slot::new(Options::both(), None);
        Self::new(handle, slot, |shared, _, token| {
            shared.tracing.registered(token.0, interest);
            io.register(&shared.registry, token, interest)
        })
    }

    /// Registers an object by its descriptor.
    pub(crate) fn of_descriptor(
        io: sys::Borrowed<'_>,
        handle: &Handle,
        options: Options,
    ) -> io::Result<Self> {
        let slot = Slot::new(options, Some(sys::descriptor(io)));
        Self::new(handle, slot, |shared, slot, token| {
            let watch = slot.watch();
            shared.tracing.registered(token.0, watch);
            sys::watch(&shared.registry, io, token, watch)
        })
    }

    fn new(
        handle: &Handle,
        slot: Slot,
        register: impl FnOnce(&Shared, &Slot, Token) -> io::Result<()>,
    ) -> io::Result<Self> {
        handle.shared().check_process()?;
        let (shared, slot) = (handle.shared().clone(), Arc::new(slot));
        let now = shared.now();
        let token = lock(&shared.slots).insert(slot.clone(), now)?;
        // Outside of the lock: other threads' system calls do not wait for ours.
        let registered = register(&shared, &slot, token);
        shared.poller_changed();
        if let Err(error) = registered {
            drop(lock(&shared.slots).remove(token));
            shared.tracing.deregistered(token.0);
            return Err(NotPollable::explain(error));
        }
        Ok(Self {
            shared,
            slot,
            token,
        })
    }

    pub(crate) fn handle(&self) -> Handle {
        Handle::new(self.shared.clone())
    }

    /// Frees the slot, whatever the poller says.
    pub(crate) fn deregister<E: Source>(
        &self,
        io: &mut E,
        borrow: Option<sys::Borrow<E>>,
    ) -> io::Result<()> {
        // For the parent it stays registered; the child's own copy of the descriptor is its own business.
        if self.shared.check_process().is_err() {
            return Ok(());
        }
        let registry = &self.shared.registry;
        let result = match borrow.map(|borrow| borrow(io)) {
            // Another object in its place may have a registration of its own.
            Some(io) => self
                .check_same(io)
                .and_then(|()| sys::unwatch(registry, io)),
            None => io.deregister(registry),
        };
        self.shared.poller_changed();
        if !seeded(Fault::DropLeavesSlot) {
            let slot = lock(&self.shared.slots).remove(self.token);
            drop(slot);
        }
        self.shared.tracing.deregistered(self.token.0);
        result
    }

    /// Ready, or the task of `cx` will be woken. `io` is the object now.
    #[inline]
    pub(crate) fn poll_ready<'a>(
        &self,
        direction: Direction,
        cx: &Context<'_>,
        io: impl FnOnce() -> Option<sys::Borrowed<'a>>,
    ) -> Poll<io::Result<Seen>> {
        self.poll_told(direction, Told::READY, cx, io)
    }

    /// As [`poll_ready`](Self::poll_ready), for anything that an event can tell.
    #[inline(always)]
    pub(crate) fn poll_told<'a>(
        &self,
        direction: Direction,
        told: Told,
        cx: &Context<'_>,
        io: impl FnOnce() -> Option<sys::Borrowed<'a>>,
    ) -> Poll<io::Result<Seen>> {
        let seen = self.slot.seen(direction);
        seen.check_gone()?;
        if seen.has(told) {
            return Poll::Ready(Ok(seen));
        }
        self.shared.check_before_wait(self.token, direction)?;
        let own = executor::own_task(&self.shared, cx.waker());
        match self.slot.wait(direction, told, cx.waker(), own)? {
            Waited::Ready(seen) => Poll::Ready(Ok(seen)),
            Waited::Parked => Poll::Pending,
            Waited::Rearm => {
                self.rearm_for(direction, io(), cx.waker())?;
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
    #[inline]
    pub(crate) fn would_block(&self, direction: Direction, seen: Seen) {
        self.found_nothing(direction, seen, Told::READY);
    }

    /// As [`would_block`](Self::would_block), for anything that an event can tell.
    #[inline]
    pub(crate) fn found_nothing(&self, direction: Direction, seen: Seen, told: Told) {
        // A source of mio's has told the poller.
        self.shared.poller_changed();
        let taken_back = self.slot.take_back(direction, seen, told);
        // An operation may be tried although it was known that there is nothing.
        if taken_back && seen.is_from_event() && seen.has(told) {
            self.shared.counters.spurious.add(1);
        }
    }

    /// The operation says that it has taken everything: takes back what was seen *before* it, if that
    /// can be trusted.
    #[inline]
    pub(crate) fn drained(&self, direction: Direction, seen: Seen) {
        if self.slot.trigger() == Trigger::Level {
            self.may_be_drained(direction, seen);
        } else if sys::TRUE_EDGES && seen.trusts_short_transfer() {
            self.slot.clear(direction, seen);
        }
    }

    /// The poller will report what is left. But each time that costs a turn, so an object that was ready
    /// again one turn later is used until it would block.
    fn may_be_drained(&self, direction: Direction, seen: Seen) {
        let turn = self.shared.counters.turns.get();
        if !self.slot.was_drained_just_before(turn) {
            self.slot.clear(direction, seen);
        }
    }

    /// Whether a task can wait for something else than readiness. Data that nobody reads would wake it over
    /// and over, unless the poller reports what is new alone.
    pub(crate) fn check_reports_news(&self) -> io::Result<()> {
        if self.slot.trigger() == Trigger::Edge && sys::TRUE_EDGES {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "only of an edge-triggered object are errors, urgent data and the peer's close told apart",
        ))
    }

    /// Whether a task that waits left its waker here, and not only its number.
    pub(crate) fn keeps_waker(&self, direction: Direction, waker: &Waker) -> bool {
        let own = executor::own_task(&self.shared, waker);
        !self.slot.waits_by_number(direction, own)
    }

    /// A task that waited does not wait any more: its waker is not needed here.
    pub(crate) fn withdraw(&self, direction: Direction, waker: &Waker) {
        // In a child, a thread that held the lock holds it for ever.
        if self.shared.check_process().is_err() {
            return;
        }
        self.slot.withdraw(direction, waker);
    }

    /// Wakes everybody who waits: they have to wait elsewhere from now on, or to hear of an error.
    pub(crate) fn send_away(&self) {
        if self.shared.check_process().is_err() {
            return;
        }
        let mut drained = Drained::default();
        for task in self.slot.drain_all(&mut drained).into_iter().flatten() {
            // An error: the core is gone, and with it the task.
            let _ = self.shared.send(Message::Wake(task));
        }
        wake_all(&mut drained);
    }

    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// Sees to it that `waker`, which waits there, is woken when `direction` is ready.
    #[cold]
    fn rearm_for(
        &self,
        direction: Direction,
        io: Option<sys::Borrowed<'_>>,
        waker: &Waker,
    ) -> io::Result<()> {
        let Some(io) = self.same_object(io)? else {
            // Registered for both directions once and for all.
            return Ok(());
        };
        if self.rearm(direction, io)? == Rearmed::OnlyNews && sys::is_ready(io, direction) {
            self.slot.found_ready(direction);
            waker.wake_by_ref();
        }
        Ok(())
    }

    /// Has the poller report `direction` because a task waits there.
    fn rearm(&self, direction: Direction, io: sys::Borrowed<'_>) -> io::Result<Rearmed> {
        let mut changed = None;
        let rearmed = self.slot.rearm(direction, |before, after| {
            changed = Some(after);
            self.change(io, before, after)
        });
        // Foreign code, as a waker is, so not under the lock.
        if let Some(after) = changed {
            tracing::trace!(token = self.token.0, ?after, "rearmed");
        }
        if rearmed.is_err() {
            // Whoever has parked meanwhile finds the same error when it polls again.
            self.send_away();
        }
        rearmed
    }

    /// Has the poller not report `direction`.
    pub(crate) fn pause(
        &self,
        direction: Direction,
        io: Option<sys::Borrowed<'_>>,
    ) -> io::Result<()> {
        self.shared.check_process()?;
        self.seen(direction)?;
        let io = self.same_object(io)?.ok_or(io::ErrorKind::Unsupported)?;
        let mut changed = None;
        let paused = self.slot.pause(direction, |before, after| {
            changed = Some(after);
            self.change(io, before, after)
        });
        if let Some(after) = changed {
            tracing::trace!(token = self.token.0, ?after, "paused");
        }
        paused
    }

    fn change(&self, io: sys::Borrowed<'_>, before: Watch, after: Watch) -> io::Result<()> {
        self.shared.check_process()?;
        let changed = sys::change(&self.shared.registry, io, self.token, before, after);
        self.shared.poller_changed();
        changed
    }

    /// Lets the poller report `direction` again.
    pub(crate) fn resume(
        &self,
        direction: Direction,
        io: Option<sys::Borrowed<'_>>,
    ) -> io::Result<()> {
        self.shared.check_process()?;
        self.seen(direction)?;
        let same = self.same_object(io)?.ok_or(io::ErrorKind::Unsupported)?;
        if self.slot.resume(direction) {
            self.rearm(direction, same)?;
        }
        Ok(())
    }

    /// The object, if it has a descriptor and that is the one that was registered.
    fn same_object<'a>(
        &self,
        io: Option<sys::Borrowed<'a>>,
    ) -> io::Result<Option<sys::Borrowed<'a>>> {
        io.map_or(Ok(()), |io| self.check_same(io))?;
        Ok(io)
    }

    fn check_same(&self, io: sys::Borrowed<'_>) -> io::Result<()> {
        if Some(sys::descriptor(io)) == self.slot.descriptor() {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the object was exchanged: it is not the one that was registered",
        ))
    }
}
