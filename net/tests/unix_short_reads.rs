//! A short read of a Unix stream: when it is the last one, and when it is not. In each test the loop has
//! seen all events before the first read, so that bytes behind a read that is wrongly trusted would never
//! be read.

mod common;

use std::{
    io::{ErrorKind, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream as StdUnix,
    },
    process::Command,
    task::Waker,
};

use common::{CountWakes, poll_with, run, settle, unix_streams, with_cx};
use io_traits::task;
use net::{FdBuffer, UnixStream};
use reactor::Core;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg, sockopt};

/// One read of `stream` that asks for more than there ever is.
type OneRead = fn(&UnixStream) -> std::io::Result<Vec<u8>>;

/// Every kind of read there is.
const READS: [OneRead; 4] = [
    |mut stream| {
        let mut buf = [0; 64];
        let n = stream.read(&mut buf)?;
        Ok(buf[..n].to_vec())
    },
    |mut stream| {
        let (mut one, mut two) = ([0; 3], [0; 61]);
        let n =
            stream.read_vectored(&mut [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)])?;
        Ok([&one[..], &two[..]].concat()[..n].to_vec())
    },
    |mut stream| {
        let mut buf = Vec::with_capacity(64);
        io_traits::read_buf(&mut stream, &mut buf)?;
        Ok(buf)
    },
    |stream| {
        let mut buf = [0; 64];
        let n = stream.recv_with_fds(&mut buf, &mut FdBuffer::new(1))?;
        Ok(buf[..n].to_vec())
    },
];

fn send_with_a_descriptor(peer: &StdUnix, bytes: &[u8]) {
    let fds = [OwnedFd::from(std::io::pipe().unwrap().0)];
    let fds = fds.each_ref().map(AsFd::as_fd);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    let sent = sendmsg(
        peer,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::empty(),
    );
    assert_eq!(sent.unwrap(), bytes.len());
}

/// For each kind of read: `send` sends `expected` to ours; all of it is read, and the next read waits and
/// is woken.
fn is_read_whole(expected: &[u8], send: impl Fn(&UnixStream, &StdUnix)) {
    for (one_read, known_empty) in READS
        .into_iter()
        .flat_map(|read| [(read, false), (read, true)])
    {
        let mut core = Core::new().unwrap();
        let (ours, mut peer) = unix_streams(&core.handle());
        if known_empty {
            let nothing = with_cx(Waker::noop(), |cx| task::enter(cx, || one_read(&ours)));
            assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
        }
        send(&ours, &peer);
        settle(&mut core);
        let got = run(&mut core, async {
            let mut got = Vec::new();
            while got.len() < expected.len() {
                got.extend(task::io(|| one_read(&ours)).await.unwrap());
            }
            got
        });
        assert_eq!(got, expected);
        let mut next = task::io(|| one_read(&ours));
        let (_, waker) = CountWakes::new();
        assert!(poll_with(&mut next, &waker).is_pending());
        peer.write_all(b"next").unwrap();
        assert_eq!(run(&mut core, next).unwrap(), b"next");
    }
}

#[test]
fn bytes_behind_descriptors_are_read_without_a_new_event() {
    is_read_whole(b"AAAABBBBCCCC", |_, mut peer| {
        send_with_a_descriptor(peer, b"AAAA");
        peer.write_all(b"BBBB").unwrap();
        send_with_a_descriptor(peer, b"CCCC");
    });
}

/// A read never mixes bytes of several senders if the receiver has asked who they are.
#[test]
fn bytes_of_another_sender_are_read_without_a_new_event() {
    is_read_whole(b"AAAABBBB", |ours, mut peer| {
        sockopt::set_socket_passcred(ours, true).unwrap();
        peer.write_all(b"AAAA").unwrap();
        let other = Command::new("printf")
            .arg("BBBB")
            .stdout(OwnedFd::from(peer.try_clone().unwrap()))
            .status();
        assert!(other.unwrap().success());
    });
}

/// A read stops in front of an urgent byte. Not every kernel has them on Unix sockets.
#[test]
fn bytes_behind_an_urgent_one_are_read_without_a_new_event() {
    let (one, _two) = StdUnix::pair().unwrap();
    if socket2::SockRef::from(&one).send_out_of_band(b"!").is_err() {
        eprintln!("skipped: this kernel has no urgent data on Unix sockets");
        return;
    }
    is_read_whole(b"AAAABBBB", |_, mut peer| {
        peer.write_all(b"AAAA").unwrap();
        let sent = socket2::SockRef::from(peer).send_out_of_band(b"!");
        assert_eq!(sent.unwrap(), 1);
        peer.write_all(b"BBBB").unwrap();
    });
}

#[test]
fn the_end_behind_a_short_read_is_read_without_a_new_event() {
    for one_read in READS {
        let mut core = Core::new().unwrap();
        let (ours, mut peer) = unix_streams(&core.handle());
        peer.write_all(b"last").unwrap();
        drop(peer);
        settle(&mut core);
        run(&mut core, async {
            assert_eq!(task::io(|| one_read(&ours)).await.unwrap(), b"last");
            assert_eq!(task::io(|| one_read(&ours)).await.unwrap(), b"");
        });
    }
}
