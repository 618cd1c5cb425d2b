//! `write`, `write_all_buf`, `write_vectored_all`: every split, and writers that take nothing.

mod common;

use std::io::{ErrorKind, IoSlice};

use bytes::{Buf, Bytes};
use common::drive;
use futures::executor::block_on;
use io_traits::{
    io::{write, write_all_buf, write_vectored_all},
    testing::Script,
};

/// Takes by these portions, with a wait after each.
fn portions(portions: &[usize]) -> Script {
    portions.iter().fold(Script::new(), |script, &n| {
        script.takes(n).write_would_block()
    })
}

#[test]
fn every_split_writes_the_same_bytes() {
    for first in 1..9 {
        for second in 1..9 {
            let mut writer = portions(&[first, second]);
            let mut buf = Bytes::from("abc")
                .chain(Bytes::from("defgh"))
                .chain(&b"i"[..]);
            drive(write_all_buf(&mut writer, &mut buf)).0.unwrap();
            assert_eq!(writer.written(), b"abcdefghi");

            for mut writer in [
                portions(&[first, second]),
                portions(&[first, second]).plain_writes_only(),
            ] {
                let mut slices = [&b"abc"[..], b"", b"defgh", b"", b"i", b""].map(IoSlice::new);
                let mut left = &mut slices[..];
                drive(write_vectored_all(&mut writer, &mut left)).0.unwrap();
                assert_eq!(writer.written(), b"abcdefghi");
                assert!(left.is_empty());
            }
        }
    }
}

#[test]
fn slices_are_written_with_one_call_where_the_writer_can() {
    let slices = || [b"abc", b"def", b"ghi"].map(|slice| IoSlice::new(slice));
    let mut writer = Script::new();
    block_on(write_vectored_all(&mut writer, &mut &mut slices()[..])).unwrap();
    assert_eq!(writer.write_calls(), 1);
    let mut writer = Script::new().plain_writes_only();
    block_on(write_vectored_all(&mut writer, &mut &mut slices()[..])).unwrap();
    assert_eq!(writer.write_calls(), 3);
}

/// The system takes 1024 slices at a time, and refuses more.
#[test]
fn more_slices_than_the_system_takes_go_in_several_calls() {
    let bytes: Vec<u8> = (0..5_000_u32).map(|n| n as u8).collect();
    let mut slices: Vec<_> = bytes.chunks(1).map(IoSlice::new).collect();
    let mut writer = Script::new();
    block_on(write_vectored_all(&mut writer, &mut &mut slices[..])).unwrap();
    assert_eq!(writer.written(), bytes);
    assert_eq!(writer.write_calls(), 5);
}

#[test]
fn nothing_is_written_at_once_and_without_the_writer() {
    let mut writer = Script::new().never_takes();
    assert_eq!(drive(write(&mut writer, b"")).0.unwrap(), 0);
    drive(write_all_buf(&mut writer, &mut Bytes::new()))
        .0
        .unwrap();
    let mut empty = [IoSlice::new(b""), IoSlice::new(b"")];
    drive(write_vectored_all(&mut writer, &mut &mut empty[..]))
        .0
        .unwrap();
    assert_eq!(writer.write_calls(), 0);
}

#[test]
fn a_writer_that_takes_nothing_is_write_zero_and_no_loop() {
    let zero = || Script::new().takes(2).takes(0);
    let mut buf = Bytes::from("abcd");
    let error = block_on(write_all_buf(&mut zero(), &mut buf)).unwrap_err();
    assert_eq!((error.kind(), &buf[..]), (ErrorKind::WriteZero, &b"cd"[..]));
    let mut slices = [IoSlice::new(b"abcd")];
    let mut left = &mut slices[..];
    let error = block_on(write_vectored_all(&mut zero(), &mut left)).unwrap_err();
    assert_eq!(
        (error.kind(), &*left[0]),
        (ErrorKind::WriteZero, &b"cd"[..])
    );
}

#[test]
fn errors_come_out_and_the_rest_stays() {
    let mut buf = Bytes::from("abcd");
    let mut writer = Script::new().takes(1).write_fails(ErrorKind::BrokenPipe);
    let error = block_on(write_all_buf(&mut writer, &mut buf)).unwrap_err();
    assert_eq!(
        (error.kind(), &buf[..]),
        (ErrorKind::BrokenPipe, &b"bcd"[..])
    );
    let mut writer = Script::new().write_fails(ErrorKind::Interrupted);
    drive(write_all_buf(&mut writer, &mut buf)).0.unwrap();
    assert_eq!(writer.written(), b"bcd");
}
