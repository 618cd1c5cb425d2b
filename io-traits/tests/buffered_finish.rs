//! `BufWriter::finish`: what was written is out before the writer below comes back, or nothing is lost.

mod common;

use std::io::ErrorKind;

use common::{Log, drive, poll_once};
use futures::executor::block_on;
use io_traits::{BufWriter, duplex, io::write_all, testing::Script};

fn dirty(below: Script) -> BufWriter<Script> {
    let mut writer = BufWriter::new(below);
    block_on(write_all(&mut writer, b"abcdef")).unwrap();
    assert!(writer.get_ref().written().is_empty());
    writer
}

#[test]
fn a_finish_flushes_through_would_blocks_and_gives_the_writer_back() {
    let below = Script::new().takes(2).write_would_block().takes(3);
    let script = drive(dirty(below).finish()).0.unwrap();
    assert_eq!(script.written(), b"abcdef");
    assert_eq!(script.flushes(), 1);
    // It says no goodbye: that is for `shutdown`.
    assert!(!script.is_shut_down());
    // One that is clean has nothing to wait for but the flush below.
    let script = block_on(BufWriter::new(Script::new()).finish()).unwrap();
    assert_eq!((script.written().len(), script.flushes()), (0, 1));
}

#[test]
fn a_finish_that_waits_or_fails_gives_back_what_is_left() {
    let mut finish = dirty(Script::new().takes(2).never_takes()).finish();
    assert!(poll_once(&mut finish).is_pending());
    let mut writer = finish.into_inner().expect("it is not ready");
    assert_eq!(writer.buffer(), b"cdef");
    writer.get_mut().unblock_writes();
    assert_eq!(block_on(writer.finish()).unwrap().written(), b"abcdef");

    let broken = Script::new().takes(2).write_fails(ErrorKind::BrokenPipe);
    let mut finish = dirty(broken).finish();
    let error = block_on(&mut finish).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    // Polled again it goes on.
    assert_eq!(block_on(&mut finish).unwrap().written(), b"abcdef");
    assert!(finish.into_inner().is_none());
}

#[test]
fn a_finish_tells_of_nothing_lost_unless_it_is_dropped() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        drop(block_on(dirty(Script::new()).finish()).unwrap());
        assert_eq!(*log.0.lock().unwrap(), [""; 0]);
        drop(dirty(Script::new().never_takes()).finish());
    });
    assert_eq!(
        log.0.lock().unwrap().len(),
        usize::from(cfg!(debug_assertions))
    );
}

#[test]
fn what_is_finished_can_be_read_on() {
    block_on(async {
        let (one, mut two) = duplex(64);
        let mut writer = BufWriter::new(one);
        write_all(&mut writer, b"question").await.unwrap();
        let mut one = writer.finish().await.unwrap();
        let mut buf = [0; 8];
        io_traits::io::read_exact(&mut two, &mut buf).await.unwrap();
        assert_eq!(&buf, b"question");
        write_all(&mut two, b"answer").await.unwrap();
        assert_eq!(io_traits::io::read(&mut one, &mut buf).await.unwrap(), 6);
    });
}
