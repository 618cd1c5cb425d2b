//! rustls' own blocking `StreamOwned` on both ends of our sockets, in one event loop.

mod on_core;
mod tls;

use std::{
    cell::RefCell,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream as StdTcpStream},
    ops::{Deref, DerefMut},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use examples::Random;
use futures::{FutureExt, StreamExt, future::join, stream::FuturesUnordered};
use io_traits::{
    AsyncWrite,
    io::{flush, read_to_end, shutdown, write_all},
    layer::Layer,
    task::{self, Stalled},
    testing::conformance,
};
use net::TcpStream;
use on_core::run;
use reactor::{Core, Handle};
use rustls::{
    ClientConnection, ConnectionCommon, ServerConnection, SideData, StreamOwned,
    SupportedProtocolVersion,
    version::{TLS12, TLS13},
};
use tls::{client_connection, configs, socket_pair};

const MANY: usize = 4 * 1024 * 1024;

#[test]
fn four_mebibytes_each_way_in_one_task() {
    for version in [&TLS12, &TLS13] {
        let mut core = Core::new().unwrap();
        let (client, server) = tls_pair(&core.handle(), version);
        run(
            &mut core,
            join(exchange(&client, 1, 2), exchange(&server, 2, 1)),
        );
    }
}

#[test]
fn four_mebibytes_each_way_with_a_task_for_each_direction() {
    for version in [&TLS12, &TLS13] {
        let mut core = Core::new().unwrap();
        let (client, server) = tls_pair(&core.handle(), version);
        let (client, server) = (Rc::new(client), Rc::new(server));
        let spawner = core.spawner();
        let (c, s) = (client.clone(), server.clone());
        let tasks = [
            spawner.spawn(async move { send(&c, 1).await }),
            spawner.spawn(async move { send(&s, 2).await }),
            spawner.spawn(async move { receive(&client, 2).await }),
            spawner.spawn(async move { receive(&server, 1).await }),
        ];
        run(&mut core, async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

#[test]
fn four_mebibytes_each_way_under_wakers_of_their_own() {
    let mut core = Core::new().unwrap();
    let (client, server) = tls_pair(&core.handle(), &TLS13);
    // Polls a child only when that child's own waker was used.
    let mut children = FuturesUnordered::new();
    children.push(send(&client, 1).boxed_local());
    children.push(send(&server, 2).boxed_local());
    children.push(receive(&client, 2).boxed_local());
    children.push(receive(&server, 1).boxed_local());
    run(&mut core, async {
        while children.next().await.is_some() {}
    });
}

#[test]
fn questions_and_answers_go_back_and_forth_though_nobody_flushes() {
    let mut core = Core::new().unwrap();
    let (client, server) = tls_pair(&core.handle(), &TLS13);
    let ask = async {
        for question in 0..1_000_u32 {
            write(&client, &question.to_be_bytes()).await;
            assert_eq!(read_number(&client).await, question + 1);
        }
    };
    let answer = async {
        for _ in 0..1_000 {
            let question = read_number(&server).await;
            write(&server, &(question + 1).to_be_bytes()).await;
        }
    };
    run(&mut core, join(ask, answer));
}

#[test]
fn close_notify_is_the_end_and_a_socket_that_just_ends_is_an_error() {
    let mut core = Core::new().unwrap();
    for clean in [true, false] {
        let (client, server) = tls_pair(&core.handle(), &TLS13);
        run(&mut core, async {
            join(send(&client, 1), receive(&server, 1)).await;
            let mut client = client.into_inner();
            if clean {
                client.get_mut().conn.send_close_notify();
                flush(&mut client).await.unwrap();
            }
            drop(client);
            let end = task::io(|| server.borrow_mut().read(&mut [0; 1])).await;
            if clean {
                assert_eq!(end.unwrap(), 0);
            } else {
                assert_eq!(end.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
            }
        });
    }
}

#[test]
fn a_certificate_that_nobody_trusts_is_an_error_on_both_ends() {
    let mut core = Core::new().unwrap();
    let ((stream, peer), handle) = (socket_pair(), core.handle());
    let (_, server) = configs(&TLS13);
    // That of another authority.
    let (client, _) = configs(&TLS13);
    let client = shared(client_connection(client), stream, &handle);
    let server = shared(ServerConnection::new(server.into()).unwrap(), peer, &handle);
    let both = join(
        async { task::io(|| client.borrow_mut().read(&mut [0; 1])).await },
        async { task::io(|| server.borrow_mut().read(&mut [0; 1])).await },
    );
    let (client, server) = run(&mut core, both);
    let [client, server] = [client, server].map(|result| result.unwrap_err().to_string());
    assert!(client.contains("invalid peer certificate"), "{client}");
    assert!(server.contains("received fatal alert"), "{server}");
}

#[test]
fn a_tls_stream_in_a_layer_keeps_the_laws_on_both_sides() {
    for version in [&TLS12, &TLS13] {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        conformance::stream(|| after_the_handshake(&handle, version))
            .drive(|time| core.turn(Some(time)).unwrap())
            .run();
        conformance::stream(|| {
            let (client, server) = after_the_handshake(&handle, version);
            (server, client)
        })
        .drive(|time| core.turn(Some(time)).unwrap())
        .run();
    }
}

/// What does not go out stays in the library, which takes more only when all of that has gone: so it is the
/// socket that blocks, and never the library that takes nothing. `layer_rustls_by_hand.rs` has that.
#[test]
fn with_a_small_limit_of_the_librarys_buffer_every_byte_arrives() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (mut client, mut server) = after_the_handshake(&handle, &TLS13);
    client.get_mut().conn.set_buffer_limit(Some(1_000));
    let message = bytes(3);
    // As many at a time as there is room for, and none is taken twice while the socket is full.
    let mut written = 0;
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(n) = client.poll_write_from(&mut cx, &message[written..]) {
        let n = n.unwrap();
        assert!((1..=1_000).contains(&n), "{n} after {written}");
        written += n;
    }
    assert!(written < message.len(), "it never blocked");
    run(&mut core, async {
        let sends = async {
            write_all(&mut client, &message[written..]).await.unwrap();
            shutdown(&mut client).await.unwrap();
        };
        let mut all = Vec::new();
        let (read, ()) = join(read_to_end(&mut server, &mut all, MANY), sends).await;
        read.unwrap();
        assert!(all == message);
    });
}

/// The reader of rustls says "would block" when nothing is decrypted, and does not look at the socket.
#[test]
fn a_would_block_that_never_touched_the_socket_ends_as_stalled() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (mut client, mut server) = after_the_handshake(&handle, &TLS13);
    run(&mut core, async {
        let decrypted = client.with(|tls| tls.conn.reader().read(&mut [0; 8]));
        assert!(Stalled::is_source_of(&decrypted.await.unwrap_err()));
        // The cure is to let the closure do what moves the object, and it is none the worse for it.
        write_all(&mut server, b"hello").await.unwrap();
        flush(&mut server).await.unwrap();
        let mut buf = [0; 8];
        let n = client.with(|tls| tls.read(&mut buf)).await.unwrap();
        assert_eq!(&buf[..n], b"hello");
    });
}

fn after_the_handshake(
    handle: &Handle,
    version: &'static SupportedProtocolVersion,
) -> (Tls<ClientConnection>, Tls<ServerConnection>) {
    let ((client, stream), (server, peer)) = tls::after_the_handshake(version);
    (polite(client, stream, handle), polite(server, peer, handle))
}

/// A layer that says goodbye as TLS does, and then ends the socket's writing side.
fn polite<C, D>(connection: C, stream: StdTcpStream, handle: &Handle) -> Tls<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
{
    shared(connection, stream, handle)
        .into_inner()
        .on_shutdown(|tls| {
            tls.conn.send_close_notify();
            tls.flush()?;
            tls.sock.shutdown(Shutdown::Write)
        })
}

type Tls<C> = Layer<StreamOwned<C, TcpStream>>;
type Shared<C> = RefCell<Tls<C>>;

/// Sends and receives at once, over the one object.
async fn exchange<S: Read + Write>(tls: &RefCell<Layer<S>>, sent: u64, received: u64) {
    join(send(tls, sent), receive(tls, received)).await;
}

async fn send<S: Read + Write>(tls: &RefCell<Layer<S>>, seed: u64) {
    write(tls, &bytes(seed)).await;
    task::io(|| tls.borrow_mut().flush()).await.unwrap();
}

async fn write<S: Read + Write>(tls: &RefCell<Layer<S>>, mut data: &[u8]) {
    while !data.is_empty() {
        let n = task::io(|| tls.borrow_mut().write(data)).await.unwrap();
        data = &data[n..];
    }
}

async fn read_number<S: Read + Write>(tls: &RefCell<Layer<S>>) -> u32 {
    let (mut bytes, mut length) = ([0; 4], 0);
    while length < bytes.len() {
        let read = task::io(|| tls.borrow_mut().read(&mut bytes[length..]));
        length += read.await.unwrap();
    }
    u32::from_be_bytes(bytes)
}

async fn receive<S: Read + Write>(tls: &RefCell<Layer<S>>, seed: u64) {
    let expected = bytes(seed);
    let (mut received, mut buf) = (0, vec![0; 50_000]);
    while received < MANY {
        let n = task::io(|| tls.borrow_mut().read(&mut buf)).await.unwrap();
        assert!(n > 0, "the end after {received} bytes");
        assert!(
            buf[..n] == expected[received..received + n],
            "at {received}"
        );
        received += n;
    }
}

fn bytes(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; MANY];
    Random::new(seed).fill(&mut bytes);
    bytes
}

fn tls_pair(
    handle: &Handle,
    version: &'static SupportedProtocolVersion,
) -> (Shared<ClientConnection>, Shared<ServerConnection>) {
    let (client, server) = configs(version);
    let (stream, peer) = socket_pair();
    let server = ServerConnection::new(server.into()).unwrap();
    (
        shared(client_connection(client), stream, handle),
        shared(server, peer, handle),
    )
}

fn shared<C, D>(connection: C, stream: StdTcpStream, handle: &Handle) -> Shared<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
{
    let stream = TcpStream::from_std(stream, handle).unwrap();
    RefCell::new(Layer::new(StreamOwned::new(connection, stream)))
}
