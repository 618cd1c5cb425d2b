//! Accepting goes on, whatever goes wrong with one connection or with the process.

use std::{
    cell::Cell,
    future::poll_fn,
    io::{ErrorKind, Read, Write},
    rc::Rc,
    task::Poll,
    time::Duration,
};

use futures::StreamExt;
use io_traits::{io as async_io, task};
use reactor::Core;
use rustix::process::{Resource, setrlimit};

use super::{At, StdStream, Stream, assert_is_from, assert_listens_at, connect_std, listen, pair};
use crate::common::{
    CountWakes, HANG, child, open_descriptors, path_of, poll_with, run, settle, turn_until,
    use_descriptors_up,
};

/// Peers that have each sent their number.
fn numbered_peers(at: &At, count: u8) -> Vec<StdStream> {
    let numbered = |n| {
        let mut peer = connect_std(at);
        peer.write_all(&[n]).unwrap();
        peer
    };
    (0..count).map(numbered).collect()
}

async fn number_of(mut stream: Stream) -> u8 {
    let mut number = [0];
    async_io::read_exact(&mut stream, &mut number)
        .await
        .unwrap();
    number[0]
}

#[test]
fn the_stream_of_connections_gives_each_of_them_once() {
    let mut core = Core::new().unwrap();
    let (listener, at) = listen(&core.handle());
    let mut incoming = listener.incoming();
    for _ in 0..3 {
        let peers = numbered_peers(&at, 100);
        run(&mut core, async {
            for (n, peer) in (0..).zip(&peers) {
                let (stream, from) = incoming.next().await.unwrap().unwrap();
                assert_eq!(number_of(stream).await, n);
                assert_is_from(&from, peer);
            }
        });
    }
    assert_eq!((incoming.skipped(), incoming.pauses()), (0, 0));
    assert!(poll_with(&mut incoming.next(), std::task::Waker::noop()).is_pending());
}

#[test]
fn an_accept_that_is_cancelled_loses_no_connection() {
    let mut core = Core::new().unwrap();
    let (listener, at) = listen(&core.handle());
    for n in 0..20 {
        let (count, waker) = CountWakes::new();
        let mut cancelled = task::io(|| listener.accept());
        assert!(poll_with(&mut cancelled, &waker).is_pending());
        let mut peer = connect_std(&at);
        peer.write_all(&[n]).unwrap();
        turn_until(&mut core, || count.get() > 0);
        drop(cancelled);
        let (stream, from) = run(&mut core, task::io(|| listener.accept())).unwrap();
        assert_is_from(&from, &peer);
        assert_eq!(run(&mut core, number_of(stream)), n);
    }
}

#[test]
fn a_stream_of_connections_gives_its_listener_back() {
    let mut core = Core::new().unwrap();
    let (listener, at) = listen(&core.handle());
    let mut incoming = listener.incoming();
    assert_listens_at(incoming.get_ref(), &at);
    let _first = connect_std(&at);
    run(&mut core, incoming.next()).unwrap().unwrap();
    let listener = incoming.into_inner();
    let _second = connect_std(&at);
    run(&mut core, task::io(|| listener.accept())).unwrap();
}

#[test]
fn without_descriptors_accepting_pauses_and_goes_on_without_a_new_connection() {
    let test = path_of(
        module_path!(),
        "without_descriptors_accepting_pauses_and_goes_on_without_a_new_connection",
    );
    child::alone(&test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (listener, at) = listen(&handle);
        let (mut live, mut live_peer) = pair(&handle);
        let mut incoming = listener.incoming();
        let peers: Vec<_> = (0..10).map(|_| connect_std(&at)).collect();
        let (ballast, before) = use_descriptors_up(3);

        let mut accepted = Vec::new();
        run(&mut core, async {
            for _ in 0..3 {
                accepted.push(incoming.next().await.unwrap().unwrap().0);
            }
        });
        // Starved: no item, no end, no error; and the others are served meanwhile.
        let limit = Duration::from_millis(100);
        let starved = run(&mut core, async {
            let starved = handle.timeout(limit, incoming.next());
            let echo = async {
                for _ in 0..20 {
                    live_peer.write_all(b"x").unwrap();
                    async_io::read_exact(&mut live, &mut [0; 1]).await.unwrap();
                    async_io::write_all(&mut live, b"y").await.unwrap();
                    live_peer.read_exact(&mut [0; 1]).unwrap();
                }
            };
            futures::join!(starved, echo).0
        });
        assert_eq!(starved.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(
            (1..=8).contains(&incoming.pauses()),
            "{} pauses",
            incoming.pauses()
        );
        assert_eq!(incoming.skipped(), 0);
        // One is closed: one more comes, although no new connection announces itself.
        accepted.pop();
        accepted.push(run(&mut core, incoming.next()).unwrap().unwrap().0);
        // There is room again: all the others come, and the pause is short again.
        setrlimit(Resource::Nofile, before).unwrap();
        run(&mut core, async {
            for _ in 4..10 {
                accepted.push(incoming.next().await.unwrap().unwrap().0);
            }
        });
        assert_eq!(accepted.len(), 9);
        drop((peers, ballast));
    });
}

/// Accepts two of so many connections while strace makes calls fail; the first argument of `check` are those
/// that were skipped, the second the pauses.
fn accepts_although(
    test: &str,
    call: &str,
    errors: &[&str],
    when: &str,
    connections: usize,
    check: fn(u64, u64),
) {
    for error in errors {
        let inject = format!("inject={call}:error={error}:when={when}");
        let trace = child::traced(test, &["-e", &inject], || {
            let mut core = Core::new().unwrap();
            let (listener, at) = listen(&core.handle());
            let mut incoming = listener.incoming();
            let descriptors = open_descriptors();
            let peers: Vec<_> = (0..connections).map(|_| connect_std(&at)).collect();
            let skipped_and_paused = run(&mut core, async {
                let mut accepted = Vec::new();
                for _ in 0..2 {
                    accepted.push(incoming.next().await.unwrap().unwrap());
                }
                (incoming.skipped(), incoming.pauses())
            });
            check(skipped_and_paused.0, skipped_and_paused.1);
            drop(peers);
            assert_eq!(open_descriptors(), descriptors);
        });
        assert!(
            trace.is_none_or(|trace| trace.lines("INJECTED") == 2),
            "{error}"
        );
    }
}

#[test]
fn the_error_of_one_connection_is_skipped_and_counted() {
    let test = path_of(
        module_path!(),
        "the_error_of_one_connection_is_skipped_and_counted",
    );
    let errors = [
        "ECONNABORTED",
        "EPROTO",
        "EPERM",
        "ENETDOWN",
        "EHOSTUNREACH",
        "EOPNOTSUPP",
        "ENONET",
    ];
    accepts_although(&test, "accept4", &errors, "1..2", 2, |skipped, pauses| {
        assert_eq!((skipped, pauses), (2, 0));
    });
}

#[test]
fn a_lack_of_something_in_the_system_pauses_and_goes_on() {
    let test = path_of(
        module_path!(),
        "a_lack_of_something_in_the_system_pauses_and_goes_on",
    );
    let errors = ["ENFILE", "ENOMEM", "ENOBUFS", "EMFILE"];
    accepts_although(&test, "accept4", &errors, "1..2", 2, |skipped, pauses| {
        assert_eq!((skipped, pauses), (0, 2));
    });
}

#[test]
fn an_accept_that_a_signal_interrupts_is_tried_again_at_once() {
    let test = path_of(
        module_path!(),
        "an_accept_that_a_signal_interrupts_is_tried_again_at_once",
    );
    accepts_although(
        &test,
        "accept4",
        &["EINTR"],
        "1..2",
        2,
        |skipped, pauses| {
            assert_eq!((skipped, pauses), (0, 0));
        },
    );
}

#[test]
fn an_accepted_connection_that_cannot_be_registered_is_closed_and_the_next_one_comes() {
    let test = path_of(
        module_path!(),
        "an_accepted_connection_that_cannot_be_registered_is_closed_and_the_next_one_comes",
    );
    // The first two calls are those of the doorbell and of the listener. The fourth one calms the
    // listener, which has connections while the pause lasts.
    accepts_although(
        &test,
        "epoll_ctl",
        &["ENOSPC", "ENOMEM"],
        "3..5+2",
        // Two of them are those that are closed.
        4,
        |skipped, pauses| {
            assert_eq!((skipped, pauses), (0, 2));
        },
    );
}

#[test]
fn a_listener_dropped_with_connections_in_its_queue_resets_them_and_frees_who_waits() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (listener, at) = listen(&handle);
    let mut peer = connect_std(&at);
    peer.set_read_timeout(Some(HANG)).unwrap();
    drop(listener);
    let error = peer.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let (listener, _) = listen(&handle);
    let task = core
        .spawner()
        .spawn(async move { task::io(|| listener.accept()).await.map(drop) });
    settle(&mut core);
    task.abort();
    settle(&mut core);
    assert_eq!(handle.metrics().registered, 0);
}

#[test]
fn a_flood_of_connections_leaves_others_their_turn() {
    let mut core = Core::new().unwrap();
    let (listener, at) = listen(&core.handle());
    let peers: Vec<_> = (0..400).map(|_| connect_std(&at)).collect();
    settle(&mut core);
    let accepted = Rc::new(Cell::new(0));
    let counted = accepted.clone();
    drop(core.spawner().spawn(async move {
        let mut incoming = listener.incoming();
        while let Some(Ok(_)) = incoming.next().await {
            counted.set(counted.get() + 1);
        }
    }));
    let (mut last, mut most) = (0, 0);
    run(
        &mut core,
        poll_fn(|cx| {
            most = most.max(accepted.get() - last);
            last = accepted.get();
            if last == 400 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }),
    );
    assert!(most <= 128, "{most} connections in one poll");
    drop(peers);
}
