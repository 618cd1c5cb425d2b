//! A connection in memory.

mod pipe;

use std::{
    fmt,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    sync::Arc,
    task::{Context, Poll},
};

use self::pipe::Pipe;
use crate::{AsyncRead, AsyncWrite, ReadCursor, Splittable, task};

/// Makes a connection in memory; what is written to one end is read from the other.
///
/// Each way holds up to `capacity` bytes, at least 1; a write to a full one would block. It keeps all
/// laws of this crate, so it can stand for a socket in tests.
///
/// # Examples
///
/// ```
/// use io_traits::{duplex, io::{read_exact, write_all}};
///
/// # futures::executor::block_on(async {
/// let (mut client, mut server) = duplex(64);
/// write_all(&mut client, b"ping").await?;
/// let mut buf = [0; 4];
/// read_exact(&mut server, &mut buf).await?;
/// assert_eq!(&buf, b"ping");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn duplex(capacity: usize) -> (Duplex, Duplex) {
    let capacity = capacity.max(1);
    let one = Arc::new(Pipe::new(capacity));
    let two = Arc::new(Pipe::new(capacity));
    let end = |reads: &Arc<Pipe>, writes: &Arc<Pipe>| Duplex {
        reads: reads.clone(),
        writes: writes.clone(),
    };
    (end(&one, &two), end(&two, &one))
}

/// One end of a connection in memory; from [`duplex()`].
///
/// `Read`, `Write`, `AsyncRead` and `AsyncWrite` are there for it and for `&` of it, so two tasks can use
/// the two directions.
///
/// Shutting it down ends what the peer reads, after the bytes that are under way; reading stays
/// possible. Dropping it ends both ways: the peer's reads come to the end, its writes fail with
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe).
pub struct Duplex {
    reads: Arc<Pipe>,
    writes: Arc<Pipe>,
}

impl Drop for Duplex {
    fn drop(&mut self) {
        self.writes.end();
        self.reads.abandon();
    }
}

impl Splittable for Duplex {}

macro_rules! for_it_and_a_reference {
    ($($end:ty),*) => {$(
        impl Read for $end {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                task::poll(|cx| {
                    ReadCursor::with_initialized(buf, |buf| self.reads.poll_read(cx, buf)).0
                })
            }

            fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                let mut read = 0;
                for buf in bufs.iter_mut().filter(|buf| !buf.is_empty()) {
                    match self.read(buf) {
                        Ok(n) => read += n,
                        // What has been read is told first; the next call tells the rest.
                        Err(_) if read > 0 => break,
                        Err(error) => return Err(error),
                    }
                    if read == 0 {
                        break;
                    }
                }
                Ok(read)
            }
        }

        impl Write for $end {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.write_vectored(&[IoSlice::new(buf)])
            }

            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                task::poll(|cx| self.writes.poll_write(cx, bufs))
            }

            /// Nothing is buffered on this side: `Ok(())` at once, also outside of a task.
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        impl AsyncRead for $end {
            fn poll_read_into(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut ReadCursor<'_>,
            ) -> Poll<io::Result<usize>> {
                self.reads.poll_read(cx, buf)
            }
        }

        impl AsyncWrite for $end {
            fn poll_write_from(
                &mut self,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.writes.poll_write(cx, &[IoSlice::new(buf)])
            }

            fn poll_write_slices(
                &mut self,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.writes.poll_write(cx, bufs)
            }

            fn writes_slices(&self) -> bool {
                true
            }

            fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.writes.end();
                Poll::Ready(Ok(()))
            }
        }
    )*};
}

for_it_and_a_reference!(Duplex, &Duplex);

/// How much waits, not what: it is somebody's data.
impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex")
            .field("to_read", &self.reads.len())
            .field("written", &self.writes.len())
            .finish()
    }
}
