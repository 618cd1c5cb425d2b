//! Datagrams one at a time, on systems whose calls for several, and for what is beside them, are not used
//! here. A call takes one, so that no error can be lost between two.
#![allow(
    unsafe_code,
    reason = "only reading into memory that may be uninitialised tells whether a datagram was cut off"
)]

use std::{io, mem::MaybeUninit};

use socket2::{MaybeUninitSlice, SockAddr, SockRef};

use super::{Aside, Socket};
use crate::{RecvMeta, udp::Message};

/// Receives one datagram.
pub(crate) fn recv_message<S: Socket>(socket: &S, buf: &mut [u8]) -> io::Result<RecvMeta> {
    // SAFETY: the two types have the same layout, and receiving writes nothing uninitialised.
    let memory = unsafe { &mut *(std::ptr::from_mut(buf) as *mut [MaybeUninit<u8>]) };
    let bufs = &mut [MaybeUninitSlice::new(memory)];
    let (len, flags, from) = SockRef::from(socket).recv_from_vectored(bufs)?;
    let from = from
        .as_socket()
        .ok_or_else(|| io::Error::other("the sender of a datagram has no IP address"))?;
    Ok(RecvMeta::of_one(from, len, flags.is_truncated()))
}

/// Receives one datagram; returns how many that is, and whether no more were there, which is not known.
pub(crate) fn recv_messages<'a, S: Socket>(
    socket: &S,
    mut bufs: impl Iterator<Item = &'a mut [u8]>,
    metas: &mut [RecvMeta],
) -> io::Result<(usize, bool)> {
    let (Some(buf), Some(meta)) = (bufs.next(), metas.first_mut()) else {
        return Ok((0, false));
    };
    *meta = recv_message(socket, buf)?;
    Ok((1, false))
}

/// Sends the first of the messages; returns how many that is.
pub(crate) fn send_messages<'a, S: Socket>(
    socket: &S,
    mut messages: impl Iterator<Item = Message<'a>>,
) -> io::Result<usize> {
    let Some(message) = messages.next() else {
        return Ok(0);
    };
    if message.from.is_some() || message.interface.is_some() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let socket = SockRef::from(socket);
    match message.to {
        Some(addr) => socket.send_to(message.payload, &SockAddr::from(addr))?,
        None => socket.send(message.payload)?,
    };
    Ok(1)
}

pub(crate) fn can_segment<S: Socket>(_: &S) -> bool {
    false
}

pub(crate) fn refuses_offload(_: &io::Error) -> bool {
    false
}

pub(crate) fn is_of_the_device(_: &io::Error) -> bool {
    false
}

pub(crate) fn is_of_the_length(_: &io::Error) -> bool {
    false
}

pub(crate) fn set_aside<S: Socket>(_: &S, _: Aside, on: bool) -> io::Result<()> {
    if on {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok(())
}

pub(crate) fn aside<S: Socket>(_: &S, _: Aside) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::Transmit;

    fn sockets() -> (UdpSocket, UdpSocket) {
        let (one, two) = (
            UdpSocket::bind("127.0.0.1:0").unwrap(),
            UdpSocket::bind("127.0.0.1:0").unwrap(),
        );
        one.connect(two.local_addr().unwrap()).unwrap();
        (one, two)
    }

    #[test]
    fn segments_are_sent_and_received_one_by_one() {
        let (one, two) = sockets();
        let to = two.local_addr().unwrap();
        let transmits = [
            Transmit::new(b"aabbc").segments(2),
            Transmit::new(b"d").to(to),
            Transmit::new(b""),
        ];
        for transmit in transmits {
            let mut messages = transmit.one_by_one();
            while messages.clone().next().is_some() {
                assert_eq!(send_messages(&one, messages.by_ref()).unwrap(), 1);
            }
        }
        for expected in [&b"aa"[..], b"bb", b"c", b"d", b""] {
            let (mut buf, mut meta) = ([0; 8], [RecvMeta::default(); 2]);
            let bufs = buf.chunks_mut(4);
            assert_eq!(recv_messages(&two, bufs, &mut meta).unwrap(), (1, false));
            assert_eq!(meta[0].datagrams(&buf).collect::<Vec<_>>(), [expected]);
            assert_eq!(meta[0].from, one.local_addr().unwrap());
        }
    }

    #[test]
    fn a_datagram_that_is_cut_off_is_reported() {
        let (one, two) = sockets();
        one.send(b"too long").unwrap();
        let meta = recv_message(&two, &mut [0; 4]).unwrap();
        assert_eq!((meta.len, meta.truncated), (4, true));
    }

    #[test]
    fn what_is_not_to_be_had_is_refused() {
        let (one, two) = sockets();
        let transmit = Transmit::new(b"x").from(one.local_addr().unwrap().ip());
        let error = send_messages(&one, transmit.one_by_one()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        let error = set_aside(&two, Aside::Gro, true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        set_aside(&two, Aside::Gro, false).unwrap();
        assert!(!can_segment(&one));
    }
}
