//! Readers that do not keep their promise cost an error at most, never memory safety and no bytes.

mod common;

use std::{
    io::{self, ErrorKind, Read},
    mem::MaybeUninit,
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use common::drive;
use futures::executor::block_on;
use io_traits::{
    AsyncRead, ReadCursor,
    io::{copy, read, read_exact, skip},
    poll_read_buf, pool, read_buf, task,
};

/// Reports more bytes than its buffer holds.
struct Boaster;

impl Read for Boaster {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(buf.len() + 1)
    }
}

impl AsyncRead for Boaster {}

#[test]
fn a_read_that_reports_too_much_is_invalid_data_and_fills_nothing() {
    let kind = |result: io::Result<usize>| result.unwrap_err().kind();
    let mut buf = BytesMut::from(&b"keep"[..]);
    let result = block_on(task::io(|| read_buf(&mut Boaster, &mut buf)));
    assert_eq!(kind(result), ErrorKind::InvalidData);
    assert_eq!(buf, "keep");

    // Memory of the thread's lies in between when there is much room.
    let mut buf = BytesMut::with_capacity(100_000);
    buf.extend_from_slice(b"keep");
    let result = block_on(task::io(|| read_buf(&mut Boaster, &mut buf)));
    assert_eq!(kind(result), ErrorKind::InvalidData);
    assert_eq!(buf, "keep");

    assert_eq!(
        kind(block_on(read(&mut Boaster, &mut [0; 4]))),
        ErrorKind::InvalidData
    );
    let result = block_on(read_exact(&mut Boaster, &mut [0; 4])).map(|()| 0);
    assert_eq!(kind(result), ErrorKind::InvalidData);
    let result = block_on(copy(&mut Boaster, &mut io::sink())).map(|_| 0);
    assert_eq!(kind(result), ErrorKind::InvalidData);
}

/// Reports a number of its own choice through the poll function, whatever it filled.
struct Claims {
    fills: &'static [u8],
    says: Poll<usize>,
}

impl Read for Claims {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("it has a poll function of its own")
    }
}

impl AsyncRead for Claims {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        buf.append(std::mem::take(&mut self.fills));
        cx.waker().wake_by_ref();
        self.says.map(Ok)
    }
}

#[test]
fn the_cursor_is_believed_and_the_number_is_not() {
    for says in [0, 2, 1_000_000] {
        let mut reader = Claims {
            fills: b"abc",
            says: Poll::Ready(says),
        };
        let mut buf = BytesMut::new();
        let n = block_on(task::io(|| read_buf(&mut reader, &mut buf))).unwrap();
        assert_eq!((n, &buf[..]), (3, &b"abc"[..]), "it said {says}");
    }
}

#[test]
fn bytes_that_were_filled_before_a_pending_are_not_lost() {
    let reader = || Claims {
        fills: b"abc",
        says: Poll::Pending,
    };
    let mut cx = Context::from_waker(Waker::noop());

    let mut buf = BytesMut::new();
    let polled = poll_read_buf(&mut reader(), &mut cx, &mut buf);
    assert!(matches!(polled, Poll::Ready(Ok(3))));
    assert_eq!(buf, "abc");

    let mut memory = [0; 8];
    assert_eq!(block_on(read(&mut reader(), &mut memory)).unwrap(), 3);
    assert_eq!(&memory[..3], b"abc");

    let mut memory = [0; 3];
    drive(read_exact(&mut reader(), &mut memory)).0.unwrap();
    assert_eq!(&memory, b"abc");
}

/// Looks at the memory it is given.
struct Peeper(Vec<u8>);

impl Read for Peeper {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0 = buf.to_vec();
        Ok(1)
    }
}

impl AsyncRead for Peeper {}

#[test]
fn a_reader_that_looks_into_the_memory_sees_nothing_of_what_was_in_the_buffer() {
    for room in [64, 100_000] {
        let mut buf = BytesMut::with_capacity(room);
        buf.extend_from_slice(&vec![0xAA; room]);
        buf.clear();
        let mut peeper = Peeper(Vec::new());
        block_on(task::io(|| read_buf(&mut peeper, &mut buf))).unwrap();
        assert_eq!(peeper.0, vec![0; room.min(pool::CAPACITY)]);
    }
}

/// The memory is the thread's: what a copy has read before, perhaps for another connection, is not shown.
#[test]
fn a_reader_that_looks_into_the_memory_sees_zeros_whatever_was_read_before() {
    let foreign = || {
        let mut from: &[u8] = &[7; 5_000];
        block_on(copy(&mut from, &mut io::sink())).unwrap();
    };
    let zeros = |peeper: Peeper| {
        assert_eq!(peeper.0.len(), pool::CAPACITY);
        assert!(peeper.0.iter().all(|&byte| byte == 0));
    };
    foreign();
    let (mut peeper, mut buf) = (Peeper(Vec::new()), Vec::with_capacity(100_000));
    block_on(task::io(|| read_buf(&mut peeper, &mut buf))).unwrap();
    zeros(peeper);
    // As the reader of a copy it gets that memory itself.
    foreign();
    let mut peeper = Peeper(Vec::new());
    let _ = common::poll_once(&mut copy(&mut peeper, &mut io::sink()));
    zeros(peeper);
    foreign();
    let mut peeper = Peeper(Vec::new());
    block_on(skip(&mut peeper, 1)).unwrap();
    assert_eq!(peeper.0, [0]);
}

/// Reports what it has not written.
#[test]
fn a_reader_that_lies_about_its_count_hands_out_zeros_and_nobodys_bytes() {
    struct Liar;
    impl Read for Liar {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            buf[0] = 1;
            Ok(buf.len().min(3_000))
        }
    }
    impl AsyncRead for Liar {}

    let mut secret: &[u8] = &[7; 5_000];
    block_on(copy(&mut secret, &mut io::sink())).unwrap();
    let mut buf = Vec::with_capacity(100_000);
    for _ in 0..2 {
        buf.clear();
        assert_eq!(
            block_on(task::io(|| read_buf(&mut Liar, &mut buf))).unwrap(),
            3_000
        );
        assert!(buf[0] == 1 && buf[1..].iter().all(|&byte| byte == 0));
    }
}

/// The same of an object of tokio's traits, which is told what is initialised.
#[cfg(feature = "tokio")]
#[test]
fn a_reader_of_tokios_that_lies_about_its_count_hands_out_zeros_and_nobodys_bytes() {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    struct Liar;
    impl tokio::io::AsyncRead for Liar {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            buf.initialize_unfilled_to(3_000);
            buf.advance(3_000);
            Poll::Ready(Ok(()))
        }
    }

    // All of the thread's memory is initialised, and then holds somebody's bytes.
    let _ = common::poll_once(&mut copy(&mut Peeper(Vec::new()), &mut io::sink()));
    let mut secret: &[u8] = &[7; 5_000];
    block_on(copy(&mut secret, &mut io::sink())).unwrap();
    let (mut liar, mut out) = (io_traits::compat::FromTokio::new(Liar), Vec::new());
    let _ = common::poll_once(&mut copy(&mut liar, &mut out));
    assert!(out.len() >= 3_000 && out.iter().all(|&byte| byte == 0));
}

#[test]
fn a_panic_in_a_reader_leaves_the_buffer_usable() {
    struct Panics;
    impl Read for Panics {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            buf[0] = 1;
            panic!("on purpose")
        }
    }
    impl AsyncRead for Panics {}

    for room in [4, 100_000] {
        let mut buf = BytesMut::with_capacity(room);
        buf.extend_from_slice(b"keep");
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = block_on(task::io(|| read_buf(&mut Panics, &mut buf)));
        }))
        .unwrap_err();
        assert_eq!(buf, "keep");
    }
    let error = task::poll::<()>(|_| Poll::Pending).unwrap_err();
    assert!(task::NotInTask::is_source_of(&error));
}

#[test]
fn a_cursor_kept_beyond_its_room_takes_no_more() {
    let mut memory = [MaybeUninit::uninit(); 4];
    let (_, filled) = ReadCursor::with(&mut memory, |cursor| {
        assert_eq!(cursor.append(b"abcdef"), 4);
        assert_eq!(cursor.append(b"g"), 0);
        assert!(cursor.initialize_unfilled().is_empty());
        assert_eq!(
            cursor.advance(1).unwrap_err().kind(),
            ErrorKind::InvalidData
        );
        assert_eq!(
            cursor.advance(usize::MAX).unwrap_err().kind(),
            ErrorKind::InvalidData
        );
    });
    assert_eq!(filled, 4);
}

/// A copy that goes on after its writer has panicked must not write what is in somebody else's memory.
#[test]
fn a_panic_in_a_writer_makes_no_copy_write_foreign_bytes() {
    struct Panics(Vec<u8>);
    impl io::Write for Panics {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "on purpose");
            self.0.extend_from_slice(buf);
            Ok(buf.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl io_traits::AsyncWrite for Panics {}

    let mut foreign: &[u8] = &[7; 5_000];
    block_on(copy(&mut foreign, &mut io::sink())).unwrap();
    let (mut from, mut to) = (
        io_traits::testing::Script::new().gives(b"mine"),
        Panics(Vec::new()),
    );
    let mut copies = copy(&mut from, &mut to);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = common::poll_once(&mut copies);
    }))
    .unwrap_err();
    assert_eq!(copies.unwritten(), 0);
    block_on(copies).unwrap();
    assert!(to.0.is_empty());
}
