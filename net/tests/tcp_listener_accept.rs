//! Accepting goes on, whatever goes wrong with one connection or with the process.

mod common;

use std::{
    cell::Cell,
    future::poll_fn,
    io::{ErrorKind, Read, Write},
    net::TcpStream as StdStream,
    rc::Rc,
    task::Poll,
    time::Duration,
};

use common::{
    CountWakes, child, listen, open_descriptors, pair, poll_with, reset, run, settle,
    use_descriptors_up,
};
use futures::StreamExt;
use io_traits::{io as async_io, task};
use reactor::Core;
use rustix::process::{Resource, setrlimit};

#[test]
fn the_stream_of_connections_gives_each_of_them_once() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = listen(&core.handle());
    let mut incoming = listener.incoming();
    for _ in 0..3 {
        let peers: Vec<_> = (0..100)
            .map(|_| StdStream::connect(addr).unwrap())
            .collect();
        let mut accepted: Vec<_> = run(&mut core, async {
            let mut all = Vec::new();
            for _ in 0..100 {
                all.push(incoming.next().await.unwrap().unwrap().1);
            }
            all
        });
        let mut expected: Vec<_> = peers
            .iter()
            .map(|peer| peer.local_addr().unwrap())
            .collect();
        accepted.sort_unstable();
        expected.sort_unstable();
        assert_eq!(accepted, expected);
    }
    assert_eq!((incoming.skipped(), incoming.pauses()), (0, 0));
    assert!(poll_with(&mut incoming.next(), std::task::Waker::noop()).is_pending());
}

#[test]
fn an_accept_that_is_cancelled_loses_no_connection() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = listen(&core.handle());
    for _ in 0..20 {
        let (count, waker) = CountWakes::new();
        let mut cancelled = task::io(|| listener.accept());
        assert!(poll_with(&mut cancelled, &waker).is_pending());
        let peer = StdStream::connect(addr).unwrap();
        common::turn_until(&mut core, || count.get() > 0);
        drop(cancelled);
        let (_, from) = run(&mut core, task::io(|| listener.accept())).unwrap();
        assert_eq!(from, peer.local_addr().unwrap());
    }
}

#[test]
fn a_stream_of_connections_gives_its_listener_back() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = listen(&core.handle());
    let mut incoming = listener.incoming();
    assert_eq!(incoming.get_ref().local_addr().unwrap(), addr);
    let _first = StdStream::connect(addr).unwrap();
    run(&mut core, incoming.next()).unwrap().unwrap();
    let listener = incoming.into_inner();
    let _second = StdStream::connect(addr).unwrap();
    run(&mut core, task::io(|| listener.accept())).unwrap();
}

#[test]
fn a_connection_that_was_reset_before_it_was_accepted_is_not_the_end_of_the_others() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = listen(&core.handle());
    let mut incoming = listener.incoming();
    for _ in 0..20 {
        reset(StdStream::connect(addr).unwrap());
        let mut good = StdStream::connect(addr).unwrap();
        let good_addr = good.local_addr().unwrap();
        run(&mut core, async {
            loop {
                let (mut stream, from) = incoming.next().await.unwrap().unwrap();
                if from == good_addr {
                    good.write_all(b"x").unwrap();
                    async_io::read_exact(&mut stream, &mut [0; 1])
                        .await
                        .unwrap();
                    break;
                }
                // Linux hands the dead one out; whoever uses it hears of it, and nothing panics.
                let error = async_io::read(&mut stream, &mut [0; 1]).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                let _ = stream.peer_addr();
            }
        });
    }
}

#[test]
fn without_descriptors_accepting_pauses_and_goes_on_without_a_new_connection() {
    let test = "without_descriptors_accepting_pauses_and_goes_on_without_a_new_connection";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (listener, addr) = listen(&handle);
        let (mut live, mut live_peer) = pair(&handle);
        let mut incoming = listener.incoming();
        let peers: Vec<_> = (0..10).map(|_| StdStream::connect(addr).unwrap()).collect();
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

/// Nobody's log is filled by it: a line for each pause, and the pauses get longer.
#[test]
fn without_descriptors_there_is_one_line_of_log_for_each_pause() {
    let test = "without_descriptors_there_is_one_line_of_log_for_each_pause";
    child::alone(test, || {
        let log = common::wakers::Log::default();
        let _logging = tracing::subscriber::set_default(log.clone());
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (listener, addr) = listen(&handle);
        let mut incoming = listener.incoming();
        let _peers: Vec<_> = (0..10).map(|_| StdStream::connect(addr).unwrap()).collect();
        let _ballast = use_descriptors_up(0);
        let starved = handle.timeout(Duration::from_millis(300), incoming.next());
        run(&mut core, starved).unwrap_err();
        let lines = log.0.lock().unwrap();
        let pauses = lines
            .iter()
            .filter(|line| line.contains("accepting pauses"));
        let pauses = pauses.count() as u64;
        assert_eq!(pauses, incoming.pauses());
        assert!((1..10).contains(&pauses), "{pauses}");
        let warnings = lines.iter().filter(|line| line.starts_with("WARN"));
        assert_eq!(warnings.count() as u64, pauses);
    });
}

#[test]
fn without_descriptors_a_bare_accept_is_an_error_each_time_and_works_again_later() {
    let test = "without_descriptors_a_bare_accept_is_an_error_each_time_and_works_again_later";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let (listener, addr) = listen(&core.handle());
        let _peers: Vec<_> = (0..2).map(|_| StdStream::connect(addr).unwrap()).collect();
        let (_ballast, before) = use_descriptors_up(0);
        for _ in 0..3 {
            let error = run(&mut core, task::io(|| listener.accept())).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        }
        let error = Core::new().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        setrlimit(Resource::Nofile, before).unwrap();
        // No new edge: the failed accept has taken nothing back.
        for _ in 0..2 {
            run(&mut core, task::io(|| listener.accept())).unwrap();
        }
    });
}

/// Accepts two connections while strace makes calls fail; the first argument of `check` are those
/// that were skipped, the second the pauses.
fn accepts_although(test: &str, call: &str, errors: &[&str], when: &str, check: fn(u64, u64)) {
    for error in errors {
        let inject = format!("inject={call}:error={error}:when={when}");
        let trace = child::traced(test, &["-e", &inject], || {
            let mut core = Core::new().unwrap();
            let (listener, addr) = listen(&core.handle());
            let mut incoming = listener.incoming();
            let descriptors = open_descriptors();
            let peers = [addr; 4].map(|addr| StdStream::connect(addr).unwrap());
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
    let test = "the_error_of_one_connection_is_skipped_and_counted";
    let errors = [
        "ECONNABORTED",
        "EPROTO",
        "EPERM",
        "ENETDOWN",
        "EHOSTUNREACH",
        "EOPNOTSUPP",
        "ENONET",
    ];
    accepts_although(test, "accept4", &errors, "1..2", |skipped, pauses| {
        assert_eq!((skipped, pauses), (2, 0));
    });
}

#[test]
fn a_lack_of_something_in_the_system_pauses_and_goes_on() {
    let test = "a_lack_of_something_in_the_system_pauses_and_goes_on";
    let errors = ["ENFILE", "ENOMEM", "ENOBUFS", "EMFILE"];
    accepts_although(test, "accept4", &errors, "1..2", |skipped, pauses| {
        assert_eq!((skipped, pauses), (0, 2));
    });
}

#[test]
fn an_accepted_connection_that_cannot_be_registered_is_closed_and_the_next_one_comes() {
    let test = "an_accepted_connection_that_cannot_be_registered_is_closed_and_the_next_one_comes";
    // The first two calls are those of the doorbell and of the listener. The fourth one calms the
    // listener, which has connections while the pause lasts.
    accepts_although(
        test,
        "epoll_ctl",
        &["ENOSPC", "ENOMEM"],
        "3..5+2",
        |skipped, pauses| {
            assert_eq!((skipped, pauses), (0, 2));
        },
    );
}

#[test]
fn a_listener_dropped_with_connections_in_its_queue_resets_them_and_frees_who_waits() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (listener, addr) = listen(&handle);
    let mut peer = StdStream::connect(addr).unwrap();
    peer.set_read_timeout(Some(common::HANG)).unwrap();
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
    let (listener, addr) = listen(&core.handle());
    let peers: Vec<_> = (0..400)
        .map(|_| StdStream::connect(addr).unwrap())
        .collect();
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
