//! Whatever the sizes, the waits, the wakes for nothing and the drops: the bytes are the same.

mod common;

use std::{
    io::{self, IoSlice},
    task::{Context, Poll, Waker},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use common::{drive, poll_once};
use futures::StreamExt;
use io_traits::{
    AsyncRead, AsyncWrite, BufReader, BufWriter, chain, duplex,
    io::{
        copy, copy_bidirectional, copy_buf, flush, lines, read_exact, read_to_end, read_until,
        shutdown, skip, write_all, write_all_buf, write_vectored_all,
    },
    poll_read_buf, poll_write_buf, read_buf, task,
    testing::{Script, Torture},
};
use proptest::prelude::*;

/// What a scripted object does next.
#[derive(Debug, Clone)]
enum Step {
    Piece(usize),
    Wait,
    Interrupt,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..40_usize).prop_map(Step::Piece),
        2 => Just(Step::Wait),
        1 => Just(Step::Interrupt),
    ];
    prop::collection::vec(step, 0..40)
}

/// A reader that gives the message by these steps, and then the rest at once.
fn reader(message: &[u8], steps: &[Step]) -> Script {
    let mut script = Script::new();
    let mut rest = message;
    for step in steps {
        script = match step {
            Step::Piece(_) if rest.is_empty() => script,
            Step::Piece(n) => {
                let (piece, more) = rest.split_at(rest.len().min(*n));
                rest = more;
                script.gives(piece)
            }
            Step::Wait => script.would_block(),
            Step::Interrupt => script.fails(io::ErrorKind::Interrupted),
        };
    }
    if rest.is_empty() {
        script
    } else {
        script.gives(rest)
    }
}

fn writer(steps: &[Step]) -> Script {
    steps.iter().fold(Script::new(), |script, step| match step {
        Step::Piece(n) => script.takes(*n),
        Step::Wait => script.write_would_block(),
        Step::Interrupt => script.write_fails(io::ErrorKind::Interrupted),
    })
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_of_any_sizes_into_any_buffers(
        message in message(), steps in steps(), sizes in prop::collection::vec(1..50_usize, 1..10)
    ) {
        let mut reader = reader(&message, &steps);
        let mut got = BytesMut::new();
        let mut sizes = sizes.iter().cycle();
        loop {
            // A buffer of another kind each time, and each with so much room.
            let room = *sizes.next().unwrap();
            let mut limited = (&mut got).limit(room);
            if drive(task::io(|| read_buf(&mut reader, &mut limited))).0.unwrap() == 0 {
                break;
            }
            let mut memory = vec![0; room];
            let mut slice = &mut memory[..];
            let n = drive(task::io(|| read_buf(&mut reader, &mut slice))).0.unwrap();
            got.put_slice(&memory[..n]);
            if n == 0 {
                break;
            }
        }
        prop_assert_eq!(&got[..], &message[..]);
    }

    #[test]
    fn helpers_that_are_dropped_at_any_time(
        message in message(), steps in steps(), drops in prop::collection::vec(any::<bool>(), 1..60)
    ) {
        let mut reader = reader(&message, &steps);
        let mut got = Vec::new();
        let mut drops = drops.iter().cycle();
        loop {
            let mut buf = [0; 23];
            let mut future = read_exact(&mut reader, &mut buf);
            let mut polled = poll_once(&mut future);
            while polled.is_pending() && !drops.next().unwrap() {
                polled = poll_once(&mut future);
            }
            let filled = future.filled();
            got.extend_from_slice(&buf[..filled]);
            if let Poll::Ready(Err(error)) = polled {
                prop_assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                break;
            }
        }
        prop_assert_eq!(&got, &message);
    }

    #[test]
    fn writes_of_any_chunks_that_are_dropped_at_any_time(
        chunks in prop::collection::vec(message(), 0..6), steps in steps(), plain in any::<bool>()
    ) {
        let whole = chunks.concat();
        let script = || if plain { writer(&steps).plain_writes_only() } else { writer(&steps) };

        let mut to = script();
        let mut buf: Box<dyn Buf> = Box::new(Bytes::new());
        for chunk in chunks.clone() {
            buf = Box::new(buf.chain(Bytes::from(chunk)));
        }
        while poll_once(&mut write_all_buf(&mut to, &mut buf)).is_pending() {}
        prop_assert_eq!(to.written(), &whole[..]);

        let mut to = script();
        let mut slices: Vec<_> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
        let mut left = &mut slices[..];
        while poll_once(&mut write_vectored_all(&mut to, &mut left)).is_pending() {}
        prop_assert_eq!(to.written(), &whole[..]);

        let mut to = BufWriter::new(script());
        for chunk in &chunks {
            drive(write_all(&mut to, chunk)).0.unwrap();
        }
        while poll_once(&mut flush(&mut to)).is_pending() {}
        prop_assert_eq!(to.get_ref().written(), &whole[..]);
    }

    #[test]
    fn copies_of_every_kind(message in message(), reads in steps(), writes in steps(), at in 0..400_usize) {
        let from = || reader(&message, &reads);
        let mut to = writer(&writes);
        prop_assert_eq!(drive(copy(&mut from(), &mut to)).0.unwrap(), message.len() as u64);
        prop_assert_eq!(to.written(), &message[..]);

        let (mut from_buffered, mut to) = (BufReader::new(from()), writer(&writes));
        while poll_once(&mut copy_buf(&mut from_buffered, &mut to)).is_pending() {}
        prop_assert_eq!(to.written(), &message[..]);

        let (mut one, mut two) = (from(), writer(&writes));
        drive(copy_bidirectional(&mut one, &mut two)).0.unwrap();
        prop_assert_eq!(two.written(), &message[..]);

        // Some by one helper, the rest by another.
        let at = at.min(message.len());
        let mut from = BufReader::new(from());
        drive(skip(&mut from, at as u64)).0.unwrap();
        let mut rest = Vec::new();
        drive(read_to_end(&mut from, &mut rest, 1_000)).0.unwrap();
        prop_assert_eq!(&rest[..], &message[at..]);
    }

    #[test]
    fn text_by_lines_and_by_delimiters(text in "[a-z\u{e9}\u{20ac}\u{1f600}\r\n]{0,200}", steps in steps()) {
        let mut from = BufReader::new(reader(text.as_bytes(), &steps));
        let got: Vec<_> = drive(lines(&mut from, 1_000).collect::<Vec<_>>()).0;
        let got: Vec<_> = got.into_iter().map(Result::unwrap).collect();
        let expected: Vec<_> = text.lines().collect();
        prop_assert_eq!(got, expected);

        let mut from = BufReader::new(reader(text.as_bytes(), &steps));
        let mut pieces = Vec::new();
        loop {
            let mut piece = Vec::new();
            while poll_once(&mut read_until(&mut from, b'\n', &mut piece, 1_000)).is_pending() {}
            if piece.is_empty() {
                break;
            }
            pieces.push(piece);
        }
        let expected: Vec<_> = text.as_bytes().split_inclusive(|&byte| byte == b'\n').collect();
        prop_assert_eq!(pieces, expected);
    }

    #[test]
    fn tortured_connections_of_any_capacity(
        message in message(), seed in any::<u64>(), capacity in 1..50_usize, at in 0..400_usize
    ) {
        let (one, two) = duplex(capacity);
        let (mut one, mut two) = (BufWriter::new(Torture::new(one, seed)), Torture::new(two, !seed));
        let at = at.min(message.len());
        let sends = async {
            write_all(&mut one, &message[..at]).await?;
            flush(&mut one).await?;
            write_all(&mut one, &message[at..]).await?;
            shutdown(&mut one).await
        };
        let receives = async {
            let mut head = vec![0; at];
            read_exact(&mut two, &mut head).await?;
            let mut all = Vec::new();
            read_to_end(&mut chain(&head[..], &mut two), &mut all, 1_000).await?;
            io::Result::Ok(all)
        };
        let ((sent, got), _) = drive(async { futures::join!(sends, receives) });
        sent.unwrap();
        prop_assert_eq!(got.unwrap(), message);
    }

    /// The poll forms, with a reader and a writer behind pointers without a size.
    #[test]
    fn unsized_objects_carry_the_same_bytes(message in message(), reads in steps(), writes in steps()) {
        let mut from: Box<dyn AsyncRead> = Box::new(reader(&message, &reads));
        let mut to = writer(&writes);
        let out: &mut dyn AsyncWrite = &mut to;
        let mut cx = Context::from_waker(Waker::noop());
        let mut held = BytesMut::new();
        let mut ended = false;
        while !ended || held.has_remaining() {
            if !ended {
                ended = matches!(poll_read_buf(&mut *from, &mut cx, &mut held).map(Result::unwrap), Poll::Ready(0));
            }
            let _ = poll_write_buf(out, &mut cx, &mut held).map(Result::unwrap);
        }
        prop_assert_eq!(to.written(), &message[..]);
    }
}

/// Every public function takes objects without a size.
#[test]
fn every_helper_takes_unsized_objects() {
    trait Stream: AsyncRead + AsyncWrite {}
    impl<T: AsyncRead + AsyncWrite> Stream for T {}

    let mut stream = Script::new().gives(b"abcdefghij\nk\n");
    let stream: &mut dyn Stream = &mut stream;
    let mut other = Script::new();
    let other: &mut dyn Stream = &mut other;
    let mut text = &b"line\nline\n"[..];
    let text: &mut dyn io_traits::AsyncBufRead = &mut text;
    let mut list: [u8; 8] = [0; 8];
    let slice: &mut [u8] = &mut list;
    drive(async {
        io_traits::io::read(stream, slice).await.unwrap();
        io_traits::io::read_lent(stream).await.unwrap();
        let mut room: &mut [u8] = slice;
        let buf: &mut dyn BufMut = &mut room;
        io_traits::io::read_buf(stream, buf).await.unwrap();
        read_exact(stream, &mut []).await.unwrap();
        read_to_end(stream, &mut Vec::new(), 80).await.unwrap();
        skip(stream, 0).await.unwrap();
        io_traits::io::write(stream, b"x").await.unwrap();
        write_all(stream, b"x").await.unwrap();
        let mut bytes = &b"x"[..];
        let buf: &mut dyn Buf = &mut bytes;
        write_all_buf(stream, buf).await.unwrap();
        write_vectored_all(stream, &mut &mut [IoSlice::new(b"x")][..])
            .await
            .unwrap();
        flush(stream).await.unwrap();
        shutdown(stream).await.unwrap();
        copy(stream, other).await.unwrap();
        copy_bidirectional(stream, other).await.unwrap();
        io_traits::io::fill_buf(text).await.unwrap();
        read_until(text, b'\n', &mut Vec::new(), 80).await.unwrap();
        io_traits::io::read_line(text, &mut String::new(), 80)
            .await
            .unwrap();
        assert!(lines(text, 80).next().await.is_none());
        copy_buf(text, other).await.unwrap();
    });
}

/// Object safety, as the compiler sees it.
#[test]
fn the_traits_are_object_safe() {
    fn objects(
        _: Option<&dyn AsyncRead>,
        _: Option<&dyn AsyncWrite>,
        _: Option<&dyn io_traits::AsyncBufRead>,
        _: Option<&dyn io_traits::AsyncDatagram<Addr = ()>>,
        _: Option<&dyn io_traits::io::Watch>,
    ) {
    }
    objects(None, None, None, None, None);
}
