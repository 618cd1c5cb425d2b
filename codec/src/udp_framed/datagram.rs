use bytes::BytesMut;
use io_traits::pool::Lent;

use crate::{DatagramError, Decoder};

/// A datagram that has been received and is being decoded.
pub(super) struct Datagram<C, A> {
    /// Lives as long as the datagram.
    decoder: C,
    rest: Lent,
    peer: A,
    state: State,
}

/// ```text
///   Untouched ── frame, error ──▶ Decoding ── None, a fatal error ──▶ Over
///       └───────── None: NoFrame, out ─────────────────────────────────▲
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing of it has been an item.
    Untouched,
    /// There may be more items.
    Decoding,
    /// There are no more.
    Over,
}

impl<C: Decoder, A: Clone> Datagram<C, A> {
    pub(super) fn new(decoder: C, bytes: Lent, peer: A) -> Self {
        Self {
            decoder,
            rest: bytes,
            peer,
            state: State::Untouched,
        }
    }

    /// The next item of the datagram; `None` at its end.
    pub(super) fn next(&mut self) -> Option<Received<C, A>> {
        if self.state == State::Over {
            return None;
        }
        let is_first = self.state == State::Untouched;
        let before = self.rest.len();
        let decoded = self.decoder.decode_eof(&mut self.rest);
        self.state = match &decoded {
            Ok(Some(_)) => State::Decoding,
            Ok(None) => State::Over,
            // What consumed nothing would be the same error again, and nothing will be added.
            Err(_) if self.rest.len() == before => State::Over,
            Err(error) if self.decoder.is_fatal(error) => State::Over,
            Err(_) => State::Decoding,
        };
        if self.rest.is_empty() || self.state == State::Over {
            // The user may take long over the item.
            self.rest = Lent::from(BytesMut::new());
        }
        let peer = self.peer.clone();
        match decoded {
            Ok(Some(frame)) => Some(Ok((frame, peer))),
            Ok(None) if is_first => Some(Err(DatagramError::NoFrame { peer })),
            Ok(None) => None,
            Err(error) => Some(Err(DatagramError::Codec { peer, error })),
        }
    }
}

impl<C, A> Datagram<C, A> {
    /// How many bytes are left to be decoded.
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }
}

/// A frame, or an error of the codec, and the peer of its datagram.
pub(super) type Received<C, A> = Result<(<C as Decoder>::Item, A), Failed<C, A>>;
pub(super) type Begun<C, A> = Result<Datagram<C, A>, Failed<C, A>>;
type Failed<C, A> = DatagramError<<C as Decoder>::Error, A>;
