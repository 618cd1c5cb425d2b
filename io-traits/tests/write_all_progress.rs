//! `write_all`, and what can be seen of a write that is not done.

mod common;

use std::io::ErrorKind;

use common::{drive, poll_once};
use futures::executor::block_on;
use io_traits::{
    io::{flush, shutdown, write_all},
    testing::Script,
};

const MESSAGE: &[u8] = b"split me anywhere";

#[test]
fn every_split_with_a_would_block_between_writes_the_same_bytes() {
    for first in 1..=MESSAGE.len() {
        for second in 1..=MESSAGE.len() {
            let mut script = Script::new()
                .takes(first)
                .write_would_block()
                .takes(second)
                .write_would_block();
            drive(write_all(&mut script, MESSAGE)).0.unwrap();
            assert_eq!(script.written(), MESSAGE, "{first}, then {second}");
        }
    }
}

#[test]
fn written_tells_how_far_it_came() {
    let mut script = Script::new()
        .takes(3)
        .write_would_block()
        .takes(2)
        .never_takes();
    let mut future = write_all(&mut script, MESSAGE);
    assert_eq!(future.written(), 0);
    assert!(poll_once(&mut future).is_pending());
    assert_eq!(future.written(), 3);
    assert!(poll_once(&mut future).is_pending());
    assert_eq!(future.written(), 5);
    drop(future);
    assert_eq!(script.written(), &MESSAGE[..5]);
}

#[test]
fn whoever_goes_on_after_a_cancelled_write_writes_each_byte_once() {
    let mut script = Script::new().takes(3).write_would_block();
    let mut future = write_all(&mut script, MESSAGE);
    assert!(poll_once(&mut future).is_pending());
    let written = future.written();
    block_on(write_all(&mut script, &MESSAGE[written..])).unwrap();
    assert_eq!(script.written(), MESSAGE);
}

#[test]
fn a_writer_that_takes_nothing_is_write_zero_and_not_a_loop() {
    let mut script = Script::new().takes(4).takes(0);
    let mut future = write_all(&mut script, MESSAGE);
    let error = drive(&mut future).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!(future.written(), 4);

    // A slice takes what fits.
    let mut room = [0; 4];
    let error = block_on(write_all(&mut &mut room[..], MESSAGE)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!(room, MESSAGE[..4]);
}

#[test]
fn an_error_passes_through_and_interrupted_does_not() {
    let mut script = Script::new()
        .takes(1)
        .write_fails(ErrorKind::Interrupted)
        .takes(1)
        .write_fails(ErrorKind::BrokenPipe);
    let mut future = write_all(&mut script, MESSAGE);
    let error = drive(&mut future).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(future.written(), 2);
}

#[test]
fn nothing_is_written_at_once() {
    let mut script = Script::new().never_takes();
    assert!(poll_once(&mut write_all(&mut script, b"")).is_ready());
    assert_eq!(script.write_calls(), 0);
}

#[test]
fn write_all_does_not_flush_and_shutdown_does() {
    let mut script = Script::new();
    block_on(write_all(&mut script, MESSAGE)).unwrap();
    assert_eq!(script.flushes(), 0);
    block_on(flush(&mut script)).unwrap();
    assert_eq!(script.flushes(), 1);
    assert!(!script.is_shut_down());
    block_on(shutdown(&mut script)).unwrap();
    assert!(script.is_shut_down());
}
