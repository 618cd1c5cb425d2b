//! `examples/chunked.rs` does what it shows.

#[path = "../examples/chunked.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "a program")]
mod chunked;
mod common;

use std::io;

use bytes::Bytes;
use chunked::{Chunked, ChunkedError, Part};
use codec::{FramedRead, FramedWrite};
use common::poll_next;
use futures::{StreamExt, executor::block_on};
use io_traits::testing::Script;

/// The bodies: their pieces put together, and the error at the end, if there is one.
fn bodies(frames: impl IntoIterator<Item = Result<Part, ChunkedError>>) -> Vec<String> {
    let mut bodies = vec![String::new()];
    for part in frames {
        let body = bodies.last_mut().expect("one is begun");
        match part {
            Ok(Part::Data(piece)) => body.push_str(&piece.escape_ascii().to_string()),
            Ok(Part::End) => bodies.push(String::new()),
            Err(error) => bodies.push(format!("error: {error}")),
        }
    }
    bodies
}

#[test]
fn chunks_become_bodies_however_the_stream_is_cut() {
    let bytes = b"5\r\nhello\r\nA\r\n, world\r\n!\r\n0\r\n\r\n1\r\nx\r\n00\r\n\r\n";
    for at in 1..bytes.len() {
        let script = Script::new()
            .gives(&bytes[..at])
            .would_block()
            .gives(&bytes[at..]);
        let parts: Vec<_> = block_on(FramedRead::new(script, Chunked::default()).collect());
        let expected = ["hello, world\\r\\n!", "x", ""];
        assert_eq!(bodies(parts), expected, "split at {at}");
    }
}

#[test]
fn what_is_written_is_read_back_and_an_empty_piece_ends_nothing() {
    let mut body = FramedWrite::new(Script::new(), Chunked::default());
    let long = Bytes::from(vec![b'y'; 70_000]);
    block_on(async {
        for part in [&b"abc"[..], b"", &long] {
            let part = Part::Data(Bytes::copy_from_slice(part));
            body.feed(part).await.unwrap();
        }
        body.send(Part::End).await.unwrap();
    });
    let bytes = body.get_ref().written().to_vec();
    let parts: Vec<_> = block_on(FramedRead::new(&bytes[..], Chunked::default()).collect());
    let expected = format!("abc{}", "y".repeat(long.len()));
    assert!(bodies(parts) == [&expected, ""]);
}

#[test]
fn the_end_inside_a_body_is_unexpected_for_every_prefix() {
    let bytes = b"5\r\nhello\r\n0\r\n\r\n";
    for end in 1..bytes.len() {
        // Also between two chunks, where nothing is left over: only the last chunk ends a body.
        let mut parts = FramedRead::new(&bytes[..end], Chunked::default());
        let last = block_on(async {
            let mut last = None;
            while let Some(part) = parts.next().await {
                last = Some(part);
            }
            last
        });
        let Some(Err(ChunkedError::Io(error))) = last else {
            panic!("the stream ends after {end} bytes: {last:?}");
        };
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}

#[test]
fn what_is_no_size_ends_the_stream() {
    for (bytes, message) in [
        (&b"x\r\n"[..], "a size is no hexadecimal number"),
        (b"\r\n", "a size is no hexadecimal number"),
        (b"+5\r\nhello\r\n", "a size is no hexadecimal number"),
        (b"12345678901234567", "a line is longer than it can be"),
        (b"5\r\nhelloworld", "a line is longer than it can be"),
    ] {
        let script = Script::new().gives(bytes).gives([b'z'; 100]).never_gives();
        let mut parts = FramedRead::new(script, Chunked::default());
        let error = block_on(async {
            loop {
                match parts.next().await.expect("an error comes first") {
                    Ok(_) => {}
                    Err(error) => break error.to_string(),
                }
            }
        });
        assert_eq!(error, message);
        assert!(block_on(parts.next()).is_none());
    }
}

#[test]
fn a_chunk_longer_than_the_memory_comes_in_pieces_and_is_not_kept() {
    let mut script = Script::new().gives(b"ffffffffffffffff\r\n");
    for _ in 0..100 {
        script = script.gives([b'z'; 1000]).would_block();
    }
    let mut parts = FramedRead::new(script.never_gives(), Chunked::default());
    for _ in 0..100 {
        let part = block_on(parts.next()).unwrap().unwrap();
        assert_eq!(part, Part::Data(Bytes::from_static(&[b'z'; 1000])));
        assert!(poll_next(&mut parts).is_pending());
        assert_eq!(parts.read_buffer().capacity(), 0);
    }
}
