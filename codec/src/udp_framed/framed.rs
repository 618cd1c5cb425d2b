use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{Sink, Stream, stream::FusedStream};
use io_traits::{AsyncDatagram, pool, task::budget};

use super::{
    datagram::{Begun, Datagram, Received},
    receive::poll_receive,
    send_queue::SendQueue,
};
use crate::{DatagramError, Decoder, Encoder, Segments};

/// The frames in the datagrams of a socket, each with its peer.
///
/// Every datagram begins and ends by itself: it is decoded by a clone of the codec and to its end
/// ([`decode_eof`](Decoder::decode_eof)), so that nothing of one, a length that was announced for
/// example, is left for the next. There may be several frames in one. **Each datagram is at least one
/// item**: if there is no frame in it, that is [`DatagramError::NoFrame`]. There is no end.
///
/// A frame that is sent is a datagram of its own.
///
/// As with [`Framed`](crate::Framed), what was fed is sent before the task parks, so the natural loop
/// works:
///
/// ```no_run
/// # use codec::{DatagramError, LinesCodec, LinesError, UdpFramed};
/// # use futures::{SinkExt, StreamExt};
/// # use io_traits::AsyncDatagram;
/// async fn echo<S>(socket: S) -> Result<(), DatagramError<LinesError, S::Addr>>
/// where
///     S: AsyncDatagram<Addr: Clone + std::fmt::Debug>,
/// {
///     let mut lines = UdpFramed::new(socket, LinesCodec::new(80));
///     while let Some(received) = lines.next().await {
///         match received {
///             Ok((line, peer)) => lines.feed((line, peer)).await?,
///             Err(DatagramError::Io(error)) => return Err(error.into()),
///             Err(error) => eprintln!("{error}"),
///         }
///     }
///     Ok(())
/// }
/// ```
///
/// It holds no buffer while it waits, and yields to other tasks when the [`budget`] of its task is used
/// up.
///
/// # Cancel safety
///
/// Dropping a future of [`next`](futures::StreamExt::next) loses nothing. What has been fed stays in here;
/// a future of [`send`](futures::SinkExt::send) that is dropped while it waits takes its item with it.
///
/// # Errors
///
/// See [`DatagramError`]. An error of the codec that is [fatal](Decoder::is_fatal) concerns the rest of
/// its datagram, any other one frame. None of them ends the stream.
pub struct UdpFramed<S: AsyncDatagram, C> {
    socket: S,
    codec: C,
    max_datagram: usize,
    receiving: Option<Datagram<C, S::Addr>>,
    queue: SendQueue<S::Addr>,
}

impl<S: AsyncDatagram, C> UdpFramed<S, C> {
    /// The frames in the datagrams of `socket`, which clones of `codec` decode and `codec` encodes.
    pub fn new(socket: S, codec: C) -> Self {
        Self {
            socket,
            codec,
            max_datagram: LONGEST,
            receiving: None,
            queue: SendQueue::new(),
        }
    }

    /// Sets how many bytes a datagram may have that is received: 65,535 if nothing is said, which is
    /// every datagram.
    ///
    /// A longer one is a [`DatagramError::TooLong`].
    #[must_use]
    pub fn with_max_datagram(mut self, bytes: usize) -> Self {
        self.max_datagram = bytes.min(LONGEST);
        self
    }

    /// Returns the socket; frames that were not taken or not sent are lost.
    pub fn into_inner(self) -> S {
        self.socket
    }

    /// The socket.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.socket
    }

    /// The codec. The next datagram will be decoded by a clone of it.
    pub fn codec_mut(&mut self) -> &mut C {
        &mut self.codec
    }

    /// The socket.
    pub fn get_ref(&self) -> &S {
        &self.socket
    }

    /// The codec.
    pub fn codec(&self) -> &C {
        &self.codec
    }

    /// Sends everything that was fed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what has not been sent stays queued.
    ///
    /// # Errors
    ///
    /// [`DatagramError::Send`]; what comes behind that datagram stays queued.
    pub async fn flush<E>(&mut self) -> Result<(), DatagramError<E, S::Addr>> {
        poll_fn(|cx| self.queue.poll_send(&mut self.socket, cx)).await
    }
}

// Nothing is ever pinned in here: sockets are called by `&mut`.
impl<S: AsyncDatagram, C> Unpin for UdpFramed<S, C> {}

impl<S, C> UdpFramed<S, C>
where
    S: AsyncDatagram<Addr: Clone>,
    C: Decoder + Clone,
{
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Begun<C, S::Addr>> {
        let mut rest = pool::take();
        let peer = ready!(poll_receive(&mut self.socket, cx, &mut rest))?;
        if rest.len() > self.max_datagram {
            return Poll::Ready(Err(DatagramError::TooLong { peer }));
        }
        Poll::Ready(Ok(Datagram::new(self.codec.clone(), rest, peer)))
    }
}

impl<S, C> Stream for UdpFramed<S, C>
where
    S: AsyncDatagram<Addr: Clone>,
    C: Decoder + Clone,
{
    type Item = Received<C, S::Addr>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let polled = if budget::poll_left(cx).is_pending() {
                Poll::Pending
            } else if let Some(receiving) = &mut this.receiving {
                match receiving.next() {
                    Some(item) => Poll::Ready(Some(item)),
                    None => {
                        this.receiving = None;
                        continue;
                    }
                }
            } else {
                match this.poll_receive(cx) {
                    Poll::Ready(Ok(receiving)) => {
                        this.receiving = Some(receiving);
                        continue;
                    }
                    Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
                    Poll::Pending => Poll::Pending,
                }
            };
            if polled.is_ready() {
                budget::spend();
                return polled;
            }
            return match this.queue.poll_send(&mut this.socket, cx) {
                Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
                _ => Poll::Pending,
            };
        }
    }
}

impl<S, C> FusedStream for UdpFramed<S, C>
where
    S: AsyncDatagram<Addr: Clone>,
    C: Decoder + Clone,
{
    /// Never: another datagram may always come.
    fn is_terminated(&self) -> bool {
        false
    }
}

impl<S, C, I> Sink<(I, S::Addr)> for UdpFramed<S, C>
where
    S: AsyncDatagram,
    C: Encoder<I>,
{
    type Error = DatagramError<C::Error, S::Addr>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.get_mut();
        this.queue.poll_send(&mut this.socket, cx)
    }

    fn start_send(self: Pin<&mut Self>, (item, peer): (I, S::Addr)) -> Result<(), Self::Error> {
        let this = self.get_mut();
        let mut datagram = Segments::new();
        match this.codec.encode(item, &mut datagram) {
            Ok(()) => {
                this.queue.push(datagram, peer);
                Ok(())
            }
            Err(error) => Err(DatagramError::Codec { peer, error }),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.get_mut();
        this.queue.poll_send(&mut this.socket, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.get_mut();
        this.queue.poll_send(&mut this.socket, cx)
    }
}

impl<S: AsyncDatagram + fmt::Debug, C: fmt::Debug> fmt::Debug for UdpFramed<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let undecoded = self.receiving.as_ref().map_or(0, Datagram::len);
        f.debug_struct("UdpFramed")
            .field("socket", &self.socket)
            .field("codec", &self.codec)
            .field("undecoded", &undecoded)
            .field("unsent", &self.queue.len())
            .finish_non_exhaustive()
    }
}

/// No datagram has more bytes: its length is a number of 16 bits. A lent buffer has room for one more,
/// which is how a longer one than the maximum is known.
const LONGEST: usize = u16::MAX as usize;
