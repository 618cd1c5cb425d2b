//! The adapters to and from the traits of others: they keep the laws, lose nothing, zero nothing that
//! need not be, and real libraries run on them.

mod common;

use std::{
    convert::Infallible,
    io::{self, ErrorKind, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use common::drive;
use futures::executor::block_on;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, client, rt, server, service::service_fn};
use io_traits::{
    AsyncRead, AsyncWrite, BufReader, Duplex, ReadCursor,
    compat::{FromFuturesIo, FromHyper, FromTokio, ToFuturesIo, ToHyper, ToTokio},
    duplex,
    io::{lines, read_exact, read_to_end, shutdown, write_all},
    poll_read_buf,
    testing::{Torture, conformance},
};
use tokio::io::ReadBuf;

fn pair<T>(adapt: impl Fn(Duplex) -> T) -> (T, Duplex) {
    let (one, two) = duplex(64);
    (adapt(one), two)
}

#[test]
fn objects_that_went_there_and_back_keep_the_laws() {
    conformance::stream(|| pair(|end| FromTokio::new(ToTokio::new(end)))).run();
    conformance::stream(|| pair(|end| FromHyper::new(ToHyper::new(end)))).run();
    conformance::stream(|| pair(|end| FromFuturesIo::new(ToFuturesIo::new(end)).takes_slices()))
        .run();
    conformance::stream(|| pair(|end| FromFuturesIo::new(ToFuturesIo::new(end)))).run();
}

#[test]
fn a_stream_of_tokio_keeps_our_laws() {
    // Its own remembers one task a direction, and answers without a task.
    conformance::stream(|| {
        let (one, two) = tokio::io::duplex(64);
        (FromTokio::new(one), FromTokio::new(two))
    })
    .run();
}

#[test]
fn a_tortured_stream_survives_the_borders() {
    conformance::stream(|| {
        pair(|end| {
            FromTokio::new(ToTokio::new(FromHyper::new(ToHyper::new(Torture::new(
                end, 3,
            )))))
        })
    })
    .run();
}

#[test]
fn vectored_writes_are_announced_and_done_on_both_sides() {
    let (one, _two) = duplex(64);
    let mut tokio = ToTokio::new(one);
    assert!(tokio::io::AsyncWrite::is_write_vectored(&tokio));
    let slices = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
    let mut cx = Context::from_waker(Waker::noop());
    let polled = tokio::io::AsyncWrite::poll_write_vectored(Pin::new(&mut tokio), &mut cx, &slices);
    assert!(matches!(polled, Poll::Ready(Ok(4))));
    let mut ours = FromTokio::new(tokio);
    assert!(ours.writes_slices());
    assert!(matches!(
        ours.poll_write_slices(&mut cx, &slices),
        Poll::Ready(Ok(4))
    ));

    let (one, _two) = duplex(64);
    let hyper = ToHyper::new(one);
    assert!(rt::Write::is_write_vectored(&hyper));
    assert!(FromHyper::new(hyper).writes_slices());
    // A tortured box of plain writes does not say what it cannot.
    struct Plain;
    impl io::Write for Plain {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            Ok(buf.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl AsyncWrite for Plain {}
    assert!(!rt::Write::is_write_vectored(&ToHyper::new(Plain)));
    assert!(!tokio::io::AsyncWrite::is_write_vectored(&ToTokio::new(
        Plain
    )));
}

/// Fills three bytes, and tells whether it was given memory that had been zeroed for it.
struct Probe;

impl io::Read for Probe {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("it has a poll function of its own")
    }
}

impl AsyncRead for Probe {
    fn poll_read_into(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let note: &[u8] = if buf.is_initialized() {
            b"init"
        } else {
            b"raw!"
        };
        Poll::Ready(Ok(buf.append(note)))
    }
}

#[test]
fn memory_is_not_zeroed_at_the_border() {
    let mut cx = Context::from_waker(Waker::noop());
    // From tokio's buffer to our cursor: raw memory stays raw, initialised memory is known to be.
    let mut memory = [MaybeUninit::uninit(); 64];
    let mut raw = ReadBuf::uninit(&mut memory);
    let polled =
        tokio::io::AsyncRead::poll_read(Pin::new(&mut ToTokio::new(Probe)), &mut cx, &mut raw);
    assert!(polled.is_ready());
    assert_eq!((raw.filled(), raw.initialized().len()), (&b"raw!"[..], 4));
    let mut memory = [0; 64];
    let mut known = ReadBuf::new(&mut memory);
    let polled =
        tokio::io::AsyncRead::poll_read(Pin::new(&mut ToTokio::new(Probe)), &mut cx, &mut known);
    assert!(polled.is_ready());
    assert_eq!(known.filled(), b"init");
    // From our cursor through the others' buffers and back.
    for reader in [
        &mut FromTokio::new(ToTokio::new(Probe)) as &mut dyn AsyncRead,
        &mut FromHyper::new(ToHyper::new(Probe)),
    ] {
        let mut buf = BytesMut::with_capacity(64);
        assert!(matches!(
            poll_read_buf(reader, &mut cx, &mut buf),
            Poll::Ready(Ok(4))
        ));
        assert_eq!(&buf[..], b"raw!");
    }
}

/// A reader of tokio's that puts another buffer in the place of the one it was given.
struct Exchanges(Vec<u8>);

impl tokio::io::AsyncRead for Exchanges {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mine: &'static mut [u8] = Box::leak(std::mem::take(&mut self.0).into_boxed_slice());
        let mut mine = ReadBuf::new(mine);
        mine.set_filled(8);
        *buf = mine;
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_reader_that_exchanges_the_buffer_is_an_error_and_fills_nothing() {
    let mut buf = BytesMut::with_capacity(64);
    let mut cx = Context::from_waker(Waker::noop());
    let mut reader = FromTokio::new(Exchanges(vec![7; 8]));
    let Poll::Ready(Err(error)) = poll_read_buf(&mut reader, &mut cx, &mut buf) else {
        panic!("it was believed");
    };
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(buf.is_empty());
}

#[test]
fn would_block_and_interrupted_of_the_others_do_not_come_through() {
    struct Says(ErrorKind, bool);
    impl futures::AsyncRead for Says {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            if std::mem::replace(&mut self.1, true) {
                buf[0] = b'x';
                return Poll::Ready(Ok(1));
            }
            Poll::Ready(Err(self.0.into()))
        }
    }
    for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted] {
        let mut buf = [0];
        let mut reader = FromFuturesIo::new(Says(kind, false));
        drive(read_exact(&mut reader, &mut buf)).0.unwrap();
        assert_eq!(&buf, b"x");
    }
}

#[test]
fn nothing_is_lost_when_an_object_is_taken_back_in_the_middle() {
    block_on(async {
        let (one, mut two) = duplex(64);
        write_all(&mut two, b"ours, theirs, ours again")
            .await
            .unwrap();
        shutdown(&mut two).await.unwrap();
        let mut one = one;
        let mut buf = [0; 6];
        read_exact(&mut one, &mut buf).await.unwrap();
        let mut theirs = ToTokio::new(one);
        let mut buf = [0; 8];
        tokio::io::AsyncReadExt::read_exact(&mut theirs, &mut buf)
            .await
            .unwrap();
        assert_eq!(&buf, b"theirs, ");
        let mut rest = Vec::new();
        read_to_end(&mut theirs.into_inner(), &mut rest, 80)
            .await
            .unwrap();
        assert_eq!(rest, b"ours again");
    });
}

#[test]
fn what_buffers_goes_through_as_well() {
    use futures::{AsyncBufReadExt, StreamExt};
    block_on(async {
        let text: &[u8] = b"one\ntwo";
        let lines_there: Vec<_> = ToFuturesIo::new(BufReader::new(text))
            .lines()
            .collect()
            .await;
        assert_eq!(
            lines_there
                .into_iter()
                .map(Result::unwrap)
                .collect::<Vec<_>>(),
            ["one", "two"]
        );
        let mut theirs =
            FromFuturesIo::new(futures::io::BufReader::new(futures::io::Cursor::new(text)));
        let ours: Vec<_> = lines(&mut theirs, 80).collect().await;
        assert_eq!(
            ours.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
            ["one", "two"]
        );
        let mut theirs = FromTokio::new(tokio::io::BufReader::new(text));
        let ours: Vec<_> = lines(&mut theirs, 80).collect().await;
        assert_eq!(
            ours.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
            ["one", "two"]
        );
        let mut tokio = tokio::io::AsyncBufReadExt::lines(ToTokio::new(BufReader::new(text)));
        assert_eq!(tokio.next_line().await.unwrap().unwrap(), "one");
        assert_eq!(tokio.next_line().await.unwrap().unwrap(), "two");
    });
}

/// hyper's client and server talk over one connection in memory, tortured on both sides.
#[test]
fn hyper_runs_on_our_objects() {
    let (one, two) = duplex(512);
    let echo = service_fn(async |request: Request<Incoming>| {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Ok::<_, Infallible>(Response::new(Full::new(body)))
    });
    let served = server::conn::http1::Builder::new()
        .serve_connection(ToHyper::new(Torture::new(two, 11)), echo);
    let body: Bytes = (0..20_000_u32).map(|n| (n % 251) as u8).collect();
    let asks = async {
        let object = ToHyper::new(Torture::new(one, 12));
        let (mut sender, connection) = client::conn::http1::handshake(object).await.unwrap();
        let answers = async move {
            for _ in 0..3 {
                let request = Request::post("/").header("host", "x");
                let request = request.body(Full::new(body.clone())).unwrap();
                let response = sender.send_request(request).await.unwrap();
                let got = response.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(got, body);
            }
        };
        let ((), ended) = futures::join!(answers, connection);
        ended.unwrap();
    };
    let (served, ()) = block_on(async { futures::join!(served, asks) });
    served.unwrap();
}
