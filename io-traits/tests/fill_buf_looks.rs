//! A look at what is buffered: an empty slice is the end alone, and no error says "try again".

mod common;

use std::{
    io::{self, BufRead, ErrorKind, Read},
    task::{Context, Poll},
};

use common::{CountWakes, drive};
use io_traits::{AsyncBufRead, AsyncRead, io::read_until, task};

/// Buffers "line\n"; every third look at it says something else.
struct Moody {
    mood: ErrorKind,
    looks: usize,
    left: &'static [u8],
}

impl Moody {
    fn new(mood: ErrorKind) -> Self {
        Self {
            mood,
            looks: 0,
            left: b"line\n",
        }
    }
}

impl Read for Moody {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.left.read(buf)
    }
}

impl BufRead for Moody {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.looks += 1;
        if self.looks % 3 == 2 {
            return Err(self.mood.into());
        }
        Ok(self.left)
    }

    fn consume(&mut self, n: usize) {
        self.left.consume(n);
    }
}

impl AsyncRead for Moody {}
impl AsyncBufRead for Moody {}

#[test]
fn a_look_never_says_would_block_nor_interrupted_and_hangs_for_neither() {
    for mood in [ErrorKind::WouldBlock, ErrorKind::Interrupted] {
        let mut reader = Moody::new(mood);
        let (wakes, waker) = CountWakes::new();
        let mut looks = 0;
        for _ in 0..10 {
            let woken = wakes.get();
            match reader.poll_fill_buf(&mut Context::from_waker(&waker)) {
                Poll::Pending => assert!(wakes.get() > woken, "{mood:?}"),
                Poll::Ready(there) => {
                    assert_eq!(there.unwrap(), b"line\n", "{mood:?}");
                    looks += 1;
                }
            }
        }
        assert!((1..10).contains(&looks), "{looks}");
    }
}

#[test]
fn a_look_passes_other_errors_on() {
    let mut reader = Moody::new(ErrorKind::ConnectionReset);
    let (_, waker) = CountWakes::new();
    let polled = reader.poll_fill_buf(&mut Context::from_waker(&waker));
    let Poll::Ready(Err(error)) = polled else {
        panic!("{polled:?}");
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// Objects of others that have bytes at one poll, and at the next would block.
#[cfg(all(feature = "futures-io", feature = "tokio"))]
mod of_others {
    use std::pin::Pin;

    use io_traits::compat::{FromFuturesIo, FromTokio};

    use super::*;

    struct Wavers {
        polls: usize,
        left: &'static [u8],
    }

    impl Wavers {
        fn new() -> Self {
            Self {
                polls: 0,
                left: b"line\n",
            }
        }

        fn poll(&mut self, cx: &Context<'_>) -> Poll<io::Result<&[u8]>> {
            self.polls += 1;
            if self.polls.is_multiple_of(2) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Ok(self.left))
        }
    }

    impl futures::AsyncRead for Wavers {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            unreachable!("it is looked at")
        }
    }

    impl futures::AsyncBufRead for Wavers {
        fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
            self.get_mut().poll(cx)
        }

        fn consume(mut self: Pin<&mut Self>, n: usize) {
            self.left.consume(n);
        }
    }

    impl tokio::io::AsyncRead for Wavers {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            unreachable!("it is looked at")
        }
    }

    impl tokio::io::AsyncBufRead for Wavers {
        fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
            self.get_mut().poll(cx)
        }

        fn consume(mut self: Pin<&mut Self>, n: usize) {
            self.left.consume(n);
        }
    }

    fn lends_what_is_there_or_would_block(mut reader: impl AsyncBufRead) {
        let (wakes, waker) = CountWakes::new();
        let mut cx = Context::from_waker(&waker);
        let there = task::enter(&mut cx, || reader.fill_buf().map(<[u8]>::len));
        assert_eq!(there.unwrap(), 5);
        // An empty slice would be the end.
        let error = task::enter(&mut cx, || reader.fill_buf().map(<[u8]>::len)).unwrap_err();
        assert_eq!((error.kind(), wakes.get()), (ErrorKind::WouldBlock, 1));
        let mut line = Vec::new();
        drive(read_until(&mut reader, b'\n', &mut line, 80))
            .0
            .unwrap();
        assert_eq!(line, b"line\n");
    }

    #[test]
    fn a_plain_look_at_an_object_of_others_is_one_look() {
        lends_what_is_there_or_would_block(FromFuturesIo::new(Wavers::new()));
        lends_what_is_there_or_would_block(FromTokio::new(Wavers::new()));
    }
}

#[test]
fn a_plain_look_outside_of_a_task_says_so() {
    let mut reader = io_traits::BufReader::new(&b"there"[..]);
    let error = reader.fill_buf().unwrap_err();
    assert!(task::NotInTask::is_source_of(&error));
    let mut line = Vec::new();
    drive(read_until(&mut reader, b'\n', &mut line, 80))
        .0
        .unwrap();
    assert_eq!(line, b"there");
}
