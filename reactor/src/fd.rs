use std::{
    fmt,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use mio::{Interest, Registry, Token, event::Source, unix::SourceFd};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// Anything with a descriptor, made fit for [`PollEvented`](crate::PollEvented).
///
/// It sets the descriptor to non-blocking mode, is what mio calls a source, and passes `Read` and
/// `Write` on, for itself and for `&` of itself, where the object has them.
///
/// ```
/// use io_traits::io;
/// use reactor::{Core, Fd, PollEvented};
///
/// let (one, other) = std::os::unix::net::UnixStream::pair()?;
/// let mut core = Core::new()?;
/// let handle = core.handle();
/// let mut one = PollEvented::on_demand(Fd::new(one)?, &handle)?;
/// let mut other = PollEvented::on_demand(Fd::new(other)?, &handle)?;
/// let mut buf = [0; 5];
/// core.run(async {
///     io::write_all(&mut one, b"hello").await?;
///     io::read_exact(&mut other, &mut buf).await
/// })??;
/// assert_eq!(&buf, b"hello");
/// # std::io::Result::Ok(())
/// ```
pub struct Fd<T: AsFd> {
    /// INVARIANT: present until `into_inner` or `drop` takes it.
    io: Option<T>,
    /// To be made so again at the end.
    was_blocking: bool,
}

impl<T: AsFd> Fd<T> {
    /// Sets the descriptor to non-blocking mode, for good.
    ///
    /// The mode belongs to what was opened, not to the descriptor: everybody who shares that, by `dup`
    /// or by inheritance, gets it, too. Where that matters there is [`shared`](Self::shared).
    ///
    /// # Errors
    ///
    /// Those of the system, which are rare.
    pub fn new(io: T) -> io::Result<Self> {
        set_nonblocking(&io)?;
        Ok(Self {
            io: Some(io),
            was_blocking: false,
        })
    }

    /// Sets the descriptor to non-blocking mode, and back to blocking mode when this is dropped, unless
    /// it was non-blocking before.
    ///
    /// Standard input is the example: it is the terminal of the shell as well, which does not expect a
    /// read to say "would block".
    ///
    /// Of two that share one terminal, such as standard input and output, the second finds the mode
    /// set and leaves it alone; the first sets it back for both. Drop them together.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn shared(io: T) -> io::Result<Self> {
        let was_blocking = set_nonblocking(&io)?;
        let io = Some(io);
        Ok(Self { io, was_blocking })
    }

    /// The object, whose mode is what it was if this was [`shared`](Self::shared).
    pub fn into_inner(mut self) -> T {
        self.restore();
        self.io.take().expect(PRESENT)
    }

    /// The object.
    pub fn get_mut(&mut self) -> &mut T {
        self.io.as_mut().expect(PRESENT)
    }

    /// The object.
    #[inline]
    pub fn get_ref(&self) -> &T {
        self.io.as_ref().expect(PRESENT)
    }

    fn restore(&mut self) {
        if let Some(io) = self.io.as_ref().filter(|_| self.was_blocking) {
            // An error: the descriptor was closed by somebody else.
            let _ =
                fcntl_getfl(io).and_then(|mode| fcntl_setfl(io, mode.difference(OFlags::NONBLOCK)));
        }
        self.was_blocking = false;
    }
}

/// Whether it was blocking before.
fn set_nonblocking(io: &impl AsFd) -> io::Result<bool> {
    let mode = fcntl_getfl(io)?;
    let was_blocking = !mode.contains(OFlags::NONBLOCK);
    if was_blocking {
        fcntl_setfl(io, mode | OFlags::NONBLOCK)?;
    }
    Ok(was_blocking)
}

impl<T: AsFd> Drop for Fd<T> {
    fn drop(&mut self) {
        self.restore();
    }
}

impl<T: AsFd> AsFd for Fd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsFd> Source for Fd<T> {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.as_fd().as_raw_fd()).register(registry, token, interests)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.as_fd().as_raw_fd()).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.as_fd().as_raw_fd()).deregister(registry)
    }
}

impl<T: AsFd + Read> Read for Fd<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.get_mut().read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.get_mut().read_vectored(bufs)
    }
}

impl<T: AsFd + Write> Write for Fd<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.get_mut().write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.get_mut().write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.get_mut().flush()
    }
}

impl<T: AsFd> Read for &Fd<T>
where
    for<'a> &'a T: Read,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.get_ref().read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.get_ref().read_vectored(bufs)
    }
}

impl<T: AsFd> Write for &Fd<T>
where
    for<'a> &'a T: Write,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.get_ref().write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.get_ref().write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.get_ref().flush()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for Fd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fd").field(self.get_ref()).finish()
    }
}

const PRESENT: &str = "the object is there until `into_inner` or `drop` takes it";
