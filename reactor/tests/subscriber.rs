//! A subscriber of tracing is foreign code: it may use the very object that it is told of.

mod common;

use std::{
    cell::Cell,
    io::Read,
    sync::{Arc, Mutex},
    task::Waker,
};

use common::{parks, settle, unix_pair, within_reason};
use reactor::{Core, Direction, PollEvented, mio::net::UnixStream};
use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

/// Writes its log to an object of the reactor, as far as the locks of that matter.
struct LogsTo {
    stream: Arc<PollEvented<UnixStream>>,
    logged: Arc<Mutex<usize>>,
}

impl Subscriber for LogsTo {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        thread_local! {
            static INSIDE: Cell<bool> = const { Cell::new(false) };
        }
        if !INSIDE.replace(true) {
            *self.logged.lock().unwrap() += 1;
            parks(&self.stream, Direction::Write, Waker::noop());
            parks(&self.stream, Direction::Read, Waker::noop());
            INSIDE.set(false);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The change of what the poller reports was logged under the lock of the object, which the subscriber
/// waited for on the same thread, for ever.
#[test]
fn a_subscriber_may_wait_for_the_object_that_it_is_told_of() {
    within_reason(|| {
        let mut core = Core::new().unwrap();
        let (stream, _peer) = unix_pair(&core.handle());
        let (stream, logged) = (Arc::new(stream), Arc::default());
        settle(&mut core);
        let subscriber = LogsTo {
            stream: stream.clone(),
            logged: Arc::clone(&logged),
        };
        tracing::subscriber::with_default(subscriber, || {
            stream
                .try_read_with(|mut io| io.read(&mut [0; 1]))
                .unwrap_err();
            let full = |_: &UnixStream| Err::<(), _>(std::io::ErrorKind::WouldBlock.into());
            stream.try_write_with(full).unwrap_err();
            assert!(parks(&stream, Direction::Write, Waker::noop()));
            stream.pause(Direction::Read).unwrap();
            stream.resume(Direction::Read).unwrap();
            settle(&mut core);
        });
        assert!(*logged.lock().unwrap() >= 2, "nothing was logged");
    });
}
