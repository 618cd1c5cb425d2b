//! Bytes that go from socket to socket, or from file to socket, without being copied to us: splice(2),
//! pipe(7), sendfile(2).

use std::{
    cell::RefCell,
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
};

use io_traits::pool::Lent;
use rustix::{
    fs::sendfile,
    io::Errno,
    pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice},
};

use super::{copy_from_file, ignores_sigpipe};

/// A pipe between two sockets. Nobody waits for it: it is filled only when it is empty, so that "would
/// block" is always about a socket.
#[derive(Debug)]
pub(crate) struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    /// How many bytes are in it.
    len: usize,
}

impl Pipe {
    /// Takes an empty pipe from the pool of this thread, or makes one; `None` if the system has none to
    /// give, or sockets must not be spliced.
    pub(crate) fn take() -> Option<Self> {
        let pooled = POOL.try_with(|pool| pool.borrow_mut().pop()).ok().flatten();
        // A splice cannot be told to send no signal, as a send can.
        pooled.or_else(|| ignores_sigpipe().then(Self::new)?.ok())
    }

    fn new() -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // An error: this user has many large ones already, and gets one of the usual size.
        let _ = fcntl_setpipe_size(&writer, CAPACITY);
        Ok(Self {
            reader,
            writer,
            len: 0,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Moves at most so many bytes of what a socket has received into the pipe, which has to be empty; returns
    /// how many.
    pub(crate) fn fill(&mut self, from: &impl AsFd, most: usize) -> io::Result<usize> {
        debug_assert_eq!(self.len, 0, "it could be the pipe that blocks");
        self.len = splice(from, None, &self.writer, None, CAPACITY.min(most), FLAGS)?;
        Ok(self.len)
    }

    /// Moves what is in the pipe to a socket; returns how many bytes.
    pub(crate) fn empty_into(&mut self, to: &impl AsFd) -> io::Result<usize> {
        // No more than there is: the system would take the rest for a promise that more follows, and hold
        // the last packet back.
        let n = splice(&self.reader, None, to, None, self.len, FLAGS)?;
        self.len = self.len.saturating_sub(n);
        Ok(n)
    }

    /// Reads what is in the pipe, as much as there is room in the buffer.
    pub(crate) fn read_into(&mut self, buf: &mut Lent) -> io::Result<usize> {
        let start = buf.len();
        let room = self.len.min(buf.capacity() - start);
        buf.resize(start + room, 0);
        let read = rustix::io::read(&self.reader, &mut buf[start..]);
        let n = *read.as_ref().unwrap_or(&0);
        buf.truncate(start + n);
        self.len -= n;
        Ok(read?)
    }

    /// Gives it back to the pool of this thread, if it is empty; closes it otherwise.
    pub(crate) fn give_back(self) {
        if self.len > 0 {
            return;
        }
        // An error: the thread is going away, and its pool has gone before.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < POOLED {
                pool.push(self);
            }
        });
    }
}

/// Sends bytes of a file, by sendfile(2); by a buffer where the system refuses. 0 are the end of the file.
pub(crate) fn send_file(
    socket: &impl AsFd,
    file: &File,
    offset: u64,
    len: usize,
) -> io::Result<usize> {
    // It cannot be told to send no signal, as a send can.
    if !ignores_sigpipe() {
        return copy_from_file(socket, file, offset, len);
    }
    let mut at = offset;
    match sendfile(socket, file, Some(&mut at), len).map_err(io::Error::from) {
        Err(error) if is_refusal(&error) => copy_from_file(socket, file, offset, len),
        result => result,
    }
}

/// Whether an error of splice(2) or sendfile(2) says that these two cannot be had, and not that one of
/// them has failed.
pub(crate) fn is_refusal(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(
        errno,
        Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM)
    )
}

/// How many bytes a pipe is asked to hold, and are moved at a time.
const CAPACITY: usize = 512 * 1024;

/// How many pipes a thread keeps.
const POOLED: usize = 16;

const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

thread_local! {
    static POOL: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}
