//! Pointers forward every method, so that a fast path survives behind `Box`, `&mut` and `dyn`.

use std::{
    cell::RefCell,
    io::{self, IoSlice, Read, Write},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, BytesMut};
use io_traits::{AsyncRead, AsyncWrite, ReadCursor, poll_read_buf, poll_write_buf};

/// Writes down which of its methods were called.
#[derive(Clone, Default)]
struct Recorder(Rc<RefCell<Vec<&'static str>>>);

impl Recorder {
    fn note(&self, call: &'static str) {
        self.0.borrow_mut().push(call);
    }

    fn calls(&self) -> Vec<&'static str> {
        self.0.take()
    }
}

impl Read for Recorder {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.note("read");
        Ok(0)
    }
}

impl Write for Recorder {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.note("write");
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.note("flush");
        Ok(())
    }
}

impl AsyncRead for Recorder {
    fn poll_read_into(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        self.note("poll_read_into");
        Poll::Ready(Ok(buf.append(b"fast")))
    }
}

impl AsyncWrite for Recorder {
    fn poll_write_from(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.note("poll_write_from");
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_slices(
        &mut self,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.note("poll_write_slices");
        Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()))
    }

    fn writes_slices(&self) -> bool {
        self.note("writes_slices");
        true
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.note("poll_flush");
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.note("poll_shutdown");
        Poll::Ready(Ok(()))
    }
}

fn exercise<T: AsyncRead + AsyncWrite>(object: &mut T) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut buf = BytesMut::new();
    assert!(poll_read_buf(object, &mut cx, &mut buf).is_ready());
    assert_eq!(buf, "fast");
    assert!(poll_write_buf(object, &mut cx, &mut &b"one"[..]).is_ready());
    let mut two = Buf::chain(&b"one"[..], &b"two"[..]);
    assert!(poll_write_buf(object, &mut cx, &mut two).is_ready());
    assert!(object.poll_flush(&mut cx).is_ready());
    assert!(object.poll_shutdown(&mut cx).is_ready());
}

const FAST: [&str; 6] = [
    "poll_read_into",
    "poll_write_from",
    "writes_slices",
    "poll_write_slices",
    "poll_flush",
    "poll_shutdown",
];

trait Duplex: AsyncRead + AsyncWrite {}
impl Duplex for Recorder {}

#[test]
fn a_box_a_reference_and_a_trait_object_keep_every_fast_path() {
    let recorder = Recorder::default();
    exercise(&mut recorder.clone());
    assert_eq!(recorder.calls(), FAST);
    exercise(&mut &mut recorder.clone());
    assert_eq!(recorder.calls(), FAST);
    exercise(&mut Box::new(recorder.clone()));
    assert_eq!(recorder.calls(), FAST);
    exercise(&mut Box::new(Box::new(&mut recorder.clone())));
    assert_eq!(recorder.calls(), FAST);
    let mut unsized_box: Box<dyn Duplex> = Box::new(recorder.clone());
    exercise(&mut &mut *unsized_box);
    assert_eq!(recorder.calls(), FAST);
}

#[test]
fn boxed_trait_objects_of_one_direction_work() {
    let recorder = Recorder::default();
    let mut cx = Context::from_waker(Waker::noop());
    let mut reader: Box<dyn AsyncRead> = Box::new(recorder.clone());
    assert!(poll_read_buf(&mut reader, &mut cx, &mut BytesMut::new()).is_ready());
    let mut writer: Box<dyn AsyncWrite> = Box::new(recorder.clone());
    assert!(poll_write_buf(&mut writer, &mut cx, &mut &b"x"[..]).is_ready());
    assert_eq!(recorder.calls(), ["poll_read_into", "poll_write_from"]);
}
