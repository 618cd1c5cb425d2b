use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    net::{Shutdown, TcpStream},
    os::fd::{AsFd, BorrowedFd},
    thread,
};

use super::{
    script::Origin,
    step::Way,
    subject::{Meanwhile, Subject, connection, cut, smoothed},
};
use crate::common::HANG;

/// std's, in blocking mode.
pub(crate) struct Blocking {
    stream: TcpStream,
}

impl Blocking {
    /// The stream and its peer.
    pub(crate) fn open(origin: Origin) -> (Self, TcpStream) {
        let (connected, accepted) = connection();
        let (stream, far) = match origin {
            Origin::Connected | Origin::Adopted => (connected, accepted),
            Origin::Accepted => (accepted, connected),
        };
        // A hang is an error that no other implementation has.
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
        (Self { stream }, far)
    }
}

impl Subject for Blocking {
    fn name(&self) -> &'static str {
        "std"
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    fn read(&mut self, way: Way, room: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let mut buf = vec![0; room];
        let n = during(meanwhile, || match way {
            Way::Plain | Way::Async | Way::Buf => self.stream.read(&mut buf),
            Way::Vectored => {
                let (a, b) = buf.split_at_mut(cut(room));
                let mut slices = [a, &mut [], b].map(IoSliceMut::new);
                self.stream.read_vectored(&mut slices)
            }
        })?;
        buf.truncate(n);
        Ok(buf)
    }

    fn peek(&mut self, room: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let mut buf = vec![0; room];
        let n = during(meanwhile, || self.stream.peek(&mut buf))?;
        buf.truncate(n);
        Ok(buf)
    }

    fn read_exact(&mut self, len: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let mut buf = vec![0; len];
        during(meanwhile, || self.stream.read_exact(&mut buf))?;
        Ok(buf)
    }

    fn read_to_end(&mut self, meanwhile: Meanwhile<'_>) -> (Vec<u8>, io::Result<()>) {
        let mut all = Vec::new();
        let result = during(meanwhile, || self.stream.read_to_end(&mut all)).map(|_| ());
        (all, result)
    }

    /// A blocking read cannot be dropped.
    fn give_up(&mut self, _: Way, _: usize) {}

    fn write(&mut self, way: Way, bytes: &[u8]) -> io::Result<usize> {
        let (a, b) = bytes.split_at(cut(bytes.len()));
        match way {
            Way::Plain | Way::Async => self.stream.write(bytes),
            Way::Vectored | Way::Buf => {
                let slices = [a, &[], b].map(IoSlice::new);
                self.stream.write_vectored(&slices)
            }
        }
    }

    fn write_all(&mut self, bytes: &[u8], meanwhile: Meanwhile<'_>) -> io::Result<()> {
        during(meanwhile, || self.stream.write_all(bytes))
    }

    fn exchange(&mut self, bytes: &[u8], len: usize) -> io::Result<Vec<u8>> {
        let (mut reader, mut writer) = (&self.stream, &self.stream);
        let mut buf = vec![0; len];
        thread::scope(|scope| {
            let writing = scope.spawn(move || writer.write_all(bytes));
            let read = reader.read_exact(&mut buf);
            writing.join().unwrap().and(read)
        })?;
        Ok(buf)
    }

    fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        smoothed(self.stream.shutdown(how))
    }

    fn end(&mut self) -> io::Result<()> {
        smoothed(self.stream.shutdown(Shutdown::Write))
    }

    fn look(&mut self) {}
}

/// Whether the operation or `meanwhile` is first, nobody can know; the result must be the same.
fn during<T>(meanwhile: Meanwhile<'_>, operation: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        meanwhile.map(|meanwhile| scope.spawn(meanwhile));
        operation()
    })
}
