use std::{
    io::{self, ErrorKind},
    net::{Shutdown, TcpStream},
    os::fd::BorrowedFd,
};

use socket2::SockRef;

use super::{
    blocking::Blocking,
    script::Origin,
    step::Way,
    subject::{Meanwhile, Subject},
};

/// A stream of std's with something wrong: what the comparison has to find out.
pub(crate) struct Faulty {
    inner: Blocking,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    LosesAByteOfVectoredReads,
    SwapsTwoBytesOfExactReads,
    PeeksPastTheFirstByte,
    TellsTheEndAsAnError,
    TellsAResetAsTheEnd,
    ForgetsWhatCameBeforeAReset,
    TellsABrokenPipeAsAReset,
    SwallowsErrorsOfWriteAll,
    TellsThatItIsNotConnected,
}

impl Fault {
    pub(crate) const ALL: [Self; 9] = [
        Self::LosesAByteOfVectoredReads,
        Self::SwapsTwoBytesOfExactReads,
        Self::PeeksPastTheFirstByte,
        Self::TellsTheEndAsAnError,
        Self::TellsAResetAsTheEnd,
        Self::ForgetsWhatCameBeforeAReset,
        Self::TellsABrokenPipeAsAReset,
        Self::SwallowsErrorsOfWriteAll,
        Self::TellsThatItIsNotConnected,
    ];
}

impl Faulty {
    pub(crate) fn open(origin: Origin, fault: Fault) -> (Self, TcpStream) {
        let (inner, far) = Blocking::open(origin);
        (Self { inner, fault }, far)
    }
}

impl Subject for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.inner.socket()
    }

    fn read(&mut self, way: Way, room: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let read = self.inner.read(way, room, meanwhile);
        match (self.fault, read) {
            (Fault::LosesAByteOfVectoredReads, Ok(mut bytes)) if matches!(way, Way::Vectored) => {
                bytes.pop();
                Ok(bytes)
            }
            (Fault::TellsTheEndAsAnError, Ok(bytes)) if bytes.is_empty() && room > 0 => {
                Err(ErrorKind::UnexpectedEof.into())
            }
            (Fault::TellsAResetAsTheEnd, Err(error)) if is_reset(&error) => Ok(Vec::new()),
            (_, read) => read,
        }
    }

    fn peek(&mut self, room: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let mut bytes = self.inner.peek(room, meanwhile)?;
        if self.fault == Fault::PeeksPastTheFirstByte && !bytes.is_empty() {
            bytes.rotate_left(1);
        }
        Ok(bytes)
    }

    fn read_exact(&mut self, len: usize, meanwhile: Meanwhile<'_>) -> io::Result<Vec<u8>> {
        let mut bytes = self.inner.read_exact(len, meanwhile)?;
        if self.fault == Fault::SwapsTwoBytesOfExactReads && len > 1 {
            bytes.swap(0, 1);
        }
        Ok(bytes)
    }

    fn read_to_end(&mut self, meanwhile: Meanwhile<'_>) -> (Vec<u8>, io::Result<()>) {
        let (mut all, result) = self.inner.read_to_end(meanwhile);
        let is_reset = result.as_ref().is_err_and(is_reset);
        if self.fault == Fault::ForgetsWhatCameBeforeAReset && is_reset {
            all.clear();
        }
        (all, result)
    }

    fn give_up(&mut self, way: Way, room: usize) {
        self.inner.give_up(way, room);
    }

    fn write(&mut self, way: Way, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(way, bytes).map_err(|error| {
            let is_told_wrong = self.fault == Fault::TellsABrokenPipeAsAReset;
            if is_told_wrong && error.kind() == ErrorKind::BrokenPipe {
                return ErrorKind::ConnectionReset.into();
            }
            error
        })
    }

    fn write_all(&mut self, bytes: &[u8], meanwhile: Meanwhile<'_>) -> io::Result<()> {
        let result = self.inner.write_all(bytes, meanwhile);
        if self.fault == Fault::SwallowsErrorsOfWriteAll {
            return Ok(());
        }
        result
    }

    fn exchange(&mut self, bytes: &[u8], len: usize) -> io::Result<Vec<u8>> {
        self.inner.exchange(bytes, len)
    }

    fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        if self.fault == Fault::TellsThatItIsNotConnected {
            return SockRef::from(&self.inner.socket()).shutdown(how);
        }
        self.inner.shutdown(how)
    }

    fn end(&mut self) -> io::Result<()> {
        self.inner.end()
    }

    fn look(&mut self) {
        self.inner.look();
    }
}

fn is_reset(error: &io::Error) -> bool {
    error.kind() == ErrorKind::ConnectionReset
}
