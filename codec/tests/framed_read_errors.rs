//! What errors do to the frames around them.

mod common;

use std::{io, task::Poll};

use bytes::{Buf, BytesMut};
use codec::{Decoder, FramedRead, LinesCodec, LinesError};
use common::{Numbers, framed, poll_next, shown};
use futures::{StreamExt, executor::block_on, stream::FusedStream};
use io_traits::{task::budget, testing::Script};

fn error_kind(item: Option<io::Result<u32>>) -> io::ErrorKind {
    item.unwrap().unwrap_err().kind()
}

#[test]
fn an_error_of_the_reader_is_the_last_item() {
    for script in [
        Script::new(),
        Script::new().gives([0, 0]),
        Script::new().gives([0, 0]).would_block(),
    ] {
        let script = script
            .fails(io::ErrorKind::ConnectionReset)
            .gives(framed([1]));
        let mut numbers = FramedRead::new(script, Numbers::default());
        let kind = error_kind(block_on(numbers.next()));
        assert_eq!(kind, io::ErrorKind::ConnectionReset);
        for _ in 0..3 {
            assert!(numbers.is_terminated());
            assert!(block_on(numbers.next()).is_none());
        }
    }
}

#[test]
fn frames_before_an_error_of_the_reader_come_first() {
    let script = Script::new()
        .gives(framed([1, 2]))
        .fails(io::ErrorKind::ConnectionReset);
    let items = block_on(FramedRead::new(script, Numbers::default()).collect::<Vec<_>>());
    assert_eq!(items.len(), 3);
    assert_eq!(shown(&items)[..2], ["1", "2"]);
    assert!(items[2].is_err());
}

#[test]
fn an_interrupted_read_is_tried_again() {
    let script = Script::new()
        .fails(io::ErrorKind::Interrupted)
        .gives(framed([1]));
    let mut numbers = FramedRead::new(script, Numbers::default());
    assert_eq!(block_on(numbers.next()).unwrap().unwrap(), 1);
}

#[test]
fn the_end_inside_a_frame_is_unexpected_for_every_prefix() {
    let bytes = framed([1, 2]);
    for len in 0..=bytes.len() {
        let script = Script::new().gives(&bytes[..len]);
        let mut numbers = FramedRead::new(script, Numbers::default());
        for _ in 0..len / 4 {
            assert!(block_on(numbers.next()).unwrap().is_ok());
        }
        if len % 4 != 0 {
            let kind = error_kind(block_on(numbers.next()));
            assert_eq!(kind, io::ErrorKind::UnexpectedEof);
        }
        assert!(block_on(numbers.next()).is_none());
    }
}

#[test]
fn a_recoverable_error_does_not_hold_up_what_is_buffered_behind_it() {
    let script = Script::new()
        .gives(b"aaaaaaaaaaaa\nhello\n\xff")
        .gives(b"\xff\nworld\n")
        .never_gives();
    let mut lines = FramedRead::new(script, LinesCodec::new(8));
    // Each is there at the first poll; no Pending, no None and no read between an error and a frame.
    assert!(matches!(
        poll_next(&mut lines),
        Poll::Ready(Some(Err(LinesError::TooLong)))
    ));
    assert!(matches!(poll_next(&mut lines), Poll::Ready(Some(Ok(line))) if line == "hello"));
    assert_eq!(lines.get_ref().read_calls(), 1);
    assert!(matches!(
        poll_next(&mut lines),
        Poll::Ready(Some(Err(LinesError::InvalidUtf8(_))))
    ));
    assert!(matches!(poll_next(&mut lines), Poll::Ready(Some(Ok(line))) if line == "world"));
    assert_eq!(lines.get_ref().read_calls(), 2);
    assert!(poll_next(&mut lines).is_pending());
}

/// Refuses the number 0, with the bytes left in place or not.
#[derive(Debug)]
struct NoZero {
    consumes: bool,
    is_fatal: bool,
}

impl Decoder for NoZero {
    type Item = u32;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<u32>> {
        if src.starts_with(&[0; 4]) {
            if self.consumes {
                src.advance(4);
            }
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok((src.len() >= 4).then(|| src.get_u32()))
    }

    fn is_fatal(&self, _: &io::Error) -> bool {
        self.is_fatal
    }
}

#[test]
fn a_fatal_error_of_the_decoder_is_the_last_item() {
    for consumes in [true, false] {
        let script = Script::new().gives(framed([1, 0, 2])).gives(framed([3]));
        let decoder = NoZero {
            consumes,
            is_fatal: true,
        };
        let mut numbers = FramedRead::new(script, decoder);
        assert_eq!(block_on(numbers.next()).unwrap().unwrap(), 1);
        let kind = error_kind(block_on(numbers.next()));
        assert_eq!(kind, io::ErrorKind::InvalidData);
        for _ in 0..3 {
            assert!(numbers.is_terminated());
            assert!(block_on(numbers.next()).is_none());
        }
        // The bytes are still there for whoever wants to see them.
        let left = if consumes {
            framed([2])
        } else {
            framed([0, 2])
        };
        assert_eq!(numbers.into_parts().read_buf, left);
    }
}

#[test]
fn the_same_bytes_decode_on_after_the_error_if_it_is_not_fatal() {
    let decoder = NoZero {
        consumes: true,
        is_fatal: false,
    };
    let script = Script::new().gives(framed([1, 0, 2, 0]));
    let items = block_on(FramedRead::new(script, decoder).collect::<Vec<_>>());
    let ok: Vec<_> = items.iter().map(Result::is_ok).collect();
    assert_eq!(ok, [true, false, true, false]);
}

#[test]
fn an_error_that_consumes_nothing_at_the_end_comes_once() {
    let decoder = NoZero {
        consumes: true,
        is_fatal: false,
    };
    // Two bytes are no frame: the default `decode_eof` reports them and cannot consume them.
    let script = Script::new().gives([9, 9]);
    let items = FramedRead::new(script, decoder).take(10);
    let items = block_on(items.collect::<Vec<_>>());
    assert_eq!(items.len(), 1);
    let kind = items[0].as_ref().unwrap_err().kind();
    assert_eq!(kind, io::ErrorKind::UnexpectedEof);
}

#[test]
fn each_frame_each_error_and_each_read_is_one_unit_of_the_budget() {
    for sent in [[1, 0, 2, 0], [0, 1, 0, 2]] {
        for units in 0..8 {
            let decoder = NoZero {
                consumes: true,
                is_fatal: false,
            };
            let mut numbers = FramedRead::new(Script::new().gives(framed(sent)), decoder);
            let items = budget::with(units, || {
                let polls = (0..8).map(|_| poll_next(&mut numbers));
                polls
                    .filter(|item| matches!(item, Poll::Ready(Some(_))))
                    .count()
            });
            assert_eq!(
                items,
                units.saturating_sub(1).min(4) as usize,
                "{sent:?}, {units}"
            );
        }
    }
}
