//! `Framed` flushes what was fed before it parks.

mod common;

use std::{
    io::{self, BufWriter, Read, Write},
    pin::Pin,
    task::{Context, Poll},
};

use codec::{Framed, LinesCodec, LinesError};
use common::{Gate, Wakes, poll_next};
use futures::{Sink, SinkExt, StreamExt, executor::block_on, stream::FusedStream};
use io_traits::{AsyncRead, AsyncWrite, task::budget, testing::Script};

/// The natural loop, until the stream has nothing more for now.
fn echo_until_pending(lines: &mut Framed<Script, LinesCodec>) -> usize {
    let (_, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    let mut echoed = 0;
    loop {
        match lines.poll_next_unpin(&mut cx) {
            Poll::Ready(Some(line)) => {
                assert!(SinkExt::<String>::poll_ready_unpin(lines, &mut cx).is_ready());
                lines.start_send_unpin(line.unwrap()).unwrap();
                echoed += 1;
            }
            Poll::Ready(None) => panic!("the script does not end"),
            Poll::Pending => return echoed,
        }
    }
}

#[test]
fn pipelined_lines_of_one_read_are_answered_with_one_write() {
    for n in [1, 2, 100, 10_000] {
        let requests: String = (0..n).map(|i| format!("{}\n", i % 10)).collect();
        let script = Script::new().gives(&requests).never_gives();
        let mut lines = Framed::new(script, LinesCodec::new(80));
        assert_eq!(echo_until_pending(&mut lines), n);
        let script = lines.get_ref();
        assert_eq!(script.written(), requests.as_bytes());
        assert_eq!((script.write_calls(), script.flushes()), (1, 1));
    }
}

#[test]
fn an_answer_goes_out_before_the_next_request_is_waited_for() {
    let script = Script::new()
        .gives("one\n")
        .would_block()
        .gives("two\n")
        .would_block()
        .never_gives();
    let mut lines = Framed::new(script, LinesCodec::new(80));
    assert_eq!(echo_until_pending(&mut lines), 1);
    assert_eq!(lines.get_ref().written(), b"one\n");
    assert_eq!(lines.get_ref().flushes(), 1);
    assert_eq!(echo_until_pending(&mut lines), 1);
    assert_eq!(lines.get_ref().written(), b"one\ntwo\n");
    assert_eq!(lines.get_ref().write_calls(), 2);
    // A spurious wakeup finds nothing to flush.
    assert_eq!(echo_until_pending(&mut lines), 0);
    assert_eq!(lines.get_ref().flushes(), 2);
}

#[test]
fn the_natural_loop_answers_everything_before_the_end_is_told() {
    let script = Script::new().gives("one\ntwo").write_would_block().takes(3);
    let mut lines = Framed::new(script, LinesCodec::new(80));
    block_on(async {
        while let Some(line) = lines.next().await {
            lines.feed(line.unwrap()).await.unwrap();
        }
    });
    assert!(lines.is_terminated());
    // Neither a flush nor a close was called.
    assert_eq!(lines.get_ref().written(), b"one\ntwo\n");
    assert_eq!(lines.get_ref().flushes(), 1);
}

#[test]
fn parking_with_nothing_fed_neither_writes_nor_flushes() {
    let script = Script::new().gives("one\n").would_block().never_gives();
    let mut lines = Framed::new(script, LinesCodec::new(80));
    assert!(poll_next(&mut lines).is_ready());
    for _ in 0..3 {
        assert!(poll_next(&mut lines).is_pending());
    }
    let script = lines.get_ref();
    assert_eq!((script.write_calls(), script.flushes()), (0, 0));
}

#[test]
fn a_stream_parked_on_its_flush_is_woken_by_the_writer() {
    let gate = Gate::default();
    let mut lines = Framed::new(gate.clone(), LinesCodec::new(80));
    block_on(lines.feed("answer")).unwrap();
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    assert!(lines.poll_next_unpin(&mut cx).is_pending());
    gate.open(3);
    assert_eq!(wakes.count(), 1);
    assert!(lines.poll_next_unpin(&mut cx).is_pending());
    assert_eq!(gate.taken(), b"ans");
    gate.open(100);
    assert_eq!(wakes.count(), 2);
    assert!(lines.poll_next_unpin(&mut cx).is_pending());
    assert_eq!(gate.taken(), b"answer\n");
    // All is out: only a peer could wake it now.
    gate.open(100);
    assert_eq!(wakes.count(), 2);
}

#[test]
fn a_failing_flush_is_the_last_item() {
    for script in [
        Script::new().gives("one\n").never_gives(),
        Script::new().gives("one\n"),
    ] {
        let script = script
            .write_fails(io::ErrorKind::BrokenPipe)
            .write_fails(io::ErrorKind::BrokenPipe);
        let mut lines = Framed::new(script, LinesCodec::new(80));
        let line = block_on(lines.next()).unwrap().unwrap();
        block_on(lines.feed(line)).unwrap();
        let Poll::Ready(Some(Err(LinesError::Io(error)))) = poll_next(&mut lines) else {
            panic!("an error of the writer");
        };
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        for _ in 0..3 {
            assert!(lines.is_terminated());
            assert!(block_on(lines.next()).is_none());
        }
        assert_eq!(lines.get_ref().write_calls(), 1);
    }
}

#[test]
fn a_stream_that_yields_to_other_tasks_flushes_first() {
    let script = Script::new().gives("one\ntwo\nthree\n").never_gives();
    let mut lines = Framed::new(script, LinesCodec::new(80));
    // One for the read, one for the first line.
    budget::with(2, || assert_eq!(echo_until_pending(&mut lines), 1));
    assert_eq!(lines.get_ref().written(), b"one\n");
    assert_eq!(echo_until_pending(&mut lines), 2);
    assert_eq!(lines.get_ref().write_calls(), 2);
}

/// Reads from a script and writes through a buffer of std's.
#[derive(Debug)]
struct Buffered(BufWriter<Script>);

impl Read for Buffered {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.get_mut().read(buf)
    }
}

impl Write for Buffered {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl AsyncRead for Buffered {}
impl AsyncWrite for Buffered {}

#[test]
fn a_queue_emptied_by_back_pressure_still_counts_as_unflushed() {
    let script = Script::new().never_gives();
    let io = Buffered(BufWriter::new(script));
    let mut lines = Framed::new(io, LinesCodec::new(80)).with_high_water_bytes(1);
    block_on(async {
        lines.feed("answer").await.unwrap();
        // Being ready again has moved it on into the buffer below.
        std::future::poll_fn(|cx| Sink::<&str>::poll_ready(Pin::new(&mut lines), cx))
            .await
            .unwrap();
    });
    assert!(lines.write_buffer().is_empty());
    assert_eq!(lines.get_ref().0.get_ref().written(), b"");
    assert!(poll_next(&mut lines).is_pending());
    assert_eq!(lines.get_ref().0.get_ref().written(), b"answer\n");
}

#[test]
fn split_halves_read_and_write_the_same_object() {
    let script = Script::new().gives("one\n").would_block().gives("two\n");
    let lines = Framed::new(script, LinesCodec::new(80));
    let (mut sink, mut stream) = StreamExt::split::<String>(lines);
    block_on(async {
        while let Some(line) = stream.next().await {
            sink.send(line.unwrap()).await.unwrap();
        }
    });
    let lines = sink.reunite(stream).unwrap();
    assert_eq!(lines.get_ref().written(), b"one\ntwo\n");
}
