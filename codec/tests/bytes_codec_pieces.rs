//! Bytes as they come and go.

mod common;

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use codec::{BytesCodec, Decoder, Encoder, Framed, FramedRead, Segments};
use common::bytes_of;
use futures::{TryStreamExt, executor::block_on};
use io_traits::{pool, testing::Script};

#[test]
fn what_is_there_is_one_item_and_nothing_is_none() {
    let mut codec = BytesCodec::new();
    let mut src = BytesMut::from("abc");
    assert_eq!(codec.decode(&mut src).unwrap().unwrap(), "abc");
    for _ in 0..2 {
        assert!(codec.decode(&mut src).unwrap().is_none());
    }
    src.extend_from_slice(b"a");
    assert_eq!(codec.decode(&mut src).unwrap().unwrap(), "a");
    src.extend_from_slice(b"at the end");
    assert_eq!(codec.decode_eof(&mut src).unwrap().unwrap(), "at the end");
    assert!(codec.decode_eof(&mut src).unwrap().is_none());
}

#[test]
fn every_read_is_an_item_and_no_end_is_unexpected() {
    let script = Script::new()
        .gives("one")
        .gives("two")
        .would_block()
        .gives("three");
    let pieces = FramedRead::new(script, BytesCodec::new());
    let pieces: Vec<_> = block_on(pieces.try_collect()).unwrap();
    assert_eq!(pieces, ["one", "two", "three"]);
}

#[test]
fn a_long_stream_comes_in_pieces_of_one_read() {
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    let script = Script::new().gives(&bytes);
    let pieces = FramedRead::new(script, BytesCodec::new());
    let pieces: Vec<_> = block_on(pieces.try_collect()).unwrap();
    assert!(pieces.iter().all(|piece| piece.len() <= pool::CAPACITY));
    assert_eq!(pieces.concat(), bytes);
}

#[test]
fn a_long_piece_is_not_copied() {
    let mut src = BytesMut::with_capacity(pool::CAPACITY);
    src.resize(50_000, 7);
    let address = src.as_ptr();
    let item = BytesCodec::new().decode(&mut src).unwrap().unwrap();
    assert_eq!(item.as_ptr(), address);
}

#[test]
fn bytes_of_any_length_and_every_owner_are_encoded() {
    for len in [0, 1, 31, 32, 1023, 1024, 8 * 1024, 8 * 1024 + 1, 1_000_000] {
        let payload = vec![7; len];
        let mut codec = BytesCodec::new();
        let mut queue = Segments::new();
        codec
            .encode(Bytes::from(payload.clone()), &mut queue)
            .unwrap();
        codec
            .encode(BytesMut::from(&payload[..]), &mut queue)
            .unwrap();
        codec.encode(payload.clone(), &mut queue).unwrap();
        codec.encode(&payload[..], &mut queue).unwrap();
        assert!(bytes_of(queue) == payload.repeat(4));
    }
}

#[test]
fn a_large_bytes_is_referenced() {
    let payload = Bytes::from(vec![7; 4096]);
    let mut queue = Segments::new();
    let mut codec = BytesCodec::new();
    codec.encode(payload.clone(), &mut queue).unwrap();
    assert_eq!(queue.chunk().as_ptr(), payload.as_ptr());
}

#[test]
fn an_echo_gives_back_what_it_gets() {
    let script = Script::new().gives("hel").would_block().gives("lo");
    let mut pieces = Framed::new(script, BytesCodec::new());
    block_on(async {
        while let Some(piece) = pieces.next().await {
            pieces.feed(piece?).await?;
        }
        pieces.close().await
    })
    .unwrap();
    assert_eq!(pieces.get_ref().written(), b"hello");
}

#[test]
fn an_error_of_the_reader_comes_after_what_was_read() {
    let script = Script::new()
        .gives("abc")
        .fails(io::ErrorKind::ConnectionReset);
    let mut pieces = FramedRead::new(script, BytesCodec::new());
    assert_eq!(block_on(pieces.next()).unwrap().unwrap(), "abc");
    let error = block_on(pieces.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(block_on(pieces.next()).is_none());
}
