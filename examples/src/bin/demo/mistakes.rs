use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use io_traits::AsyncRead;
use net::TcpStream;

/// What the server is to do wrong, so that the clients' checks are seen to work.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    corrupt_connection: AtomicBool,
    corrupt_datagram: AtomicBool,
    datagrams_to_drop: AtomicU64,
}

impl Mistakes {
    pub(crate) fn new(datagrams_to_drop: u64) -> Arc<Self> {
        Arc::new(Self {
            datagrams_to_drop: datagrams_to_drop.into(),
            ..Self::default()
        })
    }

    /// One bit of the next connection is flipped.
    pub(crate) fn corrupt_connection(&self) {
        self.corrupt_connection.store(true, Ordering::Relaxed);
    }

    /// One bit of the next datagram is flipped.
    pub(crate) fn corrupt_datagram(&self) {
        self.corrupt_datagram.store(true, Ordering::Relaxed);
    }

    /// The reader of a new connection, if that is the one.
    pub(crate) fn of_connection<'a>(
        &self,
        stream: &'a TcpStream,
    ) -> Option<Corrupt<&'a TcpStream>> {
        let corrupt = self.corrupt_connection.swap(false, Ordering::Relaxed);
        corrupt.then(|| Corrupt::new(stream))
    }

    /// Does to a datagram what is to be done; false if it is to be dropped.
    pub(crate) fn of_datagram(&self, datagram: &mut [u8]) -> bool {
        let left = &self.datagrams_to_drop;
        let drop = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        if drop.is_ok() {
            return false;
        }
        let middle = datagram.len() / 2;
        if let Some(byte) = datagram.get_mut(middle) {
            *byte ^= u8::from(self.corrupt_datagram.swap(false, Ordering::Relaxed));
        }
        true
    }
}

/// A reader that flips one bit on its way.
///
/// It is also how a reader is put around another: `read` passes a `WouldBlock` on, which has been
/// registered below, and there is nothing else to do.
pub(crate) struct Corrupt<R> {
    reader: R,
    /// Bytes until the wrong one; `None` after it.
    left: Option<usize>,
}

impl<R> Corrupt<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            left: Some(10_000),
        }
    }
}

impl<R: Read> Read for Corrupt<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        if let Some(left) = self.left {
            self.left = left.checked_sub(n);
            if left < n {
                buf[left] ^= 1;
            }
        }
        Ok(n)
    }
}

impl<R: AsyncRead> AsyncRead for Corrupt<R> {}
