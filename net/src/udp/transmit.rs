use std::net::{IpAddr, SocketAddr};

use super::offload::Asked;
use crate::Ecn;

/// A datagram to be sent, or several to one place, for [`send_msg`](crate::UdpSocket::send_msg) and
/// [`send_batch`](crate::UdpSocket::send_batch).
///
/// With [`segments`](Self::segments) the payload is several datagrams, of one length each but for the last,
/// and the kernel takes them apart (GSO, on Linux): by far the cheapest way to send many. The payload may
/// be longer than what the kernel takes at a time. Where the kernel cannot do it, or says that it cannot
/// for this socket or this path, they are sent one by one, in the same call.
///
/// What has been sent leaves the payload, so that a call that would block in the middle can be repeated:
/// nothing is sent twice.
///
/// # Examples
///
/// ```
/// use net::{Ecn, Transmit, UdpSocket, io_traits::task, reactor::Core};
///
/// let mut core = Core::new()?;
/// let any_port = "127.0.0.1:0".parse().unwrap();
/// let socket = UdpSocket::bind(&any_port, &core.handle())?;
/// let peer = UdpSocket::bind(&any_port, &core.handle())?;
///
/// let packets = [7; 3 * 1200 + 100];
/// let mut transmit = Transmit::new(&packets)
///     .to(peer.local_addr()?)
///     .ecn(Ecn::Ect0)
///     .segments(1200);
/// let lengths = core.run(async {
///     task::io(|| socket.send_msg(&mut transmit)).await?;
///     let mut lengths = Vec::new();
///     for _ in 0..4 {
///         lengths.push(task::io(|| peer.recv(&mut [0; 1500])).await?);
///     }
///     std::io::Result::Ok(lengths)
/// })??;
/// assert_eq!(lengths, [1200, 1200, 1200, 100]);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it is sent by `send_msg` or `send_batch`"]
pub struct Transmit<'a> {
    payload: &'a [u8],
    to: Option<SocketAddr>,
    from: Option<IpAddr>,
    interface: Option<u32>,
    ecn: Option<Ecn>,
    /// INVARIANT: not 0.
    segment_size: Option<usize>,
}

impl<'a> Transmit<'a> {
    /// A datagram to the address that the socket is connected to.
    pub fn new(payload: &'a [u8]) -> Self {
        Self {
            payload,
            to: None,
            from: None,
            interface: None,
            ecn: None,
            segment_size: None,
        }
    }

    /// Sends it to an address; on a socket of both families, one of IPv4 may be mapped or plain.
    pub fn to(self, addr: SocketAddr) -> Self {
        Self {
            to: Some(addr),
            ..self
        }
    }

    /// Sends it from one of the addresses of this machine, as an answer that has to come from where the
    /// question was [sent to](crate::RecvMeta::to).
    ///
    /// Linux only; elsewhere sending it fails with [`Unsupported`](std::io::ErrorKind::Unsupported).
    pub fn from(self, addr: IpAddr) -> Self {
        Self {
            from: Some(addr),
            ..self
        }
    }

    /// Sends it by the interface of that index.
    ///
    /// Linux only; elsewhere sending it fails with [`Unsupported`](std::io::ErrorKind::Unsupported).
    pub fn interface(self, index: u32) -> Self {
        Self {
            interface: Some(index),
            ..self
        }
    }

    /// Tells routers what the transport makes of congestion notifications.
    ///
    /// It sets the whole byte that it is in, so a type of service that the socket has is not in effect.
    /// It is a wish: where the system cannot, or refuses, the datagram is sent without.
    pub fn ecn(self, ecn: Ecn) -> Self {
        Self {
            ecn: Some(ecn),
            ..self
        }
    }

    /// Makes datagrams of so many bytes of the payload, and a last one of the rest.
    ///
    /// # Panics
    ///
    /// For 0 bytes.
    pub fn segments(self, bytes: usize) -> Self {
        assert!(bytes > 0, "datagrams of no bytes");
        Self {
            segment_size: Some(bytes),
            ..self
        }
    }

    /// What has not been sent yet.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The next message for the kernel: one datagram, or as many as it takes apart at a time.
    pub(super) fn message(&self, asked: Asked) -> Message<'a> {
        let (len, segment_size) = match self.segment_size {
            None => (self.payload.len(), None),
            Some(size) if size < asked.segments_below && self.payload.len() > size => {
                let datagrams = (MOST_BYTES / size).clamp(1, MOST_SEGMENTS);
                (datagrams.saturating_mul(size), Some(size))
            }
            Some(size) => (size, None),
        };
        let payload = &self.payload[..len.min(self.payload.len())];
        Message {
            payload,
            to: self.to,
            from: self.from,
            interface: self.interface,
            ecn: self.ecn.filter(|_| asked.ecn),
            segment_size: segment_size.filter(|&size| payload.len() > size),
        }
    }

    /// All of them.
    pub(super) fn messages(&self, asked: Asked) -> impl Iterator<Item = Message<'a>> + use<'a> {
        let mut rest = Some(self.clone());
        std::iter::from_fn(move || {
            let transmit = rest.as_mut()?;
            let message = transmit.message(asked);
            if transmit.advance(message.payload.len()) {
                rest = None;
            }
            Some(message)
        })
    }

    /// All of them, for a kernel that takes nothing apart.
    #[cfg(test)]
    pub(crate) fn one_by_one(&self) -> impl Iterator<Item = Message<'a>> + Clone + use<'a> {
        let asked = Asked {
            segments_below: 0,
            ecn: false,
        };
        self.messages(asked).collect::<Vec<_>>().into_iter()
    }

    pub(super) fn is_segmented(&self) -> bool {
        self.segment_size.is_some()
    }

    /// Takes what has been sent off the payload; whether that was all.
    pub(super) fn advance(&mut self, bytes: usize) -> bool {
        self.payload = &self.payload[bytes..];
        self.payload.is_empty()
    }
}

/// One message for the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) to: Option<SocketAddr>,
    pub(crate) from: Option<IpAddr>,
    pub(crate) interface: Option<u32>,
    pub(crate) ecn: Option<Ecn>,
    /// INVARIANT: shorter than the payload.
    pub(crate) segment_size: Option<usize>,
}

/// What IPv4 leaves of 65,535 bytes; IPv6 has more, and nobody needs it.
pub(super) const MOST_BYTES: usize = 65_507;

/// `UDP_MAX_SEGMENTS` of Linux; newer ones take 128.
pub(super) const MOST_SEGMENTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of the messages, and the segment size of each.
    fn messages(payload: usize, segment: usize, limit: usize) -> Vec<(usize, Option<usize>)> {
        let payload = vec![0; payload];
        let transmit = Transmit::new(&payload).segments(segment);
        let messages = transmit.messages(asked(limit));
        messages
            .map(|message| (message.payload.len(), message.segment_size))
            .collect()
    }

    fn asked(segments_below: usize) -> Asked {
        Asked {
            segments_below,
            ecn: true,
        }
    }

    #[test]
    fn the_kernel_gets_no_more_than_it_takes_at_a_time() {
        assert_eq!(messages(3600, 1200, 65_536), [(3600, Some(1200))]);
        let long = messages(200_000, 1200, 65_536);
        assert_eq!(long[..3], [(64_800, Some(1200)); 3]);
        assert_eq!(long[3..], [(5600, Some(1200))]);
        assert_eq!(messages(70, 1, 65_536), [(64, Some(1)), (6, Some(1))]);
        // A whole one more, which is no segment but a datagram.
        assert_eq!(messages(65, 1, 65_536), [(64, Some(1)), (1, None)]);
    }

    #[test]
    fn segments_that_the_kernel_does_not_take_are_messages_of_their_own() {
        assert_eq!(
            messages(3000, 1200, 1200),
            [(1200, None), (1200, None), (600, None)]
        );
        assert_eq!(messages(100, 40, 0), [(40, None), (40, None), (20, None)]);
        // Longer than any message: the system will say that of each.
        assert_eq!(
            messages(140_000, 70_000, 65_536),
            [(70_000, None), (70_000, None)]
        );
    }

    #[test]
    fn a_single_datagram_is_one_message_and_so_is_one_of_no_bytes() {
        assert_eq!(messages(1200, 1200, 65_536), [(1200, None)]);
        assert_eq!(messages(0, 1200, 65_536), [(0, None)]);
        let whole = Transmit::new(&[0; 5000]).message(asked(65_536));
        assert_eq!((whole.payload.len(), whole.segment_size), (5000, None));
    }

    #[test]
    #[should_panic(expected = "datagrams of no bytes")]
    fn segments_of_no_bytes_are_a_mistake() {
        let _ = Transmit::new(b"x").segments(0);
    }
}
