//! Ending a server in good order.

mod common;

use std::{
    future::{Future, pending},
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream as StdStream},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use common::{CountWakes, HANG, assert_gone, listen, poll_with, run, settle, turn_until};
use futures::{FutureExt, StreamExt, stream::FusedStream};
use io_traits::io::{read_exact, write_all};
use net::Tracker;
use reactor::Core;

/// A server that answers each byte; a `?` it does not answer, but is busy with until an `!` comes.
fn serve(core: &mut Core, tracker: &Tracker) -> SocketAddr {
    let spawner = core.spawner();
    let (listener, addr) = listen(&core.handle());
    let tracker = tracker.clone();
    drop(spawner.clone().spawn(async move {
        let mut incoming = tracker.until_stopped(listener.incoming());
        while let Some(connection) = incoming.next().await {
            let (mut stream, _) = connection.unwrap();
            drop(spawner.spawn(tracker.serve(|activity| async move {
                let mut byte = [0];
                loop {
                    read_exact(&mut stream, &mut byte).await?;
                    let _busy = activity.busy();
                    if byte == *b"?" {
                        while byte != *b"!" {
                            read_exact(&mut stream, &mut byte).await?;
                        }
                    }
                    write_all(&mut stream, &byte).await?;
                }
                #[allow(unreachable_code, reason = "it says what is returned")]
                std::io::Result::Ok(())
            })));
        }
    }));
    addr
}

fn client(addr: SocketAddr) -> StdStream {
    let client = StdStream::connect(addr).unwrap();
    client.set_read_timeout(Some(HANG)).unwrap();
    client
}

#[test]
fn idle_connections_are_closed_at_once_and_busy_ones_finish() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let tracker = Tracker::new();
    let addr = serve(&mut core, &tracker);
    // One that has never said anything, one that has been served, and one that is being served.
    let (mut fresh, mut idle, mut busy) = (client(addr), client(addr), client(addr));
    idle.write_all(b"x").unwrap();
    busy.write_all(b"?").unwrap();
    turn_until(&mut core, || {
        tracker.connections() == 3 && tracker.busy() == 1
    });
    while !common::is_readable(std::os::fd::AsFd::as_fd(&idle), 0) {
        core.turn(Some(Duration::from_millis(10))).unwrap();
    }
    settle(&mut core);
    idle.read_exact(&mut [0; 1]).unwrap();
    assert!(!tracker.is_stopping());

    let mut stop = tracker.stop(HANG, &handle);
    assert!(tracker.is_stopping());
    turn_until(&mut core, || tracker.connections() == 1);
    assert_eq!(fresh.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    // Nobody is accepted any more.
    assert_eq!(
        StdStream::connect(addr).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut stop, &waker).is_pending());
    settle(&mut core);
    assert_eq!((tracker.connections(), tracker.busy()), (1, 1));
    assert_eq!(count.get(), 0);
    // It finishes what it is at, and is closed then.
    busy.write_all(b"!").unwrap();
    turn_until(&mut core, || count.get() > 0);
    assert_eq!(run(&mut core, stop).unwrap(), 0);
    let mut answer = Vec::new();
    busy.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"!");
    assert_eq!(handle.metrics().registered, 0);
}

#[test]
fn when_the_time_is_over_busy_connections_are_closed_and_counted() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let tracker = Tracker::new();
    let addr = serve(&mut core, &tracker);
    let mut clients: Vec<_> = (0..5).map(|_| client(addr)).collect();
    for client in &mut clients[..3] {
        client.write_all(b"?").unwrap();
    }
    turn_until(&mut core, || {
        tracker.connections() == 5 && tracker.busy() == 3
    });
    let stop = tracker.stop(Duration::from_millis(20), &handle);
    assert_eq!(run(&mut core, stop).unwrap(), 3);
    assert_eq!((tracker.connections(), tracker.busy()), (0, 0));
    for client in &mut clients {
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    }
}

#[test]
fn a_server_without_connections_ends_at_once() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let tracker = Tracker::new();
    let mut incoming = tracker.until_stopped(listen(&handle).0.incoming());
    assert!(!incoming.is_terminated());
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut incoming.next(), &waker).is_pending());
    assert!(incoming.get_ref().is_some());
    assert_eq!(run(&mut core, tracker.stop(HANG, &handle)).unwrap(), 0);
    assert!(count.get() > 0, "who accepts is not woken");
    assert!(run(&mut core, incoming.next()).is_none());
    assert!(incoming.is_terminated() && incoming.get_ref().is_none());
    assert_eq!(handle.metrics().registered, 0);
    assert!(run(&mut core, incoming.next()).is_none());
}

#[test]
fn a_connection_that_comes_too_late_is_not_served() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let tracker = Tracker::new();
    let stop = tracker.stop(HANG, &handle);
    let late = tracker.serve(|_| async { panic!("it is served") });
    assert_eq!(tracker.connections(), 1);
    let (none, cut): (Option<()>, _) = run(&mut core, async { futures::join!(late, stop) });
    assert!(none.is_none());
    assert_eq!(cut.unwrap(), 0);
}

#[test]
fn what_a_connection_was_served_with_is_what_its_future_says() {
    let mut core = Core::new().unwrap();
    let tracker = Tracker::new();
    let served = tracker.serve(|activity| async move { activity.is_stopping() });
    assert_eq!(run(&mut core, served), Some(false));
    assert_eq!(tracker.connections(), 0);
    let unpolled = tracker.serve(|_| pending::<()>());
    assert_eq!(tracker.connections(), 1);
    drop(unpolled);
    assert_eq!(tracker.connections(), 0);
}

#[test]
fn a_connection_is_busy_as_long_as_one_reason_is_left_and_can_see_that_it_is_the_last_answer() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let tracker = Tracker::new();
    let (give, reasons) = std::sync::mpsc::channel();
    let mut served = Box::pin(tracker.serve(|activity| async move {
        give.send((activity.busy(), activity.busy(), activity))
            .unwrap();
        pending::<()>().await;
    }));
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut served, &waker).is_pending());
    let (one, two, activity) = reasons.recv().unwrap();
    assert_eq!(tracker.busy(), 1);
    let stop = tracker.stop(HANG, &handle);
    assert!(activity.is_stopping());
    assert!(poll_with(&mut served, &waker).is_pending());
    drop(one);
    assert!(poll_with(&mut served, &waker).is_pending());
    let woken = count.get();
    // From another thread, too, the connection hears of it.
    std::thread::spawn(move || drop(two)).join().unwrap();
    assert!(count.get() > woken, "it is not woken");
    assert!(run(&mut core, served).is_none());
    assert_eq!(run(&mut core, stop).unwrap(), 0);
}

#[test]
fn an_end_that_is_given_up_lets_busy_connections_finish_and_can_be_asked_for_again() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let tracker = Tracker::new();
    let addr = serve(&mut core, &tracker);
    let mut busy = client(addr);
    busy.write_all(b"?").unwrap();
    turn_until(&mut core, || tracker.busy() == 1);
    drop(tracker.stop(Duration::ZERO, &handle));
    settle(&mut core);
    assert_eq!(tracker.connections(), 1);
    let two = (
        tracker.stop(HANG, &handle),
        tracker.stop(Duration::ZERO, &handle),
    );
    let (long, short) = run(&mut core, async { futures::join!(two.0, two.1) });
    assert_eq!((long.unwrap(), short.unwrap()), (0, 1));
    assert_eq!(busy.read(&mut [0; 1]).unwrap(), 0);
}

/// With no time to wait, the idle ones had not been closed yet when the busy ones were counted.
#[test]
fn an_idle_connection_is_not_counted_among_the_busy_ones_however_short_the_limit() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let tracker = Tracker::new();
    let idle = core.spawner().spawn(tracker.serve(|_| pending::<()>()));
    let busy = tracker.serve(|activity| async move {
        let _busy = activity.busy();
        pending::<()>().await
    });
    let busy = core.spawner().spawn(busy);
    settle(&mut core);
    let cut = run(&mut core, tracker.stop(Duration::ZERO, &handle)).unwrap();
    assert_eq!(cut, 1);
    assert_eq!(run(&mut core, idle).unwrap(), None);
    assert_eq!(run(&mut core, busy).unwrap(), None);
}

/// Its panic came out of the stop, and the connections behind it were never told of the end.
#[test]
fn a_waker_that_panics_keeps_no_other_connection_from_hearing_of_the_end() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }
    let core = Core::new().unwrap();
    let tracker = Tracker::new();
    let (count, waker) = CountWakes::new();
    let mut connections = Vec::new();
    for waker in [Waker::from(Arc::new(Panics)), waker] {
        let mut connection = Box::pin(tracker.serve(|_| pending::<()>()));
        assert!(
            connection
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        connections.push(connection);
    }
    let _stop = tracker.stop(HANG, &core.handle());
    assert_eq!(count.get(), 1);
}

/// Nor did it end a process in which what was busy was dropped by another panic.
#[test]
fn a_waker_that_panics_harms_nobody_who_is_busy_no_more() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }
    let core = Core::new().unwrap();
    let tracker = Tracker::new();
    let mut busy = None;
    let mut connection = Box::pin(tracker.serve(|activity| {
        busy = Some(activity.busy());
        pending::<()>()
    }));
    let waker = Waker::from(Arc::new(Panics));
    let _stop = tracker.stop(HANG, &core.handle());
    let mut poll = || connection.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(poll().is_pending());
    drop(busy.take());
    assert!(matches!(poll(), Poll::Ready(None)));
}

#[test]
fn an_end_whose_core_is_dropped_says_so() {
    let core = Core::new().unwrap();
    let tracker = Tracker::new();
    let mut stop = tracker.stop(HANG, &core.handle());
    let connection = tracker.serve(|_| pending::<()>());
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut stop, &waker).is_pending());
    drop(core);
    assert!(count.get() > 0);
    assert_gone(stop.now_or_never().expect("a hang"));
    // Those that are left can be waited for with the clock of another.
    drop(connection);
    let mut other = Core::new().unwrap();
    let stop = tracker.stop(HANG, &other.handle());
    assert_eq!(run(&mut other, stop).unwrap(), 0);
}
