//! What the system reports, and whom it wakes.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    task::Waker,
};

use common::{
    Borrowed, CountWakes, child, number, poll_with, run, settle, turn_until, udp_pair, unix_pair,
    with_cx,
};
use io_traits::{io as async_io, task};
use reactor::{
    Core, PollEvented,
    mio::{net::UdpSocket, unix::pipe},
};

#[test]
fn the_hang_up_of_a_pipe_wakes_its_reader_who_reads_the_end() {
    let mut core = Core::new().unwrap();
    let (to, from) = pipe::new().unwrap();
    let mut from = PollEvented::on_demand(from, &core.handle()).unwrap();
    let (count, waker) = CountWakes::new();
    assert!(with_cx(&waker, |cx| task::enter(cx, || from.read(&mut [0; 4]))).is_err());
    drop(to);
    turn_until(&mut core, || count.get() > 0);
    for _ in 0..10 {
        assert_eq!(
            run(&mut core, task::io(|| from.read(&mut [0; 4]))).unwrap(),
            0
        );
    }
}

#[test]
fn the_reader_of_a_pipe_that_goes_wakes_its_writer_who_hears_of_it() {
    let mut core = Core::new().unwrap();
    let (to, from) = pipe::new().unwrap();
    let mut to = PollEvented::on_demand(to, &core.handle()).unwrap();
    let (count, waker) = CountWakes::new();
    while with_cx(&waker, |cx| task::enter(cx, || to.write(&[0; 4096]))).is_ok() {}
    settle(&mut core);
    assert_eq!(count.get(), 0);
    drop(from);
    turn_until(&mut core, || count.get() > 0);
    let error = run(&mut core, async_io::write_all(&mut to, b"x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[test]
fn bytes_go_through_a_pipe_with_both_ends_in_one_core() {
    let mut core = Core::new().unwrap();
    let (to, from) = pipe::new().unwrap();
    let mut to = PollEvented::on_demand(to, &core.handle()).unwrap();
    let mut from = PollEvented::on_demand(from, &core.handle()).unwrap();
    let message: Vec<u8> = (0..1_000_000_u32).map(|n| n as u8).collect();
    let (written, read) = run(&mut core, async {
        let write = async {
            async_io::write_all(&mut to, &message).await.unwrap();
            drop(to);
        };
        let mut received = Vec::new();
        let read = async_io::copy(&mut from, &mut received);
        let (written, read) = futures::join!(write, read);
        read.unwrap();
        (written, received)
    });
    let () = written;
    assert!(read == message);
}

#[test]
fn a_refused_datagram_arrives_as_an_error_alone_and_wakes_a_reader() {
    // Alone: a process that another test is starting has our descriptors for a moment, so that the
    // socket that is closed here would go on receiving.
    let test = "a_refused_datagram_arrives_as_an_error_alone_and_wakes_a_reader";
    child::alone(test, send_a_datagram_that_is_refused);
}

fn send_a_datagram_that_is_refused() {
    let mut core = Core::new().unwrap();
    let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.connect(gone.local_addr().unwrap()).unwrap();
    drop(gone);
    let socket = PollEvented::on_demand(socket, &core.handle()).unwrap();
    let recv = || {
        task::io(|| task::poll(|cx| socket.poll_read_with(cx, |socket| socket.recv(&mut [0; 8]))))
    };
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut recv(), &waker).is_pending());
    assert_eq!(
        socket.try_write_with(|socket| socket.send(b"?")).unwrap(),
        1
    );
    turn_until(&mut core, || count.get() > 0);
    assert_eq!(
        run(&mut core, recv()).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
    // It is said once, and the socket goes on.
    assert!(poll_with(&mut recv(), Waker::noop()).is_pending());
}

#[test]
fn many_datagrams_behind_one_event_are_all_read() {
    let mut core = Core::new().unwrap();
    let (udp, sender) = udp_pair(&core.handle());
    for n in 0..100_u8 {
        sender.send(&[n]).unwrap();
    }
    settle(&mut core);
    run(&mut core, async {
        for n in 0..100 {
            let mut buf = [0; 8];
            let recv = std::future::poll_fn(|cx| udp.poll_read_with(cx, |udp| udp.recv(&mut buf)));
            assert_eq!(recv.await.unwrap(), 1);
            assert_eq!(buf[0], n);
        }
    });
}

#[test]
fn an_empty_datagram_is_a_datagram() {
    let mut core = Core::new().unwrap();
    let (udp, sender) = udp_pair(&core.handle());
    sender.send(b"").unwrap();
    let recv = std::future::poll_fn(|cx| udp.poll_read_with(cx, |udp| udp.recv(&mut [0; 8])));
    assert_eq!(run(&mut core, recv).unwrap(), 0);
}

#[test]
fn more_ready_objects_than_one_batch_holds_are_all_served() {
    child::alone(
        "more_ready_objects_than_one_batch_holds_are_all_served",
        || {
            let mut core = Core::new().unwrap();
            let handle = core.handle();
            let (streams, mut peers): (Vec<_>, Vec<_>) =
                (0..1_500).map(|_| unix_pair(&handle)).unzip();
            let tasks: Vec<_> = streams
                .into_iter()
                .map(|mut stream| {
                    core.spawner().spawn(async move {
                        async_io::read_exact(&mut stream, &mut [0; 1])
                            .await
                            .unwrap();
                    })
                })
                .collect();
            while core.next_deadline().is_some() {
                settle(&mut core);
            }
            for peer in &mut peers {
                peer.write_all(b"x").unwrap();
            }
            for joined in run(&mut core, futures::future::join_all(tasks)) {
                joined.unwrap();
            }
        },
    );
}

/// A signal, a debugger or a stopped process ends a wait of the poller early.
#[test]
fn an_interrupted_wait_is_not_seen_and_loses_nothing() {
    let test = "an_interrupted_wait_is_not_seen_and_loses_nothing";
    let inject = format!("inject={WAIT}:error=EINTR:when=1+3");
    let trace = child::traced(test, &["-e", &inject], || {
        child::watched(|| {
            let mut core = Core::new().unwrap();
            let (stream, mut peer) = unix_pair(&core.handle());
            let handle = core.handle();
            let echo = core.spawner().spawn(async move {
                let mut stream = stream;
                let mut buf = [0; 1];
                for _ in 0..20 {
                    async_io::read_exact(&mut stream, &mut buf).await.unwrap();
                }
            });
            let ticks = async {
                for _ in 0..20 {
                    peer.write_all(b"x").unwrap();
                    let begin = std::time::Instant::now();
                    let short = std::time::Duration::from_millis(2);
                    handle.sleep(short).await.unwrap();
                    assert!(begin.elapsed() >= short);
                }
            };
            run(&mut core, ticks);
            run(&mut core, echo).unwrap();
        });
    });
    if let Some(trace) = trace {
        assert!(trace.lines("EINTR") >= 5, "nothing was injected");
    }
}

#[test]
fn a_broken_poller_is_an_error_of_run_and_not_a_panic() {
    let test = "a_broken_poller_is_an_error_of_run_and_not_a_panic";
    let inject = format!("inject={WAIT}:error=EBADF:when=3+");
    child::traced(test, &["-e", &inject], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let sleep = handle.sleep(std::time::Duration::from_secs(60));
        let error = (0..10).find_map(|_| core.turn(Some(std::time::Duration::ZERO)).err());
        assert_eq!(error.unwrap().raw_os_error(), Some(9));
        assert!(core.run(sleep).is_err());
        drop(core);
    });
}

#[test]
fn a_core_that_cannot_be_made_is_an_error_and_leaves_nothing_behind() {
    for call in MAKE {
        let test = "a_core_that_cannot_be_made_is_an_error_and_leaves_nothing_behind";
        let inject = format!("inject={call}:error=EMFILE");
        let trace = child::traced(test, &["-e", &inject], || {
            let before = common::open_descriptors();
            assert!(Core::new().is_err());
            assert_eq!(common::open_descriptors(), before);
        });
        assert!(
            trace.is_none_or(|trace| trace.lines("EMFILE") > 0),
            "{call} is not called"
        );
    }
}

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "mio keeps a list for poll(2): the system cannot refuse"
)]
fn a_registration_that_the_system_refuses_gives_the_object_and_the_place_back() {
    let test = "a_registration_that_the_system_refuses_gives_the_object_and_the_place_back";
    // The first is the doorbell's.
    let inject = ["-e", "inject=epoll_ctl:error=ENOSPC:when=2..3"];
    child::traced(test, &inject, || {
        let core = Core::new().unwrap();
        let handle = core.handle();
        let (socket, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut io = Borrowed(number(&socket));
        for _ in 0..2 {
            let error = PollEvented::new(io, &handle).unwrap_err();
            assert_eq!(error.error().kind(), ErrorKind::StorageFull);
            assert_eq!(handle.metrics().registered, 0);
            io = error.into_inner();
        }
        drop(PollEvented::new(io, &handle).unwrap());
    });
}

/// Readiness that an event told of and that was not there; not what was only assumed.
#[test]
fn readiness_for_nothing_is_counted() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = unix_pair(&handle);
    let read = || stream.try_read_with(|mut io| io.read(&mut [0; 8]));
    assert!(read().is_err());
    assert_eq!(handle.metrics().spurious, 0, "it was only assumed");
    for rounds in 1..=3 {
        peer.write_all(b"x").unwrap();
        run(&mut core, stream.readable()).unwrap();
        assert_eq!(read().unwrap(), 1);
        assert_eq!(handle.metrics().spurious, rounds - 1);
        assert!(read().is_err());
        assert_eq!(handle.metrics().spurious, rounds);
        // By now it is known.
        assert!(read().is_err());
        assert_eq!(handle.metrics().spurious, rounds);
    }
}

/// eventfd(2): a counter that is full says "would block" to whoever writes.
#[test]
#[cfg_attr(
    mio_unsupported_force_waker_pipe,
    ignore = "a pipe that is full has woken the loop already"
)]
fn a_wake_that_finds_the_bell_full_or_is_interrupted_is_not_lost() {
    let test = "a_wake_that_finds_the_bell_full_or_is_interrupted_is_not_lost";
    // The writes of each thread are counted by themselves. mio takes back what is in the counter, and
    // writes again.
    for error in ["EAGAIN", "EINTR"] {
        let inject = format!("inject=write:error={error}:when=1");
        let eventfd = ["-P", "anon_inode:[eventfd]", "-e", &inject];
        let trace = child::traced(test, &eventfd, || {
            let mut core = Core::new().unwrap();
            let (send, receive) = futures::channel::oneshot::channel();
            let handle = core.handle();
            let other = std::thread::spawn(move || {
                // The loop sleeps, or is about to.
                while handle.metrics().sleeps == 0 {
                    std::thread::yield_now();
                }
                send.send(7).unwrap();
            });
            assert_eq!(core.run(receive).unwrap(), Ok(7));
            other.join().unwrap();
        });
        assert!(
            trace.is_none_or(|trace| trace.lines(error) > 0),
            "nothing was injected"
        );
    }
}

/// The call that waits.
const WAIT: &str = match cfg!(mio_unsupported_force_poll_poll) {
    true => "poll",
    false => "epoll_wait",
};
/// Those that make a poller and its bell. mio has poll(2) without a call.
const MAKE: &[&str] = match (
    cfg!(mio_unsupported_force_poll_poll),
    cfg!(mio_unsupported_force_waker_pipe),
) {
    (true, true) => &["pipe2"],
    (true, false) => &["eventfd2"],
    (false, true) => &["epoll_create1", "pipe2", "fcntl"],
    (false, false) => &["epoll_create1", "eventfd2", "fcntl"],
};
