//! `read_buf` over the buffers that there are.

mod common;

use std::{io::ErrorKind, task::Waker};

use bytes::{BufMut, Bytes, BytesMut};
use common::drive;
use futures::executor::block_on;
use io_traits::{AsyncRead, poll_read_buf, read_buf, task, testing::Script};

fn read_into<B: BufMut>(script: Script, buf: &mut B) -> std::io::Result<usize> {
    let mut script = script;
    drive(task::io(|| read_buf(&mut script, buf))).0
}

#[test]
fn bytes_are_appended_to_what_is_there() {
    let mut buf = BytesMut::from(&b"old "[..]);
    assert_eq!(
        read_into(Script::new().would_block().gives(b"new"), &mut buf).unwrap(),
        3
    );
    assert_eq!(buf, "old new");

    let mut buf = b"old ".to_vec();
    assert_eq!(read_into(Script::new().gives(b"new"), &mut buf).unwrap(), 3);
    assert_eq!(buf, b"old new");
}

#[test]
fn a_growing_buffer_without_capacity_is_never_full() {
    assert_eq!(
        read_into(Script::new().gives(b"x"), &mut BytesMut::new()).unwrap(),
        1
    );
    assert_eq!(
        read_into(Script::new().gives(b"x"), &mut Vec::new()).unwrap(),
        1
    );
    let mut exact = Vec::with_capacity(2);
    exact.extend_from_slice(b"ab");
    assert_eq!(read_into(Script::new().gives(b"c"), &mut exact).unwrap(), 1);
    assert_eq!(exact, b"abc");
}

#[test]
fn zero_means_the_end_and_nothing_else() {
    let mut buf = BytesMut::new();
    assert_eq!(read_into(Script::new().would_block(), &mut buf).unwrap(), 0);
    assert!(buf.is_empty());
}

#[test]
fn a_full_buffer_is_invalid_input_and_reads_nothing() {
    let mut script = Script::new().gives(b"data");
    let mut full: &mut [u8] = &mut [];
    let error = block_on(task::io(|| read_buf(&mut script, &mut full))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);

    let mut limited = BytesMut::new().limit(0);
    let error = block_on(task::io(|| read_buf(&mut script, &mut limited))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(script.read_calls(), 0);
}

#[test]
fn a_slice_is_filled_and_shortened() {
    let mut memory = *b"......";
    let mut buf = &mut memory[1..5];
    assert_eq!(read_into(Script::new().gives(b"ab"), &mut buf).unwrap(), 2);
    assert_eq!(buf.len(), 2);
    assert_eq!(
        read_into(Script::new().gives(b"cdef"), &mut buf).unwrap(),
        2
    );
    assert!(buf.is_empty());
    assert_eq!(&memory, b".abcd.");
}

#[test]
fn a_limit_holds() {
    let mut buf = Vec::new().limit(5);
    let mut script = Script::new().gives(b"0123456789");
    while buf.has_remaining_mut() {
        drive(task::io(|| read_buf(&mut script, &mut buf)))
            .0
            .unwrap();
    }
    assert_eq!(buf.into_inner(), b"01234");
}

#[test]
fn a_chain_is_filled_part_by_part() {
    let (mut head, mut tail) = ([0; 3], [0; 4]);
    let mut script = Script::new().gives(b"0123456789");
    let mut chain = (&mut head[..]).chain_mut(&mut tail[..]);
    let mut reads = Vec::new();
    while chain.has_remaining_mut() {
        reads.push(block_on(task::io(|| read_buf(&mut script, &mut chain))).unwrap());
    }
    assert_eq!(reads, [3, 4]);
    assert_eq!((&head, &tail), (b"012", b"3456"));
}

#[test]
fn an_error_adds_nothing_to_the_buffer() {
    let mut buf = BytesMut::from(&b"keep"[..]);
    let error = read_into(Script::new().fails(ErrorKind::ConnectionReset), &mut buf).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(buf, "keep");
}

#[test]
fn works_through_an_unsized_reader_and_an_unsized_buffer() {
    let mut script = Script::new().gives(b"hello");
    let reader: &mut dyn AsyncRead = &mut script;
    let mut bytes = BytesMut::new();
    let buf: &mut dyn BufMut = &mut bytes;
    let mut cx = std::task::Context::from_waker(Waker::noop());
    assert!(poll_read_buf(reader, &mut cx, buf).is_ready());
    assert_eq!(bytes, "hello");
}

#[test]
fn outside_of_a_task_it_says_so_whatever_the_buffer() {
    let mut script = Script::new().gives(b"data");
    for _ in 0..3 {
        let error = read_buf(&mut script, &mut BytesMut::new()).unwrap_err();
        assert!(task::NotInTask::is_source_of(&error));
    }
    assert_eq!(script.read_calls(), 0);
}

#[test]
fn a_message_of_several_reads_is_one_buffer() {
    let mut buf = BytesMut::new();
    let mut script = Script::new()
        .gives(b"a")
        .would_block()
        .gives(b"b")
        .gives(b"c");
    while drive(task::io(|| read_buf(&mut script, &mut buf)))
        .0
        .unwrap()
        > 0
    {}
    assert_eq!(buf.freeze(), Bytes::from_static(b"abc"));
}
