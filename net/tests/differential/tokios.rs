use std::{
    future::Future,
    io::{self, IoSlice, IoSliceMut},
    net::{Shutdown, TcpListener as StdListener, TcpStream as StdStream},
    os::fd::{AsFd, BorrowedFd},
};

use bytes::{Buf, BufMut, BytesMut};
use futures::join;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    task::yield_now,
    time::timeout,
};

use super::{
    script::Origin,
    step::Way,
    subject::{Meanwhile, Subject, after_waiting, connection, cut, given_up, smoothed},
};
use crate::common::{HANG, any_port};

/// tokio's, on a current-thread runtime of its own.
pub(crate) struct Tokios {
    stream: TcpStream,
    runtime: Runtime,
}

impl Tokios {
    /// The stream and its peer.
    pub(crate) fn open(origin: Origin) -> (Self, StdStream) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (stream, far) = match origin {
            Origin::Connected => {
                let listener = StdListener::bind(any_port()).unwrap();
                let addr = listener.local_addr().unwrap();
                let stream = run(&runtime, TcpStream::connect(addr)).unwrap();
                (stream, listener.accept().unwrap().0)
            }
            Origin::Accepted => run(&runtime, async {
                let listener = TcpListener::bind(any_port()).await.unwrap();
                let far = StdStream::connect(listener.local_addr().unwrap()).unwrap();
                (listener.accept().await.unwrap().0, far)
            }),
            Origin::Adopted => {
                let (near, far) = connection();
                near.set_nonblocking(true).unwrap();
                let _inside = runtime.enter();
                (TcpStream::from_std(near).unwrap(), far)
            }
        };
        (Self { stream, runtime }, far)
    }
}

impl Subject for Tokios {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    fn read(&mut self, way: Way, room: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let read = read(&mut self.stream, way, room);
        run(&self.runtime, after_waiting(read, meanwhile))
    }

    fn peek(&mut self, room: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let mut buf = vec![0; room];
        let peek = self.stream.peek(&mut buf);
        let n = run(&self.runtime, after_waiting(peek, meanwhile))?;
        buf.truncate(n);
        Ok(buf)
    }

    fn read_exact(&mut self, len: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let mut buf = vec![0; len];
        let read = self.stream.read_exact(&mut buf);
        run(&self.runtime, after_waiting(read, meanwhile))?;
        Ok(buf)
    }

    fn read_to_end(&mut self, meanwhile: Meanwhile<'_>) -> (Vec<u8>, io::Result<()>) {
        let mut all = Vec::new();
        let read = self.stream.read_to_end(&mut all);
        let result = run(&self.runtime, after_waiting(read, meanwhile)).map(|_| ());
        (all, result)
    }

    fn give_up(&mut self, way: Way, room: usize) {
        run(&self.runtime, given_up(read(&mut self.stream, way, room)));
    }

    fn write(&mut self, way: Way, bytes: &[u8]) -> io::Result<usize> {
        run(&self.runtime, write(&mut self.stream, way, bytes))
    }

    fn write_all(&mut self, bytes: &[u8], meanwhile: Meanwhile<'_>) -> io::Result<()> {
        let write = self.stream.write_all(bytes);
        run(&self.runtime, after_waiting(write, meanwhile))
    }

    fn exchange(&mut self, bytes: &[u8], len: usize) -> io::Result<Vec<u8>> {
        let mut buf = vec![0; len];
        let (mut reader, mut writer) = self.stream.split();
        let (written, read) = run(&self.runtime, async {
            join!(writer.write_all(bytes), reader.read_exact(&mut buf))
        });
        written?;
        read?;
        Ok(buf)
    }

    /// tokio has only the asynchronous one, of the writing side.
    fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        smoothed(SockRef::from(&self.stream).shutdown(how))
    }

    fn end(&mut self) -> io::Result<()> {
        run(&self.runtime, self.stream.shutdown())
    }

    fn look(&mut self) {
        run(&self.runtime, yield_now());
    }
}

#[track_caller]
fn run<F: Future>(runtime: &Runtime, future: F) -> F::Output {
    runtime.block_on(async { timeout(HANG, future).await.expect("it hangs") })
}

async fn read(stream: &mut TcpStream, way: Way, room: usize) -> io::Result<Vec<u8>> {
    let mut buf = vec![0; room];
    let n = match way {
        Way::Plain | Way::Async => stream.read(&mut buf).await?,
        Way::Vectored => {
            let (a, b) = buf.split_at_mut(cut(room));
            let mut slices = [a, &mut [], b].map(IoSliceMut::new);
            let socket = &*stream;
            // `try_read_vectored` says "would block" as well when tokio thinks so.
            let recv = || socket.try_read_vectored(&mut slices);
            vectored(socket, recv).await?
        }
        Way::Buf => {
            let mut buf = BytesMut::with_capacity(room).limit(room);
            stream.read_buf(&mut buf).await?;
            return Ok(buf.into_inner().into());
        }
    };
    buf.truncate(n);
    Ok(buf)
}

async fn vectored(
    stream: &TcpStream,
    mut try_read: impl FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    loop {
        stream.ready(Interest::READABLE).await?;
        match try_read() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

async fn write(stream: &mut TcpStream, way: Way, bytes: &[u8]) -> io::Result<usize> {
    let (a, b) = bytes.split_at(cut(bytes.len()));
    match way {
        Way::Plain | Way::Async => stream.write(bytes).await,
        Way::Vectored => {
            let slices = [a, &[], b].map(IoSlice::new);
            stream.write_vectored(&slices).await
        }
        Way::Buf => stream.write_buf(&mut Buf::chain(a, b)).await,
    }
}
