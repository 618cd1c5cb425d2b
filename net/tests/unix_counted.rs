//! Counted, not timed: the system calls of a Unix echo.

mod common;

use std::{
    io::{Read, Write},
    thread,
};

use common::{SocketPath, child, run, settle, unix_streams};
use io_traits::{io as async_io, task};
use net::{UnixListener, UnixStream};
use reactor::Core;

const ROUNDS: usize = 500;

/// Wait, receive, send.
#[test]
fn a_lone_echo_costs_three_system_calls_a_message() {
    let test = "a_lone_echo_costs_three_system_calls_a_message";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let (mut stream, mut peer) = unix_streams(&core.handle());
        let handle = core.handle();
        let client = thread::spawn(move || {
            for round in 0..2 * ROUNDS {
                let mut answer = [0; 64];
                // Lone: the server has nothing left to do and sleeps.
                while handle.metrics().sleeps <= round as u64 {
                    std::hint::spin_loop();
                }
                peer.write_all(&[round as u8; 64]).unwrap();
                peer.read_exact(&mut answer).unwrap();
                assert_eq!(answer, [round as u8; 64]);
            }
        });
        let mut echo = || {
            run(&mut core, async {
                let mut buf = [0; 1024];
                for _ in 0..ROUNDS {
                    let n = task::io(|| stream.read(&mut buf)).await.unwrap();
                    async_io::write_all(&mut stream, &buf[..n]).await.unwrap();
                }
            });
        };
        echo();
        child::watched(echo);
        client.join().unwrap();
    });
    if let Some(trace) = trace {
        assert_eq!(trace.calls("sendto"), ROUNDS);
        // Each was waited for, or this would count something cheaper.
        assert!(trace.calls("epoll_wait") >= ROUNDS - 1);
        assert_eq!(trace.calls("epoll_ctl"), 0);
        let all = trace.all_calls().len();
        println!("{all} calls for {ROUNDS} messages");
        assert!(
            all * 100 <= 302 * ROUNDS,
            "{all} calls for {ROUNDS} messages"
        );
    }
}

/// No "writable" event follows when the peer reads: nobody has asked for one.
#[test]
fn a_stream_that_only_writes_makes_no_events() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_streams(&core.handle());
    settle(&mut core);
    let before = core.handle().metrics();
    for _ in 0..100 {
        run(&mut core, async_io::write_all(&mut stream, b"x")).unwrap();
        peer.read_exact(&mut [0; 1]).unwrap();
        settle(&mut core);
    }
    assert_eq!(core.handle().metrics().events, before.events);
}

/// A full socket is known by the short write; trying again would only hear "would block".
#[test]
fn a_bulk_write_costs_no_call_that_hears_would_block() {
    let test = "a_bulk_write_costs_no_call_that_hears_would_block";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let (mut stream, mut peer) = unix_streams(&core.handle());
        let reader = thread::spawn(move || peer.read_exact(&mut vec![0; 8 << 20]).unwrap());
        let message = vec![0; 8 << 20];
        child::watched(|| {
            run(&mut core, async_io::write_all(&mut stream, &message)).unwrap();
        });
        reader.join().unwrap();
    });
    if let Some(trace) = trace {
        let (sends, in_vain) = (trace.calls("sendto"), trace.lines_of_all_threads("EAGAIN"));
        println!("{sends} sends, {in_vain} in vain");
        assert!(in_vain * 20 <= sends, "{in_vain} of {sends} in vain");
    }
}

/// The whole life of a short connection, on the side that accepts.
#[test]
fn a_short_connection_costs_no_call_that_it_does_not_need() {
    let test = "a_short_connection_costs_no_call_that_it_does_not_need";
    const CONNECTIONS: usize = 50;
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let path = SocketPath::new();
        let listener = UnixListener::bind(&path, &core.handle()).unwrap();
        let connect = path.as_ref().to_owned();
        let client = thread::spawn(move || {
            for _ in 0..CONNECTIONS {
                let mut peer = std::os::unix::net::UnixStream::connect(&connect).unwrap();
                peer.write_all(b"x").unwrap();
                peer.read_exact(&mut [0; 1]).unwrap();
            }
        });
        child::watched(|| {
            core.run(async {
                for _ in 0..CONNECTIONS {
                    let (stream, _): (UnixStream, _) =
                        task::io(|| listener.accept()).await.unwrap();
                    async_io::copy(&mut &stream, &mut &stream).await.unwrap();
                }
            })
            .unwrap();
        });
        client.join().unwrap();
    });
    if let Some(trace) = trace {
        assert_eq!(trace.calls("close"), CONNECTIONS);
        // Registered and deregistered. The listener is changed at most once in a while, when connections
        // wait for turns on end while one is being served.
        let changes = trace.calls("epoll_ctl") - 2 * CONNECTIONS;
        assert!(changes <= CONNECTIONS / 10, "{changes} changes");
        assert_eq!(trace.calls("getpeername"), 0);
        let all = trace.all_calls().len();
        assert!(
            all <= 13 * CONNECTIONS,
            "{all} calls for {CONNECTIONS} connections"
        );
    }
}
