use std::fmt;

use super::datagrams::{Datagram, Datagrams};
use crate::RecvMeta;

/// Where [`recv_batch`](crate::UdpSocket::recv_batch) receives into: room for several messages, used again
/// and again. Receiving allocates nothing.
///
/// A message is one datagram, or with [GRO](crate::UdpSocket::set_gro) several of one sender, which the
/// kernel has put together; iterating gives each datagram on its own.
///
/// # Examples
///
/// ```
/// use net::{RecvBatch, Transmit, UdpSocket, io_traits::task, reactor::Core};
///
/// let mut core = Core::new()?;
/// let any_port = "127.0.0.1:0".parse().unwrap();
/// let server = UdpSocket::bind(&any_port, &core.handle())?;
/// let client = UdpSocket::bind(&any_port, &core.handle())?;
///
/// core.run(async {
///     // Three to one place, one to another; here both are the server.
///     let to = server.local_addr()?;
///     let mut questions = [Transmit::new(b"aabbcc").to(to).segments(2), Transmit::new(b"d").to(to)];
///     let sent = task::io(|| client.send_batch(&mut questions)).await?;
///     assert_eq!(sent, 2);
///
///     let mut batch = RecvBatch::new(32, 1500);
///     let mut seen = Vec::new();
///     while seen.len() < 4 {
///         task::io(|| server.recv_batch(&mut batch)).await?;
///         for datagram in &batch {
///             assert_eq!(datagram.meta.from, client.local_addr()?);
///             seen.push(datagram.payload.to_vec());
///         }
///     }
///     assert_eq!(seen, [&b"aa"[..], b"bb", b"cc", b"d"]);
///     std::io::Result::Ok(())
/// })??;
/// # std::io::Result::Ok(())
/// ```
pub struct RecvBatch {
    memory: Box<[u8]>,
    /// The bytes for each message.
    room: usize,
    metas: Box<[RecvMeta]>,
    /// How many messages there are.
    filled: usize,
}

impl RecvBatch {
    /// Room for so many messages of so many bytes each.
    ///
    /// A longer datagram is cut off, and [`truncated`](RecvMeta::truncated). With GRO a message may have
    /// 65,535 bytes, and a shorter place loses whole datagrams. A system call receives 64 messages at most.
    ///
    /// # Panics
    ///
    /// For no messages, or for no bytes.
    pub fn new(messages: usize, bytes: usize) -> Self {
        assert!(messages > 0 && bytes > 0, "no room to receive into");
        let len = messages.checked_mul(bytes).expect("more than any memory");
        Self {
            memory: vec![0; len].into(),
            room: bytes,
            metas: vec![RecvMeta::default(); messages].into(),
            filled: 0,
        }
    }

    /// The datagrams of the last receive.
    pub fn iter(&self) -> Datagrams<'_> {
        Datagrams::new(&self.memory, self.room, &self.metas[..self.filled])
    }

    /// The messages of the last receive, each with all its datagrams in one payload.
    ///
    /// Who passes them on as they are need not take them apart: [`segment_size`](RecvMeta::segment_size)
    /// goes to [`Transmit::segments`](crate::Transmit::segments).
    pub fn messages(&self) -> impl Iterator<Item = Datagram<'_>> {
        self.iter().into_messages()
    }

    /// How many messages the last receive got.
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Whether nothing has been received yet, or the last receive has failed.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Forgets what there is, and lends out the room for more.
    pub(super) fn room(&mut self) -> (impl Iterator<Item = &mut [u8]>, &mut [RecvMeta]) {
        self.filled = 0;
        (self.memory.chunks_mut(self.room), &mut self.metas)
    }

    pub(super) fn fill(&mut self, messages: usize) {
        self.filled = messages;
    }
}

impl<'a> IntoIterator for &'a RecvBatch {
    type Item = Datagram<'a>;
    type IntoIter = Datagrams<'a>;

    fn into_iter(self) -> Datagrams<'a> {
        self.iter()
    }
}

impl fmt::Debug for RecvBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvBatch")
            .field("messages", &&self.metas[..self.filled])
            .field("most_messages", &self.metas.len())
            .field("most_bytes", &self.room)
            .finish_non_exhaustive()
    }
}
