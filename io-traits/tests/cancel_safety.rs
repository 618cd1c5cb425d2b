//! What each helper says about being dropped while it waits: polled once, dropped, and gone on with.

mod common;

use std::io::{BufRead, IoSlice};

use bytes::{Buf, Bytes, BytesMut};
use common::{drive, poll_once};
use futures::{StreamExt, executor::block_on};
use io_traits::{
    BufReader,
    io::{
        copy, copy_bidirectional, copy_buf, fill_buf, flush, lines, read, read_buf, read_exact,
        read_lent, read_line, read_to_end, read_until, shutdown, skip, write, write_all,
        write_all_buf, write_vectored_all,
    },
    testing::Script,
};

/// Gives two pieces, with a wait before, between and after.
fn waits() -> Script {
    Script::new()
        .would_block()
        .gives(b"ab")
        .would_block()
        .gives(b"cd")
        .would_block()
}

/// Takes two bytes at a time, with a wait before each.
fn slow() -> Script {
    let step = |script: Script| script.write_would_block().takes(2);
    step(step(step(Script::new())))
}

#[test]
fn a_read_that_is_dropped_has_read_nothing() {
    let mut reader = waits();
    let mut buf = [0; 8];
    assert!(poll_once(&mut read(&mut reader, &mut buf)).is_pending());
    assert_eq!(buf, [0; 8]);
    assert_eq!(block_on(read(&mut reader, &mut buf)).unwrap(), 2);
    assert_eq!(&buf[..2], b"ab");
}

#[test]
fn a_read_buf_that_is_dropped_has_read_nothing() {
    let mut reader = waits();
    let mut buf = BytesMut::new();
    assert!(poll_once(&mut read_buf(&mut reader, &mut buf)).is_pending());
    assert!(buf.is_empty());
    assert_eq!(block_on(read_buf(&mut reader, &mut buf)).unwrap(), 2);
    assert_eq!(buf, "ab");
}

#[test]
fn a_read_lent_that_is_dropped_has_read_nothing() {
    let mut reader = waits();
    assert!(poll_once(&mut read_lent(&mut reader)).is_pending());
    assert_eq!(&block_on(read_lent(&mut reader)).unwrap()[..], b"ab");
    assert_eq!(&block_on(read_lent(&mut reader)).unwrap()[..], b"cd");
    assert!(block_on(read_lent(&mut reader)).unwrap().is_empty());
}

#[test]
fn a_read_exact_tells_how_far_it_came() {
    let mut reader = waits();
    let mut buf = [0; 4];
    let mut future = read_exact(&mut reader, &mut buf);
    assert!(poll_once(&mut future).is_pending());
    assert!(poll_once(&mut future).is_pending());
    let filled = future.filled();
    assert_eq!((filled, &buf[..filled]), (2, &b"ab"[..]));
    block_on(read_exact(&mut reader, &mut buf[filled..])).unwrap();
    assert_eq!(&buf, b"abcd");
}

#[test]
fn a_read_to_end_that_is_dropped_has_everything_in_the_buffer() {
    let mut reader = waits();
    let mut buf = b"before ".to_vec();
    let mut polls = 0;
    while poll_once(&mut read_to_end(&mut reader, &mut buf, 80)).is_pending() {
        polls += 1;
    }
    assert_eq!((buf, polls), (b"before abcd".to_vec(), 3));
}

#[test]
fn a_read_until_that_is_dropped_has_everything_in_the_buffer() {
    let script = Script::new()
        .gives(b"ab")
        .would_block()
        .gives(b"c,d")
        .would_block()
        .gives(b"e");
    let mut reader = BufReader::new(script);
    let mut buf = Vec::new();
    assert!(poll_once(&mut read_until(&mut reader, b',', &mut buf, 80)).is_pending());
    assert_eq!(buf, b"ab");
    block_on(read_until(&mut reader, b',', &mut buf, 80)).unwrap();
    assert_eq!(buf, b"abc,");
    assert_eq!(reader.buffer(), b"d");
}

#[test]
fn a_read_line_shows_what_came_of_the_line() {
    let script = Script::new().gives(b"ab").would_block().gives(b"c\n");
    let mut reader = BufReader::new(script);
    let mut line = String::from("before ");
    let mut future = read_line(&mut reader, &mut line, 80);
    assert!(poll_once(&mut future).is_pending());
    assert_eq!(future.bytes(), b"ab");
    block_on(future).unwrap();
    assert_eq!(line, "before abc\n");
}

#[test]
fn lines_keep_what_came_when_the_wait_for_one_is_dropped() {
    let script = Script::new().gives(b"ab").would_block().gives(b"c\nd");
    let mut reader = BufReader::new(script);
    let mut lines = lines(&mut reader, 80);
    assert!(poll_once(&mut lines.next()).is_pending());
    assert_eq!(lines.bytes(), b"ab");
    assert_eq!(block_on(lines.next()).unwrap().unwrap(), "abc");
    assert_eq!(block_on(lines.next()).unwrap().unwrap(), "d");
}

#[test]
fn a_skip_tells_how_far_it_came() {
    let mut reader = waits();
    let mut future = skip(&mut reader, 3);
    assert!(poll_once(&mut future).is_pending());
    assert!(poll_once(&mut future).is_pending());
    let skipped = future.skipped();
    assert_eq!(skipped, 2);
    block_on(skip(&mut reader, 3 - skipped)).unwrap();
    assert_eq!(block_on(read(&mut reader, &mut [0; 8])).unwrap(), 1);
}

#[test]
fn a_fill_buf_that_is_dropped_leaves_everything_in_the_reader() {
    let mut reader = BufReader::new(waits());
    assert!(poll_once(&mut fill_buf(&mut reader)).is_pending());
    assert_eq!(block_on(fill_buf(&mut reader)).unwrap(), 2);
    assert_eq!(block_on(fill_buf(&mut reader)).unwrap(), 2);
    reader.consume(1);
    assert_eq!(reader.buffer(), b"b");
}

#[test]
fn a_write_that_is_dropped_has_written_nothing() {
    let mut writer = slow();
    assert!(poll_once(&mut write(&mut writer, b"abcd")).is_pending());
    assert!(writer.written().is_empty());
    assert_eq!(block_on(write(&mut writer, b"abcd")).unwrap(), 2);
    assert_eq!(writer.written(), b"ab");
}

#[test]
fn a_write_all_tells_how_far_it_came() {
    let mut writer = slow();
    let mut future = write_all(&mut writer, b"abcdef");
    assert!(poll_once(&mut future).is_pending());
    assert!(poll_once(&mut future).is_pending());
    let written = future.written();
    assert_eq!(written, 2);
    block_on(write_all(&mut writer, &b"abcdef"[written..])).unwrap();
    assert_eq!(writer.written(), b"abcdef");
}

#[test]
fn a_write_all_buf_that_is_dropped_leaves_the_rest_in_the_buffer() {
    let mut writer = slow();
    let mut buf = Bytes::from("abc").chain(Bytes::from("def"));
    let mut rests = Vec::new();
    while poll_once(&mut write_all_buf(&mut writer, &mut buf)).is_pending() {
        rests.push(buf.remaining());
    }
    assert_eq!(rests, [6, 4, 2]);
    assert_eq!(writer.written(), b"abcdef");
}

#[test]
fn a_write_vectored_all_that_is_dropped_leaves_the_rest_in_the_slices() {
    let mut writer = slow();
    let mut slices = [b"abc", b"def"].map(|slice| IoSlice::new(slice));
    let mut left = &mut slices[..];
    let mut rests = Vec::new();
    while poll_once(&mut write_vectored_all(&mut writer, &mut left)).is_pending() {
        rests.push(left.iter().map(|slice| slice.len()).sum::<usize>());
    }
    assert_eq!(rests, [6, 4, 2]);
    assert_eq!(writer.written(), b"abcdef");
    assert!(left.is_empty());
}

#[test]
fn a_flush_and_a_shutdown_that_are_dropped_go_on() {
    let mut writer = io_traits::BufWriter::new(slow());
    block_on(write_all(&mut writer, b"abcdef")).unwrap();
    assert!(poll_once(&mut flush(&mut writer)).is_pending());
    assert!(poll_once(&mut flush(&mut writer)).is_pending());
    assert_eq!(writer.get_ref().written(), b"ab");
    assert!(poll_once(&mut shutdown(&mut writer)).is_pending());
    assert!(!writer.get_ref().is_shut_down());
    block_on(shutdown(&mut writer)).unwrap();
    assert_eq!(writer.get_ref().written(), b"abcdef");
    assert!(writer.get_ref().is_shut_down());
}

#[test]
fn a_copy_tells_what_is_lost_with_it() {
    let (mut reader, mut writer) = (Script::new().gives(b"abcd"), slow());
    let mut future = copy(&mut reader, &mut writer);
    assert!(poll_once(&mut future).is_pending());
    assert!(poll_once(&mut future).is_pending());
    assert_eq!((future.copied(), future.unwritten()), (2, 2));
    drop(future);
    // It waits for the reader alone: nothing can be lost.
    let (mut reader, mut writer) = (waits(), Script::new());
    while poll_once(&mut copy(&mut reader, &mut writer)).is_pending() {}
    assert_eq!(writer.written(), b"abcd");
}

#[test]
fn a_copy_buf_that_is_dropped_leaves_the_rest_in_the_reader() {
    let (mut reader, mut writer) = (BufReader::new(waits()), slow());
    let mut polls = 0;
    while poll_once(&mut copy_buf(&mut reader, &mut writer)).is_pending() {
        polls += 1;
    }
    assert_eq!(writer.written(), b"abcd");
    assert_eq!(polls, 3 + 2);
}

#[test]
fn a_copy_bidirectional_tells_what_is_lost_with_it() {
    let mut one = Script::new().gives(b"abcd").never_gives();
    let mut two = slow().never_gives();
    let mut future = copy_bidirectional(&mut one, &mut two);
    assert!(poll_once(&mut future).is_pending());
    assert!(poll_once(&mut future).is_pending());
    assert_eq!(future.carried().a_to_b, 2);
    assert_eq!(future.unwritten(io_traits::io::Way::AToB), 2);
    assert_eq!(future.unwritten(io_traits::io::Way::BToA), 0);
    assert!(drive(async { poll_once(&mut future).is_pending() }).0);
}
