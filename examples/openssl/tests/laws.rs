//! The rules of a layer with the real library: handshakes, both directions, two tasks, ends and errors.

#[path = "../../tests/on_core/mod.rs"]
mod on_core;

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    net::{Shutdown, TcpListener as StdTcpListener, TcpStream as StdTcpStream},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::{
    FutureExt, StreamExt,
    future::{join, try_join},
    stream::FuturesUnordered,
};
use io_traits::{
    AsyncRead, AsyncWrite, BufWriter, ReadCursor,
    io::{read, read_exact, shutdown, write_all},
    layer::Layer,
    testing::conformance,
};
use layer_openssl::{accept, connect};
use net::TcpStream;
use on_core::run;
use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    ssl::{ShutdownState, SslAcceptor, SslConnector, SslMethod, SslStream, SslVersion},
    x509::{X509, X509NameBuilder},
};
use reactor::{Core, Handle};
use socket2::SockRef;

type Tls = Layer<SslStream<TcpStream>>;

#[test]
fn a_mebibyte_goes_each_way_in_one_task() {
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let mut core = Core::new().unwrap();
        let (client, server) = pair(&mut core, version);
        run(&mut core, join(exchange(client), exchange(server)));
    }
}

#[test]
fn a_mebibyte_goes_each_way_with_a_task_for_each_direction() {
    let mut core = Core::new().unwrap();
    let (client, server) = pair(&mut core, SslVersion::TLS1_3);
    let (client, server) = (Rc::new(client.into()), Rc::new(server.into()));
    let spawner = core.spawner();
    // Each is polled only when it was woken itself.
    let mut tasks = Vec::new();
    for one in [&client, &server] {
        let (sends, receives): (Rc<RefCell<Tls>>, _) = (Rc::clone(one), Rc::clone(one));
        tasks.push(spawner.spawn(async move { send(&sends).await }));
        tasks.push(spawner.spawn(async move { receive(&receives).await }));
    }
    run(&mut core, async {
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_mebibyte_goes_each_way_under_wakers_of_their_own() {
    let mut core = Core::new().unwrap();
    let (client, server) = pair(&mut core, SslVersion::TLS1_3);
    let (client, server) = (RefCell::new(client), RefCell::new(server));
    let mut children = FuturesUnordered::new();
    for one in [&client, &server] {
        children.push(send(one).boxed_local());
        children.push(receive(one).boxed_local());
    }
    run(&mut core, async {
        while children.next().await.is_some() {}
    });
}

#[test]
fn close_notify_is_the_end_for_good_and_the_other_direction_goes_on() {
    let mut core = Core::new().unwrap();
    let (mut client, mut server) = pair(&mut core, SslVersion::TLS1_3);
    run(&mut core, async {
        let mut buf = [0; 8];
        let mut waits = read(&mut server, &mut buf).boxed_local();
        assert!((&mut waits).now_or_never().is_none(), "nothing is there");
        write_all(&mut client, b"last").await.unwrap();
        let goodbye = client.with(|tls| {
            let said = tls.shutdown();
            said.map_err(|error| error.into_io_error().unwrap_or_else(io::Error::other))
        });
        goodbye.await.unwrap();
        assert_eq!(waits.await.unwrap(), 4);
        for _ in 0..3 {
            assert_eq!(read(&mut server, &mut buf).await.unwrap(), 0);
        }
        write_all(&mut server, b"answer").await.unwrap();
        let mut heard = [0; 6];
        read_exact(&mut client, &mut heard).await.unwrap();
        assert_eq!(&heard, b"answer");
    });
}

/// A socket that ends without a goodbye may have been cut off by anybody.
#[test]
fn a_socket_that_ends_in_the_middle_is_an_end_that_was_not_said() {
    let mut core = Core::new().unwrap();
    for said in [true, false] {
        let (mut client, mut server) = pair(&mut core, SslVersion::TLS1_3);
        run(&mut core, async {
            if said {
                shutdown(&mut client).await.unwrap();
            } else {
                let socket = client.get_ref().get_ref();
                socket.shutdown(Shutdown::Write).unwrap();
            }
            for _ in 0..2 {
                assert_eq!(read(&mut server, &mut [0; 8]).await.unwrap(), 0);
            }
            let heard = server.get_mut().get_shutdown();
            assert_eq!(heard.contains(ShutdownState::RECEIVED), said);
        });
    }
}

#[test]
fn a_certificate_that_nobody_trusts_is_an_error_on_both_ends() {
    let mut core = Core::new().unwrap();
    let (_, acceptor) = both(SslVersion::TLS1_3);
    // It trusts another one.
    let (connector, _) = both(SslVersion::TLS1_3);
    let (stream, peer) = sockets(&core.handle());
    let (client, server) = run(&mut core, async {
        let server = async {
            let mut server = accept(&acceptor, peer).await?;
            read(&mut server, &mut [0; 1]).await
        };
        let client = async {
            let client = connect(&connector, NAME, stream).await;
            // Dropped, so that the server hears of it.
            client.map(drop)
        };
        join(client, server).await
    });
    let [client, server] = [client.unwrap_err(), server.unwrap_err()].map(|it| it.to_string());
    assert!(client.contains("certificate verify failed"), "{client}");
    assert!(server.contains("alert"), "{server}");
}

/// In a buffer, because a write that would block wants to be called again with the same bytes.
#[test]
fn a_buffered_stream_keeps_the_laws() {
    let core = RefCell::new(Core::new().unwrap());
    conformance::stream(|| {
        let (client, server) = pair(&mut core.borrow_mut(), SslVersion::TLS1_3);
        (BufWriter::new(client), BufWriter::new(server))
    })
    .drive(|time| core.borrow_mut().turn(Some(time)).unwrap())
    .run();
}

/// The reason for the buffer, so that it is noticed when it goes away.
#[test]
fn a_write_that_was_dropped_and_is_followed_by_a_shorter_one_is_an_error_of_the_library() {
    let mut core = Core::new().unwrap();
    let (mut client, _server) = pair(&mut core, SslVersion::TLS1_3);
    let mut cx = Context::from_waker(Waker::noop());
    while client.poll_write_from(&mut cx, &[7; 10_000]).is_ready() {}
    let Poll::Ready(Err(error)) = client.poll_write_from(&mut cx, b"other") else {
        panic!("it was taken");
    };
    // The one or the other, by the version of the library.
    let error = error.to_string();
    let known = ["bad length", "bad write retry"];
    assert!(known.iter().any(|text| error.contains(text)), "{error}");
}

async fn exchange(tls: Tls) {
    let tls = RefCell::new(tls);
    join(send(&tls), receive(&tls)).await;
}

async fn send(tls: &RefCell<Tls>) {
    let message = message();
    let mut left = &message[..];
    while !left.is_empty() {
        let n = poll_fn(|cx| tls.borrow_mut().poll_write_from(cx, left)).await;
        left = &left[n.unwrap()..];
    }
}

async fn receive(tls: &RefCell<Tls>) {
    let expected = message();
    let (mut received, mut buf) = (0, vec![0; 50_000]);
    while received < expected.len() {
        let (polled, n) = poll_fn(|cx| {
            let (polled, n) = ReadCursor::with_initialized(&mut buf, |buf| {
                tls.borrow_mut().poll_read_into(cx, buf)
            });
            polled.map(|polled| (polled, n))
        })
        .await;
        polled.unwrap();
        assert!(n > 0, "the end after {received} bytes");
        assert!(
            buf[..n] == expected[received..received + n],
            "at {received}"
        );
        received += n;
    }
}

fn message() -> Vec<u8> {
    (0..1 << 20).map(|n: u32| (n ^ (n >> 9)) as u8).collect()
}

/// Both ends, after a handshake on our sockets.
fn pair(core: &mut Core, version: SslVersion) -> (Tls, Tls) {
    let (connector, acceptor) = both(version);
    let (stream, peer) = sockets(&core.handle());
    let shakes = try_join(connect(&connector, NAME, stream), accept(&acceptor, peer));
    run(core, shakes).unwrap()
}

/// Sockets whose buffers are small, so that everything blocks often.
fn sockets(handle: &Handle) -> (TcpStream, TcpStream) {
    let listener = StdTcpListener::bind("127.0.0.1:0").unwrap();
    let client = StdTcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let ours = |stream: StdTcpStream| {
        stream.set_nodelay(true).unwrap();
        SockRef::from(&stream).set_send_buffer_size(20_000).unwrap();
        TcpStream::from_std(stream, handle).unwrap()
    };
    (ours(client), ours(server))
}

/// A client that trusts the server's certificate, and no other.
fn both(version: SslVersion) -> (SslConnector, SslAcceptor) {
    let (key, certificate) = certificate();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.set_certificate(&certificate).unwrap();
    acceptor.set_max_proto_version(Some(version)).unwrap();
    let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
    connector.cert_store_mut().add_cert(certificate).unwrap();
    (connector.build(), acceptor.build())
}

fn certificate() -> (PKey<Private>, X509) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", NAME).unwrap();
    let name = name.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_pubkey(&key).unwrap();
    let (from, to) = (Asn1Time::days_from_now(0), Asn1Time::days_from_now(1));
    certificate.set_not_before(&from.unwrap()).unwrap();
    certificate.set_not_after(&to.unwrap()).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    (key, certificate.build())
}

const NAME: &str = "localhost";
