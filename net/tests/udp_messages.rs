//! Messages of datagrams: what travels beside them, many at a time, and a kernel that refuses.

mod common;

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use common::{any_port, child, run};
use futures::future::join_all;
use io_traits::task;
use net::{Ecn, RecvBatch, Transmit, UdpSocket};
use reactor::Core;

fn sockets(core: &Core) -> (UdpSocket, UdpSocket, SocketAddr) {
    let bind = || UdpSocket::bind(&any_port(), &core.handle()).unwrap();
    let (one, two) = (bind(), bind());
    let to = two.local_addr().unwrap();
    (one, two, to)
}

/// Receives so many datagrams.
async fn receive(socket: &UdpSocket, count: usize) -> Vec<Vec<u8>> {
    let mut batch = RecvBatch::new(8, 65_535);
    let mut seen = Vec::new();
    while seen.len() < count {
        task::io(|| socket.recv_batch(&mut batch)).await.unwrap();
        seen.extend(batch.iter().map(|datagram| datagram.payload.to_vec()));
    }
    seen
}

#[test]
fn a_message_tells_what_it_was_asked_to() {
    let mut core = Core::new().unwrap();
    let (one, _two, _) = sockets(&core);
    let all = UdpSocket::bind(&"0.0.0.0:0".parse().unwrap(), &core.handle()).unwrap();
    let to = SocketAddr::from(([127, 0, 0, 2], all.local_addr().unwrap().port()));
    let before = SystemTime::now();
    run(&mut core, async {
        let mut buf = [0; 4];
        for on in [false, true] {
            all.set_recv_destination(on).unwrap();
            all.set_recv_ecn(on).unwrap();
            all.set_recv_timestamp(on).unwrap();
            assert_eq!(all.recv_destination().unwrap(), on);
            assert_eq!(all.recv_ecn().unwrap(), on);
            assert_eq!(all.recv_timestamp().unwrap(), on);
            for ecn in [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce] {
                let mut transmit = Transmit::new(b"question").to(to).ecn(ecn);
                task::io(|| one.send_msg(&mut transmit)).await.unwrap();
                let meta = task::io(|| all.recv_msg(&mut buf)).await.unwrap();
                assert_eq!((meta.len, meta.truncated), (4, true));
                assert_eq!(meta.from, one.local_addr().unwrap());
                assert_eq!(meta.to, on.then(|| to.ip()));
                assert_eq!(meta.interface.is_some(), on);
                assert_eq!(meta.ecn, on.then_some(ecn));
                assert_eq!(meta.timestamp.is_some(), on);
                assert!(meta.timestamp.is_none_or(|at| at >= before));
            }
        }
        // The answer comes from where the question went.
        let mut answer = Transmit::new(b"a")
            .to(one.local_addr().unwrap())
            .from(to.ip());
        task::io(|| all.send_msg(&mut answer)).await.unwrap();
        assert_eq!(task::io(|| one.recv_from(&mut buf)).await.unwrap(), (1, to));
    });
}

#[test]
fn a_batch_goes_to_many_places_and_comes_in_order() {
    let mut core = Core::new().unwrap();
    let (one, two, to) = sockets(&core);
    let three = UdpSocket::bind(&any_port(), &core.handle()).unwrap();
    let payloads: Vec<_> = (0..100_u8).map(|n| [n; 3]).collect();
    let places = [to, three.local_addr().unwrap()];
    run(&mut core, async {
        let mut batch: Vec<_> = payloads
            .iter()
            .enumerate()
            .map(|(n, payload)| Transmit::new(payload).to(places[n % 2]))
            .collect();
        let mut rest = &mut batch[..];
        while !rest.is_empty() {
            let sent = task::io(|| one.send_batch(rest)).await.unwrap();
            rest = &mut rest[sent..];
        }
        for (first, socket) in [&two, &three].into_iter().enumerate() {
            let seen = receive(socket, 50).await;
            assert!(seen.iter().eq(payloads.iter().skip(first).step_by(2)));
        }
        assert_eq!(task::io(|| one.send_batch(&mut [])).await.unwrap(), 0);
    });
}

#[test]
fn segments_are_put_together_for_who_wants_it_and_taken_apart_for_the_rest() {
    let mut core = Core::new().unwrap();
    let (one, two, to) = sockets(&core);
    let payload: Vec<_> = (0..100_100_u32).map(|n| (n / 1200) as u8).collect();
    for gro in [false, true] {
        two.set_gro(gro).unwrap();
        assert_eq!(two.gro().unwrap(), gro);
        let mut transmit = Transmit::new(&payload).to(to).segments(1200);
        let seen = run(&mut core, async {
            task::io(|| one.send_msg(&mut transmit)).await.unwrap();
            receive(&two, 84).await
        });
        assert!(transmit.payload().is_empty());
        assert!(seen.iter().map(Vec::as_slice).eq(payload.chunks(1200)));
    }
}

#[test]
fn what_the_kernel_refuses_is_sent_one_by_one_in_the_same_call_and_not_asked_again() {
    let test = "what_the_kernel_refuses_is_sent_one_by_one_in_the_same_call_and_not_asked_again";
    let inject = ["-e", "inject=sendmsg:error=EIO:when=1"];
    let trace = child::traced(test, &inject, || {
        let mut core = Core::new().unwrap();
        let (one, two, to) = sockets(&core);
        let payload = [7; 500];
        for _ in 0..2 {
            let mut transmit = Transmit::new(&payload).to(to).segments(200);
            one.try_send_msg(&mut transmit).unwrap();
            let seen = run(&mut core, receive(&two, 3));
            assert!(seen.iter().map(Vec::as_slice).eq(payload.chunks(200)));
            assert!(two.try_recv(&mut [0; 1]).is_err());
        }
        assert_eq!(one.max_segments(), 1);
    });
    if let Some(trace) = trace {
        assert_eq!(trace.lines("INJECTED"), 1);
        assert_eq!(trace.lines(" sendmsg("), 1);
        assert_eq!(trace.lines(" sendmmsg("), 2);
    }
}

#[test]
fn every_sender_that_waits_for_room_is_woken() {
    // The first one is told that there is no room; the others wait with it.
    let test = "every_sender_that_waits_for_room_is_woken";
    let inject = ["-e", "inject=sendmsg:error=EAGAIN:when=1"];
    let trace = child::traced(test, &inject, || {
        let mut core = Core::new().unwrap();
        let (one, two, to) = sockets(&core);
        let one = Arc::new(one);
        let tasks = (0..20_u8).map(|n| {
            let sender = one.sender();
            core.spawner().spawn(async move {
                let payload = [n];
                let mut transmit = Transmit::new(&payload).to(to);
                task::io(|| sender.send_msg(&mut transmit)).await.unwrap();
            })
        });
        let tasks: Vec<_> = tasks.collect();
        let mut seen = run(&mut core, async {
            join_all(tasks).await.into_iter().for_each(Result::unwrap);
            receive(&two, 20).await
        });
        seen.sort();
        assert!(seen.into_iter().eq((0..20_u8).map(|n| vec![n])));
    });
    assert!(trace.is_none_or(|trace| trace.lines("INJECTED") == 1));
}

#[test]
fn an_echo_with_32_in_flight_costs_at_most_two_fifths_of_a_system_call_a_datagram() {
    let test = "an_echo_with_32_in_flight_costs_at_most_two_fifths_of_a_system_call_a_datagram";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let (client, server, to) = sockets(&core);
        let payload = [1; 64];
        run(&mut core, async {
            let mut batch = RecvBatch::new(32, 1500);
            for round in 0..11 {
                for _ in 0..32 {
                    client.try_send_to(&payload, &to).unwrap();
                }
                let mut echo = || {
                    let received = server.try_recv_batch(&mut batch).unwrap();
                    let mut answers: Vec<_> = batch
                        .iter()
                        .map(|it| Transmit::new(it.payload).to(it.meta.from))
                        .collect();
                    assert_eq!(server.try_send_batch(&mut answers).unwrap(), received);
                    assert!(server.try_recv_batch(&mut RecvBatch::new(1, 1)).is_err());
                };
                if round == 10 {
                    child::watched(echo);
                } else {
                    echo();
                }
                assert_eq!(receive(&client, 32).await.len(), 32);
            }
        });
    });
    if let Some(trace) = trace {
        let all = trace.all_calls();
        assert!(all.len() * 10 <= 32 * 4, "{all:?}");
    }
}

#[test]
fn a_message_of_version_six_tells_where_it_went_and_what_routers_say() {
    let mut core = Core::new().unwrap();
    let bind = || UdpSocket::bind(&"[::1]:0".parse().unwrap(), &core.handle());
    let (Ok(one), Ok(two)) = (bind(), bind()) else {
        eprintln!("skipped, there is no IPv6 here");
        return;
    };
    let to = two.local_addr().unwrap();
    two.set_recv_destination(true).unwrap();
    two.set_recv_ecn(true).unwrap();
    let meta = run(&mut core, async {
        let mut transmit = Transmit::new(b"x").to(to).from(to.ip()).ecn(Ecn::Ect1);
        task::io(|| one.send_msg(&mut transmit)).await.unwrap();
        task::io(|| two.recv_msg(&mut [0; 4])).await.unwrap()
    });
    assert_eq!(meta.from, one.local_addr().unwrap());
    assert_eq!((meta.to, meta.ecn), (Some(to.ip()), Some(Ecn::Ect1)));
    assert!(meta.interface.is_some());
}
