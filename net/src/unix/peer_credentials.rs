use std::{io, os::fd::AsFd};

use crate::sys;

/// Who is at the other end of a Unix connection, as the system knows it; from
/// [`UnixStream::peer_credentials`](super::UnixStream::peer_credentials).
///
/// It is what was true when the peer connected, listened or made the pair. Whoever has got the socket from
/// the peer since is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// The effective user.
    pub user: u32,
    /// The effective group.
    pub group: u32,
    /// The process, where the system tells and it can be seen from here. It may have ended, and its number
    /// may be another's by now: no proof of identity.
    pub process: Option<u32>,
}

impl PeerCredentials {
    pub(super) fn of(socket: &impl AsFd) -> io::Result<Self> {
        let (user, group, process) = sys::peer_credentials(socket)?;
        Ok(Self {
            user,
            group,
            process,
        })
    }
}
