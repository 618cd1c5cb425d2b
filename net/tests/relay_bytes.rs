//! What goes through a relay comes out of it: every byte, both ways, between all kinds of sockets.

mod common;
mod relayed;

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    io::{Read, Write},
    os::fd::AsFd,
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

use common::{assert_idle, child, open_descriptors, poll_once, run, settle, turn_until};
use io_traits::io::{Watch, Way};
use net::{Relayed, relay, relay_one_way};
use reactor::Core;
use relayed::{Kind, Peer, Tcp, Unix, bytes, hears, sends};

/// More than all buffers on the way together.
const MANY: usize = 20 << 20;

#[track_caller]
fn every_byte<A: Kind, B: Kind>() {
    let mut core = Core::new().unwrap();
    let (a, client) = A::connection(&core.handle());
    let (b, server) = B::connection(&core.handle());
    let (there, back) = (bytes(1, MANY), bytes(2, MANY - 4_321));
    let sending = [sends(&client, there.clone()), sends(&server, back.clone())];
    let (heard_there, heard_back) = (hears(&server), hears(&client));
    let carried = run(&mut core, relay(&a, &b)).unwrap();
    assert_eq!(carried.a_to_b, there.len() as u64);
    assert_eq!(carried.b_to_a, back.len() as u64);
    assert!(!carried.stopped);
    sending.into_iter().for_each(|one| one.join().unwrap());
    assert!(heard_there.join().unwrap().unwrap() == there);
    assert!(heard_back.join().unwrap().unwrap() == back);
}

#[test]
fn every_byte_goes_from_tcp_to_tcp() {
    every_byte::<Tcp, Tcp>();
}

#[test]
fn every_byte_goes_from_tcp_to_unix() {
    every_byte::<Tcp, Unix>();
}

#[test]
fn every_byte_goes_from_unix_to_unix() {
    every_byte::<Unix, Unix>();
}

/// The sockets have no copy of the bytes made: what is read with recv(2) is the end.
#[test]
fn on_linux_the_bytes_are_spliced() {
    let test = "on_linux_the_bytes_are_spliced";
    let trace = child::traced(
        test,
        &["-e", "trace=splice,recvfrom,recvmsg,sendto,stat,statx"],
        || {
            let mut core = Core::new().unwrap();
            let (a, client) = Tcp::connection(&core.handle());
            let (b, server) = Unix::connection(&core.handle());
            let sent = bytes(3, 1 << 20);
            let (sending, hearing) = (sends(&client, sent.clone()), hears(&server));
            server.end();
            let carried = child::watched(|| run(&mut core, relay(&a, &b))).unwrap();
            assert_eq!(carried.a_to_b, 1 << 20);
            sending.join().unwrap();
            assert!(hearing.join().unwrap().unwrap() == sent);
        },
    );
    if let Some(trace) = trace {
        assert_eq!(trace.calls("sendto"), 0);
        // Each way asks once more whether that is really the end.
        assert_eq!(trace.calls("recvfrom") + trace.calls("recvmsg"), 2);
        assert!(trace.calls("splice") >= 4);
    }
}

/// `calls` are those that fail, as strace counts them: the first of a thread is number 1.
fn refused(test: &str, calls: &str) {
    let inject = format!("inject=splice:error=EINVAL:when={calls}");
    let options = ["-e", "trace=splice", "-e", &inject];
    let trace = child::traced(test, &options, || {
        every_byte::<Tcp, Tcp>();
        every_byte::<Tcp, Unix>();
        every_byte::<Unix, Tcp>();
    });
    if let Some(trace) = trace {
        assert!(trace.lines("(INJECTED)") >= 1);
    }
}

#[test]
fn where_the_system_refuses_from_the_start_every_byte_goes_through_buffers() {
    let test = "where_the_system_refuses_from_the_start_every_byte_goes_through_buffers";
    refused(test, "1+");
}

/// The second call is the one that gives what the first has taken: the bytes are in the pipe.
#[test]
fn where_the_system_refuses_with_bytes_in_the_pipe_none_is_lost() {
    let test = "where_the_system_refuses_with_bytes_in_the_pipe_none_is_lost";
    refused(test, "2+");
}

#[test]
fn where_the_system_refuses_now_and_then_no_byte_is_lost() {
    let test = "where_the_system_refuses_now_and_then_no_byte_is_lost";
    refused(test, "7+5");
}

#[test]
fn interrupted_splices_are_tried_again() {
    let test = "interrupted_splices_are_tried_again";
    let options = [
        "-e",
        "trace=splice",
        "-e",
        "inject=splice:error=EINTR:when=1+3",
    ];
    let trace = child::traced(test, &options, every_byte::<Tcp, Tcp>);
    if let Some(trace) = trace {
        assert!(trace.lines("(INJECTED)") >= 1);
    }
}

/// There is no descriptor for a pipe. With the next bytes there may be one again.
#[test]
fn without_descriptors_for_a_pipe_it_carries_all_the_same() {
    let test = "without_descriptors_for_a_pipe_it_carries_all_the_same";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let (a, client) = Tcp::connection(&core.handle());
        let (b, server) = Tcp::connection(&core.handle());
        let sent = bytes(5, 1 << 20);
        let (sending, hearing) = (sends(&client, sent.clone()), hears(&server));
        server.end();
        let (ballast, _) = common::use_descriptors_up(0);
        let carried = run(&mut core, relay(&a, &b)).unwrap();
        drop(ballast);
        assert_eq!(carried.a_to_b, 1 << 20);
        sending.join().unwrap();
        assert!(hearing.join().unwrap().unwrap() == sent);
    });
}

/// Small messages with pauses: the relay parks after each.
#[test]
fn messages_are_passed_on_one_by_one() {
    let mut core = Core::new().unwrap();
    let (a, mut client) = Tcp::connection(&core.handle());
    let (b, mut server) = Unix::connection(&core.handle());
    let talk = thread::spawn(move || {
        for length in 1..200 {
            let question = bytes(length, length as usize);
            client.write_all(&question).unwrap();
            let mut heard = vec![0; question.len()];
            server.read_exact(&mut heard).unwrap();
            assert_eq!(heard, question);
            server.write_all(&heard[..1]).unwrap();
            client.read_exact(&mut heard[..1]).unwrap();
        }
    });
    let carried = run(&mut core, relay(&a, &b)).unwrap();
    talk.join().unwrap();
    assert_eq!((carried.a_to_b, carried.b_to_a), (199 * 200 / 2, 199));
}

/// The urgent byte is not for those who read the stream; those around it are.
#[track_caller]
fn around_urgent_data(pause: bool) {
    let mut core = Core::new().unwrap();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, server) = Tcp::connection(&core.handle());
    let relaying = core.spawner().spawn(async move { relay(&a, &b).await });
    if pause {
        settle(&mut core);
    }
    let socket = socket2::SockRef::from(&client);
    socket.send(b"before").unwrap();
    socket.send_out_of_band(b"!").unwrap();
    socket.send(b"behind").unwrap();
    client.end();
    server.end();
    let hearing = hears(&server);
    let carried = run(&mut core, relaying).unwrap().unwrap();
    assert_eq!(carried.a_to_b, 12);
    assert_eq!(hearing.join().unwrap().unwrap(), b"beforebehind");
}

#[test]
fn what_is_behind_urgent_data_is_not_taken_for_the_end() {
    around_urgent_data(false);
    around_urgent_data(true);
}

/// As above, but nothing more comes that could wake the relay again.
#[test]
fn what_is_behind_urgent_data_needs_no_other_event() {
    for pause in [false, true] {
        let mut core = Core::new().unwrap();
        let (a, client) = Tcp::connection(&core.handle());
        let (b, mut server) = Tcp::connection(&core.handle());
        let relaying = core.spawner().spawn(async move { relay(&a, &b).await });
        if pause {
            settle(&mut core);
        }
        let socket = socket2::SockRef::from(&client);
        socket.send(b"before").unwrap();
        socket.send_out_of_band(b"!").unwrap();
        socket.send(b"behind").unwrap();
        let hearing = thread::spawn(move || {
            let mut heard = [0; 12];
            server.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"beforebehind");
        });
        turn_until(&mut core, || hearing.is_finished());
        hearing.join().unwrap();
        relaying.abort();
    }
}

#[test]
fn a_relay_that_waits_for_bytes_holds_no_pipe_and_costs_nothing() {
    let test = "a_relay_that_waits_for_bytes_holds_no_pipe_and_costs_nothing";
    child::alone(test, || {
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
    let filled = common::fill_unix(&b);
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
    let test = "with_a_size_no_more_than_that_is_on_the_way_in_buffers_either";
    let options = ["-e", "inject=splice:error=EINVAL:when=1+"];
    let trace = child::traced(test, &options, keeps_to_its_size);
    assert!(trace.is_none_or(|trace| trace.lines("INJECTED") >= 1));
}

/// Together with what went through they are all that was sent.
#[test]
fn a_relay_that_is_dropped_tells_what_is_lost_with_it() {
    let mut core = Core::new().unwrap();
    let (a, mut client) = Tcp::connection(&core.handle());
    let (b, server) = Unix::connection(&core.handle());
    let filled = common::fill_unix(&b);
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

/// Whoever reads without asking for them gets none; neither does the relay keep any.
#[test]
fn descriptors_that_come_with_the_bytes_are_closed_and_the_bytes_go_on() {
    let test = "descriptors_that_come_with_the_bytes_are_closed_and_the_bytes_go_on";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let (a, client) = net::UnixStream::pair(&core.handle()).unwrap();
        let (b, server) = Unix::connection(&core.handle());
        let relaying = core.spawner().spawn(async move { relay(&a, &b).await });
        settle(&mut core);
        let passed = [std::io::stdin(), std::io::stdin()];
        let (before, mut hearing) = (open_descriptors(), server.again());
        for round in 0..50 {
            let message = [round; 10];
            let fds = passed.each_ref().map(AsFd::as_fd);
            let sending = io_traits::task::io(|| client.send_with_fds(&message, &fds));
            assert_eq!(run(&mut core, sending).unwrap(), 10);
            let mut plain = &client;
            run(&mut core, io_traits::io::write_all(&mut plain, &message)).unwrap();
        }
        client.shutdown(std::net::Shutdown::Write).unwrap();
        server.end();
        let carried = run(&mut core, relaying).unwrap().unwrap();
        assert_eq!(carried.a_to_b, 1000);
        let mut heard = Vec::new();
        hearing.read_to_end(&mut heard).unwrap();
        let expected: Vec<u8> = (0..50).flat_map(|round| [round; 20]).collect();
        assert_eq!(heard, expected);
        // A pipe in the pool, and no hundred descriptors of somebody.
        let after = open_descriptors();
        assert!(after <= before + 2, "{before} and then {after}");
    });
}

#[test]
fn relays_that_end_or_are_dropped_leave_no_descriptor_and_no_slot() {
    let test = "relays_that_end_or_are_dropped_leave_no_descriptor_and_no_slot";
    child::alone(test, || {
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
                        common::fill_unix(&b);
                        client.write_all(b"lost").unwrap();
                        let mut relaying = relay(&a, &b);
                        turn_until(&mut core, || {
                            assert!(poll_once(&mut relaying).is_pending());
                            relaying.unwritten(Way::AToB) > 0
                        });
                    }
                    // Ended by a reset.
                    _ => {
                        common::reset(client);
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

/// A watch that writes everything down.
#[derive(Debug, Clone, Default)]
struct Looking(Rc<Notes>);

#[derive(Debug, Default)]
struct Notes {
    carried: Cell<[u64; 2]>,
    ended: RefCell<Vec<Way>>,
}

impl Watch for Looking {
    fn carried(&mut self, way: Way, bytes: usize) {
        let mut carried = self.0.carried.get();
        carried[usize::from(way == Way::BToA)] += bytes as u64;
        self.0.carried.set(carried);
    }

    fn ended(&mut self, way: Way) {
        self.0.ended.borrow_mut().push(way);
    }
}

#[test]
fn a_watch_hears_of_every_byte_and_of_both_ends() {
    let mut core = Core::new().unwrap();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, server) = Tcp::connection(&core.handle());
    let sending = [
        sends(&client, bytes(1, 300_000)),
        sends(&server, bytes(2, 700)),
    ];
    let hearing = [hears(&client), hears(&server)];
    let notes = Rc::new(Notes::default());
    run(&mut core, relay(&a, &b).watch(Looking(notes.clone()))).unwrap();
    sending.into_iter().for_each(|one| one.join().unwrap());
    hearing
        .into_iter()
        .for_each(|one| drop(one.join().unwrap()));
    assert_eq!(notes.carried.get(), [300_000, 700]);
    let ended = notes.ended.take();
    assert_eq!(ended.len(), 2);
    assert_ne!(ended[0], ended[1]);
}

/// Two tasks on two cores, with the same sockets.
#[test]
fn each_way_may_have_a_task_and_a_core_of_its_own() {
    let mut core = Core::new().unwrap();
    let elsewhere = common::Elsewhere::new();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, server) = Tcp::connection(&core.handle());
    let sockets = Arc::new((a, b));
    let (there, back) = (bytes(1, MANY), bytes(2, MANY));
    let sending = [sends(&client, there.clone()), sends(&server, back.clone())];
    let (heard_there, heard_back) = (hears(&server), hears(&client));
    let same = sockets.clone();
    let way_back = elsewhere
        .handle
        .spawn(async move { relay_one_way(&same.1, &same.0).await });
    let way_there = run(&mut core, relay_one_way(&sockets.0, &sockets.1));
    assert_eq!(way_there.unwrap(), MANY as u64);
    assert_eq!(run(&mut core, way_back).unwrap().unwrap(), MANY as u64);
    sending.into_iter().for_each(|one| one.join().unwrap());
    assert!(heard_there.join().unwrap().unwrap() == there);
    assert!(heard_back.join().unwrap().unwrap() == back);
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
}

/// It can be named, and is for other generic code.
#[test]
fn generic_code_can_ask_for_what_can_be_relayed() {
    fn both<S: Relayed + AsFd>(_: &S) {}
    let core = Core::new().unwrap();
    both(&Tcp::connection(&core.handle()).0);
    both(&Unix::connection(&core.handle()).0);
}
