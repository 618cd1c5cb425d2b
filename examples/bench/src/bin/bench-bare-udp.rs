//! The floor of datagrams: one thread, one level-triggered epoll, one socket, no async at all. With GRO and
//! GSO it is the floor of what the kernel can do.

#![forbid(unsafe_code)]

use std::{
    io::{self, ErrorKind, IoSlice, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    os::fd::{AsRawFd, OwnedFd},
};

use bench::{BUFFER, Datagrams, MARK, PACKET, SEGMENTS, Sending, Work, announce, bind_udp};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, sendmsg, setsockopt,
    sockopt::UdpGroSegment,
};
use rustix::{
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    io::Errno,
};

fn main() -> io::Result<()> {
    let socket = bind_udp()?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &socket, EventData::new_u64(0), EventFlags::IN)?;
    announce(socket.local_addr()?)?;
    let bare = Bare { epoll, socket };
    match Work::from_args()? {
        Work::UdpEcho(Datagrams::Single) => bare.echo(),
        Work::UdpReceive(Datagrams::Single) => bare.receive(),
        Work::UdpReceive(Datagrams::Offloaded) => bare.receive_offloaded(),
        Work::UdpSend(form @ (Datagrams::Single | Datagrams::Offloaded)) => {
            bare.send_when_told(form)
        }
        work => Err(work.unsupported()),
    }
}

struct Bare {
    epoll: OwnedFd,
    socket: UdpSocket,
}

impl Bare {
    /// Calls `each` with every datagram.
    fn each(&self, mut each: impl FnMut(&[u8], SocketAddr) -> io::Result<()>) -> io::Result<()> {
        let mut buf = [0; BUFFER];
        loop {
            match self.socket.recv_from(&mut buf) {
                Ok((n, from)) => each(&buf[..n], from)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait()?,
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(&self) -> io::Result<()> {
        let mut events = [Event {
            flags: EventFlags::empty(),
            data: EventData::new_u64(0),
        }];
        match epoll::wait(&self.epoll, &mut events, None) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn echo(&self) -> io::Result<()> {
        self.each(|datagram, from| self.socket.send_to(datagram, from).map(drop))
    }

    fn receive(&self) -> io::Result<()> {
        let mut received = 0;
        self.each(|datagram, from| self.count(&mut received, datagram, from))
    }

    fn count(&self, received: &mut u64, datagram: &[u8], from: SocketAddr) -> io::Result<()> {
        *received += 1;
        if datagram.last() == Some(&MARK) {
            self.socket.send_to(&received.to_be_bytes(), from)?;
            *received = 0;
        }
        Ok(())
    }

    fn receive_offloaded(&self) -> io::Result<()> {
        setsockopt(&self.socket, UdpGroSegment, &true)?;
        let (mut buf, mut space) = (vec![0; 65_535], nix::cmsg_space!(i32));
        let mut received = 0;
        loop {
            let (len, size, from) = match receive(&self.socket, &mut buf, &mut space) {
                Err(nix::Error::EWOULDBLOCK) => {
                    self.wait()?;
                    continue;
                }
                received => received?,
            };
            for datagram in buf[..len].chunks(size.max(1)) {
                self.count(&mut received, datagram, from)?;
            }
        }
    }

    fn send_when_told(&self, form: Datagrams) -> io::Result<()> {
        let payload = vec![b'x'; PACKET * SEGMENTS];
        self.each(|order, from| {
            let sending = Sending::from_bytes(order)?;
            if form == Datagrams::Offloaded {
                let SocketAddr::V4(to) = sending.to() else {
                    return Err(ErrorKind::Unsupported.into());
                };
                for _ in 0..sending.count as usize / SEGMENTS {
                    sendmsg(
                        self.socket.as_raw_fd(),
                        &[IoSlice::new(&payload)],
                        &[ControlMessage::UdpGsoSegments(&(PACKET as u16))],
                        MsgFlags::empty(),
                        Some(&SockaddrIn::from(to)),
                    )?;
                }
            } else {
                for _ in 0..sending.count {
                    self.socket.send_to(&payload[..PACKET], sending.to())?;
                }
            }
            self.socket.send_to(order, from).map(drop)
        })
    }
}

/// The bytes of a message, those of each datagram in it, and who sent it.
fn receive(
    socket: &UdpSocket,
    buf: &mut [u8],
    space: &mut [u8],
) -> nix::Result<(usize, usize, SocketAddr)> {
    let mut bufs = [IoSliceMut::new(buf)];
    let (fd, flags) = (socket.as_raw_fd(), MsgFlags::empty());
    let message = recvmsg::<SockaddrIn>(fd, &mut bufs, Some(space), flags)?;
    let size = message.cmsgs()?.find_map(|entry| match entry {
        ControlMessageOwned::UdpGroSegments(size) => usize::try_from(size).ok(),
        _ => None,
    });
    let from = message.address.expect("a datagram has a sender");
    let from = SocketAddr::V4(from.into());
    Ok((message.bytes, size.unwrap_or(message.bytes), from))
}
