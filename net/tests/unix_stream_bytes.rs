//! Bytes through a `UnixStream`: all of them, in order, by every way in, whatever is passed with them.

mod common;

use std::{
    io::{ErrorKind, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    net::Shutdown,
    os::{fd::AsFd, unix::net::UnixStream as StdUnix},
    task::Poll,
    thread,
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use common::{CountWakes, Random, fill_unix, run, settle, turn_until, unix_streams, with_cx};
use io_traits::{AsyncRead, AsyncWrite, ReadCursor, io as async_io, read_buf, task, write_buf};
use net::UnixStream;
use reactor::Core;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

fn message(len: usize) -> Vec<u8> {
    let mut random = Random::new(len as u64);
    (0..len).map(|_| random.next() as u8).collect()
}

/// Sends, and meanwhile receives until the end.
async fn exchange(stream: &UnixStream, sent: &[u8]) -> Vec<u8> {
    let write = async {
        let mut half = stream;
        async_io::write_all(&mut half, sent).await.unwrap();
        async_io::shutdown(&mut half).await.unwrap();
    };
    let read = async {
        let mut received = Vec::new();
        async_io::copy(&mut { stream }, &mut received)
            .await
            .unwrap();
        received
    };
    futures::join!(write, read).1
}

#[test]
fn eight_mebibytes_go_both_ways_at_once_through_a_pair_of_ours() {
    let mut core = Core::new().unwrap();
    let (one, two) = UnixStream::pair(&core.handle()).unwrap();
    let (sent, answer) = (message(8 << 20), message((8 << 20) + 1));
    let (by_one, by_two) = run(&mut core, async {
        futures::join!(exchange(&one, &sent), exchange(&two, &answer))
    });
    assert!(by_one == answer && by_two == sent);
}

#[test]
fn eight_mebibytes_come_back_from_an_echo_of_std() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_streams(&core.handle());
    let mut echo = peer.try_clone().unwrap();
    let echo = thread::spawn(move || {
        std::io::copy(&mut peer, &mut echo).unwrap();
        echo.shutdown(Shutdown::Write).unwrap();
    });
    let sent = Bytes::from(message(8 << 20));
    let stream = &stream;
    let received = run(&mut core, async {
        let write = async {
            let (mut half, mut left) = (stream, sent.clone());
            while left.has_remaining() {
                // Two parts of odd lengths, so that a vectored write ends anywhere.
                let first = left.split_to(left.len().min(77_777));
                let second = left.split_to(left.len().min(33_333));
                let mut parts = first.chain(second);
                while parts.has_remaining() {
                    task::io(|| write_buf(&mut half, &mut parts)).await.unwrap();
                }
            }
            async_io::shutdown(&mut half).await.unwrap();
        };
        let read = async {
            let mut half = stream;
            let mut random = Random::new(6);
            let mut all = BytesMut::new();
            loop {
                let n = if random.below(2) == 0 {
                    task::io(|| read_buf(&mut half, &mut all)).await.unwrap()
                } else {
                    let mut buf = vec![0; random.below(90_000) as usize + 1];
                    let n = task::io(|| half.read(&mut buf)).await.unwrap();
                    all.extend_from_slice(&buf[..n]);
                    n
                };
                if n == 0 {
                    return all;
                }
            }
        };
        futures::join!(write, read).1
    });
    assert!(received == sent);
    echo.join().unwrap();
}

#[test]
fn small_socket_buffers_and_a_slow_reader_keep_every_byte_in_order() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_streams(&core.handle());
    socket2::SockRef::from(&stream)
        .set_send_buffer_size(4_608)
        .unwrap();
    let sent = message(300_000);
    let expected = sent.clone();
    let reader = thread::spawn(move || {
        let mut random = Random::new(4);
        let mut received = Vec::new();
        loop {
            let mut buf = vec![0; random.below(5_000) as usize + 1];
            match peer.read(&mut buf).unwrap() {
                0 => break,
                n => received.extend_from_slice(&buf[..n]),
            }
            (0..random.below(20_000)).for_each(|_| std::hint::spin_loop());
        }
        assert!(received == expected);
    });
    run(&mut core, async {
        async_io::write_all(&mut stream, &sent).await.unwrap();
        async_io::shutdown(&mut stream).await.unwrap();
    });
    reader.join().unwrap();
}

type ReadOnce = fn(&UnixStream) -> std::io::Result<usize>;

/// All the ways to read, each into much more memory than there is data.
const READS: [ReadOnce; 3] = [
    |mut stream| stream.read(&mut [0; 4096]),
    |mut stream| read_buf(&mut stream, &mut BytesMut::with_capacity(4096)),
    |mut stream| {
        let (mut a, mut b) = ([0; 4], [0; 4096]);
        stream.read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)])
    },
];

/// Sends some bytes, and a descriptor with them.
fn send_with_descriptor(peer: &StdUnix, bytes: &[u8]) {
    let descriptors = [peer.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let bytes = [IoSlice::new(bytes)];
    sendmsg(peer, &bytes, &mut ancillary, SendFlags::empty()).unwrap();
}

/// A read stops at passed descriptors, and what is behind them makes no event of its own.
#[test]
fn a_read_that_was_cut_short_by_a_descriptor_does_not_hide_what_is_behind_it() {
    let mut core = Core::new().unwrap();
    for read in READS {
        for known_empty in [false, true] {
            let (stream, mut peer) = unix_streams(&core.handle());
            if known_empty {
                let _ = with_cx(std::task::Waker::noop(), |cx| {
                    task::enter(cx, || read(&stream))
                });
            }
            send_with_descriptor(&peer, b"AAAA");
            peer.write_all(b"BBBB").unwrap();
            send_with_descriptor(&peer, b"CCCC");
            peer.write_all(b"DDDD").unwrap();
            settle(&mut core);
            // The peer stays and sends nothing more: what is stalled would stay so.
            let (got, reads) = run(&mut core, async {
                let (mut got, mut reads) = (0, 0);
                while got < 16 {
                    got += task::io(|| read(&stream)).await.unwrap();
                    reads += 1;
                }
                (got, reads)
            });
            assert_eq!(got, 16);
            assert!(reads > 1, "the descriptors have cut nothing short");
        }
    }
}

#[test]
fn a_short_write_is_followed_by_the_rest_as_soon_as_the_peer_reads() {
    let mut core = Core::new().unwrap();
    for round in 0..40 {
        let (mut stream, mut peer) = unix_streams(&core.handle());
        socket2::SockRef::from(&stream)
            .set_send_buffer_size(4_608 + 1_111 * round)
            .unwrap();
        let (count, waker) = CountWakes::new();
        let sent = message(1 << 20);
        let mut written = 0;
        while let Poll::Ready(result) =
            with_cx(&waker, |cx| stream.poll_write_from(cx, &sent[written..]))
        {
            written += result.unwrap();
        }
        assert!(0 < written && written < sent.len());
        settle(&mut core);
        let mut received = vec![0; written];
        peer.read_exact(&mut received).unwrap();
        assert!(received == sent[..written]);
        turn_until(&mut core, || count.get() > 0);
        assert!(with_cx(&waker, |cx| stream.poll_write_from(cx, b"x")).is_ready());
    }
}

#[test]
fn a_peek_takes_nothing_and_two_of_them_see_the_same() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_streams(&core.handle());
    peer.write_all(b"look").unwrap();
    run(&mut core, async {
        let mut buf = [0; 16];
        for room in [16, 2, 16, 4] {
            let n = task::io(|| stream.peek(&mut buf[..room])).await.unwrap();
            assert_eq!(&buf[..n], &b"look"[..room.min(4)]);
        }
        assert_eq!(async_io::read(&mut stream, &mut buf).await.unwrap(), 4);
        assert_eq!(&buf[..4], b"look");
    });
    let (count, waker) = CountWakes::new();
    let peek = || with_cx(&waker, |cx| stream.poll_peek(cx, &mut [0; 4]));
    assert!(peek().is_pending());
    peer.write_all(b"x").unwrap();
    turn_until(&mut core, || count.get() > 0);
    assert!(matches!(peek(), Poll::Ready(Ok(1))));
    peer.write_all(b"y").unwrap();
    settle(&mut core);
    for _ in 0..3 {
        assert!(matches!(peek(), Poll::Ready(Ok(2))));
    }
    drop(peer);
    run(&mut core, async_io::read_exact(&mut stream, &mut [0; 2])).unwrap();
    assert_eq!(
        run(&mut core, task::io(|| stream.peek(&mut [0; 4]))).unwrap(),
        0
    );
}

#[test]
fn vectored_operations_fill_and_take_slice_after_slice_and_skip_empty_ones() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_streams(&core.handle());
    let slices = [b"".as_slice(), b"one", b"", b"two", b"three", b""].map(IoSlice::new);
    let n = run(&mut core, task::io(|| stream.write_vectored(&slices))).unwrap();
    assert_eq!(n, 11);
    let mut buf = [0; 11];
    peer.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"onetwothree");

    peer.write_all(b"onetwothree").unwrap();
    let (mut a, mut b, mut c) = ([0; 3], [0; 3], [0; 16]);
    let n = run(
        &mut core,
        task::io(|| {
            let mut slices = [&mut [][..], &mut a, &mut [], &mut b, &mut c].map(IoSliceMut::new);
            stream.read_vectored(&mut slices)
        }),
    );
    assert_eq!(n.unwrap(), 11);
    assert_eq!((&a, &b, &c[..5]), (b"one", b"two", &b"three"[..]));
}

#[test]
fn zero_lengths_are_done_at_once_in_a_task_and_change_nothing() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_streams(&core.handle());
    let zero = |stream: &mut UnixStream| {
        with_cx(std::task::Waker::noop(), |cx| {
            assert_eq!(task::enter(cx, || stream.read(&mut [])).unwrap(), 0);
            let empty = &mut [IoSliceMut::new(&mut []), IoSliceMut::new(&mut [])];
            assert_eq!(task::enter(cx, || stream.read_vectored(empty)).unwrap(), 0);
            assert_eq!(task::enter(cx, || stream.peek(&mut [])).unwrap(), 0);
            assert_eq!(task::enter(cx, || stream.write(&[])).unwrap(), 0);
            let empty = &[IoSlice::new(&[]), IoSlice::new(&[])];
            assert_eq!(task::enter(cx, || stream.write_vectored(empty)).unwrap(), 0);
            ReadCursor::with_initialized(&mut [], |cursor| {
                assert!(matches!(
                    stream.poll_read_into(cx, cursor),
                    Poll::Ready(Ok(0))
                ));
            });
        });
    };
    zero(&mut stream);
    let filled = fill_unix(&stream);
    zero(&mut stream);
    peer.write_all(b"x").unwrap();
    settle(&mut core);
    zero(&mut stream);
    assert_eq!(
        run(&mut core, async_io::read(&mut stream, &mut [0; 4])).unwrap(),
        1
    );
    peer.read_exact(&mut vec![0; filled]).unwrap();
    run(&mut core, async_io::write_all(&mut stream, b"end")).unwrap();
    let mut buf = [0; 3];
    peer.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"end", "the peer has seen nothing of it");
}

#[test]
fn a_socket_comes_from_std_and_goes_back_as_it_was() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (mut stream, mut peer) = unix_streams(&handle);
    assert!(stream.local_addr().unwrap().is_unnamed());
    assert!(stream.peer_addr().unwrap().is_unnamed());
    assert!(stream.take_error().unwrap().is_none());
    run(&mut core, async_io::write_all(&mut stream, b"one")).unwrap();
    let mut std = stream.into_std().unwrap();
    assert_eq!(handle.metrics().registered, 0);
    assert_eq!(
        std.read(&mut [0; 1]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    std.write_all(b"two").unwrap();
    // And it can be registered once more, here or elsewhere.
    let mut other = Core::new().unwrap();
    let mut stream = UnixStream::from_std(std, &other.handle()).unwrap();
    run(&mut other, async_io::write_all(&mut stream, b"three")).unwrap();
    drop(stream);
    let mut all = Vec::new();
    peer.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"onetwothree");
}

#[test]
fn readable_and_writable_wait_for_what_they_say() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_streams(&core.handle());
    let filled = fill_unix(&stream);
    let nothing = with_cx(std::task::Waker::noop(), |cx| {
        task::enter(cx, || stream.read(&mut [0; 4]))
    });
    assert!(nothing.is_err());
    let limit = Duration::from_millis(10);
    let handle = core.handle();
    run(&mut core, async {
        assert!(handle.timeout(limit, stream.readable()).await.is_err());
        assert!(handle.timeout(limit, stream.writable()).await.is_err());
    });
    peer.write_all(b"x").unwrap();
    peer.read_exact(&mut vec![0; filled]).unwrap();
    run(&mut core, async {
        stream.readable().await.unwrap();
        stream.writable().await.unwrap();
        async_io::write_all(&mut stream, b"y").await.unwrap();
    });
}
