//! `next`, `feed` and `send` of the types themselves do what those of `futures` do, and `feed` and `send` begin with the
//! call.

mod common;

use std::{
    fmt::Debug,
    future::Future,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use codec::{Encoder, Framed, FramedRead, FramedWrite, LinesCodec, LinesError, Segments};
use common::Gate;
use futures::{SinkExt, StreamExt, executor::block_on, future::FusedFuture, select};
use io_traits::testing::Script;

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A wait before, inside and behind a frame, a frame that is too long, and an end without its end of line.
fn lines() -> Script {
    Script::new()
        .would_block()
        .gives("one\ntw")
        .would_block()
        .gives("o\nmuch too long\nthree")
        .would_block()
        .gives("\n\nlast")
}

/// What comes of each poll of a new future, up to two more after the end.
fn polls<T: Debug>(mut next: impl FnMut() -> Poll<Option<T>>) -> Vec<String> {
    let mut polls = Vec::new();
    let mut ends = 0;
    while ends < 3 {
        let polled = next();
        ends += usize::from(matches!(polled, Poll::Ready(None)));
        polls.push(format!("{polled:?}"));
    }
    polls
}

#[test]
fn next_gives_what_that_of_a_stream_gives_and_loses_nothing_when_it_is_dropped() {
    let (mut own, mut of_futures) = [lines(), lines()]
        .map(|io| Framed::new(io, LinesCodec::new(5)))
        .into();
    let own = polls(|| poll_once(own.next()));
    assert_eq!(own, polls(|| poll_once(StreamExt::next(&mut of_futures))));
    assert_eq!(own.iter().filter(|poll| *poll == "Pending").count(), 3);
    assert_eq!(own.len(), 3 + 5 + 1 + 3, "{own:?}");

    let mut read_only = FramedRead::new(lines(), LinesCodec::new(5));
    assert_eq!(own, polls(|| poll_once(read_only.next())));
}

#[test]
fn next_can_be_selected_until_the_end_has_been_told() {
    let mut lines = Framed::new(Script::new().gives("one\n"), LinesCodec::new(80));
    assert!(!lines.next().is_terminated());
    let mut seen = Vec::new();
    block_on(async {
        loop {
            select! {
                line = lines.next() => match line {
                    Some(line) => seen.push(line.unwrap()),
                    None => break,
                },
                complete => unreachable!(),
            }
        }
    });
    assert_eq!(seen, ["one"]);
    assert!(lines.next().is_terminated());
    let mut lines = FramedRead::new(&b"one\n"[..], LinesCodec::new(80));
    while block_on(lines.next()).is_some() {}
    assert!(lines.next().is_terminated());
}

#[test]
fn what_finds_room_is_queued_by_the_call_and_what_does_not_goes_with_its_future() {
    let mut lines = Framed::new(Script::new(), LinesCodec::new(80)).with_high_water_bytes(8);
    drop(lines.feed("one"));
    drop(lines.send("two"));
    drop(lines.feed("three"));
    drop(lines.send("four"));
    assert_eq!(lines.get_ref().write_calls(), 0);
    block_on(lines.flush()).unwrap();
    assert_eq!(lines.get_ref().written(), b"one\ntwo\n");

    let mut lines = FramedWrite::new(Script::new(), LinesCodec::new(80)).with_high_water_bytes(8);
    drop(lines.feed("one"));
    drop(lines.send("two"));
    drop(lines.feed("three"));
    drop(lines.send("four"));
    assert_eq!(lines.get_ref().write_calls(), 0);
    block_on(lines.flush()).unwrap();
    assert_eq!(lines.get_ref().written(), b"one\ntwo\n");
}

#[test]
fn feed_queues_and_send_writes_as_those_of_a_sink_do() {
    block_on(async {
        let [mut own, mut of_futures] =
            [(); 2].map(|()| FramedWrite::new(Script::new().takes(3), LinesCodec::new(80)));
        own.feed("one").await?;
        SinkExt::feed(&mut of_futures, "one").await?;
        for lines in [&own, &of_futures] {
            assert_eq!(lines.get_ref().write_calls(), 0);
            assert_eq!(lines.write_buffer().len(), 4);
        }
        own.send("two").await?;
        SinkExt::send(&mut of_futures, "two").await?;
        for lines in [&own, &of_futures] {
            assert_eq!(lines.get_ref().written(), b"one\ntwo\n");
            assert_eq!(lines.get_ref().write_calls(), 2);
            assert_eq!(lines.get_ref().flushes(), 1);
        }
        Ok::<_, LinesError>(())
    })
    .unwrap();
}

#[test]
fn an_error_of_the_encoder_is_that_of_the_call_and_leaves_nothing() {
    let mut lines = Framed::new(Script::new(), LinesCodec::new(3));
    let too_long = |error| matches!(error, Err(LinesError::ItemTooLong { .. }));
    assert!(too_long(block_on(lines.feed("long"))));
    assert!(too_long(block_on(lines.send("long"))));
    block_on(lines.send("one")).unwrap();
    assert_eq!(lines.get_ref().written(), b"one\n");
}

#[test]
fn an_error_of_the_writer_is_that_of_the_call() {
    let mut lines = FramedWrite::new(
        Script::new().write_fails(io::ErrorKind::BrokenPipe),
        LinesCodec::new(80),
    );
    let error = block_on(lines.send("one")).unwrap_err();
    assert!(matches!(error, LinesError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe));
}

/// Once with a feed that waits for the mark, once with a send that waits for the writer.
#[test]
fn what_waits_goes_on_when_there_is_room() {
    let gate = Gate::default();
    let mut lines = FramedWrite::new(gate.clone(), LinesCodec::new(80)).with_high_water_bytes(1);
    block_on(lines.feed("one")).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut feed = lines.feed("two");
    assert!(Pin::new(&mut feed).poll(&mut cx).is_pending());
    gate.open(4);
    assert!(Pin::new(&mut feed).poll(&mut cx).is_ready());
    assert_eq!(gate.taken(), b"one\n");
    let mut send = pin!(lines.send("three"));
    assert!(send.as_mut().poll(&mut cx).is_pending());
    gate.open(4);
    assert!(send.as_mut().poll(&mut cx).is_pending());
    gate.open(6);
    assert!(send.as_mut().poll(&mut cx).is_ready());
    assert_eq!(gate.taken(), b"one\ntwo\nthree\n");
}

#[test]
fn a_feed_waits_for_room_and_not_until_all_is_written() {
    let gate = Gate::default();
    let mut lines = FramedWrite::new(gate.clone(), LinesCodec::new(80)).with_high_water_bytes(5);
    for line in ["one", "two"] {
        assert!(poll_once(lines.feed(line)).is_ready());
    }
    let mut feed = lines.feed("three");
    assert!(poll_once(&mut feed).is_pending());
    gate.open(4);
    assert!(poll_once(&mut feed).is_ready());
    assert_eq!(gate.taken(), b"one\n");
    assert_eq!(lines.write_buffer().len(), 4 + 6);
}

/// Once in the call, once in the future, which had no room for the frame before.
#[test]
fn an_encoder_that_panics_takes_its_frame_and_nothing_else() {
    struct Picky;

    impl Encoder<&str> for Picky {
        type Error = io::Error;

        fn encode(&mut self, word: &str, dst: &mut Segments) -> io::Result<()> {
            dst.put_slice(word.as_bytes());
            assert_ne!(word, "bad", "this is to panic");
            Ok(())
        }
    }

    let mut words = FramedWrite::new(Vec::new(), Picky).with_high_water_bytes(4);
    block_on(words.feed("one")).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(words.feed("bad")))).is_err());
    assert_eq!(words.write_buffer().len(), 3);
    block_on(words.feed("two")).unwrap();
    let mut feed = words.feed("bad");
    assert!(catch_unwind(AssertUnwindSafe(|| poll_once(&mut feed))).is_err());
    // It has no frame any more, so that it is over.
    block_on(feed).unwrap();
    assert!(words.write_buffer().is_empty());
    assert_eq!(words.into_inner(), b"onetwo");
}

#[test]
fn a_frame_that_waits_for_room_gets_the_error_that_comes_first() {
    let full = |io| {
        let mut lines = FramedWrite::new(io, LinesCodec::new(3)).with_high_water_bytes(1);
        block_on(lines.feed("one")).unwrap();
        lines
    };
    let mut lines = full(Script::new());
    let error = block_on(lines.feed("long")).unwrap_err();
    assert!(matches!(error, LinesError::ItemTooLong { .. }));
    assert_eq!(lines.get_ref().written(), b"one\n");
    assert!(lines.write_buffer().is_empty());

    let mut lines = full(Script::new().write_fails(io::ErrorKind::BrokenPipe));
    let mut feed = lines.feed("two");
    assert!(matches!(block_on(&mut feed), Err(LinesError::Io(_))));
    // It is over with the error, and has not kept its frame for another try.
    block_on(feed).unwrap();
    assert_eq!(lines.get_ref().written(), b"");
    assert_eq!(lines.write_buffer().len(), 4);
}

#[test]
fn a_send_is_not_over_before_its_frame_was_queued() {
    // The writer blocks once, when room is made, and would take all of what else is queued.
    let mut lines = FramedWrite::new(Script::new().write_would_block(), LinesCodec::new(80))
        .with_high_water_bytes(1);
    block_on(lines.feed("one")).unwrap();
    block_on(lines.send("two")).unwrap();
    assert_eq!(lines.get_ref().written(), b"one\ntwo\n");
}

#[test]
fn a_feed_that_is_over_queues_nothing_more() {
    let gate = Gate::default();
    let mut lines = FramedWrite::new(gate.clone(), LinesCodec::new(80)).with_high_water_bytes(1);
    // The first has room, the second waits for it.
    for line in ["one", "two"] {
        let mut feed = lines.feed(line);
        gate.open(4);
        for _ in 0..3 {
            block_on(&mut feed).unwrap();
        }
    }
    assert_eq!(lines.write_buffer().len(), 4);
    block_on(lines.flush()).unwrap();
    assert_eq!(gate.taken(), b"one\ntwo\n");
}

#[test]
fn feed_goes_to_another_thread_also_with_an_encoder_of_one_lifetime() {
    struct Words;

    impl Encoder<&'static str> for Words {
        type Error = io::Error;

        fn encode(&mut self, word: &'static str, dst: &mut Segments) -> io::Result<()> {
            dst.push(word.into());
            Ok(())
        }
    }

    let mut words = FramedWrite::new(Vec::new(), Words);
    // It is asked of the block and not of the future in it, whose lifetimes are known.
    let feeds = async move {
        words.feed("one").await?;
        words.flush().await?;
        io::Result::Ok(words.into_inner())
    };
    let fed = std::thread::scope(|scope| scope.spawn(|| block_on(feeds)).join().unwrap());
    assert_eq!(fed.unwrap(), b"one");
}
