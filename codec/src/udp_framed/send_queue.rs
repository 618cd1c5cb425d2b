use std::{
    io,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use io_traits::{AsyncDatagram, pool};

use super::DatagramError;
use crate::Segments;

/// Encoded datagrams that wait to be sent.
#[derive(Debug)]
pub(super) struct SendQueue<A> {
    /// Taken from the front, and never long: the sink is ready when it is empty.
    waiting: Vec<(Segments, A)>,
}

impl<A> SendQueue<A> {
    pub(super) fn new() -> Self {
        let waiting = Vec::new();
        Self { waiting }
    }

    pub(super) fn push(&mut self, datagram: Segments, to: A) {
        self.waiting.push((datagram, to));
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Sends everything. A datagram that cannot be sent is an error and is gone.
    pub(super) fn poll_send<S, E>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), DatagramError<E, A>>>
    where
        S: AsyncDatagram<Addr = A>,
    {
        while let Some((datagram, to)) = self.waiting.first() {
            let sent = ready!(poll_send_one(socket, cx, datagram, to));
            let (_, peer) = self.waiting.remove(0);
            if let Err(error) = sent {
                return Poll::Ready(Err(DatagramError::Send { peer, error }));
            }
        }
        // An idle one holds no memory.
        self.waiting = Vec::new();
        Poll::Ready(Ok(()))
    }
}

/// A datagram is sent from one piece of memory; only one that consists of several is copied together.
fn poll_send_one<S: AsyncDatagram>(
    socket: &mut S,
    cx: &mut Context<'_>,
    datagram: &Segments,
    to: &S::Addr,
) -> Poll<io::Result<()>> {
    if datagram.chunk().len() == datagram.len() {
        return socket.poll_send_datagram(cx, datagram.chunk(), to);
    }
    let mut whole = pool::take();
    datagram.copy_to(&mut whole);
    socket.poll_send_datagram(cx, &whole, to)
}
