//! How frames are queued and written.

mod common;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{BufMut, Bytes};
use codec::{Encoder, FramedWrite, LinesCodec, Segments};
use common::{Blobs, Gate, Numbers, Wakes, framed};
use futures::{Sink, SinkExt, executor::block_on};
use io_traits::{pool, task::budget, testing::Script};

fn blobs(blobs: &[Bytes]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for blob in blobs {
        bytes.put_u32(blob.len() as u32);
        bytes.put_slice(blob);
    }
    bytes
}

fn poll_ready<S: Sink<I> + Unpin, I>(sink: &mut S, waker: &Waker) -> Poll<Result<(), S::Error>> {
    Pin::new(sink).poll_ready(&mut Context::from_waker(waker))
}

#[test]
fn nothing_is_written_until_the_flush_and_then_all_at_once() {
    let mut numbers = FramedWrite::new(Script::new(), Numbers::default());
    block_on(async {
        for number in 1..=3 {
            numbers.feed(number).await.unwrap();
        }
        assert_eq!(numbers.get_ref().write_calls(), 0);
        assert_eq!(numbers.write_buffer().len(), 12);
        numbers.flush().await.unwrap();
    });
    let script = numbers.get_ref();
    assert_eq!(script.written(), framed([1, 2, 3]));
    assert_eq!((script.write_calls(), script.flushes()), (1, 1));
}

#[test]
fn the_queue_is_full_at_the_high_water_mark_and_wakes_when_it_has_drained() {
    let gate = Gate::default();
    let mut numbers =
        FramedWrite::new(gate.clone(), Numbers::default()).with_high_water_bytes(8192);
    let (wakes, waker) = Wakes::new();
    for number in 0..2048 {
        assert!(poll_ready::<_, u32>(&mut numbers, &waker).is_ready());
        Pin::new(&mut numbers).start_send(number).unwrap();
    }
    for _ in 0..3 {
        assert!(poll_ready::<_, u32>(&mut numbers, &waker).is_pending());
    }
    assert_eq!(wakes.count(), 0);

    gate.open(3);
    assert_eq!(wakes.count(), 1);
    // It has really written, and one byte below the mark is room.
    assert!(poll_ready::<_, u32>(&mut numbers, &waker).is_ready());
    assert_eq!(numbers.write_buffer().len(), 8192 - 3);

    gate.open(usize::MAX / 2);
    block_on(numbers.flush()).unwrap();
    assert_eq!(gate.taken(), framed(0..2048));
}

#[test]
fn a_producer_before_a_stalled_writer_queues_the_mark_and_one_frame_at_most() {
    let gate = Gate::default();
    let mut lines = FramedWrite::new(gate, LinesCodec::new(1_000));
    assert_eq!(lines.high_water_bytes(), 128 * 1024);
    let line = "x".repeat(999);
    let mut fed = 0;
    while poll_ready::<_, &str>(&mut lines, Waker::noop()).is_ready() {
        Pin::new(&mut lines).start_send(line.as_str()).unwrap();
        fed += 1;
        assert!(fed < 1_000_000);
    }
    let queued = lines.write_buffer().len();
    assert!((128 * 1024..128 * 1024 + 1_000).contains(&queued));
}

#[test]
fn with_a_mark_of_zero_each_frame_waits_for_the_one_before_it() {
    let gate = Gate::default();
    let mut numbers = FramedWrite::new(gate.clone(), Numbers::default()).with_high_water_bytes(0);
    assert!(poll_ready::<_, u32>(&mut numbers, Waker::noop()).is_ready());
    Pin::new(&mut numbers).start_send(1).unwrap();
    assert!(poll_ready::<_, u32>(&mut numbers, Waker::noop()).is_pending());
    gate.open(3);
    assert!(poll_ready::<_, u32>(&mut numbers, Waker::noop()).is_pending());
    gate.open(1);
    assert!(poll_ready::<_, u32>(&mut numbers, Waker::noop()).is_ready());
}

#[test]
fn a_partial_write_goes_on_where_it_stopped() {
    let payload = Bytes::from((0..=255).cycle().take(5_000).collect::<Vec<u8>>());
    let small = Bytes::from_static(b"small");
    for limit in [1, 2, 3, 4, 5, 7, 1_000, 4_999, 5_004, 5_005] {
        for plain in [false, true] {
            let mut script = Script::new();
            for _ in 0..10_100 / limit {
                script = script.takes(limit).write_would_block();
            }
            if plain {
                script = script.plain_writes_only();
            }
            let mut sink = FramedWrite::new(script, Blobs);
            let frames = [payload.clone(), small.clone(), payload.clone()];
            block_on(async {
                for frame in frames.clone() {
                    sink.feed(frame).await.unwrap();
                }
                sink.flush().await.unwrap();
            });
            assert!(sink.get_ref().written() == blobs(&frames), "{limit}");
        }
    }
}

#[test]
fn a_failing_encoder_leaves_the_frames_around_it() {
    // The large ones are referenced, the others copied.
    let large = Bytes::from(vec![7; 5_000]);
    let small = Bytes::from_static(b"small");
    let refused = [
        Bytes::from_static(b"refuse"),
        Bytes::from([&b"refuse"[..], &[0; 5_000]].concat()),
    ];
    let mut sink = FramedWrite::new(Script::new(), Blobs);
    block_on(async {
        for refused in refused {
            let error = sink.feed(refused.clone()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            sink.feed(small.clone()).await.unwrap();
            sink.feed(refused.clone()).await.unwrap_err();
            sink.feed(large.clone()).await.unwrap();
            sink.feed(refused).await.unwrap_err();
        }
        sink.flush().await.unwrap();
    });
    let frames = [small.clone(), large.clone(), small, large];
    assert_eq!(sink.get_ref().written(), blobs(&frames));
}

#[test]
fn an_encoder_that_panics_leaves_the_frames_around_it_too() {
    /// Panics at the last one of its parts.
    struct Parts;

    impl Encoder<&[Option<Bytes>]> for Parts {
        type Error = io::Error;

        fn encode(&mut self, parts: &[Option<Bytes>], dst: &mut Segments) -> io::Result<()> {
            for part in parts {
                dst.push(part.clone().expect("this is to panic"));
            }
            Ok(())
        }
    }

    let whole = [
        Some(Bytes::from_static(b"one")),
        Some(Bytes::from(vec![7; 5_000])),
    ];
    let broken = [whole[1].clone(), whole[0].clone(), None];
    let mut sink = FramedWrite::new(Script::new(), Parts);
    block_on(async {
        for _ in 0..2 {
            sink.feed(&whole[..]).await.unwrap();
            let feed = AssertUnwindSafe(|| Pin::new(&mut sink).start_send(&broken[..]));
            assert!(catch_unwind(feed).is_err());
        }
        sink.flush().await.unwrap();
    });
    let frame = [&b"one"[..], &[7; 5_000]].concat();
    assert_eq!(sink.get_ref().written(), frame.repeat(2));
}

#[test]
fn a_writer_that_takes_nothing_is_a_write_zero() {
    let mut numbers = FramedWrite::new(Script::new().takes(2).takes(0), Numbers::default());
    let error = block_on(numbers.send(1)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}

#[test]
fn an_error_of_the_writer_comes_through_and_the_queue_stays() {
    let script = Script::new().write_fails(io::ErrorKind::ConnectionReset);
    let mut numbers = FramedWrite::new(script, Numbers::default());
    let error = block_on(numbers.send(1)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(numbers.write_buffer().len(), 4);
    block_on(numbers.flush()).unwrap();
    assert_eq!(numbers.get_ref().written(), framed([1]));
}

#[test]
fn a_flush_of_an_empty_queue_flushes_the_writer_and_writes_nothing() {
    let mut numbers = FramedWrite::new(Script::new(), Numbers::default());
    block_on(numbers.flush()).unwrap();
    let script = numbers.get_ref();
    assert_eq!((script.write_calls(), script.flushes()), (0, 1));
}

#[test]
fn close_writes_the_queue_flushes_and_shuts_down() {
    let mut numbers = FramedWrite::new(Script::new().write_would_block(), Numbers::default());
    block_on(async {
        numbers.feed(1).await.unwrap();
        assert!(!numbers.get_ref().is_shut_down());
        numbers.close().await.unwrap();
    });
    assert!(numbers.get_ref().is_shut_down());
    assert_eq!(numbers.get_ref().written(), framed([1]));
    // The sink's own method does the same.
    let mut numbers = FramedWrite::new(Script::new(), Numbers::default());
    block_on(async {
        numbers.feed(1).await.unwrap();
        SinkExt::<u32>::close(&mut numbers).await.unwrap();
    });
    assert!(numbers.get_ref().is_shut_down());
    assert_eq!(numbers.get_ref().written(), framed([1]));
}

#[test]
fn an_idle_writer_holds_no_buffer() {
    let mut lines = FramedWrite::new(Script::new(), LinesCodec::new(1_000_000));
    assert_eq!(lines.write_buffer().capacity(), 0);
    block_on(async {
        lines.feed("a").await.unwrap();
        assert_eq!(lines.write_buffer().capacity(), pool::CAPACITY);
        lines.flush().await.unwrap();
        assert_eq!(lines.write_buffer().capacity(), 0);
        // One that grew is given up as well.
        lines.feed("x".repeat(1_000_000)).await.unwrap();
        lines.flush().await.unwrap();
        assert_eq!(lines.write_buffer().capacity(), 0);
    });
}

#[test]
fn a_producer_before_a_writer_that_takes_everything_yields() {
    let mut lines = FramedWrite::new(io::sink(), LinesCodec::new(80)).with_high_water_bytes(1);
    let (wakes, waker) = Wakes::new();
    budget::with(20, || {
        let mut fed = 0;
        while poll_ready::<_, &str>(&mut lines, &waker).is_ready() {
            Pin::new(&mut lines).start_send("line").unwrap();
            fed += 1;
            assert!(fed <= 21);
        }
    });
    assert_eq!(wakes.count(), 1);
}
