//! What the tests of the classic library checked of its sockets, checked of ours: the same programs, as
//! they are written today.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream as StdStream},
    sync::Arc,
    task::{Poll, Waker},
    thread,
};

use common::{any_port, block_on, listen, pair, poll_with, reset, run, turn_until, within_reason};
use futures::{
    FutureExt, StreamExt,
    future::{join, try_join},
    stream::FuturesUnordered,
};
use io_traits::{
    BufReader, BufWriter, chain,
    io::{copy, flush, read_exact, read_to_end, write_all},
    split, task,
};
use net::{TcpListener, TcpStream};
use reactor::{Core, ReactorGone};

/// `echo.rs`, with the same 1024 messages of 11 bytes.
#[test]
fn an_echo_of_halves_and_copy_answers_message_after_message() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = listen(&core.handle());
    let client = thread::spawn(move || {
        let mut client = StdStream::connect(addr).unwrap();
        let mut heard = [0; 11];
        for _ in 0..1024 {
            client.write_all(b"hello world").unwrap();
            client.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"hello world");
        }
    });
    let mut incoming = listener.incoming();
    let (stream, _) = run(&mut core, incoming.next()).unwrap().unwrap();
    let (mut reader, mut writer) = split(stream);
    assert_eq!(
        run(&mut core, copy(&mut reader, &mut writer)).unwrap(),
        11_264
    );
    client.join().unwrap();
}

/// `stream-buffered.rs`: the end of each client ends its copy, and the server after two of them.
#[test]
fn two_clients_are_served_out_of_a_buffered_stream_of_connections() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = listen(&core.handle());
    let clients: Vec<_> = (0..2)
        .map(|_| {
            thread::spawn(move || {
                let mut client = StdStream::connect(addr).unwrap();
                client.write_all(b"foo bar baz").unwrap();
                client.shutdown(Shutdown::Write).unwrap();
                let mut heard = Vec::new();
                client.read_to_end(&mut heard).unwrap();
                assert_eq!(heard, b"foo bar baz");
            })
        })
        .collect();
    let served = listener.incoming().map(async |accepted| {
        let (stream, _) = accepted.unwrap();
        copy(&mut &stream, &mut &stream).await.unwrap()
    });
    let copied: Vec<u64> = run(&mut core, served.buffered(10).take(2).collect());
    assert_eq!(copied, [11, 11]);
    clients.into_iter().for_each(|one| one.join().unwrap());
}

/// `buffered.rs`: from one client to another, through buffers on both sides.
#[test]
fn a_copy_between_buffers_is_whole_and_flushed_at_the_end() {
    let mut core = Core::new().unwrap();
    let (from, mut client) = pair(&core.handle());
    let (to, mut other) = pair(&core.handle());
    let sends = thread::spawn(move || {
        for _ in 0..1024 {
            client.write_all(b"hello world").unwrap();
        }
    });
    let hears = thread::spawn(move || {
        let mut heard = Vec::new();
        other.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"hello world".repeat(1024));
    });
    let (mut from, mut to) = (BufReader::new(from), BufWriter::new(to));
    assert_eq!(run(&mut core, copy(&mut from, &mut to)).unwrap(), 11_264);
    run(&mut core, flush(&mut to)).unwrap();
    drop(to);
    sends.join().unwrap();
    hears.join().unwrap();
}

/// `chain.rs` and `limit.rs`.
#[test]
fn sockets_are_chained_and_cut_off() {
    let mut core = Core::new().unwrap();
    let sockets = [b"foo ", b"bar ", b"baz "].map(|said| {
        let (ours, mut theirs) = pair(&core.handle());
        theirs.write_all(said).unwrap();
        ours
    });
    let [a, b, c] = sockets;
    let mut heard = Vec::new();
    run(&mut core, async {
        let mut all = chain(chain(a, b), c);
        read_to_end(&mut all, &mut heard, 100).await
    })
    .unwrap();
    assert_eq!(heard, b"foo bar baz ");

    let (ours, mut theirs) = pair(&core.handle());
    theirs.write_all(b"foo bar").unwrap();
    let mut heard = Vec::new();
    let mut four = ours.take(4);
    run(&mut core, read_to_end(&mut four, &mut heard, 100)).unwrap();
    assert_eq!(heard, b"foo ");
}

/// `tcp.rs`: connections made before and after the loop runs, and the addresses of both ends.
#[test]
fn both_ends_of_a_connection_mirror_each_other() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    for before in [false, true] {
        let listener = TcpListener::bind(&any_port(), &handle).unwrap();
        let addr = listener.local_addr().unwrap();
        let early = before.then(|| StdStream::connect(addr).unwrap());
        let late =
            thread::spawn(move || early.unwrap_or_else(|| StdStream::connect(addr).unwrap()));
        let (first, rest) = run(&mut core, listener.incoming().into_future());
        let (server, peer) = first.unwrap().unwrap();
        let client = late.join().unwrap();
        assert_eq!(client.local_addr().unwrap(), server.peer_addr().unwrap());
        assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
        assert_eq!(client.local_addr().unwrap(), peer);
        assert_eq!(rest.get_ref().local_addr().unwrap(), addr);
    }
    let (listener, addr) = listen(&handle);
    let (connected, accepted) = run(
        &mut core,
        join(
            TcpStream::connect(&addr, &handle),
            task::io(|| listener.accept()),
        ),
    );
    let (client, (server, _)) = (connected.unwrap(), accepted.unwrap());
    assert_eq!(client.local_addr().unwrap(), server.peer_addr().unwrap());
    assert_eq!(client.peer_addr().unwrap(), server.local_addr().unwrap());
}

/// `drop-core.rs`: whoever waits for a connection is woken and told, and whoever comes later as well.
#[test]
fn when_the_core_is_dropped_an_accept_is_woken_and_fails() {
    let core = Core::new().unwrap();
    let (listener, _) = listen(&core.handle());
    let listener = Arc::new(listener);
    let waiting = listener.clone();
    let waits = thread::spawn(move || {
        block_on(async move { task::io(|| waiting.accept()).await.map(drop) }).unwrap_err()
    });
    // It may not wait yet: then the first look already tells.
    drop(core);
    let told = within_reason(move || waits.join().unwrap());
    assert!(
        told.get_ref()
            .is_some_and(|source| source.is::<ReactorGone>())
    );
    let later = poll_with(&mut task::io(|| listener.accept()), Waker::noop());
    assert!(matches!(later, Poll::Ready(Err(_))));
}

/// `reactor.rs`, `test_drop_on_notify`: the wake drops the task, and with it the socket.
#[test]
fn a_wake_that_drops_its_own_socket_does_not_deadlock() {
    use std::{
        sync::Mutex,
        task::{Context, Wake},
    };

    struct Dropping(Mutex<Option<TcpStream>>);
    impl Wake for Dropping {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().unwrap().take());
        }
    }

    within_reason(|| {
        let mut core = Core::new().unwrap();
        let (stream, mut theirs) = pair(&core.handle());
        let waker = Arc::new(Dropping(Mutex::new(None)));
        let mut byte = [0];
        let polled = stream.poll_peek(&mut Context::from_waker(&waker.clone().into()), &mut byte);
        assert!(polled.is_pending());
        *waker.0.lock().unwrap() = Some(stream);
        theirs.write_all(b"x").unwrap();
        let handle = core.handle();
        turn_until(&mut core, || handle.metrics().registered == 0);
        assert!(waker.0.lock().unwrap().is_none());
    });
}

/// `global.rs`: many threads with one reactor that is none of theirs, with shared and with split streams.
#[test]
fn many_threads_echo_through_one_core_elsewhere() {
    const ROUNDS: usize = 30;

    let elsewhere = common::Elsewhere::new();
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let handle = elsewhere.handle.clone();
            thread::spawn(move || {
                for _ in 0..ROUNDS {
                    let handle = handle.clone();
                    block_on(async move {
                        let (listener, addr) = listen(&handle);
                        let accepted = task::io(|| listener.accept()).map(|a| a.map(|(s, _)| s));
                        let (client, server) =
                            try_join(TcpStream::connect(&addr, &handle), accepted)
                                .await
                                .unwrap();
                        let message = [number as u8; 1000];
                        let mut heard = [0; 1000];
                        let echo = async move {
                            if number % 2 == 0 {
                                let (mut from, mut to) = (&server, &server);
                                return copy(&mut from, &mut to).await;
                            }
                            let (mut reader, mut writer) = split(server);
                            copy(&mut reader, &mut writer).await
                        };
                        let asks = async {
                            write_all(&mut &client, &message).await.unwrap();
                            read_exact(&mut &client, &mut heard).await.unwrap();
                            client.shutdown(Shutdown::Write).unwrap();
                        };
                        assert_eq!(join(echo, asks).await.0.unwrap(), 1000);
                        assert_eq!(heard, message);
                    });
                }
            })
        })
        .collect();
    for thread in threads {
        within_reason(move || thread.join().unwrap());
    }
}

/// tokio-tcp's `poll_hup`: what was sent before the end can still be read, and a write says more.
#[test]
fn a_peer_that_has_gone_is_noticed_and_what_it_said_is_still_there() {
    let mut core = Core::new().unwrap();
    let (stream, mut theirs) = pair(&core.handle());
    theirs.write_all(b"hello world").unwrap();
    drop(theirs);
    run(&mut core, stream.peer_closed()).unwrap();
    run(&mut core, stream.writable()).unwrap();
    let mut heard = Vec::new();
    run(&mut core, read_to_end(&mut &stream, &mut heard, 100)).unwrap();
    assert_eq!(heard, b"hello world");
}

/// A socket may connect to itself, when the system chooses the port that it connects to.
#[test]
fn a_socket_that_connects_to_itself_does_not_hang() {
    let mut core = Core::new().unwrap();
    let free = std::net::TcpListener::bind(any_port()).unwrap();
    let addr = free.local_addr().unwrap();
    drop(free);
    let connecting = net::TcpBuilder::new()
        .reuse_address(true)
        .bind(addr)
        .connect(&addr, &core.handle());
    match run(&mut core, connecting) {
        Ok(mut stream) => {
            assert_eq!(stream.local_addr().unwrap(), stream.peer_addr().unwrap());
            run(&mut core, async {
                write_all(&mut stream, b"to myself").await.unwrap();
                let mut heard = [0; 9];
                read_exact(&mut stream, &mut heard).await.unwrap();
                assert_eq!(&heard, b"to myself");
            });
        }
        // Somebody else has taken the port.
        Err(error) => assert!(
            [ErrorKind::AddrInUse, ErrorKind::ConnectionRefused].contains(&error.kind()),
            "{error}"
        ),
    }
}

/// All ports that there are, are in use.
#[test]
fn without_a_port_to_be_had_a_connect_is_an_error() {
    let test = "without_a_port_to_be_had_a_connect_is_an_error";
    let setup = "echo '40000 40009' > /proc/sys/net/ipv4/ip_local_port_range";
    common::child::in_namespaces(test, &[], setup, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let listener = TcpListener::bind(&"127.0.0.1:9".parse().unwrap(), &handle).unwrap();
        let addr = listener.local_addr().unwrap();
        let connecting: FuturesUnordered<_> = (0..20)
            .map(|_| TcpStream::connect(&addr, &handle))
            .collect();
        let all: Vec<_> = run(&mut core, connecting.collect());
        let (made, failed): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 10);
        for error in failed {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::AddrNotAvailable);
        }
        // Reset, so that the ports are free at once.
        for stream in made {
            stream.unwrap().abort().unwrap();
        }
        run(&mut core, TcpStream::connect(&addr, &handle)).unwrap();
    });
}

/// The other end of a connection may be gone before anybody looks.
#[test]
fn a_connection_that_is_reset_while_it_waits_to_be_accepted_harms_nobody() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = listen(&core.handle());
    for _ in 0..50 {
        reset(StdStream::connect(addr).unwrap());
    }
    let good = StdStream::connect(addr).unwrap();
    let mut incoming = listener.incoming();
    run(&mut core, async {
        loop {
            let (_, from) = incoming.next().await.unwrap().unwrap();
            if from == good.local_addr().unwrap() {
                break;
            }
        }
    });
}

#[test]
fn sockets_may_be_sent_and_shared_and_are_printed() {
    fn both<T: Send + Sync + std::fmt::Debug>(_: &T) {}
    let core = Core::new().unwrap();
    let handle = core.handle();
    both(&listen(&handle).0);
    both(&pair(&handle).0);
    both(&common::unix_streams(&handle).0);
    both(&TcpStream::connect(&any_port(), &handle));
    let printed = format!("{:?}", pair(&handle).0);
    assert!(printed.starts_with("TcpStream"), "{printed}");
}
