//! Counted, not timed: the system calls of a UDP echo.

mod common;

use std::thread;

use common::{child, datagrams, run, settle};
use io_traits::task;
use reactor::Core;

const ROUNDS: usize = 500;

/// Wait, receive, send, and a receive that finds nothing: a datagram socket tells no other way that it
/// is empty.
#[test]
fn a_lone_echo_costs_four_system_calls_a_datagram() {
    let test = "a_lone_echo_costs_four_system_calls_a_datagram";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let (socket, peer) = datagrams(&core.handle());
        let handle = core.handle();
        let client = thread::spawn(move || {
            for round in 0..2 * ROUNDS {
                let mut answer = [0; 64];
                // Lone: the server has nothing left to do and sleeps.
                while handle.metrics().sleeps <= round as u64 {
                    std::hint::spin_loop();
                }
                peer.send(&[round as u8; 64]).unwrap();
                peer.recv(&mut answer).unwrap();
                assert_eq!(answer, [round as u8; 64]);
            }
        });
        let mut echo = || {
            run(&mut core, async {
                let mut buf = [0; 64];
                for _ in 0..ROUNDS {
                    let (n, from) = task::io(|| socket.recv_from(&mut buf)).await.unwrap();
                    task::io(|| socket.send_to(&buf[..n], &from)).await.unwrap();
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
        println!("{all} calls for {ROUNDS} datagrams");
        assert!(
            all * 100 <= 402 * ROUNDS,
            "{all} calls for {ROUNDS} datagrams"
        );
    }
}

/// No "writable" event follows a send: nobody has asked for one.
#[test]
fn a_socket_that_only_sends_makes_no_events() {
    let mut core = Core::new().unwrap();
    let (socket, peer) = datagrams(&core.handle());
    settle(&mut core);
    let before = core.handle().metrics();
    for _ in 0..100 {
        run(&mut core, task::io(|| socket.send(b"x"))).unwrap();
        peer.recv(&mut [0; 4]).unwrap();
        settle(&mut core);
    }
    assert_eq!(core.handle().metrics().events, before.events);
}
