use std::{
    fmt, io,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
};

use crate::{byte_stream::Received, sys};

/// Where descriptors go that come with bytes or a datagram; for
/// [`UnixStream::recv_with_fds`](super::UnixStream::recv_with_fds) and
/// [`UnixDatagram::recv_with_fds`](super::UnixDatagram::recv_with_fds).
///
/// It can be used again and again. What is received is added to what is there until it is
/// [taken](Self::take); what is not taken is closed when the buffer is dropped. Received descriptors are
/// closed in programs that this process starts (`CLOEXEC`).
///
/// # Examples
///
/// ```
/// use std::{fs::File, io::Read, os::fd::AsFd};
/// use net::{FdBuffer, UnixStream, io_traits::task, reactor::Core};
///
/// let mut core = Core::new()?;
/// let (one, two) = UnixStream::pair(&core.handle())?;
/// let file = File::open("/dev/zero")?;
/// let mut fds = FdBuffer::new(1);
/// core.run(async {
///     task::io(|| one.send_with_fds(b"x", &[file.as_fd()])).await?;
///     task::io(|| two.recv_with_fds(&mut [0; 128], &mut fds)).await
/// })??;
/// let mut received: Vec<File> = fds.take().into_iter().map(File::from).collect();
/// received[0].read_exact(&mut [7; 4])?;
/// # std::io::Result::Ok(())
/// ```
pub struct FdBuffer {
    space: Box<[MaybeUninit<u8>]>,
    room: usize,
    fds: Vec<OwnedFd>,
    truncated: bool,
}

impl FdBuffer {
    /// The most descriptors that the system passes at a time.
    pub const MOST: usize = sys::MOST_FDS;

    /// Room for that many descriptors at a time.
    ///
    /// # Panics
    ///
    /// For more than [`MOST`](Self::MOST).
    pub fn new(room: usize) -> Self {
        assert!(room <= Self::MOST, "more than {} descriptors", Self::MOST);
        Self {
            space: vec![MaybeUninit::uninit(); sys::space_for_fds(room)].into(),
            room,
            fds: Vec::new(),
            truncated: false,
        }
    }

    /// Takes the descriptors out that have come so far, in the order in which they were sent.
    pub fn take(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.fds)
    }

    /// How many descriptors are in it.
    pub fn len(&self) -> usize {
        self.fds.len()
    }

    /// Whether no descriptor is in it.
    pub fn is_empty(&self) -> bool {
        self.fds.is_empty()
    }

    /// Whether descriptors were lost in the last receive: more came than there was room for, or than this
    /// process may have open.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    pub(super) fn recv(&mut self, socket: &impl AsFd, buf: &mut [u8]) -> io::Result<Received> {
        let before = self.fds.len();
        let received = sys::recv_with_fds(socket, buf, &mut self.space, &mut self.fds);
        let (received, truncated) = received?;
        // The space is rounded up, so that more may have come than there is room for.
        let all = before + self.room;
        self.truncated = truncated || self.fds.len() > all;
        self.fds.truncate(all);
        Ok(received)
    }
}

impl fmt::Debug for FdBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FdBuffer")
            .field("room", &self.room)
            .field("fds", &self.fds)
            .field("truncated", &self.truncated)
            .finish_non_exhaustive()
    }
}
