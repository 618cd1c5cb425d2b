//! Ending connections: in good order, at once, by a half that is dropped; and hearing of the peer's end.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::Shutdown,
    thread,
    time::Duration,
};

use common::{
    CountWakes, HANG, open_descriptors, pair, poll_with, reset, run, settle, turn_until,
    unix_streams,
};
use io_traits::{
    AsyncRead, AsyncWrite,
    io::{read, read_exact, write_all},
};
use net::{OwnedWriteHalf, TcpStream, UnixStream};
use reactor::{Core, Elapsed};

#[test]
fn a_peer_that_is_still_sending_reads_all_of_an_answer_before_the_close() {
    let mut core = Core::new().unwrap();
    // Without `close` the unread data would make a reset of the close, which can overtake the answer.
    for _ in 0..20 {
        let (mut stream, mut peer) = pair(&core.handle());
        let client = thread::spawn(move || {
            peer.write_all(&[7; 300_000]).unwrap();
            let mut all = Vec::new();
            peer.read_to_end(&mut all).unwrap();
            all.len()
        });
        run(&mut core, async {
            read_exact(&mut stream, &mut [0; 10]).await.unwrap();
            write_all(&mut stream, &[8; 100_000]).await.unwrap();
            stream.close(HANG).await.unwrap();
        });
        assert_eq!(client.join().unwrap(), 100_000);
        assert_eq!(core.handle().metrics().registered, 0);
    }
}

#[test]
fn a_close_tells_the_peer_first_and_waits_for_it() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let (_, waker) = CountWakes::new();
    let mut close = Box::pin(stream.close(HANG));
    assert!(poll_with(&mut close, &waker).is_pending());
    // The end is there before the close is done.
    assert_eq!(peer.read(&mut [0; 4]).unwrap(), 0);
    peer.write_all(b"last words").unwrap();
    settle(&mut core);
    assert!(poll_with(&mut close, &waker).is_pending());
    drop(peer);
    run(&mut core, close).unwrap();
}

#[test]
fn a_peer_that_never_closes_ends_a_close_with_a_timeout() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let error = run(&mut core, stream.close(Duration::from_millis(10))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.get_ref().unwrap().is::<Elapsed>());
    assert_eq!(core.handle().metrics().registered, 0);
    assert_eq!(peer.read(&mut [0; 4]).unwrap(), 0);

    // Not even one that never stops talking.
    let (stream, mut peer) = pair(&core.handle());
    let talker = thread::spawn(move || while peer.write_all(&[0; 65_536]).is_ok() {});
    let error = run(&mut core, stream.close(Duration::from_millis(10))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    talker.join().unwrap();
}

#[test]
fn a_close_after_the_peer_has_gone_is_done_or_says_how_it_went() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = pair(&core.handle());
    drop(peer);
    run(&mut core, stream.close(HANG)).unwrap();
    let (stream, peer) = pair(&core.handle());
    reset(peer);
    settle(&mut core);
    let error = run(&mut core, stream.close(HANG)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_close_that_is_dropped_closes_the_socket() {
    let test = "a_close_that_is_dropped_closes_the_socket";
    common::child::alone(test, || {
        let core = Core::new().unwrap();
        let before = open_descriptors();
        let (stream, peer) = pair(&core.handle());
        let mut close = Box::pin(stream.close(HANG));
        assert!(poll_with(&mut close, std::task::Waker::noop()).is_pending());
        drop(close);
        drop(peer);
        assert_eq!(open_descriptors(), before);
    });
}

#[test]
fn an_abort_resets_the_peer_although_nothing_is_unread_and_throws_away_what_was_not_sent() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let filled = common::fill(&stream);
    stream.abort().unwrap();
    let mut all = Vec::new();
    let error = peer.read_to_end(&mut all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(all.len() < filled, "{} of {filled} bytes", all.len());
    assert_eq!(core.handle().metrics().registered, 0);
    // One that idles.
    let (stream, mut peer) = pair(&core.handle());
    stream.abort().unwrap();
    let error = peer.read(&mut [0; 4]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    // One whose peer has gone.
    let (stream, peer) = pair(&core.handle());
    reset(peer);
    settle(&mut core);
    stream.abort().unwrap();
}

#[test]
fn the_peers_close_is_heard_of_while_what_it_sent_stays_unread() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
    let (count, waker) = CountWakes::new();
    {
        let mut closed = stream.peer_closed();
        assert!(poll_with(&mut closed, &waker).is_pending());
        peer.write_all(b"data").unwrap();
        settle(&mut core);
        assert!(poll_with(&mut closed, &waker).is_pending());
        let woken = count.get();
        peer.shutdown(Shutdown::Write).unwrap();
        turn_until(&mut core, || count.get() > woken);
        run(&mut core, closed).unwrap();
    }
    let mut buf = [0; 8];
    assert_eq!(run(&mut core, read(&mut stream, &mut buf)).unwrap(), 4);
    assert_eq!(run(&mut core, read(&mut stream, &mut buf)).unwrap(), 0);
    // Writing goes on.
    run(&mut core, write_all(&mut stream, b"x")).unwrap();
    peer.read_exact(&mut buf[..1]).unwrap();
}

#[test]
fn a_reset_is_a_close_of_the_peer_and_so_it_is_of_a_stream_that_has_connected() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, peer) = pair(&handle);
    reset(peer);
    run(&mut core, stream.peer_closed()).unwrap();
    let listener = std::net::TcpListener::bind(common::any_port()).unwrap();
    let connect = TcpStream::connect(&listener.local_addr().unwrap(), &handle);
    let stream = run(&mut core, connect).unwrap();
    let closed = stream.peer_closed();
    let (closed, ()) = run(&mut core, async {
        futures::join!(closed, async { drop(listener.accept().unwrap()) })
    });
    closed.unwrap();
    let (stream, peer) = unix_streams(&handle);
    drop(peer);
    run(&mut core, stream.peer_closed()).unwrap();
}

/// Drops the half that writes: the peer sees the end, and the other half goes on.
fn the_dropped_half_ends_its_direction<S, P>(
    core: &mut Core,
    halves: (io_traits::ReadHalf<S>, OwnedWriteHalf<S>),
    mut peer: P,
) where
    for<'a> &'a S: AsyncRead + AsyncWrite,
    P: Read + Write,
{
    let (mut reads, mut writes) = halves;
    assert!(writes.is_pair_of(&reads));
    assert!(writes.writes_slices());
    run(core, write_all(&mut writes, b"question")).unwrap();
    drop(writes);
    let mut all = Vec::new();
    peer.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"question");
    peer.write_all(b"answer").unwrap();
    let mut answer = [0; 6];
    run(core, read_exact(&mut reads, &mut answer)).unwrap();
    assert_eq!(&answer, b"answer");
}

#[test]
fn dropping_the_half_that_writes_ends_that_direction_and_no_other() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = pair(&core.handle());
    the_dropped_half_ends_its_direction::<TcpStream, _>(&mut core, stream.into_split(), peer);
    let (stream, peer) = unix_streams(&core.handle());
    the_dropped_half_ends_its_direction::<UnixStream, _>(&mut core, stream.into_split(), peer);
}

#[test]
fn a_half_that_is_reunited_or_forgotten_ends_nothing() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let (reads, writes) = stream.into_split();
    let (reads_of_another, writes_of_another) = pair(&core.handle()).0.into_split();
    let error = writes.reunite(reads_of_another).unwrap_err();
    let (reads_of_another, writes) = (error.read, error.write);
    assert!(!writes.is_pair_of(&reads_of_another));
    let mut stream = writes.reunite(reads).unwrap();
    run(&mut core, write_all(&mut stream, b"x")).unwrap();
    peer.read_exact(&mut [0; 1]).unwrap();

    let (mut reads, writes) = stream.into_split();
    writes.forget();
    let mut again = reads.get_ref();
    run(&mut core, write_all(&mut again, b"y")).unwrap();
    peer.read_exact(&mut [0; 1]).unwrap();
    peer.write_all(b"z").unwrap();
    run(&mut core, read_exact(&mut reads, &mut [0; 1])).unwrap();
    drop((reads_of_another, writes_of_another));
}

/// tokio's half does the same, and the two talk to each other.
#[test]
fn our_halves_and_tokios_end_each_others_streams() {
    let (address, addressed) = std::sync::mpsc::channel();
    let peer = thread::spawn(move || {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            let (mut reads, mut writes) = listener.accept().await.unwrap().0.into_split();
            let mut question = Vec::new();
            reads.read_to_end(&mut question).await.unwrap();
            writes.write_all(&question).await.unwrap();
            drop(writes);
            // The end of the other side, without a byte.
            assert_eq!(reads.read(&mut [0; 4]).await.unwrap(), 0);
        });
    });
    let mut core = Core::new().unwrap();
    let connect = TcpStream::connect(&addressed.recv().unwrap(), &core.handle());
    let (mut reads, mut writes) = run(&mut core, connect).unwrap().into_split();
    run(&mut core, async {
        write_all(&mut writes, b"question").await.unwrap();
        drop(writes);
        let mut answer = Vec::new();
        io_traits::io::read_to_end(&mut reads, &mut answer, 1024)
            .await
            .unwrap();
        assert_eq!(answer, b"question");
    });
    peer.join().unwrap();
}
