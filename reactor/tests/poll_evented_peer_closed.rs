//! The peer's close, heard of without reading.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream as Peer},
    sync::Arc,
    task::Waker,
};

use common::{
    CountWakes, Elsewhere, Watched, assert_idle, block_on, child, pipe, poll_with, run, settle,
    turn_until, udp_pair, unix_pair, unix_pair_with,
};
use futures::{FutureExt, future::join};
use io_traits::io as async_io;
use reactor::{
    Core, Direction, Fd, Handle, Options, PollEvented, Trigger,
    mio::net::{TcpStream, UdpSocket},
};

fn tcp_pair(handle: &Handle) -> (PollEvented<TcpStream>, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = Peer::connect(listener.local_addr().unwrap()).unwrap();
    ours.set_nonblocking(true).unwrap();
    let peer = listener.accept().unwrap().0;
    let ours = PollEvented::on_demand(TcpStream::from_std(ours), handle).unwrap();
    (ours, peer)
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn a_close_is_heard_of_behind_data_that_nobody_reads() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = tcp_pair(&core.handle());
    let (count, waker) = CountWakes::new();
    let mut closed = stream.peer_closed();
    assert!(poll_with(&mut closed, &waker).is_pending());
    peer.write_all(b"unread").unwrap();
    turn_until(&mut core, || count.get() > 0);
    assert!(poll_with(&mut closed, &waker).is_pending(), "that was data");
    let before = count.get();
    assert_idle(&mut core);
    assert_eq!(count.get(), before, "unread data keeps the task awake");
    peer.shutdown(Shutdown::Write).unwrap();
    turn_until(&mut core, || count.get() > before);
    assert!(poll_with(&mut closed, &waker).is_ready());
    drop(closed);
    // It stays true, and the data stays.
    for _ in 0..3 {
        run(&mut core, stream.peer_closed()).unwrap();
    }
    let mut buf = Vec::new();
    run(&mut core, async_io::copy(&mut &stream, &mut buf)).unwrap();
    assert_eq!(buf, b"unread");
    // A half-close leaves the other half open.
    run(&mut core, async_io::write_all(&mut &stream, b"reply")).unwrap();
    peer.read_exact(&mut [0; 5]).unwrap();
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn a_close_that_came_first_is_heard_of_all_the_same() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = tcp_pair(&core.handle());
    peer.write_all(b"x").unwrap();
    drop(peer);
    settle(&mut core);
    run(&mut core, stream.peer_closed()).unwrap();
    // Even before it is registered.
    let io = stream.into_inner().unwrap();
    let stream = PollEvented::on_demand(io, &core.handle()).unwrap();
    run(&mut core, stream.peer_closed()).unwrap();
    // And where reading has not been asked for.
    let io = stream.into_inner().unwrap();
    let options = Options::write_only();
    let stream = PollEvented::with_options(io, &core.handle(), options).unwrap();
    run(&mut core, stream.peer_closed()).unwrap();
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn a_reset_is_a_close() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = tcp_pair(&core.handle());
    rustix::net::sockopt::set_socket_linger(&peer, Some(std::time::Duration::ZERO)).unwrap();
    let reset = async { drop(peer) };
    let (closed, ()) = run(&mut core, join(stream.peer_closed(), reset));
    closed.unwrap();
    let error = run(&mut core, async_io::read(&mut &stream, &mut [0])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn each_end_of_a_pipe_hears_that_the_other_has_gone() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (reader, writer) = pipe();
    let reader = PollEvented::on_demand(Fd::new(reader).unwrap(), &handle).unwrap();
    let go = async { drop(writer) };
    let (closed, ()) = run(&mut core, join(reader.peer_closed(), go));
    closed.unwrap();
    let (reader, writer) = pipe();
    let writer =
        PollEvented::with_options(Fd::new(writer).unwrap(), &handle, Options::write_only());
    let writer = writer.unwrap();
    let go = async { drop(reader) };
    let (closed, ()) = run(&mut core, join(writer.peer_closed(), go));
    closed.unwrap();
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn of_an_object_without_a_peer_an_error_alone_is_reported() {
    let mut core = Core::new().unwrap();
    let (socket, sender) = udp_pair(&core.handle());
    let mut closed = socket.peer_closed();
    assert!(poll_with(&mut closed, Waker::noop()).is_pending());
    sender.send(b"x").unwrap();
    settle(&mut core);
    assert!(poll_with(&mut closed, Waker::noop()).is_pending());
    let test = "of_an_object_without_a_peer_an_error_alone_is_reported";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.connect(gone.local_addr().unwrap()).unwrap();
        drop(gone);
        let socket = PollEvented::on_demand(socket, &core.handle()).unwrap();
        let send = async { socket.get_ref().send(b"?").unwrap() };
        let (closed, _) = run(&mut core, join(socket.peer_closed(), send));
        closed.unwrap();
    });
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn a_reader_beside_it_gets_all_and_many_may_wait() {
    let core = Elsewhere::new();
    let (stream, mut peer) = unix_pair(&core.handle);
    let stream = Arc::new(stream);
    let waits: Vec<_> = (0..20)
        .map(|_| {
            let stream = stream.clone();
            std::thread::spawn(move || block_on(async move { stream.peer_closed().await }))
        })
        .collect();
    let reader = std::thread::spawn({
        let stream = stream.clone();
        move || {
            block_on(async move {
                let mut buf = Vec::new();
                async_io::copy(&mut &*stream, &mut buf).await.unwrap();
                buf
            })
        }
    });
    for n in 0..200_u8 {
        peer.write_all(&[n]).unwrap();
    }
    drop(peer);
    assert_eq!(reader.join().unwrap(), (0..200).collect::<Vec<u8>>());
    for wait in waits {
        wait.join().unwrap().unwrap();
    }
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn a_wait_that_is_dropped_moves_or_ends_leaves_no_waker_behind() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = unix_pair(&core.handle());
    let (here, there) = (Watched::new(), Watched::new());
    let mut closed = stream.peer_closed();
    assert!(poll_with(&mut closed, &here.1).is_pending());
    assert!(here.is_kept());
    drop(closed);
    assert!(!here.is_kept());
    let mut closed = stream.peer_closed();
    assert!(poll_with(&mut closed, &here.1).is_pending());
    assert!(poll_with(&mut closed, &there.1).is_pending());
    assert!(!here.is_kept() && there.is_kept());
    drop(peer);
    turn_until(&mut core, || there.0.get() > 0);
    assert!(poll_with(&mut closed, &there.1).is_ready());
    assert!(!there.is_kept());
}

#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn while_reading_is_paused_a_close_waits_as_well() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = tcp_pair(&core.handle());
    stream.pause(Direction::Read).unwrap();
    let (count, waker) = CountWakes::new();
    let mut closed = stream.peer_closed();
    assert!(poll_with(&mut closed, &waker).is_pending());
    peer.write_all(b"x").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    settle(&mut core);
    assert_eq!(count.get(), 0);
    stream.resume(Direction::Read).unwrap();
    turn_until(&mut core, || count.get() > 0);
    assert!(poll_with(&mut closed, &waker).is_ready());
}

/// The system tells both in the same way; the peer can still be written to.
#[test]
#[cfg_attr(mio_unsupported_force_poll_poll, ignore = "poll(2) has no edges")]
fn an_own_shutdown_of_reading_is_reported_as_a_close() {
    let mut core = Core::new().unwrap();
    let (tcp, mut tcp_peer) = tcp_pair(&core.handle());
    let (unix, mut unix_peer) = unix_pair(&core.handle());
    let (count, waker) = CountWakes::new();
    let (mut one, mut two) = (tcp.peer_closed(), unix.peer_closed());
    assert!(poll_with(&mut one, &waker).is_pending());
    assert!(poll_with(&mut two, &waker).is_pending());
    tcp.get_ref().shutdown(Shutdown::Read).unwrap();
    unix.get_ref().shutdown(Shutdown::Read).unwrap();
    turn_until(&mut core, || count.get() >= 2);
    assert!(poll_with(&mut one, &waker).is_ready());
    assert!(poll_with(&mut two, &waker).is_ready());
    drop((one, two));
    run(&mut core, async_io::write_all(&mut &tcp, b"reply")).unwrap();
    run(&mut core, async_io::write_all(&mut &unix, b"reply")).unwrap();
    tcp_peer.read_exact(&mut [0; 5]).unwrap();
    unix_peer.read_exact(&mut [0; 5]).unwrap();
}

#[test]
fn without_edges_it_is_refused_the_same_way_each_time() {
    let mut core = Core::new().unwrap();
    let triggers = [Trigger::Level, Trigger::Oneshot, Trigger::Edge];
    let without_edges = if cfg!(mio_unsupported_force_poll_poll) {
        3
    } else {
        2
    };
    for trigger in &triggers[..without_edges] {
        let (stream, peer) = unix_pair_with(&core.handle(), Options::new().trigger(*trigger));
        let mut peer = Some(peer);
        for _ in 0..3 {
            let closed = stream.peer_closed().now_or_never().expect("a hang");
            assert_eq!(closed.unwrap_err().kind(), ErrorKind::Unsupported);
            drop(peer.take());
            settle(&mut core);
        }
    }
}
