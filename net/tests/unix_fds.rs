//! Descriptors that travel with bytes and datagrams, and who is at the other end.

mod common;

use std::{
    fs::File,
    io::{ErrorKind, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::{SocketAddr, UnixListener as StdListener, UnixStream as StdUnix},
    },
};

use common::{SocketPath, child, open_descriptors, run, turn_until, unix_streams};
use io_traits::{
    io::{read, read_exact, write_all},
    task,
};
use net::{FdBuffer, UnixDatagram, UnixListener, UnixStream};
use reactor::Core;
use rustix::{
    io::{FdFlags, fcntl_getfd},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
    process::{Resource, Rlimit, setrlimit},
};

/// The ends for reading of as many pipes, each with its own byte in it.
fn pipes(many: usize) -> Vec<OwnedFd> {
    (0..many)
        .map(|n| {
            let (reader, mut writer) = std::io::pipe().unwrap();
            writer.write_all(&[n as u8]).unwrap();
            reader.into()
        })
        .collect()
}

/// What comes out of pipes.
fn contents(fds: Vec<OwnedFd>) -> Vec<u8> {
    fds.into_iter()
        .map(|fd| {
            assert!(fcntl_getfd(&fd).unwrap().contains(FdFlags::CLOEXEC));
            let mut byte = [0];
            File::from(fd).read_exact(&mut byte).unwrap();
            byte[0]
        })
        .collect()
}

/// What somebody else's code sends and receives.
fn send_to_ours(peer: &StdUnix, bytes: &[u8], fds: &[OwnedFd]) {
    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); 2048];
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

fn receive_from_ours(peer: &StdUnix, bytes: &mut [u8]) -> (usize, Vec<OwnedFd>) {
    let mut space = [MaybeUninit::uninit(); 2048];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(peer, &mut [IoSliceMut::new(bytes)], &mut control, flags).unwrap();
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    (received.bytes, fds)
}

#[test]
fn descriptors_go_to_and_come_from_other_peoples_code_in_order() {
    let mut core = Core::new().unwrap();
    let (ours, theirs) = unix_streams(&core.handle());
    let sent = pipes(3);
    let fds: Vec<_> = sent.iter().map(AsFd::as_fd).collect();
    assert_eq!(
        run(&mut core, task::io(|| ours.send_with_fds(b"three", &fds))).unwrap(),
        5
    );
    let mut buf = [0; 16];
    let (n, received) = receive_from_ours(&theirs, &mut buf);
    assert_eq!(&buf[..n], b"three");
    assert_eq!(contents(received), [0, 1, 2]);

    // A receive that waits; the buffer is used again, and keeps what was not taken.
    let mut into = FdBuffer::new(8);
    assert!(into.is_empty());
    for round in 1..=2 {
        let receive = task::io(|| ours.recv_with_fds(&mut buf, &mut into));
        let (n, ()) = run(&mut core, async {
            futures::join!(receive, async { send_to_ours(&theirs, b"two", &pipes(2)) })
        });
        assert_eq!(n.unwrap(), 3);
        assert_eq!(&buf[..3], b"two");
        assert_eq!(into.len(), 2 * round);
        assert!(!into.is_truncated());
    }
    assert_eq!(contents(into.take()), [0, 1, 0, 1]);
    assert!(into.is_empty());
    drop(theirs);
    let n = run(
        &mut core,
        task::io(|| ours.recv_with_fds(&mut buf, &mut into)),
    );
    assert_eq!(n.unwrap(), 0);
}

#[test]
fn the_descriptors_of_two_sends_are_never_mixed_and_bytes_without_any_bring_none() {
    let mut core = Core::new().unwrap();
    let (one, two) = UnixStream::pair(&core.handle()).unwrap();
    let sent = pipes(2);
    run(&mut core, async {
        task::io(|| one.send_with_fds(b"aa", &[sent[0].as_fd()]))
            .await
            .unwrap();
        task::io(|| one.send_with_fds(b"bb", &[sent[1].as_fd()]))
            .await
            .unwrap();
        task::io(|| one.send_with_fds(b"cc", &[])).await.unwrap();
        let (mut buf, mut fds) = ([0; 16], FdBuffer::new(4));
        for expected in [(&b"aa"[..], vec![0]), (b"bb", vec![1]), (b"cc", vec![])] {
            let n = task::io(|| two.recv_with_fds(&mut buf, &mut fds))
                .await
                .unwrap();
            assert_eq!((&buf[..n], contents(fds.take())), expected);
        }
    });
}

/// A read that got less than it asked for has not emptied the socket: it stops at descriptors.
#[test]
fn bytes_behind_descriptors_are_read_by_every_kind_of_read() {
    let mut core = Core::new().unwrap();
    let (mut ours, mut theirs) = unix_streams(&core.handle());
    run(&mut core, async {
        for _ in 0..3 {
            send_to_ours(&theirs, b"AAAA", &pipes(1));
            theirs.write_all(b"BBBB").unwrap();
            let (mut buf, mut fds) = ([0; 64], FdBuffer::new(1));
            let n = task::io(|| ours.recv_with_fds(&mut buf, &mut fds))
                .await
                .unwrap();
            assert_eq!((&buf[..n], fds.len()), (&b"AAAA"[..], 1));
            assert_eq!(read(&mut ours, &mut buf).await.unwrap(), 4);
            // A plain read drops the descriptors, and loses no byte.
            send_to_ours(&theirs, b"AAAA", &pipes(1));
            theirs.write_all(b"BBBB").unwrap();
            read_exact(&mut ours, &mut buf[..8]).await.unwrap();
            assert_eq!(&buf[..8], b"AAAABBBB");
        }
    });
}

#[test]
fn descriptors_that_there_is_no_room_for_are_closed_and_reported() {
    let test = "descriptors_that_there_is_no_room_for_are_closed_and_reported";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let (ours, theirs) = unix_streams(&core.handle());
        let mut buf = [0; 16];
        let before = open_descriptors();
        for room in 0..=4 {
            let mut fds = FdBuffer::new(room);
            send_to_ours(&theirs, b"x", &pipes(3));
            run(
                &mut core,
                task::io(|| ours.recv_with_fds(&mut buf, &mut fds)),
            )
            .unwrap();
            assert_eq!((fds.len(), fds.is_truncated()), (room.min(3), room < 3));
            assert_eq!(open_descriptors(), before + room.min(3));
            let expected: Vec<_> = (0..room.min(3) as u8).collect();
            assert_eq!(contents(fds.take()), expected);
            // It is about the last receive.
            (&theirs).write_all(b"x").unwrap();
            run(
                &mut core,
                task::io(|| ours.recv_with_fds(&mut buf, &mut fds)),
            )
            .unwrap();
            assert!(!fds.is_truncated());
        }
        // Nothing is left behind by what was not taken, nor by a plain read.
        let mut fds = FdBuffer::new(3);
        send_to_ours(&theirs, b"x", &pipes(3));
        run(
            &mut core,
            task::io(|| ours.recv_with_fds(&mut buf, &mut fds)),
        )
        .unwrap();
        drop(fds);
        send_to_ours(&theirs, b"x", &pipes(3));
        run(&mut core, read(&mut &ours, &mut buf)).unwrap();
        assert_eq!(open_descriptors(), before);

        // This process may not have more: that is reported, too.
        send_to_ours(&theirs, b"x", &pipes(3));
        let limit = rustix::process::getrlimit(Resource::Nofile);
        let free = File::open("/dev/null").unwrap();
        let next = free.as_raw_fd() as u64;
        drop(free);
        let current = Some(next + 1);
        let maximum = limit.maximum;
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
        let mut fds = FdBuffer::new(3);
        let n = run(
            &mut core,
            task::io(|| ours.recv_with_fds(&mut buf, &mut fds)),
        );
        setrlimit(Resource::Nofile, limit).unwrap();
        assert_eq!((n.unwrap(), fds.len(), fds.is_truncated()), (1, 1, true));
    });
}

#[test]
fn as_many_descriptors_as_the_system_passes_go_and_one_more_is_refused() {
    let mut core = Core::new().unwrap();
    let (one, two) = UnixStream::pair(&core.handle()).unwrap();
    let file = File::open("/dev/null").unwrap();
    let fds = vec![file.as_fd(); FdBuffer::MOST + 1];
    let error = run(&mut core, task::io(|| one.send_with_fds(b"x", &fds))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let most = &fds[..FdBuffer::MOST];
    run(&mut core, task::io(|| one.send_with_fds(b"x", most))).unwrap();
    let mut into = FdBuffer::new(FdBuffer::MOST);
    run(
        &mut core,
        task::io(|| two.recv_with_fds(&mut [0; 4], &mut into)),
    )
    .unwrap();
    assert_eq!((into.len(), into.is_truncated()), (FdBuffer::MOST, false));
    // Without a byte they would go nowhere.
    let error = run(&mut core, task::io(|| one.send_with_fds(b"", &fds[..1]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        run(&mut core, task::io(|| one.send_with_fds(b"", &[]))).unwrap(),
        0
    );
}

#[test]
fn descriptors_wait_for_room_and_then_come_with_their_bytes() {
    let mut core = Core::new().unwrap();
    let (ours, mut theirs) = unix_streams(&core.handle());
    let filled = common::fill_unix(&ours);
    let sent = pipes(1);
    let fds = [sent[0].as_fd()];
    let (count, waker) = common::CountWakes::new();
    let mut send = task::io(|| ours.send_with_fds(b"x", &fds));
    assert!(common::poll_with(&mut send, &waker).is_pending());
    theirs.read_exact(&mut vec![0; filled]).unwrap();
    turn_until(&mut core, || count.get() > 0);
    assert_eq!(run(&mut core, send).unwrap(), 1);
    let (n, received) = receive_from_ours(&theirs, &mut [0; 4]);
    assert_eq!((n, contents(received)), (1, vec![0]));
    // A peer that has gone.
    drop(theirs);
    let error = run(&mut core, task::io(|| ours.send_with_fds(b"x", &fds))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[test]
fn a_datagram_brings_descriptors_even_if_it_is_empty() {
    let mut core = Core::new().unwrap();
    let (one, two) = UnixDatagram::pair(&core.handle()).unwrap();
    let sent = pipes(2);
    let fds: Vec<_> = sent.iter().map(AsFd::as_fd).collect();
    let (mut buf, mut into) = ([0; 16], FdBuffer::new(2));
    for bytes in [&b"data"[..], b""] {
        let sends = task::io(|| one.send_with_fds(bytes, &fds));
        assert_eq!(run(&mut core, sends).unwrap(), bytes.len());
        let n = run(
            &mut core,
            task::io(|| two.recv_with_fds(&mut buf, &mut into)),
        );
        assert_eq!(n.unwrap(), bytes.len());
        assert_eq!(into.take().len(), 2);
    }
}

#[test]
fn a_stream_and_a_pair_of_datagrams_know_who_is_at_the_other_end() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let path = SocketPath::new();
    let listener = StdListener::bind(&path).unwrap();
    let stream = run(&mut core, UnixStream::connect(&path, &handle)).unwrap();
    let user = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    let (one, _two) = UnixDatagram::pair(&handle).unwrap();
    for peer in [stream.peer_credentials(), one.peer_credentials()] {
        let peer = peer.unwrap();
        assert_eq!((peer.user, peer.group), (user, group));
        assert_eq!(peer.process, Some(std::process::id()));
    }
    drop(listener);
    let alone = UnixDatagram::unbound(&handle).unwrap();
    assert_eq!(
        alone.peer_credentials().unwrap_err().kind(),
        ErrorKind::NotConnected
    );
}

/// Another process, so that "who" is not simply ourselves.
#[test]
fn the_process_at_the_other_end_is_the_one_that_connected() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let path = SocketPath::new();
    let listener = UnixListener::bind(&path, &handle).unwrap();
    assert_eq!(
        listener.try_accept().unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    let script =
        "import socket,sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.recv(1)";
    let python = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(path.as_ref())
        .spawn();
    let Ok(mut python) = python else {
        assert!(std::env::var_os("CI").is_none(), "CI has to have python3");
        eprintln!("skipped, there is no python3 here");
        return;
    };
    run(&mut core, listener.readable()).unwrap();
    let (mut stream, _) = listener.try_accept().unwrap();
    let peer = stream.peer_credentials().unwrap();
    assert_eq!(peer.process, Some(python.id()));
    run(&mut core, write_all(&mut stream, b"x")).unwrap();
    python.wait().unwrap();
    let listener = listener.into_std().unwrap();
    assert_eq!(
        listener.local_addr().unwrap().as_pathname(),
        SocketAddr::from_pathname(&path).unwrap().as_pathname()
    );
}
