//! Objects that others have written keep our laws behind the adapters: their sockets, their pipes, what they
//! put around either, and connections that hyper has handed over.

use std::{cell::RefCell, convert::Infallible};

use futures::executor::block_on;
use http_body_util::Empty;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client, server,
    service::service_fn,
    upgrade::{self, Upgraded},
};
use hyper_util::rt::TokioIo;
use io_traits::{
    Duplex,
    compat::{FromFuturesIo, FromHyper, FromTokio, ToFuturesIo, ToTokio},
    duplex,
    testing::conformance::{self, Law},
};

#[test]
fn in_memory_streams_of_tokio_keep_our_laws() {
    conformance::stream(|| {
        let (one, two) = tokio::io::duplex(64);
        (FromTokio::new(one), FromTokio::new(two))
    })
    .run();
    conformance::reader(|| {
        let (one, two) = tokio::io::simplex(64);
        (FromTokio::new(one), FromTokio::new(two))
    })
    .run();
    conformance::writer(|| {
        let (one, two) = tokio::io::simplex(64);
        (FromTokio::new(two), FromTokio::new(one))
    })
    .run();
}

#[test]
fn what_tokio_puts_around_our_objects_keeps_our_laws() {
    let around = |adapt: fn(Duplex) -> tokio::io::BufStream<ToTokio<Duplex>>| {
        conformance::stream(move || {
            let (one, two) = duplex(64);
            (FromTokio::new(adapt(one)), two)
        })
        .run();
    };
    around(|end| tokio::io::BufStream::new(ToTokio::new(end)));
    around(|end| tokio::io::BufStream::with_capacity(3, 5, ToTokio::new(end)));
}

/// Woken by the thread of tokio's event loop.
#[cfg(unix)]
#[test]
fn sockets_of_tokio_keep_our_laws() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_io()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    conformance::stream(|| {
        let (one, two) = tokio::net::UnixStream::pair().unwrap();
        (FromTokio::new(one), FromTokio::new(two))
    })
    .run();
    // Halves that share a lock, each of which is an object of its own.
    conformance::reader(|| {
        let (one, two) = tokio::net::UnixStream::pair().unwrap();
        let (read, _write) = tokio::io::split(one);
        (FromTokio::new(read), FromTokio::new(two))
    })
    .run();
}

/// Woken by the thread of smol's event loop.
#[cfg(unix)]
#[test]
fn sockets_of_smol_keep_our_laws() {
    let pair = || async_net::unix::UnixStream::pair().unwrap();
    conformance::stream(|| {
        let (one, two) = pair();
        (FromFuturesIo::new(one), FromFuturesIo::new(two))
    })
    .run();
    // They write from one slice at a time, so this is not so.
    let broken = conformance::stream(|| {
        let (one, two) = pair();
        let one = FromFuturesIo::new(one).takes_slices();
        (one, FromFuturesIo::new(two))
    })
    .check();
    assert_eq!(broken.unwrap_err().law(), Law::Slices);
    conformance::stream(|| {
        let (one, two) = pair();
        let one = futures::io::BufReader::with_capacity(100, one);
        (FromFuturesIo::new(one), FromFuturesIo::new(two))
    })
    .run();
}

#[test]
fn a_pipe_of_futures_io_keeps_our_laws() {
    conformance::reader(|| {
        let (read, write) = piper::pipe(64);
        (FromFuturesIo::new(read), FromFuturesIo::new(write))
    })
    .run();
    conformance::writer(|| {
        let (read, write) = piper::pipe(64);
        (FromFuturesIo::new(write), FromFuturesIo::new(read))
    })
    .run();
}

#[test]
fn what_futures_puts_around_our_objects_keeps_our_laws() {
    conformance::stream(|| {
        let (one, two) = duplex(64);
        let one = futures::io::BufWriter::with_capacity(7, ToFuturesIo::new(one));
        (FromFuturesIo::new(one), two)
    })
    .run();
    conformance::reader(|| {
        let (one, two) = duplex(64);
        let one = futures::AsyncReadExt::chain(&b""[..], ToFuturesIo::new(one));
        (FromFuturesIo::new(one), two)
    })
    .run();
}

#[test]
fn streams_for_hyper_of_others_keep_our_laws() {
    conformance::stream(|| {
        let (one, two) = tokio::io::duplex(64);
        (
            FromHyper::new(TokioIo::new(one)),
            FromHyper::new(TokioIo::new(two)),
        )
    })
    .run();
}

#[test]
fn connections_that_hyper_hands_over_keep_our_laws() {
    conformance::stream(|| {
        let (one, two) = upgraded();
        (FromHyper::new(one), FromHyper::new(two))
    })
    .run();
}

/// A connection after the switch to a protocol of one's own: what hyper gives both ends.
fn upgraded() -> (Upgraded, Upgraded) {
    let (one, two) = tokio::io::duplex(1_000);
    let theirs = RefCell::new(None);
    let switch = service_fn(|mut request: Request<Incoming>| {
        *theirs.borrow_mut() = Some(upgrade::on(&mut request));
        let response = Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header("upgrade", "bytes")
            .body(Empty::<Bytes>::new());
        std::future::ready(Ok::<_, Infallible>(response.unwrap()))
    });
    let serves = server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(two), switch)
        .with_upgrades();
    let asks = async {
        let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(one)).await?;
        let request = Request::get("/")
            .header("upgrade", "bytes")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let ours = async { upgrade::on(sender.send_request(request).await?).await };
        let (ours, connection) = futures::join!(ours, connection.with_upgrades());
        connection?;
        ours
    };
    block_on(async {
        let (ours, served) = futures::join!(asks, serves);
        served.unwrap();
        let theirs = theirs.take().expect("it was asked");
        (ours.unwrap(), theirs.await.unwrap())
    })
}
