//! The same promises once more, through an object as users see it.
//!
//! Here the operations, the registration and the timers are the crate's own code, down to the slot; the
//! object and the loop are the model's. The poller behind it is real and has nothing to report.

use std::{
    future::Future,
    io,
    mem::{self, ManuallyDrop},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use loom::thread;
use mio::{Interest, Registry, Token, event::Source};

use super::{
    Alarm, HANG, KEPT, Woken, block_on, block_on_after_a_move, catches, check, no_other_has,
    reactors::reactor,
};
use crate::{
    Handle, PollEvented, Progress, Sleep,
    error::ReactorGone,
    fault::Fault,
    readiness::Event,
    shared::{Shared, wake_all},
    slots::BELL,
    sync::{Mutex, lock},
};

/// A source of which everything is taken at once.
#[derive(Debug)]
struct Pipe {
    readable: Arc<Mutex<usize>>,
    token: Token,
}

impl Pipe {
    fn take_all(&self) -> io::Result<usize> {
        match mem::take(&mut *lock(&self.readable)) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            n => Ok(n),
        }
    }
}

impl Source for Pipe {
    fn register(&mut self, _: &Registry, token: Token, _: Interest) -> io::Result<()> {
        self.token = token;
        Ok(())
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
}

/// An object and the other end of it.
fn pipe(shared: &Arc<Shared>) -> io::Result<(PollEvented<Pipe>, Peer)> {
    let readable = Arc::new(Mutex::new(0));
    let source = Pipe {
        readable: readable.clone(),
        token: BELL,
    };
    let object = PollEvented::new(source, &Handle::new(shared.clone()))?;
    let peer = Peer {
        token: object.get_ref().token,
        shared: shared.clone(),
        readable,
    };
    Ok((object, peer))
}

/// An object that is known to be ready in no direction. Not dropped when the model fails.
fn nothing_to_do(shared: &Arc<Shared>) -> (ManuallyDrop<PollEvented<Pipe>>, Peer) {
    let (object, peer) = pipe(shared).unwrap();
    let object = ManuallyDrop::new(object);
    let blocks = |_: &Pipe| Err::<(), _>(io::ErrorKind::WouldBlock.into());
    assert!(object.try_read_with(blocks).is_err());
    assert!(object.try_write_with(blocks).is_err());
    (object, peer)
}

struct Peer {
    shared: Arc<Shared>,
    token: Token,
    readable: Arc<Mutex<usize>>,
}

impl Peer {
    /// Something arrives, and the loop hears of it.
    fn write(&self) {
        *lock(&self.readable) += 1;
        let mut woken = Woken::default();
        if let Some(slot) = lock(&self.shared.slots).get(self.token) {
            let _ = slot.event(Some(Event::default()), None, &mut woken);
        }
        wake_all(&mut woken.0);
    }
}

/// Reads two pieces by `read`, which waits for one at least.
fn read_two(read: impl Fn(&PollEvented<Pipe>, &mut Context<'_>) -> Poll<io::Result<usize>>) {
    let (object, peer) = pipe(&reactor()).unwrap();
    // Not dropped when the model fails: its drop takes locks, which ends in a second panic.
    let object = ManuallyDrop::new(object);
    let core = thread::spawn(move || {
        peer.write();
        peer.write();
    });
    let mut left = 2;
    while left > 0 {
        let (n, _) = block_on(|waker| read(&object, &mut Context::from_waker(waker)));
        left -= n.unwrap();
    }
    core.join().unwrap();
    drop(ManuallyDrop::into_inner(object));
}

fn a_reader_that_drains() {
    read_two(|object, cx| {
        object.poll_read_draining(cx, |pipe| pipe.take_all().map(Progress::drained))
    });
}

#[test]
fn an_object_that_is_drained_hears_of_what_comes_meanwhile() {
    check(a_reader_that_drains);
}

#[test]
fn an_object_whose_clear_ignores_ticks_is_caught() {
    catches(Fault::ClearIgnoresTick, HANG, a_reader_that_drains);
}

fn a_reader_with_a_witness() {
    read_two(|object, cx| {
        let witness = std::task::ready!(object.poll_read(cx))?;
        match object.get_ref().take_all() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                object.need_read(cx, witness)?;
                Poll::Pending
            }
            result => Poll::Ready(result),
        }
    });
}

#[test]
fn a_witness_takes_back_nothing_newer_than_itself() {
    check(a_reader_with_a_witness);
}

#[test]
fn a_witness_that_takes_back_what_is_newer_is_caught() {
    catches(Fault::ClearIgnoresTick, HANG, a_reader_with_a_witness);
}

fn an_object_and_the_end() {
    let shared = reactor();
    let core = thread::spawn({
        let shared = shared.clone();
        move || shared.set_gone()
    });
    let result = pipe(&shared).map(|(object, _)| ManuallyDrop::new(object));
    let answer = match &result {
        // Refused, before the system has heard of it.
        Err(_) => None,
        Ok(object) => {
            let read = |pipe: &Pipe| pipe.take_all();
            let poll = |cx: &mut Context<'_>| object.poll_read_with(cx, read);
            Some(block_on(|waker| poll(&mut Context::from_waker(waker))).0)
        }
    };
    core.join().unwrap();
    if let Ok(object) = result {
        drop(ManuallyDrop::into_inner(object));
    }
    let gone = answer.is_none_or(|answer| ReactorGone::is_source_of(&answer.unwrap_err()));
    assert!(gone, "an answer from a core that is gone");
    assert_eq!(lock(&shared.slots).len(), 0);
}

#[test]
fn an_object_is_refused_or_hears_that_the_core_is_gone() {
    check(an_object_and_the_end);
}

#[test]
fn an_object_whose_core_says_too_late_that_it_goes_is_caught() {
    catches(Fault::GoneTooLate, HANG, an_object_and_the_end);
}

/// Two tasks wait. The one goes while the event comes, and waited for what does not come as well; the other
/// stays.
fn a_future_that_goes() {
    let (object, peer) = nothing_to_do(&reactor());
    let [goes, stays] = [0, 1].map(|_| Alarm::new());
    let wakers = [&goes, &stays].map(|alarm| Waker::from(alarm.clone()));
    let either = object.ready(crate::Interest::READ | crate::Interest::WRITE);
    let [mut gone, mut stayed] = [either, object.readable()].map(ManuallyDrop::new);
    assert!(poll(&mut *gone, &wakers[0]).is_pending());
    assert!(poll(&mut *stayed, &wakers[1]).is_pending());
    let core = thread::spawn(move || peer.write());
    drop(ManuallyDrop::into_inner(gone));
    stays.wait();
    core.join().unwrap();
    assert!(poll(&mut *stayed, &wakers[1]).is_ready());
    let [gone_waker, stayed_waker] = wakers;
    // Both the object and its reactor are still there.
    no_other_has(goes, gone_waker);
    no_other_has(stays, stayed_waker);
    drop(ManuallyDrop::into_inner(stayed));
    drop(ManuallyDrop::into_inner(object));
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

#[test]
fn a_future_that_goes_or_ends_leaves_no_waker_and_takes_no_wake_along() {
    check(a_future_that_goes);
}

#[test]
fn a_future_that_leaves_its_waker_behind_is_caught() {
    catches(Fault::WithdrawLeavesWaker, KEPT, a_future_that_goes);
}

/// Tasks wait in both directions; one of these is reported while the object goes.
fn an_object_that_goes() {
    let shared = reactor();
    let (object, peer) = nothing_to_do(&shared);
    let [reader, writer] = [0, 1].map(|_| Alarm::new());
    let [read_waker, write_waker] = [&reader, &writer].map(|alarm| Waker::from(alarm.clone()));
    let mut cx = Context::from_waker(&read_waker);
    assert!(object.poll_read(&mut cx).is_pending());
    let mut cx = Context::from_waker(&write_waker);
    assert!(object.poll_write(&mut cx).is_pending());
    let core = thread::spawn(move || peer.write());
    drop(ManuallyDrop::into_inner(object));
    core.join().unwrap();
    no_other_has(reader, read_waker);
    no_other_has(writer, write_waker);
    assert_eq!(lock(&shared.slots).len(), 0);
}

#[test]
fn an_object_that_goes_releases_all_wakers_whatever_comes_meanwhile() {
    check(an_object_that_goes);
}

#[test]
fn an_object_that_stays_where_events_find_it_is_caught() {
    catches(Fault::DropLeavesSlot, KEPT, an_object_that_goes);
}

/// A batch of two events. While they are handed out, the first object goes and another gets its place.
fn a_batch_and_an_object_that_goes() {
    let shared = reactor();
    let (goes, old) = pipe(&shared).unwrap();
    let (stays, peer) = pipe(&shared).unwrap();
    let [goes, stays] = [goes, stays].map(ManuallyDrop::new);
    let core = thread::spawn({
        let shared = shared.clone();
        move || {
            for peer in [&old, &peer] {
                *lock(&peer.readable) += 1;
            }
            let mut woken = Woken::default();
            {
                let slots = lock(&shared.slots);
                for token in [old.token, peer.token] {
                    if let Some(slot) = slots.get(token) {
                        let _ = slot.event(Some(Event::default()), None, &mut woken);
                    }
                }
            }
            wake_all(&mut woken.0);
        }
    });
    drop(ManuallyDrop::into_inner(goes));
    let (comes, _other) = pipe(&shared).unwrap();
    let comes = ManuallyDrop::new(comes);
    // It is only assumed to be ready, and now not even that.
    assert!(comes.try_read_with(Pipe::take_all).is_err());
    let read = |cx: &mut Context<'_>| stays.poll_read_with(cx, Pipe::take_all);
    let (n, _) = block_on(|waker| read(&mut Context::from_waker(waker)));
    assert_eq!(n.unwrap(), 1);
    core.join().unwrap();
    let heard = comes.poll_read(&mut Context::from_waker(Waker::noop()));
    assert!(heard.is_pending(), "an event of the object before");
    drop([stays, comes].map(ManuallyDrop::into_inner));
}

#[test]
fn a_stale_event_of_a_batch_reaches_nobody_and_the_others_reach_theirs() {
    check(a_batch_and_an_object_that_goes);
}

#[test]
fn a_batch_that_names_places_alone_is_caught() {
    catches(
        Fault::TokenWithoutGeneration,
        "an event of the object before",
        a_batch_and_an_object_that_goes,
    );
}

fn a_timer_and_the_end() {
    let shared = reactor();
    let core = thread::spawn({
        let shared = shared.clone();
        move || shared.set_gone()
    });
    let mut sleep = ManuallyDrop::new(Sleep::new(shared.clone(), None));
    let poll = |waker: &Waker| Pin::new(&mut *sleep).poll(&mut Context::from_waker(waker));
    let result = block_on_after_a_move(poll);
    core.join().unwrap();
    drop(ManuallyDrop::into_inner(sleep));
    assert!(ReactorGone::is_source_of(&result.unwrap_err()));
    assert_eq!(shared.timers.count(), 0);
}

#[test]
fn a_timer_is_refused_or_hears_that_the_core_is_gone() {
    check(a_timer_and_the_end);
}
