//! A subscriber of tracing is foreign code: it may use the very object that it is told of.

mod common;

use std::{
    cell::Cell,
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
    time::Duration,
};

use common::{parks, settle, unix_pair, within_reason};
use futures::FutureExt;
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

/// The task that was about to be polled had left the queue, and was never polled again.
#[test]
fn a_subscriber_that_panics_takes_no_task_with_it() {
    struct Panics(Arc<AtomicBool>);
    impl Subscriber for Panics {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, attributes: &Attributes<'_>) -> Id {
            if attributes.metadata().name() == "task" && self.0.swap(false, Ordering::SeqCst) {
                panic!("on purpose");
            }
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }
    let panics = Arc::new(AtomicBool::new(false));
    tracing::subscriber::with_default(Panics(panics.clone()), || {
        let mut core = Core::new().unwrap();
        settle(&mut core);
        let task = core.spawner().spawn(async { 5 });
        panics.store(true, Ordering::SeqCst);
        let turned = catch_unwind(AssertUnwindSafe(|| core.turn(Some(Duration::ZERO))));
        assert!(turned.is_err());
        assert_eq!(core.spawner().task_count(), 1);
        settle(&mut core);
        assert_eq!(task.now_or_never().expect("it is forgotten").unwrap(), 5);
        assert_eq!(core.spawner().task_count(), 0);
        assert_eq!(core.handle().metrics().tasks, 0);
    });
}
