//! What the checks of a reader have in common. The other end writes.

use std::task::{Poll, Waker};

use super::{
    Law,
    bench::{Bench, Verdict},
    message,
};
use crate::{AsyncRead, AsyncWrite, io};

/// Nothing is there, so a read waits.
pub(super) fn waits<R: AsyncRead>(bench: &mut Bench<'_>, reader: &mut R, waker: &Waker) -> Verdict {
    match bench.read(reader, waker, &mut [7; 16])? {
        Poll::Pending => Ok(()),
        Poll::Ready(0) => bench.broken(Law::End, "a read said 0 bytes, although the peer is there"),
        Poll::Ready(n) => bench.broken(
            Law::BytesIntact,
            format!("a read gave {n} bytes that nobody has sent"),
        ),
    }
}

/// One byte, for which there is room everywhere.
pub(super) fn sends<P: AsyncWrite>(bench: &mut Bench<'_>, peer: &mut P) -> Verdict {
    bench.tell("the peer sends a byte");
    bench.finish("the peer's write", io::write_all(peer, BYTE))?;
    bench.finish("the peer's flush", io::flush(peer))
}

/// The byte that has been sent.
pub(super) fn receives<R: AsyncRead>(bench: &mut Bench<'_>, reader: &mut R) -> Verdict {
    let mut received = [0];
    bench.finish("read_exact", io::read_exact(reader, &mut received))?;
    bench.require(Law::BytesIntact, received == *BYTE, || {
        message::difference(&received, BYTE)
    })
}

pub(super) const BYTE: &[u8; 1] = b"!";
