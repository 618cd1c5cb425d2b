//! A kernel that refuses what was asked for beside sending: the same call sends it all the same, and nothing
//! is lost or doubled, wherever it stops.

mod common;

use std::{
    io::ErrorKind,
    net::{SocketAddr, UdpSocket as StdUdp},
};

use common::{HANG, any_port, child, run, settle};
use io_traits::task;
use net::{Ecn, RecvBatch, Transmit, UdpSocket, is_transient};
use reactor::Core;

fn sockets(core: &Core) -> (UdpSocket, UdpSocket, SocketAddr) {
    let bind = || UdpSocket::bind(&any_port(), &core.handle()).unwrap();
    let (one, two) = (bind(), bind());
    let to = two.local_addr().unwrap();
    (one, two, to)
}

/// Receives so many datagrams, and no more are there.
async fn receive(socket: &UdpSocket, count: usize) -> Vec<(Vec<u8>, Option<Ecn>)> {
    let mut batch = RecvBatch::new(8, 65_535);
    let mut seen = Vec::new();
    while seen.len() < count {
        task::io(|| socket.recv_batch(&mut batch)).await.unwrap();
        seen.extend(batch.iter().map(|it| (it.payload.to_vec(), it.meta.ecn)));
    }
    assert_eq!(seen.len(), count);
    assert!(socket.try_recv(&mut [0; 1]).is_err());
    seen
}

/// Sends a transmit in one call, and looks at what comes of it; returns the marks.
#[track_caller]
fn passes(
    core: &mut Core,
    one: &UdpSocket,
    two: &UdpSocket,
    transmit: Transmit<'_>,
    size: usize,
) -> Vec<Option<Ecn>> {
    let payload = transmit.payload();
    let mut transmit = transmit.to(two.local_addr().unwrap()).segments(size);
    one.try_send_msg(&mut transmit).unwrap();
    assert!(transmit.payload().is_empty());
    let seen = run(core, receive(two, payload.len().div_ceil(size)));
    let (seen, marks): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
    assert!(seen.iter().map(Vec::as_slice).eq(payload.chunks(size)));
    marks
}

fn numbered(len: usize, size: usize) -> Vec<u8> {
    (0..len).map(|n| (n / size) as u8).collect()
}

/// `EINVAL`: what an older kernel says of segments that are longer than the path takes.
#[test]
fn segments_that_are_refused_for_their_length_are_asked_for_again_if_they_are_shorter() {
    let test = "segments_that_are_refused_for_their_length_are_asked_for_again_if_they_are_shorter";
    let inject = ["-e", "inject=sendmsg:error=EINVAL:when=1"];
    let trace = child::traced(test, &inject, || {
        let mut core = Core::new().unwrap();
        let (one, two, _) = sockets(&core);
        let payload = numbered(600, 100);
        for size in [200, 200, 250, 100] {
            passes(&mut core, &one, &two, Transmit::new(&payload), size);
        }
        assert_eq!(one.max_segments(), 64);
    });
    if let Some(trace) = trace {
        assert_eq!(trace.lines("INJECTED"), 1);
        // Refused; one by one; one by one; one by one; segments.
        assert_eq!(trace.lines(" sendmsg("), 2);
        assert_eq!(trace.lines(" sendmmsg("), 3);
    }
}

#[test]
fn a_mark_that_is_refused_is_left_out_in_the_same_call_and_not_asked_for_again() {
    let test = "a_mark_that_is_refused_is_left_out_in_the_same_call_and_not_asked_for_again";
    let inject = ["-e", "inject=sendmsg:error=EINVAL:when=1"];
    let trace = child::traced(test, &inject, || {
        let mut core = Core::new().unwrap();
        let (one, two, _) = sockets(&core);
        two.set_recv_ecn(true).unwrap();
        let marks = [0; 3].map(|_| {
            let transmit = Transmit::new(b"marked").ecn(Ecn::Ect0);
            passes(&mut core, &one, &two, transmit, 100)[0]
        });
        // Without strace nothing is refused, and all are marked.
        assert_eq!(marks, [marks[0]; 3]);
        assert!([Some(Ecn::NotEct), Some(Ecn::Ect0)].contains(&marks[0]));
    });
    if let Some(trace) = trace {
        assert_eq!(trace.lines("INJECTED"), 1);
        assert_eq!(trace.lines(" sendmsg("), 4);
    }
}

/// Either may be what is refused, so each is tried without the other, and then both are left out.
#[test]
fn where_segments_and_marks_are_refused_what_works_is_kept() {
    let test = "where_segments_and_marks_are_refused_what_works_is_kept";
    let inject = ["-e", "inject=sendmmsg,sendmsg:error=EINVAL:when=1"];
    let trace = child::traced(test, &inject, || {
        let mut core = Core::new().unwrap();
        let (one, two, _) = sockets(&core);
        let payload = numbered(300, 100);
        for _ in 0..2 {
            let transmit = Transmit::new(&payload).ecn(Ecn::Ce);
            passes(&mut core, &one, &two, transmit, 100);
        }
        assert_eq!(one.max_segments(), 64);
    });
    if let Some(trace) = trace {
        // Both; one by one with marks; segments without; then the same at once.
        assert_eq!(trace.lines("INJECTED"), 2);
        assert_eq!(trace.lines(" sendmsg("), 3);
        assert_eq!(trace.lines(" sendmmsg("), 1);
    }
}

/// Some sandboxes do not know the calls for many messages.
#[test]
fn where_there_are_no_calls_for_many_messages_each_is_a_call_of_its_own() {
    let test = "where_there_are_no_calls_for_many_messages_each_is_a_call_of_its_own";
    let inject = ["-e", "inject=sendmmsg,recvmmsg:error=ENOSYS"];
    let trace = child::traced(test, &inject, || {
        let mut core = Core::new().unwrap();
        let (one, two, to) = sockets(&core);
        let mut batch = [b"a", b"b", b"c"].map(|payload| Transmit::new(payload).to(to));
        let (mut rest, mut batches) = (&mut batch[..], RecvBatch::new(4, 16));
        while !rest.is_empty() {
            let sent = one.try_send_batch(rest).unwrap();
            rest = &mut rest[sent..];
        }
        // All of them, although there is one event and the first call has filled less than there is room for.
        for expected in [b"a", b"b", b"c"] {
            run(&mut core, task::io(|| two.recv_batch(&mut batches))).unwrap();
            let first = batches.iter().next().unwrap();
            assert_eq!(first.payload, expected);
            if batches.len() == 3 {
                // Without strace.
                return;
            }
        }
        assert!(two.try_recv_batch(&mut batches).is_err());
    });
    if let Some(trace) = trace {
        // That they are missing is asked once, and remembered.
        assert_eq!(trace.lines(" sendmmsg("), 1);
        assert_eq!(trace.lines(" recvmmsg("), 1);
        assert_eq!(trace.lines(" sendmsg("), 3);
        // Three datagrams, and one look in vain.
        assert_eq!(trace.lines(" recvmsg("), 4);
    }
}

#[test]
fn an_error_for_another_reason_is_told_and_nothing_is_left_out_from_then_on() {
    let mut core = Core::new().unwrap();
    let (one, two, _) = sockets(&core);
    two.set_recv_ecn(true).unwrap();
    let payload = numbered(300, 100);
    // Nobody can be sent to at port 0, which is an error of the same number.
    let mut transmit = Transmit::new(&payload)
        .to("127.0.0.1:0".parse().unwrap())
        .ecn(Ecn::Ect1)
        .segments(100);
    for _ in 0..2 {
        let error = one.try_send_msg(&mut transmit).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        assert_eq!(transmit.payload(), payload);
    }
    assert_eq!(one.max_segments(), 64);
    let transmit = Transmit::new(&payload).ecn(Ecn::Ect1);
    let marks = passes(&mut core, &one, &two, transmit, 100);
    assert_eq!(marks, [Some(Ecn::Ect1); 3]);
}

/// A real refusal: this kernel sends what is longer than the path in fragments, but no such segments.
#[test]
fn segments_that_are_longer_than_the_path_takes_are_sent_all_the_same() {
    let test = "segments_that_are_longer_than_the_path_takes_are_sent_all_the_same";
    child::in_namespaces(test, &[], "ip link set lo mtu 1280", || {
        let mut core = Core::new().unwrap();
        let (one, two, _) = sockets(&core);
        let payload = numbered(7000, 1000);
        for size in [1400, 1300, 1000, 3000] {
            passes(&mut core, &one, &two, Transmit::new(&payload), size);
        }
        assert_eq!(one.max_segments(), 64);
    });
}

/// Real, too: a queue that is full in the middle, behind a slow link, of segments that the path refuses.
#[test]
fn would_block_in_the_middle_of_a_fallback_keeps_what_is_unsent_and_sends_nothing_twice() {
    let test =
        "would_block_in_the_middle_of_a_fallback_keeps_what_is_unsent_and_sends_nothing_twice";
    let slow = "ip link set lo mtu 1280
tc qdisc replace dev lo root tbf rate 8mbit burst 5kb limit 1mb";
    child::in_namespaces(test, &["tc"], slow, || {
        let mut core = Core::new().unwrap();
        let (one, two, to) = sockets(&core);
        let queue = socket2::SockRef::from(&one);
        queue.set_send_buffer_size(0).unwrap();
        let payload = numbered(80 * 1400, 1400);
        let mut transmit = Transmit::new(&payload).to(to).segments(1400);
        let error = one.try_send_msg(&mut transmit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        // The count tells how far it came: whole datagrams, some and not all.
        let unsent = transmit.payload().len();
        assert!(unsent < payload.len() && unsent > 0, "{unsent} unsent");
        assert_eq!(unsent % 1400, 0);
        let waits = std::cell::Cell::new(0);
        let send = async {
            let mut blocked = std::pin::pin!(task::io(|| one.send_msg(&mut transmit)));
            std::future::poll_fn(|cx| {
                waits.set(waits.get() + 1);
                blocked.as_mut().poll(cx)
            })
            .await
            .unwrap();
        };
        let ((), seen) = run(&mut core, async { futures::join!(send, receive(&two, 80)) });
        assert!(seen.iter().map(|it| &it.0[..]).eq(payload.chunks(1400)));
        // It was woken by room, and not by the clock or all the time.
        assert!((2..200).contains(&waits.get()), "{} polls", waits.get());
    });
}

#[test]
fn a_datagram_that_cannot_be_sent_ends_a_batch_before_it_and_is_the_error_of_the_next_call() {
    let mut core = Core::new().unwrap();
    let (one, two, to) = sockets(&core);
    let long = vec![0; 70_000];
    let mut batch = [b"first", &long[..], b"last"].map(|payload| Transmit::new(payload).to(to));
    assert_eq!(one.try_send_batch(&mut batch).unwrap(), 1);
    for _ in 0..2 {
        let error = one.try_send_batch(&mut batch[1..]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        assert!(is_transient(&error));
        assert_eq!(batch[1].payload().len(), long.len());
    }
    assert_eq!(one.try_send_batch(&mut batch[2..]).unwrap(), 1);
    let seen = run(&mut core, receive(&two, 2));
    assert_eq!(
        (&seen[0].0[..], &seen[1].0[..]),
        (&b"first"[..], &b"last"[..])
    );
}

/// Each datagram is answered by a refusal before the next one is sent. In a batch Linux forgets those in the
/// middle; that of the last datagram stays, so that a sender, or who receives, hears of it in any case.
#[test]
fn a_refusal_in_the_middle_of_a_batch_stops_nobody_and_the_last_one_is_told() {
    let mut core = Core::new().unwrap();
    let nobody = StdUdp::bind("127.0.0.2:0").unwrap().local_addr().unwrap();
    let socket = UdpSocket::bind(&any_port(), &core.handle()).unwrap();
    socket.connect(&nobody).unwrap();
    for told_by_receiving in [true, false] {
        let mut batch = [b"a", b"b", b"c", b"d", b"e"].map(|payload| Transmit::new(payload));
        let (mut rest, mut calls) = (&mut batch[..], 0);
        while !rest.is_empty() {
            let sent = match run(&mut core, task::io(|| socket.send_batch(rest))) {
                // Only what is first in its batch can be told of.
                Err(error) if is_transient(&error) => 0,
                sent => sent.unwrap(),
            };
            rest = &mut rest[sent..];
            calls += 1;
        }
        assert!(calls <= 10, "{calls} calls");
        // The receive loop is woken for it, hears it once, and goes on.
        let error = if told_by_receiving {
            run(&mut core, task::io(|| socket.recv(&mut [0; 4]))).unwrap_err()
        } else {
            settle(&mut core);
            socket
                .try_send_batch(&mut [Transmit::new(b"x")])
                .unwrap_err()
        };
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(socket.take_error().unwrap().is_none());
    }
    let peer = StdUdp::bind(nobody).unwrap();
    peer.set_read_timeout(Some(HANG)).unwrap();
    let mut batch = [b"f", b"g"].map(|payload| Transmit::new(payload));
    assert_eq!(socket.try_send_batch(&mut batch).unwrap(), 2);
    for expected in [b"f", b"g"] {
        let mut buf = [0; 4];
        let (n, from) = peer.recv_from(&mut buf).unwrap();
        assert_eq!(&buf[..n], expected);
        peer.send_to(expected, from).unwrap();
        assert_eq!(
            run(&mut core, task::io(|| socket.recv(&mut buf))).unwrap(),
            1
        );
    }
}
