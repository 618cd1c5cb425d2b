use std::{error, fmt, io};

/// What can go wrong with frames in datagrams: `E` is the codec's error, `A` names a peer.
///
/// Each concerns one datagram, or one frame of it; the next is a datagram like any other. An
/// [`Io`](Self::Io) that comes again and again is one of the socket: whoever wants to end then ends.
#[derive(Debug)]
#[non_exhaustive]
pub enum DatagramError<E, A> {
    /// The codec refused what `peer` has sent, or what was to be sent to it.
    Codec {
        /// Who sent the datagram, or would have got it.
        peer: A,
        /// What is wrong.
        error: E,
    },
    /// The codec found no frame in a datagram of `peer`, which may have been empty.
    NoFrame {
        /// Who sent it.
        peer: A,
    },
    /// A datagram of `peer` was longer than the maximum. Nothing of it was decoded.
    TooLong {
        /// Who sent it.
        peer: A,
    },
    /// A datagram could not be sent to `peer`. It is gone.
    Send {
        /// Who would have got it.
        peer: A,
        /// Why.
        error: io::Error,
    },
    /// The socket has failed, or it tells what became of an earlier datagram: that a host cannot be
    /// reached, for example.
    Io(io::Error),
}

impl<E, A> DatagramError<E, A> {
    /// The peer whose datagram it was, where that is known.
    pub fn peer(&self) -> Option<&A> {
        match self {
            Self::Codec { peer, .. }
            | Self::NoFrame { peer }
            | Self::TooLong { peer }
            | Self::Send { peer, .. } => Some(peer),
            Self::Io(_) => None,
        }
    }
}

impl<E, A: fmt::Debug> fmt::Display for DatagramError<E, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Codec { peer, .. } => write!(f, "the codec refused a datagram of {peer:?}"),
            Self::NoFrame { peer } => write!(f, "no frame is in a datagram of {peer:?}"),
            Self::TooLong { peer } => {
                write!(f, "a datagram of {peer:?} is longer than the maximum")
            }
            Self::Send { peer, .. } => write!(f, "a datagram could not be sent to {peer:?}"),
            Self::Io(_) => f.write_str("receiving datagrams failed"),
        }
    }
}

impl<E: error::Error + 'static, A: fmt::Debug> error::Error for DatagramError<E, A> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Codec { error, .. } => Some(error),
            Self::Send { error, .. } | Self::Io(error) => Some(error),
            Self::NoFrame { .. } | Self::TooLong { .. } => None,
        }
    }
}

impl<E, A> From<io::Error> for DatagramError<E, A> {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::LinesError;

    #[test]
    fn an_error_names_its_peer_and_has_its_source() {
        type Lines = DatagramError<LinesError, u8>;

        let refused = Lines::Codec {
            peer: 7,
            error: LinesError::TooLong,
        };
        assert!(refused.source().unwrap().is::<LinesError>());
        let unsent = Lines::Send {
            peer: 7,
            error: io::ErrorKind::NetworkUnreachable.into(),
        };
        assert!(unsent.source().unwrap().is::<io::Error>());
        for error in [
            refused,
            unsent,
            Lines::NoFrame { peer: 7 },
            Lines::TooLong { peer: 7 },
        ] {
            assert_eq!(error.peer(), Some(&7));
            assert!(error.to_string().contains('7'), "{error}");
        }
        let io = Lines::from(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert!(io.source().unwrap().is::<io::Error>());
        assert_eq!(io.peer(), None);
    }
}
