use std::{
    fmt,
    io::{self, BufRead, Read},
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};

use crate::{
    AsyncBufRead, AsyncRead, AsyncWrite, ReadCursor, ReadHalf, ReuniteError, Splittable, WriteHalf,
    async_read::poll_read_slice,
    forward::forward_write,
    io::poll_read_lent,
    pool::{self, Lent},
    split, task,
};

/// A reader with a buffer in front of it, which it holds only while there is something in it.
///
/// The buffer comes from the [pool](crate::pool) of the thread when there is data and goes back when the
/// last byte is taken: an idle connection holds none. It can be taken out with what is in it
/// ([`into_parts`](Self::into_parts)), and a reader can start from one
/// ([`with_buffer`](Self::with_buffer)), so that no byte is lost where a protocol changes.
///
/// Writes go straight to the object below.
///
/// # Examples
///
/// ```
/// use io_traits::{BufReader, io::{read_until, read_to_end}};
///
/// # futures::executor::block_on(async {
/// let stream: &[u8] = b"CONNECT host\nbytes of another protocol";
/// let mut reader = BufReader::new(stream);
/// let mut line = Vec::new();
/// read_until(&mut reader, b'\n', &mut line, 80).await?;
/// let (_stream, buffered) = reader.into_parts();
/// assert_eq!(buffered, "bytes of another protocol");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct BufReader<R> {
    object: R,
    /// Without memory whenever it is empty.
    buf: Lent,
}

impl<R> BufReader<R> {
    /// Puts a buffer in front of a reader.
    pub fn new(object: R) -> Self {
        Self::with_buffer(object, BytesMut::new())
    }

    /// Puts a buffer with something in it in front of a reader: that is read first.
    pub fn with_buffer(object: R, buf: BytesMut) -> Self {
        Self {
            object,
            buf: Lent::from(buf),
        }
    }

    /// Gives the reader back, and what was read from it and not taken.
    pub fn into_parts(self) -> (R, BytesMut) {
        (self.object, self.buf.into_inner())
    }

    /// What is buffered.
    pub fn buffer(&self) -> &[u8] {
        &self.buf
    }

    /// The object below.
    pub fn get_ref(&self) -> &R {
        &self.object
    }

    /// The object below. What is read from it here comes before what is buffered.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.object
    }

    /// Takes the two directions apart; what is buffered stays with the half that reads.
    pub fn into_split(self) -> (BufReader<ReadHalf<R>>, WriteHalf<R>)
    where
        R: Splittable,
    {
        let (read, write) = split(self.object);
        let reader = BufReader {
            object: read,
            buf: self.buf,
        };
        (reader, write)
    }
}

impl<R> BufReader<ReadHalf<R>> {
    /// Puts the two directions together again, with what is buffered.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`], with both halves in it, if they are of different objects.
    pub fn reunite(
        self,
        write: WriteHalf<R>,
    ) -> Result<BufReader<R>, ReuniteError<Self, WriteHalf<R>>> {
        let buf = self.buf;
        match self.object.reunite(write) {
            Ok(object) => Ok(BufReader { object, buf }),
            Err(ReuniteError { read, write }) => Err(ReuniteError {
                read: Self { object: read, buf },
                write,
            }),
        }
    }
}

impl<R: AsyncRead> BufReader<R> {
    /// Ready when something is buffered, or at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.buf.is_empty() {
            let buf = ready!(poll_read_lent(&mut self.object, cx))?;
            if !buf.is_empty() {
                self.buf = buf;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<R> BufReader<R> {
    fn take(&mut self, n: usize) {
        let n = n.min(self.buf.len());
        self.buf.advance(n);
        if self.buf.is_empty() {
            self.buf = Lent::from(BytesMut::new());
        }
    }
}

impl<R: AsyncRead> Read for BufReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        task::poll(|cx| poll_read_slice(self, cx, buf))
    }
}

impl<R: AsyncRead> BufRead for BufReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        task::poll(|cx| self.poll_fill(cx))?;
        Ok(&self.buf)
    }

    fn consume(&mut self, n: usize) {
        self.take(n);
    }
}

impl<R: AsyncRead> AsyncRead for BufReader<R> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(0));
        }
        // A read that would empty the buffer anyway needs none.
        if self.buf.is_empty() && buf.remaining() >= pool::CAPACITY {
            return self.object.poll_read_into(cx, buf);
        }
        ready!(self.poll_fill(cx))?;
        let n = buf.append(&self.buf);
        self.take(n);
        Poll::Ready(Ok(n))
    }
}

impl<R: AsyncRead> AsyncBufRead for BufReader<R> {
    fn poll_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        ready!(self.poll_fill(cx))?;
        Poll::Ready(Ok(&self.buf))
    }
}

forward_write!(async [W: AsyncWrite] BufReader<W>, |this| (&mut this.object), (&this.object));

/// How much is buffered, not what: it is somebody's data.
impl<R: fmt::Debug> fmt::Debug for BufReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufReader")
            .field("object", &self.object)
            .field("buffered", &self.buf.len())
            .finish()
    }
}
