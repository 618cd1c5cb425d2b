//! `read_exact`, and what can be seen of a read that is not done.

mod common;

use std::io::ErrorKind;

use common::{drive, poll_once};
use futures::executor::block_on;
use io_traits::{
    io::{read, read_exact},
    testing::Script,
};

const MESSAGE: &[u8] = b"split me anywhere";

#[test]
fn every_split_with_a_would_block_between_gives_the_same_bytes() {
    for first in 0..=MESSAGE.len() {
        for second in first..=MESSAGE.len() {
            let mut script = Script::new();
            for part in [
                &MESSAGE[..first],
                &MESSAGE[first..second],
                &MESSAGE[second..],
            ] {
                // An empty part would be a read of 0 bytes, which is the end.
                if !part.is_empty() {
                    script = script.gives(part).would_block();
                }
            }
            let mut buf = [0; MESSAGE.len()];
            drive(read_exact(&mut script, &mut buf)).0.unwrap();
            assert_eq!(buf, MESSAGE, "split at {first} and {second}");
        }
    }
}

#[test]
fn takes_no_byte_more_than_it_was_asked_for() {
    let mut script = Script::new().gives(MESSAGE);
    let mut head = [0; 5];
    let mut tail = [0; MESSAGE.len() - 5];
    block_on(read_exact(&mut script, &mut head)).unwrap();
    block_on(read_exact(&mut script, &mut tail)).unwrap();
    assert_eq!([&head[..], &tail[..]].concat(), MESSAGE);
}

#[test]
fn filled_tells_how_far_it_came_and_the_bytes_are_in_the_buffer() {
    let mut script = Script::new().gives(b"abc").would_block().never_gives();
    let mut buf = [b'.'; 6];
    let mut future = read_exact(&mut script, &mut buf);
    assert_eq!(future.filled(), 0);
    assert!(poll_once(&mut future).is_pending());
    assert_eq!(future.filled(), 3);
    assert!(poll_once(&mut future).is_pending());
    assert_eq!(future.filled(), 3);
    drop(future);
    assert_eq!(&buf, b"abc...");
}

#[test]
fn an_early_end_is_unexpected_eof_and_what_came_is_in_the_buffer() {
    let mut script = Script::new().gives(b"abc").would_block();
    let mut buf = [b'.'; 6];
    let error = drive(read_exact(&mut script, &mut buf)).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(&buf, b"abc...");
}

#[test]
fn an_error_passes_through_and_interrupted_and_would_block_do_not() {
    let mut script = Script::new()
        .gives(b"a")
        .fails(ErrorKind::Interrupted)
        .would_block()
        .gives(b"b")
        .fails(ErrorKind::ConnectionReset);
    let mut buf = [0; 4];
    let mut future = read_exact(&mut script, &mut buf);
    let error = drive(&mut future).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(future.filled(), 2);
}

#[test]
fn an_empty_buffer_is_filled_at_once_without_a_read() {
    let mut script = Script::new().never_gives();
    assert!(poll_once(&mut read_exact(&mut script, &mut [])).is_ready());
    assert!(poll_once(&mut read(&mut script, &mut [])).is_ready());
    assert_eq!(script.read_calls(), 0);
}

#[test]
fn a_cancelled_read_has_read_nothing() {
    let mut script = Script::new().would_block().gives(b"late");
    let mut buf = [b'.'; 8];
    assert!(poll_once(&mut read(&mut script, &mut buf)).is_pending());
    assert_eq!(block_on(read(&mut script, &mut buf)).unwrap(), 4);
    assert_eq!(&buf, b"late....");
}

#[test]
fn the_end_stays_the_end() {
    let mut script = Script::new().gives(b"x");
    let mut buf = [0; 4];
    assert_eq!(block_on(read(&mut script, &mut buf)).unwrap(), 1);
    for _ in 0..100 {
        assert_eq!(block_on(read(&mut script, &mut buf)).unwrap(), 0);
    }
}
