//! Witnesses: what was seen of readiness, and what may be taken back of it.

mod common;

use std::{
    io::{self, ErrorKind, Read, Write},
    task::{Context, Poll, Waker, ready},
};

use common::{CountWakes, parks, run, settle, turn_until, udp_pair, unix_pair, with_cx};
use futures::FutureExt;
use io_traits::task;
use reactor::{Core, Direction, PollEvented, Progress, mio::net::UdpSocket};

/// The example of the crate's documentation.
fn recv(io: &PollEvented<UdpSocket>, buf: &mut [u8]) -> io::Result<usize> {
    task::poll(|cx| {
        let witness = ready!(io.poll_read(cx))?;
        match io.get_ref().recv(buf) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                io.need_read(cx, witness)?;
                Poll::Pending
            }
            result => Poll::Ready(result),
        }
    })
}

#[test]
fn an_operation_made_of_a_witness_waits_for_data_and_gets_it() {
    let mut core = Core::new().unwrap();
    let (udp, sender) = udp_pair(&core.handle());
    let (count, waker) = CountWakes::new();
    let mut buf = [0; 16];
    let error = with_cx(&waker, |cx| task::enter(cx, || recv(&udp, &mut buf))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    settle(&mut core);
    assert_eq!(count.get(), 0);
    sender.send(b"datagram").unwrap();
    turn_until(&mut core, || count.get() == 1);
    assert_eq!(
        run(&mut core, task::io(|| recv(&udp, &mut buf))).unwrap(),
        8
    );
}

#[test]
fn a_witness_of_another_object_is_refused_and_clears_nothing() {
    let core = Core::new().unwrap();
    let (one, _one_peer) = unix_pair(&core.handle());
    let (two, _two_peer) = unix_pair(&core.handle());
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(read)) = one.poll_read(&mut cx) else {
        panic!("a new object is tried first");
    };
    assert_eq!(
        two.need_read(&mut cx, read).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    let Poll::Ready(Ok(write)) = one.poll_write(&mut cx) else {
        panic!("a new object is tried first");
    };
    assert_eq!(
        two.need_write(&mut cx, write).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    for io in [&one, &two] {
        assert!(io.poll_read(&mut cx).is_ready());
        assert!(io.poll_write(&mut cx).is_ready());
    }
}

#[test]
fn need_read_after_a_newer_event_wakes_the_task() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let (count, waker) = CountWakes::new();
    let mut cx = Context::from_waker(&waker);
    let Poll::Ready(Ok(witness)) = stream.poll_read(&mut cx) else {
        panic!("a new object is tried first");
    };
    // The event lands between the would-block and the call.
    peer.write_all(b"x").unwrap();
    settle(&mut core);
    stream.need_read(&mut cx, witness).unwrap();
    assert_eq!(count.get(), 1);
    assert!(stream.poll_read(&mut cx).is_ready());
}

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) reports once until a task waits, and none does in between"
)]
fn a_stale_witness_never_erases_a_newer_event_however_many_came() {
    let mut core = Core::new().unwrap();
    let (udp, sender) = udp_pair(&core.handle());
    settle(&mut core);
    let mut cx = Context::from_waker(Waker::noop());
    for events in [1, 256] {
        let Poll::Ready(Ok(witness)) = udp.poll_read(&mut cx) else {
            panic!("it is ready");
        };
        for _ in 0..events {
            let before = core.handle().metrics().events;
            sender.send(b"x").unwrap();
            let handle = core.handle();
            turn_until(&mut core, || handle.metrics().events > before);
            udp.get_ref().recv(&mut [0; 8]).unwrap();
        }
        udp.need_read(&mut cx, witness).unwrap();
        assert!(
            udp.poll_read(&mut cx).is_ready(),
            "erased after {events} events"
        );
    }
}

#[test]
fn an_event_of_the_other_direction_does_not_keep_stale_readiness() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let mut cx = Context::from_waker(Waker::noop());
    // Parks a writer and lets it be woken, between the witness and the clear of a reader.
    let mut filled = 0;
    while let Ok(n) = stream.try_write_with(|mut io| io.write(&[0; 4096])) {
        filled += n;
    }
    let Poll::Ready(Ok(witness)) = stream.poll_read(&mut cx) else {
        panic!("a new object is tried first");
    };
    let (writer, waker) = CountWakes::new();
    assert!(parks(&stream, Direction::Write, &waker));
    peer.read_exact(&mut vec![0; filled]).unwrap();
    turn_until(&mut core, || writer.get() == 1);
    stream.need_read(&mut cx, witness).unwrap();
    assert!(
        stream.poll_read(&mut cx).is_pending(),
        "that would be a livelock"
    );
}

#[test]
fn a_mistaken_need_read_is_mended_by_the_next_event() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    peer.write_all(b"unread").unwrap();
    settle(&mut core);
    let (count, waker) = CountWakes::new();
    let mut cx = Context::from_waker(&waker);
    let Poll::Ready(Ok(witness)) = stream.poll_read(&mut cx) else {
        panic!("there is data");
    };
    stream.need_read(&mut cx, witness).unwrap();
    peer.write_all(b"more").unwrap();
    turn_until(&mut core, || count.get() == 1);
    assert!(stream.poll_read(&mut cx).is_ready());
}

#[test]
fn a_forgotten_need_read_is_a_busy_loop_and_not_a_hang() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    peer.write_all(b"x").unwrap();
    settle(&mut core);
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(stream.get_ref().read(&mut [0; 8]).unwrap(), 1);
    for _ in 0..100 {
        assert!(stream.poll_read(&mut cx).is_ready());
        settle(&mut core);
    }
}

#[test]
fn readiness_stays_until_it_is_taken_back() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    peer.write_all(b"x").unwrap();
    settle(&mut core);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..10 {
        assert!(stream.poll_read(&mut cx).is_ready());
        assert!(stream.poll_write(&mut cx).is_ready());
    }
}

#[test]
fn a_witness_tells_of_the_peers_close() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = unix_pair(&core.handle());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(stream.poll_read(&mut cx), Poll::Ready(Ok(witness)) if !witness.is_closed()));
    drop(peer);
    settle(&mut core);
    assert!(matches!(stream.poll_read(&mut cx), Poll::Ready(Ok(witness)) if witness.is_closed()));
    // It is information, never permission to try for ever.
    let Poll::Ready(Ok(witness)) = stream.poll_read(&mut cx) else {
        panic!("it is ready");
    };
    stream.need_read(&mut cx, witness).unwrap();
    assert!(stream.poll_read(&mut cx).is_pending());
}

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) has no edges, so \"drained\" is not believed"
)]
fn drained_is_judged_by_what_was_seen_before_the_operation() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let mut cx = Context::from_waker(Waker::noop());
    let polled = stream.poll_read_draining(&mut cx, |_| {
        // New data and its event come while the operation runs.
        peer.write_all(b"x").unwrap();
        settle(&mut core);
        Ok(Progress::drained(()))
    });
    assert!(matches!(polled, Poll::Ready(Ok(()))));
    assert!(
        stream.poll_read(&mut cx).is_ready(),
        "the newer event was erased"
    );

    let polled = stream.poll_read_draining(&mut cx, |_| Ok(Progress::drained(())));
    assert!(matches!(polled, Poll::Ready(Ok(()))));
    assert!(
        stream.poll_read(&mut cx).is_pending(),
        "drained means drained"
    );
}

#[test]
fn drained_is_not_trusted_after_the_peers_close() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    peer.write_all(b"last words").unwrap();
    drop(peer);
    settle(&mut core);
    let mut cx = Context::from_waker(Waker::noop());
    let mut read = |expected: usize| {
        let polled = stream.poll_read_draining(&mut cx, |mut io| {
            io.read(&mut [0; 64]).map(Progress::drained)
        });
        assert!(matches!(polled, Poll::Ready(Ok(n)) if n == expected));
    };
    read(10);
    for _ in 0..10 {
        read(0);
    }
}

#[test]
fn try_forms_need_no_task_and_take_readiness_back_on_would_block() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let read = || stream.try_read_with(|mut io| io.read(&mut [0; 8]));
    for _ in 0..3 {
        assert_eq!(read().unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    assert!(stream.readable().now_or_never().is_none());
    peer.write_all(b"x").unwrap();
    run(&mut core, stream.readable()).unwrap();
    assert_eq!(read().unwrap(), 1);
}
