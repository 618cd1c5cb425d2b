//! What a relay holds while it waits, what is lost with it, and what it leaves to others.

use std::{
    error::Error,
    future::{Future, poll_fn},
    io::{self, Read, Write},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    thread,
    time::Duration,
};

use io_traits::io::Way;
use net::{relay, relay_one_way};
use reactor::{Core, ReactorGone};

use crate::{
    common::{
        assert_idle, child, fill_unix, open_descriptors, path_of, poll_once, reset, run, settle,
        turn_until,
    },
    relayed::{Kind, MANY, Peer, Tcp, Unix, bytes, hears, sends},
};

#[test]
fn a_relay_that_waits_for_bytes_holds_no_pipe_and_costs_nothing() {
    let test = path_of(
        module_path!(),
        "a_relay_that_waits_for_bytes_holds_no_pipe_and_costs_nothing",
    );
    child::alone(&test, || {
        let mut core = Core::new().unwrap();
        let connections: Vec<_> = (0..100)
            .map(|_| {
                let (a, client) = Tcp::connection(&core.handle());
                let (b, server) = Tcp::connection(&core.handle());
                (Rc::new((a, b)), client, server)
            })
            .collect();
        let before = open_descriptors();
        for (sockets, ..) in &connections {
            let sockets = sockets.clone();
            drop(
                core.spawner()
                    .spawn(async move { relay(&sockets.0, &sockets.1).await }),
            );
        }
        settle(&mut core);
        let mut servers = Vec::new();
        for (_, client, server) in &connections {
            (&mut &*client).write_all(b"one message").unwrap();
            servers.push(server.again());
        }
        let hearing = thread::spawn(move || {
            for mut server in servers {
                let mut heard = [0; 11];
                server.read_exact(&mut heard).unwrap();
                assert_eq!(&heard, b"one message");
            }
        });
        turn_until(&mut core, || hearing.is_finished());
        hearing.join().unwrap();
        settle(&mut core);
        assert_idle(&mut core);
        // A pipe of the pool or a few, not one of each.
        let pipes = (open_descriptors() - before) / 2;
        assert!(pipes <= 2, "{pipes} pipes");
    });
}

/// How far a relay has come is known from outside, and what is on the way is counted.
#[test]
fn a_slow_reader_holds_back_a_bounded_number_of_bytes() {
    let mut core = Core::new().unwrap();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, server) = Tcp::connection(&core.handle());
    let sent = bytes(9, MANY);
    let sending = sends(&client, sent.clone());
    let mut relaying = relay(&a, &b);
    run(&mut core, async {
        poll_fn(|cx| match Pin::new(&mut relaying).poll(cx) {
            // It has blocked on the reader, which reads nothing.
            _ if relaying.unwritten(Way::AToB) > 0 => Poll::Ready(()),
            polled => {
                assert!(polled.is_pending());
                Poll::Pending
            }
        })
        .await;
    });
    let unwritten = relaying.unwritten(Way::AToB);
    assert!(unwritten <= 512 * 1024, "{unwritten} bytes");
    assert!(relaying.carried().a_to_b > 0);
    assert_eq!(relaying.unwritten(Way::BToA), 0);
    server.end();
    let hearing = hears(&server);
    let carried = run(&mut core, relaying).unwrap();
    sending.join().unwrap();
    assert_eq!(carried.a_to_b, MANY as u64);
    assert!(hearing.join().unwrap().unwrap() == sent);
}

/// No more is on the way than it may take at a time.
fn keeps_to_its_size() {
    const SIZE: usize = 1_000;
    let mut core = Core::new().unwrap();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, server) = Unix::connection(&core.handle());
    let filled = fill_unix(&b);
    let sent = bytes(9, 200_000);
    let sending = sends(&client, sent.clone());
    let mut relaying = relay(&a, &b).buffer_size(SIZE);
    let mut hearing = None;
    let carried = run(
        &mut core,
        poll_fn(|cx| {
            let polled = Pin::new(&mut relaying).poll(cx);
            let unwritten = relaying.unwritten(Way::AToB);
            assert!(unwritten <= SIZE, "{unwritten} bytes");
            if unwritten == SIZE && hearing.is_none() {
                hearing = Some(hears(&server));
                server.end();
            }
            polled
        }),
    );
    assert_eq!(carried.unwrap().a_to_b, sent.len() as u64);
    sending.join().unwrap();
    let heard = hearing.expect("it blocked").join().unwrap().unwrap();
    assert!(heard[filled..] == sent);
    // A size that is none is the smallest.
    let (a, mut client) = Tcp::connection(&core.handle());
    let (b, server) = Tcp::connection(&core.handle());
    client.write_all(b"bytes").unwrap();
    client.end();
    let carried = run(&mut core, relay_one_way(&a, &b).buffer_size(0)).unwrap();
    assert_eq!(carried, 5);
    drop(b);
    assert_eq!(hears(&server).join().unwrap().unwrap(), b"bytes");
}

#[test]
fn with_a_size_no_more_than_that_is_on_the_way() {
    keeps_to_its_size();
}

#[test]
fn with_a_size_no_more_than_that_is_on_the_way_in_buffers_either() {
    let test = path_of(
        module_path!(),
        "with_a_size_no_more_than_that_is_on_the_way_in_buffers_either",
    );
    let options = ["-e", "inject=splice:error=EINVAL:when=1+"];
    let trace = child::traced(&test, &options, keeps_to_its_size);
    assert!(trace.is_none_or(|trace| trace.lines("INJECTED") >= 1));
}

/// Together with what went through they are all that was sent.
#[test]
fn a_relay_that_is_dropped_tells_what_is_lost_with_it() {
    let mut core = Core::new().unwrap();
    let (a, mut client) = Tcp::connection(&core.handle());
    let (b, server) = Unix::connection(&core.handle());
    let filled = fill_unix(&b);
    client.write_all(b"lost").unwrap();
    let mut relaying = relay(&a, &b);
    run(&mut core, async {
        poll_fn(|cx| {
            assert!(Pin::new(&mut relaying).poll(cx).is_pending());
            match relaying.unwritten(Way::AToB) {
                0 => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
    });
    assert_eq!(relaying.unwritten(Way::AToB), 4);
    assert_eq!(relaying.carried().a_to_b, 0);
    drop(relaying);
    // The sockets are as they were, and the pipe with its bytes does not come back.
    client.write_all(b"kept").unwrap();
    client.end();
    let hearing = hears(&server);
    server.end();
    let carried = run(&mut core, relay(&a, &b)).unwrap();
    assert_eq!(carried.a_to_b, 4);
    let heard = hearing.join().unwrap().unwrap();
    assert_eq!(heard[..filled], vec![7; filled]);
    assert_eq!(&heard[filled..], b"kept");
}

#[test]
fn relays_that_end_or_are_dropped_leave_no_descriptor_and_no_slot() {
    let test = path_of(
        module_path!(),
        "relays_that_end_or_are_dropped_leave_no_descriptor_and_no_slot",
    );
    child::alone(&test, || {
        let mut core = Core::new().unwrap();
        let mut after = Vec::new();
        for round in 0..3 {
            for number in 0..200_u64 {
                let (a, mut client) = Tcp::connection(&core.handle());
                let (b, server) = Unix::connection(&core.handle());
                match number % 3 {
                    // To the end.
                    0 => {
                        client.write_all(&bytes(number, 1000)).unwrap();
                        client.end();
                        server.end();
                        run(&mut core, relay(&a, &b)).unwrap();
                    }
                    // Dropped with bytes on the way.
                    1 => {
                        fill_unix(&b);
                        client.write_all(b"lost").unwrap();
                        let mut relaying = relay(&a, &b);
                        turn_until(&mut core, || {
                            assert!(poll_once(&mut relaying).is_pending());
                            relaying.unwritten(Way::AToB) > 0
                        });
                    }
                    // Ended by a reset.
                    _ => {
                        reset(client);
                        server.end();
                        run(&mut core, relay(&a, &b)).unwrap_err();
                    }
                }
            }
            settle(&mut core);
            let registered = core.handle().metrics().registered;
            after.push((open_descriptors(), registered));
            assert_eq!(registered, 0, "round {round}");
        }
        assert_eq!(after[1], after[2]);
    });
}

/// A relay that has bytes without end lets others run.
#[test]
fn a_busy_relay_starves_nobody() {
    let mut core = Core::new().unwrap();
    let (a, client) = Unix::connection(&core.handle());
    let (b, server) = Unix::connection(&core.handle());
    let stop = Arc::new(AtomicBool::new(false));
    let flood = {
        let (mut client, stop) = (client.again(), stop.clone());
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                client.write_all(&[5; 65_536]).unwrap();
            }
            client.end();
        })
    };
    let hearing = hears(&server);
    server.end();
    let relaying = core.spawner().spawn(async move { relay(&a, &b).await });
    let handle = core.handle();
    run(&mut core, async move {
        for _ in 0..20 {
            handle.sleep(Duration::from_millis(1)).await.unwrap();
        }
    });
    stop.store(true, Ordering::Relaxed);
    let carried = run(&mut core, relaying).unwrap().unwrap();
    flood.join().unwrap();
    assert_eq!(
        hearing.join().unwrap().unwrap().len() as u64,
        carried.a_to_b
    );
}

/// The end of the core is the end of a relay.
#[test]
fn when_the_core_is_gone_a_relay_says_so() {
    let core = Core::new().unwrap();
    let (a, _client) = Tcp::connection(&core.handle());
    let (b, _server) = Tcp::connection(&core.handle());
    drop(core);
    let error = match poll_once(&mut relay(&a, &b)) {
        Poll::Ready(Err(error)) => error,
        other => panic!("{other:?}"),
    };
    let place = net::RelayError::source_of(&error).unwrap();
    assert_eq!(place.direction(), reactor::Direction::Read);
    let of_the_socket = place.source().unwrap().downcast_ref::<io::Error>();
    assert!(ReactorGone::is_source_of(of_the_socket.unwrap()));
}
