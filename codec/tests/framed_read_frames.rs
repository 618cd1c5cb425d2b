//! Which frames come out of which reads.

mod common;

use std::{io, task::Context};

use bytes::{Buf, BytesMut};
use codec::{Decoder, FramedRead, LinesCodec};
use common::{Drip, Numbers, Wakes, framed, poll_next, shown};
use futures::{
    Stream, StreamExt,
    executor::{block_on, block_on_stream},
    stream::FusedStream,
};
use io_traits::{task::budget, testing::Script};

/// Everything that can be in a stream of lines of up to 5 bytes.
const LINES: &[u8] =
    b"one\ntwo\r\n\n\r\nhello\r\nhello\rX\nfar too long\r\n\xc3\xa4\xc3\xb6\n\xff\xfe\nok\n\rk\n\
      \r\r\nab\xc3\nmuch longer than that\n12345\nend\r";

const LINES_SHOWN: [&str; 16] = [
    "one",
    "two",
    "",
    "",
    "hello",
    "error: a line is longer than the maximum",
    "error: a line is longer than the maximum",
    "äö",
    "error: a line is not UTF-8",
    "ok",
    "\rk",
    "\r",
    "error: a line is not UTF-8",
    "error: a line is longer than the maximum",
    "12345",
    "end",
];

fn lines_of(script: Script) -> Vec<String> {
    let lines = FramedRead::new(script, LinesCodec::new(5));
    shown(&block_on(lines.collect::<Vec<_>>()))
}

#[test]
fn three_frames_of_one_read() {
    let script = Script::new().gives(framed([1, 2, 3]));
    let mut numbers = block_on_stream(FramedRead::new(script, Numbers::default()));
    assert_eq!(numbers.next().unwrap().unwrap(), 1);
    assert_eq!(numbers.next().unwrap().unwrap(), 2);
    assert_eq!(numbers.next().unwrap().unwrap(), 3);
    assert_eq!(numbers.into_inner().get_ref().read_calls(), 1);
}

#[test]
fn a_frame_is_yielded_before_the_next_read() {
    let script = Script::new()
        .gives(framed([1]))
        .gives(framed([2]))
        .never_gives();
    let mut numbers = FramedRead::new(script, Numbers::default());
    for n in 1..=2 {
        assert!(poll_next(&mut numbers).is_ready());
        assert_eq!(numbers.get_ref().read_calls(), n);
    }
    assert!(poll_next(&mut numbers).is_pending());
}

#[test]
fn every_split_of_the_input_gives_the_same_frames() {
    assert_eq!(lines_of(Script::new().gives(LINES)), LINES_SHOWN);
    for at in 1..LINES.len() {
        let (first, second) = LINES.split_at(at);
        let script = Script::new().gives(first).would_block().gives(second);
        assert_eq!(lines_of(script), LINES_SHOWN, "split at {at}");
    }
}

#[test]
fn every_two_splits_of_the_input_give_the_same_frames() {
    for first in 1..LINES.len() {
        for second in first + 1..LINES.len() {
            let script = Script::new()
                .gives(&LINES[..first])
                .gives(&LINES[first..second])
                .gives(&LINES[second..]);
            assert_eq!(lines_of(script), LINES_SHOWN, "{first}, {second}");
        }
    }
}

#[test]
fn would_block_between_every_byte_gives_the_same_frames() {
    for piece in 1..8 {
        let lines = FramedRead::new(Drip::new(LINES, piece), LinesCodec::new(5));
        assert_eq!(shown(&block_on(lines.collect::<Vec<_>>())), LINES_SHOWN);
    }
}

#[test]
fn a_would_block_comes_through_as_pending_and_leaves_the_half_frame() {
    let script = Script::new()
        .would_block()
        .gives([0, 0])
        .would_block()
        .gives([0, 7]);
    let mut numbers = FramedRead::new(script, Numbers::default());
    assert!(poll_next(&mut numbers).is_pending());
    assert!(poll_next(&mut numbers).is_pending());
    assert_eq!(&numbers.read_buffer()[..], [0, 0]);
    assert_eq!(block_on(numbers.next()).unwrap().unwrap(), 7);
    assert!(block_on(numbers.next()).is_none());
}

#[test]
fn a_frame_longer_than_the_first_buffer_is_read() {
    let long = "x".repeat(1_000_000);
    let bytes = format!("{long}\nshort\n");
    for piece in [1_000, 65_536, 2_000_000] {
        let reader = Drip::new(bytes.as_bytes(), piece);
        let mut lines = FramedRead::new(reader, LinesCodec::new(1_000_000));
        assert_eq!(block_on(lines.next()).unwrap().unwrap(), long);
        assert_eq!(block_on(lines.next()).unwrap().unwrap(), "short");
        assert!(block_on(lines.next()).is_none());
    }
}

#[test]
fn the_decoder_is_not_asked_when_the_stream_is_empty_and_end_frames_come_one_by_one() {
    /// Yields four frames out of nothing at the end.
    struct AtTheEnd(u32);

    impl Decoder for AtTheEnd {
        type Item = u32;
        type Error = io::Error;

        fn decode(&mut self, _: &mut BytesMut) -> io::Result<Option<u32>> {
            panic!("there was nothing to decode")
        }

        fn decode_eof(&mut self, _: &mut BytesMut) -> io::Result<Option<u32>> {
            self.0 += 1;
            Ok((self.0 <= 4).then_some(self.0))
        }
    }

    let frames = FramedRead::new(Script::new(), AtTheEnd(0));
    assert_eq!(
        shown(&block_on(frames.collect::<Vec<_>>())),
        ["1", "2", "3", "4"]
    );
}

#[test]
fn none_comes_for_ever_after_the_end_even_if_there_is_more_to_read() {
    // A read of 0 bytes is the end, and the script would go on after this one.
    let script = Script::new()
        .gives(framed([1]))
        .gives([])
        .gives(framed([2]));
    let mut numbers = FramedRead::new(script, Numbers::default());
    assert_eq!(block_on(numbers.next()).unwrap().unwrap(), 1);
    assert!(!numbers.is_terminated());
    for _ in 0..3 {
        assert!(block_on(numbers.next()).is_none());
        assert!(numbers.is_terminated());
    }
    // Taken apart and put together it goes on, which was asked for.
    let mut numbers = FramedRead::from_parts(numbers.into_parts());
    assert_eq!(block_on(numbers.next()).unwrap().unwrap(), 2);
}

#[test]
fn a_stream_of_tiny_frames_yields_when_the_budget_is_used_up() {
    let frames = 16_384;
    let script = Script::new().gives(framed(0..frames));
    let mut numbers = FramedRead::new(script, Numbers::default());
    let (wakes, waker) = Wakes::new();
    let mut polled = 0;
    let mut yielded = 0;
    while !numbers.is_terminated() {
        let before = yielded;
        budget::with(100, || {
            while let std::task::Poll::Ready(Some(number)) =
                numbers.poll_next_unpin(&mut Context::from_waker(&waker))
            {
                assert_eq!(number.unwrap(), yielded);
                yielded += 1;
            }
        });
        assert!(yielded - before <= 100);
        polled += 1;
        assert!(wakes.count() == polled || numbers.is_terminated());
    }
    assert_eq!(yielded, frames);
}

#[test]
fn a_decoder_that_never_consumes_or_never_yields_cannot_keep_the_thread() {
    /// Yields for ever without consuming.
    struct Stuck;

    impl Decoder for Stuck {
        type Item = ();
        type Error = io::Error;

        fn decode(&mut self, _: &mut BytesMut) -> io::Result<Option<()>> {
            Ok(Some(()))
        }
    }

    /// Consumes for ever without yielding.
    struct Hole;

    impl Decoder for Hole {
        type Item = ();
        type Error = io::Error;

        fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<()>> {
            src.advance(src.len());
            Ok(None)
        }
    }

    fn ends<S: Stream + Unpin>(mut stream: S) {
        let (wakes, waker) = Wakes::new();
        budget::with(50, || {
            let mut cx = Context::from_waker(&waker);
            let items = (0..1_000).take_while(|_| stream.poll_next_unpin(&mut cx).is_ready());
            assert!(items.count() <= 50);
        });
        assert_eq!(wakes.count(), 1);
    }

    ends(FramedRead::new(&b"one byte"[..], Stuck));
    ends(FramedRead::new(io::repeat(7), Hole));
}
