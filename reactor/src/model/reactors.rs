//! Reactors without a loop, for the models: the poller behind them is real and has nothing to report.

use std::sync::Arc;

use crossbeam_channel::Receiver;

use crate::{executor::Message, shared::Shared, slots::BELL};

/// What a core and its handles share, without the core.
pub(super) fn reactor() -> Arc<Shared> {
    reactor_and_poll().0
}

/// As [`reactor`], with the poller that its doorbell makes readable.
pub(super) fn reactor_and_poll() -> (Arc<Shared>, mio::Poll) {
    let (shared, poll, _) = parts();
    (shared, poll)
}

/// As [`reactor`], with what is sent to its loop.
pub(super) fn reactor_and_messages() -> (Arc<Shared>, Receiver<Message>) {
    let (shared, _, messages) = parts();
    (shared, messages)
}

fn parts() -> (Arc<Shared>, mio::Poll, Receiver<Message>) {
    let poll = mio::Poll::new().unwrap();
    let waker = mio::Waker::new(poll.registry(), BELL).unwrap();
    let registry = poll.registry().try_clone().unwrap();
    let (sender, messages) = crossbeam_channel::unbounded();
    (Shared::new(registry, waker, sender), poll, messages)
}
