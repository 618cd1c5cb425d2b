//! Datagrams that are lost, doubled, late and broken: each that comes is whole, and its sender's.

mod bad_network;
mod common;

use std::{collections::HashSet, net::SocketAddr, thread, time::Duration};

use bad_network::{between, enter};
use common::run;
use io_traits::task;
use net::{RecvBatch, Transmit, UdpSocket};
use reactor::Core;

const SENDERS: usize = 4;
const EACH: u32 = 500;

/// On side `b`: several sockets send; each datagram says from which, which one it is, and repeats that until
/// it is full, so that no byte of it can be another's.
fn send(to: SocketAddr) {
    enter("b");
    let mut core = Core::new().unwrap();
    let any: SocketAddr = "10.77.0.2:0".parse().unwrap();
    let sockets: Vec<_> = (0..SENDERS)
        .map(|_| UdpSocket::bind(&any, &core.handle()).unwrap())
        .collect();
    let handle = core.handle();
    run(&mut core, async {
        for number in (0..EACH).step_by(10) {
            for socket in &sockets {
                let port = socket.local_addr().unwrap().port();
                let payloads: Vec<_> = (number..number + 10).map(|n| payload(port, n)).collect();
                let transmits = payloads.iter().map(|payload| Transmit::new(payload).to(to));
                let mut batch: Vec<_> = transmits.collect();
                let mut rest = &mut batch[..];
                while !rest.is_empty() {
                    let sent = task::io(|| socket.send_batch(rest)).await.unwrap();
                    rest = &mut rest[sent..];
                }
            }
            handle.sleep(Duration::from_millis(2)).await.unwrap();
        }
        // The last word, so often that one of them arrives.
        for _ in 0..50 {
            task::io(|| sockets[0].send_to(b"", &to)).await.unwrap();
            handle.sleep(Duration::from_millis(1)).await.unwrap();
        }
    });
}

/// As long as its number says.
fn payload(port: u16, number: u32) -> Vec<u8> {
    let [a, b] = port.to_be_bytes();
    let [c, d, e, f] = number.to_be_bytes();
    [a, b, c, d, e, f].repeat(1 + number as usize % 200)
}

#[test]
fn with_datagrams_lost_doubled_broken_and_out_of_order_each_is_whole_and_its_senders() {
    let test = "with_datagrams_lost_doubled_broken_and_out_of_order_each_is_whole_and_its_senders";
    let faults =
        "--loss 0.05 --dup 0.05 --reorder 0.1 --corrupt 0.05 --delay 0.001 --jitter 0.001 --seed 5";
    between(test, faults, || {
        enter("a");
        let mut core = Core::new().unwrap();
        let any = "10.77.0.1:0".parse().unwrap();
        let socket = UdpSocket::bind(&any, &core.handle()).unwrap();
        let to = socket.local_addr().unwrap();
        let sender = thread::spawn(move || send(to));
        let (mut seen, mut repeated, mut late) = (HashSet::new(), 0, 0);
        run(&mut core, async {
            let mut batch = RecvBatch::new(16, 2048);
            let mut newest = std::collections::HashMap::new();
            loop {
                task::io(|| socket.recv_batch(&mut batch)).await.unwrap();
                for datagram in &batch {
                    let Some(&[_, _, c, d, e, f]) = datagram.payload.first_chunk() else {
                        return;
                    };
                    let (port, number) =
                        (datagram.meta.from.port(), u32::from_be_bytes([c, d, e, f]));
                    assert_eq!(datagram.payload, payload(port, number), "from {port}");
                    repeated += usize::from(!seen.insert((port, number)));
                    let newest = newest.entry(port).or_insert(number);
                    late += usize::from(number < *newest);
                    *newest = number.max(*newest);
                }
            }
        });
        sender.join().unwrap();
        // It was not too easy, and not nothing.
        let all = SENDERS * EACH as usize;
        assert!(
            (all / 2..all).contains(&seen.len()),
            "{} of {all}",
            seen.len()
        );
        assert!(repeated > 0 && late > 0, "{repeated} again, {late} late");
    });
}
