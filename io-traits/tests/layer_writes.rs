//! Writes to a protocol object: its full buffers, its end, and its lies.

mod common;
mod layer_socket;

use std::{
    io::{self, ErrorKind, IoSlice, Read, Write},
    task::{Context, Poll, Waker},
};

use common::{CountWakes, Random, drive, poll_with};
use io_traits::{
    AsyncRead, AsyncWrite, ReadCursor,
    io::{read, write_all},
    layer::Layer,
    task,
    testing::Script,
};
use layer_socket::{Held, Socket};

#[test]
fn a_full_buffer_is_a_would_block_and_goes_on_later() {
    let socket = Socket::new();
    let mut layer = Layer::new(Held::new(socket.clone(), 4));
    let (wakes, waker) = CountWakes::new();
    let mut writing = write_all(&mut layer, b"0123456789");
    assert!(poll_with(&mut writing, &waker).is_pending());
    assert_eq!((writing.written(), socket.waiting()), (4, (0, 1)));
    // Too little for the buffer to be empty, but it was not stuck.
    socket.make_room(3);
    assert!(poll_with(&mut writing, &waker).is_pending());
    assert_eq!(wakes.get(), 1);
    socket.make_room(100);
    assert_eq!(wakes.get(), 2);
    assert!(matches!(
        poll_with(&mut writing, &waker),
        Poll::Ready(Ok(()))
    ));
    // The last of it is held until somebody flushes or parks.
    let mut held = socket.output();
    held.extend(&layer.get_ref().held);
    assert_eq!(held, b"0123456789");
}

#[test]
fn buffers_and_rooms_of_every_size_write_the_same_bytes() {
    let data: Vec<u8> = (0..=255).collect();
    for seed in 0..200 {
        let mut random = Random::new(seed + 1);
        let capacity = 1 + random.below(40) as usize;
        let mut script = Script::new();
        for _ in 0..random.below(60) {
            script = match random.below(3) {
                0 => script.write_would_block(),
                1 => script.write_fails(ErrorKind::Interrupted),
                _ => script.takes(1 + random.below(20) as usize),
            };
        }
        let mut layer = Layer::new(Held::new(script, capacity));
        drive(write_all(&mut layer, &data)).0.unwrap();
        drive(io_traits::io::flush(&mut layer)).0.unwrap();
        assert_eq!(layer.get_ref().stream.written(), data, "seed {seed}");
    }
}

#[test]
fn the_implicit_and_the_vectored_form_know_a_full_buffer_too() {
    let script = || Script::new().write_would_block();
    let mut layer = Layer::new(Held::new(script(), 2));
    assert_eq!(drive(task::io(|| layer.write(b"abc"))).0.unwrap(), 2);
    let (result, polls) = drive(task::io(|| layer.write(b"c")));
    assert_eq!((result.unwrap(), polls), (1, 2));

    let mut layer = Layer::new(Held::new(script(), 2));
    let bufs = [IoSlice::new(b""), IoSlice::new(b"abc")];
    let mut poll_slices = |cx: &mut Context<'_>| layer.poll_write_slices(cx, &bufs);
    let first = drive(std::future::poll_fn(&mut poll_slices));
    assert_eq!(first.0.unwrap(), 2);
    let (second, polls) = drive(std::future::poll_fn(&mut poll_slices));
    assert_eq!((second.unwrap(), polls), (2, 2));
}

#[test]
fn a_write_of_nothing_takes_nothing_and_does_not_flush() {
    let mut layer = Layer::new(Held::new(Script::new().never_takes(), 1));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        assert!(matches!(
            layer.poll_write_from(&mut cx, b""),
            Poll::Ready(Ok(0))
        ));
        let bufs = [IoSlice::new(b""), IoSlice::new(b"")];
        assert!(matches!(
            layer.poll_write_slices(&mut cx, &bufs),
            Poll::Ready(Ok(0))
        ));
    }
    assert_eq!(layer.get_ref().flushes, 0);
}

#[test]
fn a_true_write_zero_passes() {
    // Nothing is taken although nothing is held: so it will be for ever.
    let mut layer = Layer::new(Held::new(Script::new(), 0));
    let (result, polls) = drive(write_all(&mut layer, b"data"));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::WriteZero);
    assert_eq!((polls, layer.get_ref().flushes), (1, 1));

    // One that the object itself has found.
    let script = Script::new().write_fails(ErrorKind::WriteZero);
    let mut layer = Layer::new(Held::new(script, 1));
    let error = drive(write_all(&mut layer, b"data")).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
}

#[test]
fn a_read_of_nothing_is_the_end_and_no_would_block() {
    let mut layer = Layer::new(Held::new(Script::new(), 1));
    let (result, polls) = drive(read(&mut layer, &mut [0; 4]));
    assert_eq!((result.unwrap(), polls), (0, 1));
}

/// Says that it has moved more than there was.
struct Boastful;

impl Read for Boastful {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(buf.len() + 1)
    }
}

impl Write for Boastful {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len() + 1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_object_that_claims_too_much_is_an_error_and_no_panic() {
    let mut layer = Layer::new(Boastful);
    assert!(drive(read(&mut layer, &mut [0; 4])).0.is_err());
    assert!(drive(write_all(&mut layer, b"data")).0.is_err());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(
        layer.poll_write_from(&mut cx, b"data"),
        Poll::Ready(Err(_))
    ));
    let bufs = [IoSlice::new(b""), IoSlice::new(b"data")];
    assert!(matches!(
        layer.poll_write_slices(&mut cx, &bufs),
        Poll::Ready(Err(_))
    ));
}

/// rustls waits for its peer even when it is asked for nothing.
#[test]
fn nothing_is_read_and_written_at_once_whatever_the_object_says() {
    let mut layer = Layer::new(Script::new().never_gives().never_takes());
    assert_eq!(drive(read(&mut layer, &mut [])).0.unwrap(), 0);
    let mut cx = Context::from_waker(Waker::noop());
    let nothing = ReadCursor::with_initialized(&mut [], |buf| layer.poll_read_into(&mut cx, buf)).0;
    assert!(matches!(nothing, Poll::Ready(Ok(0))));
    assert!(matches!(
        layer.poll_write_from(&mut cx, &[]),
        Poll::Ready(Ok(0))
    ));
    let nothing = drive(task::io(|| Read::read(&mut layer, &mut [])));
    assert_eq!(nothing.0.unwrap(), 0);
    assert_eq!(
        layer.get_ref().read_calls() + layer.get_ref().write_calls(),
        0
    );
}
