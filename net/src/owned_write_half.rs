#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::{
    fmt,
    io::{self, IoSlice, Write},
    task::{Context, Poll},
};

use io_traits::{AsyncWrite, ReadHalf, ReuniteError, WriteHalf, split};

/// The half of a stream that writes; from `into_split`, for example
/// [`TcpStream::into_split`](crate::TcpStream::into_split).
///
/// Dropping it ends the writing direction, so that the peer sees the end although the other half goes on
/// reading. There is no lock between the halves.
///
/// # Examples
///
/// ```
/// use net::{TcpStream, io_traits::io::{read_to_end, write_all}, reactor::Core};
///
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let addr = listener.local_addr()?;
/// # let peer = std::thread::spawn(move || {
/// #     let (mut peer, mut all) = (listener.accept().unwrap().0, Vec::new());
/// #     std::io::Read::read_to_end(&mut peer, &mut all).unwrap();
/// #     std::io::Write::write_all(&mut peer, b"answer").unwrap();
/// # });
/// let mut core = Core::new()?;
/// let stream = core.run(TcpStream::connect(&addr, &core.handle()))??;
/// let (mut reads, mut writes) = stream.into_split();
/// let mut answer = Vec::new();
/// core.run(async {
///     write_all(&mut writes, b"question").await?;
///     drop(writes);
///     // The peer answers when it has read to the end.
///     read_to_end(&mut reads, &mut answer, 1024).await
/// })??;
/// assert_eq!(answer, b"answer");
/// # peer.join().unwrap();
/// # std::io::Result::Ok(())
/// ```
pub struct OwnedWriteHalf<S> {
    /// INVARIANT: present until it is reunited, forgotten or dropped.
    half: Option<WriteHalf<S>>,
    end: fn(&S) -> io::Result<()>,
}

impl<S> OwnedWriteHalf<S> {
    pub(crate) fn split(stream: S, end: fn(&S) -> io::Result<()>) -> (ReadHalf<S>, Self)
    where
        S: io_traits::Splittable,
    {
        let (reads, writes) = split(stream);
        let half = Some(writes);
        (reads, Self { half, end })
    }

    /// Puts the stream together again.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`], with both halves in it, if they are of different streams.
    pub fn reunite(mut self, read: ReadHalf<S>) -> Result<S, ReuniteError<ReadHalf<S>, Self>> {
        let half = self.half.take().expect(PRESENT);
        read.reunite(half)
            .map_err(|ReuniteError { read, write }| ReuniteError {
                read,
                write: Self {
                    half: Some(write),
                    end: self.end,
                },
            })
    }

    /// Whether the two are halves of one stream.
    pub fn is_pair_of(&self, read: &ReadHalf<S>) -> bool {
        read.is_pair_of(self.half())
    }

    /// Drops it without ending its direction; the stream is closed with the other half.
    pub fn forget(mut self) {
        self.half = None;
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        self.half().get_ref()
    }

    fn half(&self) -> &WriteHalf<S> {
        self.half.as_ref().expect(PRESENT)
    }

    fn half_mut(&mut self) -> &mut WriteHalf<S> {
        self.half.as_mut().expect(PRESENT)
    }
}

impl<S> Drop for OwnedWriteHalf<S> {
    fn drop(&mut self) {
        if let Some(half) = &self.half {
            // An error: there is no connection any more, and so nobody to be told.
            let _ = (self.end)(half.get_ref());
        }
    }
}

impl<S> Write for OwnedWriteHalf<S>
where
    for<'a> &'a S: Write,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.half_mut().write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.half_mut().write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.half_mut().flush()
    }

    fn write_all(&mut self, buf: &[u8]) -> io::Result<()> {
        self.half_mut().write_all(buf)
    }

    fn write_fmt(&mut self, args: fmt::Arguments<'_>) -> io::Result<()> {
        self.half_mut().write_fmt(args)
    }
}

impl<S> AsyncWrite for OwnedWriteHalf<S>
where
    for<'a> &'a S: AsyncWrite,
{
    fn poll_write_from(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.half_mut().poll_write_from(cx, buf)
    }

    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.half_mut().poll_write_slices(cx, bufs)
    }

    fn writes_slices(&self) -> bool {
        self.half().writes_slices()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.half_mut().poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.half_mut().poll_shutdown(cx)
    }
}

impl<S: fmt::Debug> fmt::Debug for OwnedWriteHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedWriteHalf").field(&self.half).finish()
    }
}

#[cfg(unix)]
impl<S: AsFd> AsFd for OwnedWriteHalf<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.half().as_fd()
    }
}

const PRESENT: &str = "the half is there until it is reunited, forgotten or dropped";
