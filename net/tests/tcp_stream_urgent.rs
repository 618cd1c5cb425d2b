//! Urgent data of TCP, and what only TCP sockets have.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    thread,
};

use common::{
    CountWakes, Random, pair, poll_with, read_to_the_end, reset, run, settle, std_pair,
    ways_to_read,
};
use io_traits::task;
use net::TcpStream;
use reactor::Core;

#[test]
fn urgent_data_does_not_stall_normal_data() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let mut random = Random::new(8);
    let ways = ways_to_read::<TcpStream>();
    for round in 0..100 {
        let (stream, mut peer) = pair(&handle);
        // Urgent once: a second one would make normal data of the first.
        let mut steps: Vec<_> = (0..6).map(|_| 2 * random.below(2)).collect();
        steps[random.below(6) as usize] = 1;
        let sender = steps.clone();
        let writer = thread::spawn(move || {
            for step in sender {
                match step {
                    0 => peer.write_all(b"normal").unwrap(),
                    1 => drop(
                        socket2::SockRef::from(&peer)
                            .send_out_of_band(b"!")
                            .unwrap(),
                    ),
                    _ => thread::yield_now(),
                }
            }
            peer.write_all(b"end").unwrap();
            peer
        });
        let expected = 6 * steps.iter().filter(|step| **step == 0).count() + 3;
        // The connection stays open: what is stalled would stay so.
        let got = run(&mut core, async {
            let mut got = 0;
            while got < expected {
                got += task::io(|| ways[round % 3](&stream)).await.unwrap();
            }
            got
        });
        assert_eq!(got, expected, "{steps:?}");
        drop(writer.join().unwrap());
        assert_eq!(run(&mut core, read_to_the_end(&stream, ways[0])), 0);
    }
}

#[test]
fn urgent_data_alone_wakes_a_reader_who_waits_on() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let mut half = &stream;
    let mut buf = [0; 8];
    let (_, waker) = CountWakes::new();
    let mut read = task::io(|| half.read(&mut buf));
    assert!(poll_with(&mut read, &waker).is_pending());
    socket2::SockRef::from(&peer)
        .send_out_of_band(b"!")
        .unwrap();
    settle(&mut core);
    assert!(poll_with(&mut read, &waker).is_pending());
    peer.write_all(b"data").unwrap();
    assert_eq!(run(&mut core, read).unwrap(), 4);
}

#[test]
fn nodelay_is_what_it_was_set_to() {
    let core = Core::new().unwrap();
    let (stream, _peer) = pair(&core.handle());
    for nodelay in [false, true, false] {
        stream.set_nodelay(nodelay).unwrap();
        assert_eq!(stream.nodelay().unwrap(), nodelay);
    }
    assert!(stream.take_error().unwrap().is_none());
}

#[test]
fn a_stream_knows_both_addresses_and_none_of_the_peer_after_a_reset() {
    let mut core = Core::new().unwrap();
    let (ours, peer) = std_pair();
    let addresses = (ours.local_addr().unwrap(), ours.peer_addr().unwrap());
    let stream = TcpStream::from_std(ours, &core.handle()).unwrap();
    assert_eq!(
        (stream.local_addr().unwrap(), stream.peer_addr().unwrap()),
        addresses
    );
    reset(peer);
    assert!(run(&mut core, task::io(|| (&stream).read(&mut [0]))).is_err());
    let error = stream.peer_addr().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConnected);
}
