//! Reads and writes that do not wait for ever.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    time::{Duration, Instant},
};

use common::{HANG, fill, pair, poll_with, run, settle, with_cx};
use io_traits::{
    AsyncRead, AsyncWrite, BufWriter,
    io::{flush, read, read_exact, shutdown, write, write_all},
    task,
};
use net::{Deadline, TcpStream};
use reactor::{Core, Elapsed};

const SHORT: Duration = Duration::from_millis(20);

#[test]
fn a_read_of_a_silent_peer_is_timed_out_and_the_next_one_works() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = pair(&handle);
    let mut stream = Deadline::new(stream, &handle).read_limit(SHORT);
    for _ in 0..2 {
        let begun = Instant::now();
        let error = run(&mut core, read(&mut stream, &mut [0; 4])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.get_ref().unwrap().is::<Elapsed>());
        assert!(begun.elapsed() >= SHORT, "too early");
    }
    let error = run(&mut core, task::io(|| stream.read(&mut [0; 4]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    peer.write_all(b"data").unwrap();
    assert_eq!(
        run(&mut core, task::io(|| stream.read(&mut [0; 4]))).unwrap(),
        4
    );
    // Writing has no limit.
    run(&mut core, write_all(&mut stream, b"x")).unwrap();
}

#[test]
fn a_write_to_a_peer_that_does_not_read_is_timed_out_and_goes_on_when_it_reads() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = pair(&handle);
    let filled = fill(&stream);
    let mut stream = Deadline::new(stream, &handle).write_limit(SHORT);
    let error = run(&mut core, write(&mut stream, b"data")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let slices = [std::io::IoSlice::new(b"da"), std::io::IoSlice::new(b"ta")];
    let error = run(&mut core, task::io(|| stream.write_vectored(&slices))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.get_ref().unwrap().is::<Elapsed>());
    peer.read_exact(&mut vec![0; filled]).unwrap();
    run(&mut core, write_all(&mut stream, b"data")).unwrap();
    let mut buf = [0; 4];
    peer.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"data");
}

#[test]
fn a_flush_and_a_shutdown_have_the_limit_of_writes() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, _peer) = pair(&handle);
    fill(&stream);
    let mut stream = Deadline::new(BufWriter::new(stream), &handle).write_limit(SHORT);
    run(&mut core, write(&mut stream, b"data")).unwrap();
    let error = run(&mut core, flush(&mut stream)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let error = run(&mut core, task::io(|| stream.flush())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let error = run(&mut core, shutdown(&mut stream)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    // Nothing to flush: no task needed.
    let (stream, _peer) = pair(&handle);
    let mut stream = Deadline::new(stream, &handle).write_limit(SHORT);
    stream.flush().unwrap();
}

#[test]
fn a_timer_exists_only_while_an_operation_waits() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = pair(&handle);
    let mut stream = Deadline::new(stream, &handle)
        .read_limit(HANG)
        .write_limit(HANG);
    assert!(core.next_deadline().is_none());
    peer.write_all(b"data").unwrap();
    assert!(common::is_readable(
        std::os::fd::AsFd::as_fd(&stream),
        10_000
    ));
    let noop = std::task::Waker::noop();
    let mut buf = [0; 4];
    with_cx(noop, |cx| {
        // Ready at once: no timer.
        assert!(task::enter(cx, || stream.read(&mut buf)).is_ok());
        assert!(stream.poll_write_from(cx, b"x").is_ready());
    });
    assert!(core.next_deadline().is_none());
    assert!(poll_with(&mut read(&mut stream, &mut buf), noop).is_pending());
    assert!(poll_with(&mut read(&mut stream, &mut buf), noop).is_pending());
    assert!(core.next_deadline().is_some());
    peer.write_all(b"more").unwrap();
    run(&mut core, read_exact(&mut stream, &mut buf)).unwrap();
    assert!(core.next_deadline().is_none());
    assert!(poll_with(&mut read(&mut stream, &mut buf), noop).is_pending());
    drop(stream.into_inner());
    assert!(core.next_deadline().is_none());
}

/// The limit is on silence: a message that comes in pieces takes as long as it takes.
#[test]
fn every_byte_that_comes_begins_the_time_anew() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = pair(&handle);
    let limit = Duration::from_millis(200);
    let mut stream = Deadline::new(stream, &handle).read_limit(limit);
    let mut buf = [0; 8];
    let sent = async {
        for _ in 0..8 {
            handle.sleep(limit / 4).await.unwrap();
            peer.write_all(b"x").unwrap();
        }
    };
    let begun = Instant::now();
    let (result, ()) = run(&mut core, async {
        futures::join!(read_exact(&mut stream, &mut buf), sent)
    });
    // A machine that was busy for long at the wrong moment proves nothing.
    if let Err(error) = result {
        assert!(begun.elapsed() > 3 * limit, "{error}");
    }
}

#[test]
fn a_limit_that_is_changed_or_taken_away_is_changed_at_once() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = pair(&handle);
    let mut stream = Deadline::new(stream, &handle).read_limit(SHORT);
    let noop = std::task::Waker::noop();
    assert!(poll_with(&mut read(&mut stream, &mut [0; 4]), noop).is_pending());
    stream.set_read_limit(None);
    assert!(core.next_deadline().is_none());
    run(&mut core, handle.sleep(2 * SHORT)).unwrap();
    assert!(poll_with(&mut read(&mut stream, &mut [0; 4]), noop).is_pending());
    peer.write_all(b"data").unwrap();
    assert_eq!(run(&mut core, read(&mut stream, &mut [0; 4])).unwrap(), 4);
    stream.set_read_limit(Some(SHORT));
    run(&mut core, read(&mut stream, &mut [0; 4])).unwrap_err();
}

#[test]
fn when_the_core_is_gone_a_deadline_says_so() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, _peer) = pair(&handle);
    let mut stream = Deadline::new(stream, &handle).read_limit(HANG);
    let noop = std::task::Waker::noop();
    assert!(poll_with(&mut read(&mut stream, &mut [0; 4]), noop).is_pending());
    drop(core);
    let polled = poll_with(&mut read(&mut stream, &mut [0; 4]), noop);
    let std::task::Poll::Ready(result) = polled else {
        panic!("pending");
    };
    common::assert_gone(result);
}

#[test]
fn halves_have_limits_of_their_own() {
    fn is_stream<T: AsyncRead + AsyncWrite>() {}
    is_stream::<Deadline<TcpStream>>();
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = pair(&handle);
    let (reads, writes) = stream.into_split();
    let mut reads = Deadline::new(reads, &handle).read_limit(SHORT);
    let mut writes = Deadline::new(writes, &handle).write_limit(HANG);
    let mut buf = [0; 4];
    let (late, sent) = run(&mut core, async {
        futures::join!(read(&mut reads, &mut buf), write_all(&mut writes, b"data"))
    });
    assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
    sent.unwrap();
    settle(&mut core);
    peer.read_exact(&mut [0; 4]).unwrap();
}
