//! Pointers forward every method, so that a fast path survives behind `Box`, `&mut` and `dyn`.

use std::{
    cell::RefCell,
    io::{self, IoSlice, Read, Write},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, BytesMut};
use io_traits::{
    AllowStdIo, AsyncRead, AsyncWrite, BufReader, ReadCursor, ReadHalf, Splittable, WriteHalf,
    chain, poll_read_buf, poll_write_buf, split,
};

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

/// Through a shared reference, as a type with independent directions has it.
impl Read for &Recorder {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Recorder(self.0.clone()).read(buf)
    }
}

impl Write for &Recorder {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Recorder(self.0.clone()).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Recorder(self.0.clone()).flush()
    }
}

impl AsyncRead for &Recorder {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        Recorder(self.0.clone()).poll_read_into(cx, buf)
    }
}

impl AsyncWrite for &Recorder {
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Recorder(self.0.clone()).poll_write_from(cx, buf)
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Recorder(self.0.clone()).poll_write_slices(cx, bufs)
    }

    fn writes_slices(&self) -> bool {
        (**self).writes_slices()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Recorder(self.0.clone()).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Recorder(self.0.clone()).poll_shutdown(cx)
    }
}

impl Splittable for Recorder {}

/// Both halves as one object again, for `exercise`.
struct Halves(ReadHalf<Recorder>, WriteHalf<Recorder>);

impl Read for Halves {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Halves {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.1.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

impl AsyncRead for Halves {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read_into(cx, buf)
    }
}

impl AsyncWrite for Halves {
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.1.poll_write_from(cx, buf)
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.1.poll_write_slices(cx, bufs)
    }

    fn writes_slices(&self) -> bool {
        self.1.writes_slices()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.1.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.1.poll_shutdown(cx)
    }
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

#[test]
fn halves_keep_every_fast_path() {
    let recorder = Recorder::default();
    let (read, write) = split(recorder.clone());
    exercise(&mut Halves(read, write));
    assert_eq!(recorder.calls(), FAST);
}

#[test]
fn adapters_of_ours_and_of_std_read_through_the_fast_path() {
    let recorder = Recorder::default();
    let mut cx = Context::from_waker(Waker::noop());
    let mut read = |reader: &mut dyn AsyncRead, room: usize| {
        let mut buf = BytesMut::with_capacity(room);
        assert!(poll_read_buf(reader, &mut cx, &mut buf).is_ready());
        buf
    };
    assert_eq!(read(&mut recorder.clone().take(3), 8), "fas");
    assert_eq!(recorder.calls(), ["poll_read_into"]);
    assert_eq!(
        read(&mut chain(recorder.clone(), recorder.clone()), 8),
        "fast"
    );
    assert_eq!(recorder.calls(), ["poll_read_into"]);
    assert_eq!(read(&mut BufReader::new(recorder.clone()), 8), "fast");
    assert_eq!(recorder.calls(), ["poll_read_into"]);
    // A read that is larger than the buffer needs none.
    let mut std_reader = io::BufReader::with_capacity(8, recorder.clone());
    assert_eq!(read(&mut std_reader, 8), "fast");
    assert_eq!(recorder.calls(), ["poll_read_into"]);
}

#[test]
fn a_buf_reader_writes_straight_to_the_object_below() {
    let recorder = Recorder::default();
    exercise(&mut BufReader::new(recorder.clone()));
    assert_eq!(recorder.calls(), FAST);
}

/// Notes which of std's own methods were called.
#[derive(Default)]
struct StdMethods(Vec<&'static str>);

impl Read for StdMethods {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.push("read");
        Ok(0)
    }
    fn read_vectored(&mut self, _: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.push("read_vectored");
        Ok(0)
    }
    fn read_to_end(&mut self, _: &mut Vec<u8>) -> io::Result<usize> {
        self.0.push("read_to_end");
        Ok(0)
    }
    fn read_to_string(&mut self, _: &mut String) -> io::Result<usize> {
        self.0.push("read_to_string");
        Ok(0)
    }
    fn read_exact(&mut self, _: &mut [u8]) -> io::Result<()> {
        self.0.push("read_exact");
        Ok(())
    }
}

impl Write for StdMethods {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.push("write");
        Ok(buf.len())
    }
    fn write_vectored(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.push("write_vectored");
        Ok(0)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.push("flush");
        Ok(())
    }
    fn write_all(&mut self, _: &[u8]) -> io::Result<()> {
        self.0.push("write_all");
        Ok(())
    }
    fn write_fmt(&mut self, _: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.0.push("write_fmt");
        Ok(())
    }
}

#[test]
fn allow_std_io_forwards_every_stable_method_of_std() {
    let mut allowed = AllowStdIo::new(StdMethods::default());
    let _ = allowed.read(&mut []).unwrap();
    let _ = allowed.read_vectored(&mut []).unwrap();
    allowed.read_to_end(&mut Vec::new()).unwrap();
    allowed.read_to_string(&mut String::new()).unwrap();
    allowed.read_exact(&mut []).unwrap();
    let _ = allowed.write(&[]).unwrap();
    let _ = allowed.write_vectored(&[]).unwrap();
    allowed.flush().unwrap();
    allowed.write_all(&[]).unwrap();
    allowed.write_fmt(format_args!("x")).unwrap();
    assert_eq!(
        allowed.into_inner().0,
        [
            "read",
            "read_vectored",
            "read_to_end",
            "read_to_string",
            "read_exact",
            "write",
            "write_vectored",
            "flush",
            "write_all",
            "write_fmt",
        ]
    );
}

#[test]
fn allow_std_io_is_what_it_allows() {
    let one = AllowStdIo::new(1);
    let copy = one;
    assert!(one == copy && one < AllowStdIo::new(2));
    assert_eq!(std::collections::HashSet::from([one, copy]).len(), 1);
    assert_eq!((*one.get_ref(), *{ one }.get_mut()), (1, 1));
    // It blocks, and needs no task: a file is as good as memory.
    let mut file = AllowStdIo::new(io::Cursor::new(Vec::new()));
    futures::executor::block_on(async {
        io_traits::io::write_all(&mut file, b"text").await.unwrap();
        io_traits::io::shutdown(&mut file).await.unwrap();
    });
    assert_eq!(
        io::Seek::seek(&mut file, io::SeekFrom::Start(1)).unwrap(),
        1
    );
    let mut rest = Vec::new();
    futures::executor::block_on(io_traits::io::read_to_end(&mut file, &mut rest, 80)).unwrap();
    assert_eq!(rest, b"ext");
}
