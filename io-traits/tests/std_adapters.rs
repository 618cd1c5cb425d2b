//! std's own readers and writers over objects that would block.

mod common;

use std::{
    collections::VecDeque,
    io::{self, BufReader, BufWriter, Cursor, ErrorKind, Read, Write},
};

use common::drive;
use futures::executor::block_on;
use io_traits::{
    AsyncWrite,
    io::{copy, flush, read, read_exact, shutdown, write_all},
    task,
    testing::Script,
};

#[test]
fn a_buf_writer_flushes_through_would_blocks_before_it_shuts_down() {
    let script = Script::new()
        .takes(2)
        .write_would_block()
        .takes(1)
        .write_would_block();
    let mut writer = BufWriter::new(script);
    block_on(write_all(&mut writer, b"buffered")).unwrap();
    assert!(writer.get_ref().written().is_empty());
    let (result, polls) = drive(shutdown(&mut writer));
    result.unwrap();
    assert_eq!(polls, 3);
    assert_eq!(writer.get_ref().written(), b"buffered");
    assert!(writer.get_ref().is_shut_down());
}

#[test]
fn a_buf_writer_that_would_block_loses_and_doubles_nothing() {
    let mut script = Script::new();
    for n in 0..50 {
        script = script.takes(n % 4 + 1).write_would_block();
    }
    let mut writer = BufWriter::with_capacity(8, script);
    let message: Vec<u8> = (0..200).collect();
    for part in message.chunks(7) {
        drive(write_all(&mut writer, part)).0.unwrap();
    }
    drive(flush(&mut writer)).0.unwrap();
    assert_eq!(writer.get_ref().written(), message);
}

#[test]
fn a_shutdown_that_cannot_flush_does_not_end_the_stream() {
    let mut writer = BufWriter::new(Script::new().write_fails(ErrorKind::BrokenPipe));
    block_on(write_all(&mut writer, b"lost")).unwrap();
    let error = drive(shutdown(&mut writer)).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert!(!writer.get_ref().is_shut_down());
}

#[test]
fn a_buf_reader_reads_through_would_blocks_and_asks_for_more_than_it_gives() {
    let script = Script::new()
        .would_block()
        .gives(b"0123456789")
        .would_block()
        .gives(b"ab");
    let mut reader = BufReader::with_capacity(16, script);
    let mut buf = [0; 4];
    for expected in [b"0123", b"4567"] {
        drive(read_exact(&mut reader, &mut buf)).0.unwrap();
        assert_eq!(&buf, expected);
    }
    assert_eq!(reader.get_ref().read_calls(), 2);
    drive(read_exact(&mut reader, &mut buf)).0.unwrap();
    assert_eq!(&buf, b"89ab");
    assert_eq!(drive(read(&mut reader, &mut buf)).0.unwrap(), 0);
}

#[test]
fn a_big_read_through_a_buf_reader_gets_what_is_buffered_first() {
    let script = Script::new().gives(b"first").gives(b"second");
    let mut reader = BufReader::with_capacity(8, script);
    let mut buf = [0; 16];
    block_on(read_exact(&mut reader, &mut buf[..1])).unwrap();
    assert_eq!(drive(read(&mut reader, &mut buf)).0.unwrap(), 4);
    assert_eq!(&buf[..4], b"irst");
    assert_eq!(drive(read(&mut reader, &mut buf)).0.unwrap(), 6);
}

#[test]
fn take_and_chain_pass_would_blocks_through() {
    let first = Script::new().gives(b"abc").would_block().gives(b"def");
    let second = Script::new().would_block().gives(b"ghi");
    let mut reader = first.take(4).chain(second);
    let mut out = Vec::new();
    assert_eq!(drive(copy(&mut reader, &mut out)).0.unwrap(), 7);
    assert_eq!(out, b"abcdghi");

    let mut endless = io::repeat(7).take(u64::MAX);
    let mut buf = [0; 3];
    block_on(read_exact(&mut endless, &mut buf)).unwrap();
    assert_eq!(buf, [7; 3]);
}

#[test]
fn memory_reads_and_writes_without_a_wait() {
    let mut cursor = Cursor::new(b"memory".to_vec());
    let mut out = Cursor::new(Vec::new());
    assert_eq!(block_on(copy(&mut cursor, &mut out)).unwrap(), 6);
    assert_eq!(out.into_inner(), b"memory");
    assert_eq!(
        block_on(copy(&mut io::empty(), &mut io::sink())).unwrap(),
        0
    );
    let (mut from, mut to) = (VecDeque::from(b"queue".to_vec()), VecDeque::new());
    assert_eq!(block_on(copy(&mut from, &mut to)).unwrap(), 5);
    assert_eq!((from.len(), Vec::from(to)), (0, b"queue".to_vec()));
    let mut array = Cursor::new([0_u8; 5]);
    assert!(array.writes_slices());
    block_on(write_all(&mut array, b"array")).unwrap();
    assert_eq!(&array.into_inner(), b"array");
    let mut slice = Cursor::new([0_u8; 2]);
    let error = block_on(write_all(
        &mut Cursor::new(&mut slice.get_mut()[..]),
        b"abc",
    ));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::WriteZero);
}

#[test]
fn a_script_outside_of_a_task_says_so_every_time() {
    let mut script = Script::new().gives(b"data");
    for _ in 0..3 {
        assert!(task::NotInTask::is_source_of(
            &script.read(&mut [0; 4]).unwrap_err()
        ));
        assert!(task::NotInTask::is_source_of(
            &script.write(b"x").unwrap_err()
        ));
    }
    assert!(script.written().is_empty());
}
