use std::{
    future::Future,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    net::{Shutdown, TcpListener as StdListener, TcpStream as StdStream},
    os::fd::{AsFd, BorrowedFd},
};

use bytes::{Buf, BufMut, BytesMut};
use futures::{executor, join};
use io_traits::{AsyncWrite, io as async_io, read_buf, task, write_buf};
use net::TcpStream;
use reactor::{Core, Handle};

use super::{
    script::Origin,
    step::Way,
    subject::{Meanwhile, Subject, after_waiting, connection, cut, given_up},
};
use crate::common::{self, Elsewhere, HANG, any_port, listen};

/// Ours.
pub(crate) struct Ours {
    stream: TcpStream,
    event_loop: EventLoop,
}

enum EventLoop {
    /// The thread that runs the operations turns it.
    Here(Core),
    /// Another one does, so that events come at any moment of an operation.
    Elsewhere(Elsewhere),
}

impl Ours {
    /// The stream and its peer.
    pub(crate) fn open(origin: Origin) -> (Self, StdStream) {
        Self::open_on(EventLoop::Here(Core::new().unwrap()), origin)
    }

    pub(crate) fn open_elsewhere(origin: Origin) -> (Self, StdStream) {
        Self::open_on(EventLoop::Elsewhere(Elsewhere::new()), origin)
    }

    fn open_on(mut event_loop: EventLoop, origin: Origin) -> (Self, StdStream) {
        let handle = event_loop.handle();
        let (stream, far) = match origin {
            Origin::Connected => {
                let listener = StdListener::bind(any_port()).unwrap();
                let addr = listener.local_addr().unwrap();
                let stream = event_loop.run(TcpStream::connect(&addr, &handle));
                (stream.unwrap(), listener.accept().unwrap().0)
            }
            Origin::Accepted => {
                let (listener, addr) = listen(&handle);
                let far = StdStream::connect(addr).unwrap();
                let accepted = event_loop.run(task::io(|| listener.accept()));
                (accepted.unwrap().0, far)
            }
            Origin::Adopted => {
                let (near, far) = connection();
                (TcpStream::from_std(near, &handle).unwrap(), far)
            }
        };
        (Self { stream, event_loop }, far)
    }
}

impl EventLoop {
    fn handle(&self) -> Handle {
        match self {
            Self::Here(core) => core.handle(),
            Self::Elsewhere(elsewhere) => elsewhere.handle.clone(),
        }
    }

    #[track_caller]
    fn run<F: Future>(&mut self, operation: F) -> F::Output {
        match self {
            Self::Here(core) => common::run(core, operation),
            Self::Elsewhere(elsewhere) => {
                let limited = elsewhere.handle.timeout(HANG, operation);
                executor::block_on(limited).expect("it hangs")
            }
        }
    }
}

impl Subject for Ours {
    fn name(&self) -> &'static str {
        match self.event_loop {
            EventLoop::Here(_) => "ours",
            EventLoop::Elsewhere(_) => "ours, with its loop elsewhere",
        }
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    fn read(&mut self, way: Way, room: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let read = read(&self.stream, way, room);
        self.event_loop.run(after_waiting(read, meanwhile))
    }

    fn peek(&mut self, room: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let stream = &self.stream;
        let mut buf = vec![0; room];
        let peek = task::io(|| stream.peek(&mut buf));
        let n = self.event_loop.run(after_waiting(peek, meanwhile))?;
        buf.truncate(n);
        Ok(buf)
    }

    fn read_exact(&mut self, len: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let mut buf = vec![0; len];
        let mut stream = &self.stream;
        let read = async_io::read_exact(&mut stream, &mut buf);
        self.event_loop.run(after_waiting(read, meanwhile))?;
        Ok(buf)
    }

    fn read_to_end(&mut self, meanwhile: Meanwhile<'_>) -> (Vec<u8>, io::Result<()>) {
        let (mut stream, mut all) = (&self.stream, Vec::new());
        let copy = async_io::copy(&mut stream, &mut all);
        let result = self
            .event_loop
            .run(after_waiting(copy, meanwhile))
            .map(|_| ());
        (all, result)
    }

    fn give_up(&mut self, way: Way, room: usize) {
        self.event_loop.run(given_up(read(&self.stream, way, room)));
    }

    fn write(&mut self, way: Way, bytes: &[u8]) -> io::Result<usize> {
        self.event_loop.run(write(&self.stream, way, bytes))
    }

    fn write_all(&mut self, bytes: &[u8], meanwhile: Meanwhile<'_>) -> io::Result<()> {
        let mut stream = &self.stream;
        let write = async_io::write_all(&mut stream, bytes);
        self.event_loop.run(after_waiting(write, meanwhile))
    }

    fn exchange(&mut self, bytes: &[u8], len: usize) -> io::Result<Vec<u8>> {
        let (mut reader, mut writer) = (&self.stream, &self.stream);
        let mut buf = vec![0; len];
        let (written, read) = self.event_loop.run(async {
            join!(
                async_io::write_all(&mut writer, bytes),
                async_io::read_exact(&mut reader, &mut buf),
            )
        });
        written.and(read)?;
        Ok(buf)
    }

    fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }

    fn end(&mut self) -> io::Result<()> {
        self.event_loop.run(async_io::shutdown(&mut &self.stream))
    }

    fn look(&mut self) {
        if let EventLoop::Here(core) = &mut self.event_loop {
            common::settle(core);
        }
    }
}

async fn read(mut stream: &TcpStream, way: Way, room: usize) -> io::Result<Vec<u8>> {
    let mut buf = vec![0; room];
    let n = match way {
        Way::Plain => task::io(|| stream.read(&mut buf)).await?,
        Way::Async => async_io::read(&mut stream, &mut buf).await?,
        Way::Vectored => {
            let (a, b) = buf.split_at_mut(cut(room));
            let mut slices = [a, &mut [], b].map(IoSliceMut::new);
            task::io(|| stream.read_vectored(&mut slices)).await?
        }
        Way::Buf => {
            let mut buf = BytesMut::with_capacity(room).limit(room);
            task::io(|| read_buf(&mut stream, &mut buf)).await?;
            return Ok(buf.into_inner().into());
        }
    };
    buf.truncate(n);
    Ok(buf)
}

async fn write(mut stream: &TcpStream, way: Way, bytes: &[u8]) -> io::Result<usize> {
    let (a, b) = bytes.split_at(cut(bytes.len()));
    match way {
        Way::Plain => task::io(|| stream.write(bytes)).await,
        Way::Async => std::future::poll_fn(|cx| stream.poll_write_from(cx, bytes)).await,
        Way::Vectored => {
            let slices = [a, &[], b].map(IoSlice::new);
            task::io(|| stream.write_vectored(&slices)).await
        }
        Way::Buf => task::io(|| write_buf(&mut stream, &mut Buf::chain(a, b))).await,
    }
}
