//! std's adapters, over objects that keep the two promises.

use std::{
    io::{self, BufReader, BufWriter},
    task::{Context, Poll, ready},
};

use crate::{AsyncRead, AsyncWrite};

impl<R: AsyncRead> AsyncRead for io::Take<R> {}
impl<R: AsyncRead, S: AsyncRead> AsyncRead for io::Chain<R, S> {}
impl<R: AsyncRead> AsyncRead for BufReader<R> {}

/// A `BufWriter` flushes when it is dropped. Outside of a task that cannot wait, and what does not go
/// out at once is lost: flush it first.
impl<W: AsyncWrite> AsyncWrite for BufWriter<W> {
    fn writes_slices(&self) -> bool {
        true
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        self.get_mut().poll_shutdown(cx)
    }
}
