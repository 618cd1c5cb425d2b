//! Bytes through a stream: all of them, in order, by every way in.

use std::{
    io::{ErrorKind, IoSlice, IoSliceMut, Read, Write},
    net::Shutdown,
    sync::Arc,
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use io_traits::{AsyncRead, AsyncWrite, ReadCursor, io as async_io, read_buf, task, write_buf};
use reactor::Core;

use super::{Stream, fill, pair, pair_of_ours, std_pair};
use crate::common::{CountWakes, Random, run, settle, turn_until, with_cx};

fn message(len: usize) -> Vec<u8> {
    let mut random = Random::new(len as u64);
    (0..len).map(|_| random.next() as u8).collect()
}

/// Sends, and meanwhile receives until the end.
async fn exchange(stream: &Stream, sent: &[u8]) -> Vec<u8> {
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
    let (one, two) = pair_of_ours(&core.handle());
    let (sent, answer) = (message(8 << 20), message((8 << 20) + 1));
    let (by_one, by_two) = run(&mut core, async {
        futures::join!(exchange(&one, &sent), exchange(&two, &answer))
    });
    assert!(by_one == answer && by_two == sent);
}

#[test]
fn eight_mebibytes_come_back_from_an_echo_of_std() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
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
fn two_spawned_tasks_share_one_stream_without_a_lock() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (mut client, server) = pair_of_ours(&handle);
    let server = Arc::new(server);
    let (reader, writer) = (server.clone(), server);
    let received = run(&mut core, async {
        let reading = handle.spawn(async move {
            let mut received = Vec::new();
            async_io::copy(&mut &*reader, &mut received).await.unwrap();
            received
        });
        drop(handle.spawn(async move {
            let mut half = &*writer;
            async_io::write_all(&mut half, &message(1 << 20))
                .await
                .unwrap();
            async_io::shutdown(&mut half).await.unwrap();
        }));
        let mut answer = Vec::new();
        async_io::copy(&mut client, &mut answer).await.unwrap();
        assert!(answer == message(1 << 20));
        async_io::write_all(&mut client, &answer).await.unwrap();
        drop(client);
        reading.await.unwrap()
    });
    assert!(received == message(1 << 20));
}

#[test]
fn small_socket_buffers_and_a_slow_reader_keep_every_byte_in_order() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
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

#[test]
fn a_short_write_is_followed_by_the_rest_as_soon_as_the_peer_reads() {
    let mut core = Core::new().unwrap();
    for round in 0..40 {
        let (mut stream, mut peer) = pair(&core.handle());
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
    let (mut stream, mut peer) = pair(&core.handle());
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
    // A short peek is no proof that there is no more.
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
    let (mut stream, mut peer) = pair(&core.handle());
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
fn a_vectored_write_of_more_than_the_socket_takes_goes_on_at_the_right_byte() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
    let sent = message(4 << 20);
    let expected = sent.clone();
    let reader = thread::spawn(move || {
        let mut received = vec![0; expected.len()];
        peer.read_exact(&mut received).unwrap();
        assert!(received == expected);
    });
    // Chunks of odd lengths, so that a write ends anywhere.
    let mut buf: Box<dyn Buf + Send> = Box::new(Bytes::new());
    let mut left = Bytes::from(sent);
    let mut parts = Vec::new();
    while !left.is_empty() {
        parts.push(left.split_to(left.len().min(77_777)));
    }
    for part in parts.into_iter().rev() {
        buf = Box::new(part.chain(buf));
    }
    run(&mut core, async {
        while buf.has_remaining() {
            task::io(|| write_buf(&mut stream, &mut buf)).await.unwrap();
        }
    });
    reader.join().unwrap();
}

#[test]
fn zero_lengths_are_done_at_once_in_a_task_and_change_nothing() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
    let zero = |stream: &mut Stream| {
        with_cx(Waker::noop(), |cx| {
            assert_eq!(task::enter(cx, || stream.read(&mut [])).unwrap(), 0);
            let none: &mut [IoSliceMut<'_>] = &mut [];
            assert_eq!(task::enter(cx, || stream.read_vectored(none)).unwrap(), 0);
            let empty = &mut [IoSliceMut::new(&mut []), IoSliceMut::new(&mut [])];
            assert_eq!(task::enter(cx, || stream.read_vectored(empty)).unwrap(), 0);
            assert_eq!(task::enter(cx, || stream.peek(&mut [])).unwrap(), 0);
            assert_eq!(task::enter(cx, || stream.write(&[])).unwrap(), 0);
            assert_eq!(task::enter(cx, || stream.write_vectored(&[])).unwrap(), 0);
            let empty = &[IoSlice::new(&[]), IoSlice::new(&[])];
            assert_eq!(task::enter(cx, || stream.write_vectored(empty)).unwrap(), 0);
            assert!(matches!(
                stream.poll_write_from(cx, &[]),
                Poll::Ready(Ok(0))
            ));
            ReadCursor::with_initialized(&mut [], |cursor| {
                assert!(matches!(
                    stream.poll_read_into(cx, cursor),
                    Poll::Ready(Ok(0))
                ));
            });
        });
    };
    zero(&mut stream);
    // Idle, full, readable: all the same.
    let filled = fill(&stream);
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
fn a_read_of_exactly_what_is_there_and_the_next_message_both_arrive() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
    for room in [1, 3, 4, 5, 64] {
        for _ in 0..50 {
            peer.write_all(b"four").unwrap();
            run(&mut core, async {
                let mut got = 0;
                let mut buf = vec![0; room];
                while got < 4 {
                    got += async_io::read(&mut stream, &mut buf).await.unwrap();
                }
                assert_eq!(got, 4);
            });
        }
    }
}

#[test]
fn a_socket_comes_from_std_and_goes_back_as_it_was() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (ours, mut peer) = std_pair();
    let mut stream = Stream::from_std(ours, &handle).unwrap();
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
    let mut stream = Stream::from_std(std, &other.handle()).unwrap();
    run(&mut other, async_io::write_all(&mut stream, b"three")).unwrap();
    drop(stream);
    let mut all = Vec::new();
    peer.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"onetwothree");
}

#[test]
fn readable_and_writable_wait_for_what_they_say() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
    let filled = fill(&stream);
    let nothing = with_cx(Waker::noop(), |cx| {
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
