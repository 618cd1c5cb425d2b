//! Packets that are lost, doubled, late and broken: what is sent arrives all the same, and nothing hangs.
//!
//! Two network namespaces, and between them a program that does all that to packets (`tools/tunem.py`).

mod bad_network;
mod common;
mod relayed;

use std::{net::SocketAddr, process::Command, thread, time::Duration};

use bad_network::{between, enter};
use common::{HANG, child, run};
use futures::{StreamExt, future::try_join_all};
use io_traits::io::{copy, read_exact, read_to_end, shutdown, write_all};
use net::{TcpListener, TcpStream, relay};
use reactor::{Core, Elapsed};
use relayed::bytes;

const A: &str = "10.77.0.1:0";

/// The faults that are named, with the same packets each time.
const FAULTS: &str = "--loss 0.05 --dup 0.02 --reorder 0.1 --delay 0.002 --jitter 0.002 --seed 7";

/// Each says something of its own, and hears it again, and then the end.
async fn talk(number: u64, to: SocketAddr, core: &reactor::Handle) -> std::io::Result<()> {
    let stream = TcpStream::connect(&to, core).await?;
    let said = bytes(number, LENGTH);
    let says = async {
        write_all(&mut &stream, &said).await?;
        shutdown(&mut &stream).await
    };
    let mut heard = Vec::new();
    let hears = async { read_to_end(&mut &stream, &mut heard, 2 * LENGTH).await };
    futures::try_join!(says, hears)?;
    assert!(heard == said, "connection {number}");
    Ok(())
}

const CONNECTIONS: u64 = 10;
const LENGTH: usize = 100_000;

/// Echoes so many connections to their ends, on side `a`.
fn echo(send_addr: &std::sync::mpsc::Sender<SocketAddr>) {
    enter("a");
    let mut core = Core::new().unwrap();
    let listener = TcpListener::bind(&A.parse().unwrap(), &core.handle()).unwrap();
    send_addr.send(listener.local_addr().unwrap()).unwrap();
    let incoming = listener.incoming().take(CONNECTIONS as usize);
    let echoing = incoming.for_each_concurrent(None, async |accepted| {
        let (stream, _) = accepted.unwrap();
        copy(&mut &stream, &mut &stream).await.unwrap();
        shutdown(&mut &stream).await.unwrap();
    });
    run(&mut core, echoing);
    assert_eq!(core.handle().metrics().registered, 0);
}

/// Carries so many connections to `to`, on side `a`.
fn relays(to: SocketAddr, send_addr: &std::sync::mpsc::Sender<SocketAddr>) {
    enter("a");
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let listener = TcpListener::bind(&A.parse().unwrap(), &handle).unwrap();
    send_addr.send(listener.local_addr().unwrap()).unwrap();
    let incoming = listener.incoming().take(CONNECTIONS as usize);
    let relaying = incoming.for_each_concurrent(None, async |accepted| {
        let (client, _) = accepted.unwrap();
        let server = TcpStream::connect(&to, &handle).await.unwrap();
        let carried = relay(&client, &server).await.unwrap();
        assert_eq!(carried.a_to_b, LENGTH as u64);
        assert_eq!(carried.b_to_a, LENGTH as u64);
    });
    run(&mut core, relaying);
    assert_eq!(core.handle().metrics().registered, 0);
}

/// All at the same time, on side `b`.
fn talks(to: SocketAddr) {
    enter("b");
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let talks = (0..CONNECTIONS).map(|number| talk(number, to, &handle));
    // A packet that is lost several times costs seconds.
    let limit = handle.timeout(HANG, try_join_all(talks));
    core.run(limit).unwrap().expect("it hangs").unwrap();
    assert_eq!(handle.metrics().registered, 0);
    // It was not too easy.
    assert!(retransmitted() > 0);
}

/// How many segments had to be sent again, on the side where this thread is.
fn retransmitted() -> u64 {
    let snmp = std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
    let mut tcp = snmp.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = (tcp.next().unwrap(), tcp.next().unwrap());
    let mut both = names.split(' ').zip(values.split(' '));
    let (_, segments) = both.find(|(name, _)| *name == "RetransSegs").unwrap();
    segments.parse().unwrap()
}

#[track_caller]
fn echoes_arrive() {
    let (send_addr, addr) = std::sync::mpsc::channel();
    let server = thread::spawn(move || echo(&send_addr));
    let to = addr.recv().unwrap();
    let client = thread::spawn(move || talks(to));
    client.join().unwrap();
    server.join().unwrap();
}

#[test]
fn with_packets_lost_doubled_and_out_of_order_every_byte_arrives() {
    let test = "with_packets_lost_doubled_and_out_of_order_every_byte_arrives";
    between(test, FAULTS, echoes_arrive);
}

/// A checksum that is wrong is a packet that is lost.
#[test]
fn with_packets_broken_every_byte_arrives_whole() {
    let test = "with_packets_broken_every_byte_arrives_whole";
    between(test, "--corrupt 0.03 --delay 0.001 --seed 3", echoes_arrive);
}

/// The relay and the server it leads to are on one side, the clients on the other.
#[test]
fn a_relay_passes_everything_on_over_a_bad_network() {
    let test = "a_relay_passes_everything_on_over_a_bad_network";
    between(test, FAULTS, || {
        let (send_addr, addr) = std::sync::mpsc::channel();
        let server = thread::spawn(move || echo(&send_addr));
        let to = addr.recv().unwrap();
        let (send_addr, addr) = std::sync::mpsc::channel();
        let relaying = thread::spawn(move || relays(to, &send_addr));
        let to = addr.recv().unwrap();
        let client = thread::spawn(move || talks(to));
        client.join().unwrap();
        relaying.join().unwrap();
        server.join().unwrap();
    });
}

/// 20 Mbit/s, and packets of a usual size.
const SLOW: &str = "ip link set lo mtu 1500
tc qdisc replace dev lo root tbf rate 20mbit burst 32kbit latency 400ms";

/// The writer waits for the link, the relay for its writer, and the client for the relay.
#[test]
fn over_a_slow_link_everybody_waits_and_every_byte_arrives() {
    let test = "over_a_slow_link_everybody_waits_and_every_byte_arrives";
    child::in_namespaces(test, &["tc"], SLOW, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (client, a) = over_loopback(&mut core);
        let (b, server) = over_loopback(&mut core);
        let relaying = core.spawner().spawn(async move { relay(&a, &b).await });
        let said = bytes(1, 1_000_000);
        let says = async {
            write_all(&mut &client, &said).await?;
            shutdown(&mut &client).await
        };
        let mut heard = Vec::new();
        let hears = async {
            read_to_end(&mut &server, &mut heard, 2_000_000).await?;
            shutdown(&mut &server).await
        };
        let limit = handle.timeout(HANG, async { futures::try_join!(says, hears) });
        core.run(limit).unwrap().expect("it hangs").unwrap();
        assert!(heard == said);
        assert_eq!(run(&mut core, relaying).unwrap().unwrap().a_to_b, 1_000_000);
    });
}

/// Nobody is told of a link that is down: who reads waits, what is written is kept, and goes out later.
#[test]
fn a_link_that_is_down_for_a_while_loses_nothing() {
    let test = "a_link_that_is_down_for_a_while_loses_nothing";
    child::in_namespaces(test, &[], "", || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (client, server) = over_loopback(&mut core);
        let said = bytes(1, 100_000);
        let says = async |part: &[u8]| write_all(&mut &client, part).await.unwrap();
        let hears = async |length: usize| {
            let mut part = vec![0; length];
            read_exact(&mut &server, &mut part).await.map(|()| part)
        };
        let (_, heard) = run(&mut core, async {
            futures::join!(says(&said[..50_000]), hears(50_000))
        });
        assert!(heard.unwrap() == said[..50_000]);

        link("down");
        run(&mut core, says(&said[50_000..]));
        let waits = handle.timeout(Duration::from_millis(100), hears(1));
        let error = run(&mut core, waits).unwrap_err();
        assert!(Elapsed::is_source_of(&error), "{error}");
        link("up");
        assert!(run(&mut core, hears(50_000)).unwrap() == said[50_000..]);
    });
}

fn link(state: &str) {
    let mut ip = Command::new("ip");
    let status = ip.args(["link", "set", "lo", state]).status();
    assert!(status.unwrap().success());
}

fn over_loopback(core: &mut Core) -> (TcpStream, TcpStream) {
    let handle = core.handle();
    let listener = TcpListener::bind(&"127.0.0.1:0".parse().unwrap(), &handle).unwrap();
    let addr = listener.local_addr().unwrap();
    let accepting = io_traits::task::io(|| listener.accept());
    let both = futures::future::join(TcpStream::connect(&addr, &handle), accepting);
    let (connected, accepted) = run(core, both);
    (connected.unwrap(), accepted.unwrap().0)
}
