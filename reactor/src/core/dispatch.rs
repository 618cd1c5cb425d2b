use std::io;

use mio::{Events, Token, event::Event as MioEvent};

use crate::{
    executor::{Local, TaskId},
    readiness::Event,
    shared::{Shared, wake_all},
    slot::{Slot, Wakes},
    slots::BELL,
    sync::lock,
    sys,
    waker_set::Drained,
};

/// Marks the slots of all events under one lock, then wakes outside of it.
///
/// `before` is the generation of the object that was registered last before the poller was asked, where that matters.
#[inline]
pub(super) fn dispatch(events: &Events, before: Option<u32>, local: &Local, drained: &mut Drained) {
    if events.is_empty() {
        return;
    }
    let shared = local.shared();
    let (mut count, mut stale) = (0, 0);
    let mut not_calmed = Vec::new();
    let mut woken = Woken {
        local,
        tasks: 0,
        drained,
    };
    {
        let slots = lock(&shared.slots);
        for event in events {
            if event.token() == BELL {
                continue;
            }
            count += 1;
            match slots.get(event.token()) {
                Some(slot) => {
                    let (read, write) = directions(event);
                    if slot.event(read, write, &mut woken)
                        && let Err(error) = calm(shared, slot, event.token())
                    {
                        not_calmed.push((event.token(), error));
                    }
                }
                None => stale += 1,
            }
        }
        // The object that hung up may be gone by now, but another one in its place is new.
        if let Some(before) = before
            && events.iter().any(is_hang_up)
        {
            slots
                .newer_than(before)
                .for_each(|slot| slot.report_anew(&mut woken));
        }
    }
    let counters = &shared.counters;
    counters.events.add(count);
    counters.stale_events.add(stale);
    let wakeups = woken.tasks + woken.drained.wakers.len() as u64;
    counters.wakeups.add(wakeups);
    tracing::trace!(events = count, stale, wakeups, "dispatched");
    wake_all(drained);
    // Not under the lock: whoever writes the log may use the reactor.
    for (token, error) in not_calmed {
        tracing::error!(%error, token = token.0, "an object that nobody waits for keeps the loop awake");
    }
}

/// What a batch of events wakes.
struct Woken<'a> {
    local: &'a Local,
    /// Tasks of the core itself, which are in its queue already.
    tasks: u64,
    drained: &'a mut Drained,
}

impl Wakes for Woken<'_> {
    #[inline(always)]
    fn wake_own(&mut self, task: TaskId) {
        self.tasks += 1;
        self.local.wake(task);
    }

    fn drained(&mut self) -> &mut Drained {
        self.drained
    }
}

/// Which directions an event makes ready.
#[inline(always)]
fn directions(event: &MioEvent) -> (Option<Event>, Option<Event>) {
    // In this order, because without an error there is less that can mean "closed".
    if event.is_error() || event.is_priority() || event.is_write_closed() || event.is_read_closed()
    {
        return directions_of_special(event);
    }
    let ready = |yes: bool| yes.then(Event::default);
    (ready(event.is_readable()), ready(event.is_writable()))
}

fn is_hang_up(event: &MioEvent) -> bool {
    event.is_error() || event.is_read_closed() || event.is_write_closed()
}

/// An error or a full hang-up is the business of both: a UDP socket's refused datagram arrives as an
/// error alone, and its reader must hear of it.
#[cold]
fn directions_of_special(event: &MioEvent) -> (Option<Event>, Option<Event>) {
    let error = event.is_error();
    let read_closed = event.is_read_closed() || error;
    let urgent = event.is_priority();
    let read = event.is_readable() || read_closed || urgent;
    let write_closed = event.is_write_closed() || error;
    let write = event.is_writable() || write_closed;
    (
        read.then(|| Event::new(read_closed, error, urgent)),
        write.then(|| Event::new(write_closed, error, false)),
    )
}

/// Keeps an object that nobody waits for from being reported at every turn.
#[cold]
fn calm(shared: &Shared, slot: &Slot, token: Token) -> io::Result<()> {
    let Some(descriptor) = slot.descriptor() else {
        return Ok(());
    };
    slot.calm(|watch| sys::calm(&shared.registry, descriptor, token, watch))
}
