//! What goes through a relay comes out of it: every byte, both ways, between all kinds of sockets.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    os::fd::AsFd,
    rc::Rc,
    sync::Arc,
    thread,
};

use io_traits::io::{Watch, Way};
use net::{Relayed, relay, relay_one_way};
use reactor::Core;

use crate::{
    common::{Elsewhere, child, open_descriptors, path_of, run, settle, turn_until},
    relayed::{Kind, MANY, Peer, Tcp, Unix, bytes, every_byte, hears, sends},
};

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

/// Whoever reads without asking for them gets none; neither does the relay keep any.
#[test]
fn descriptors_that_come_with_the_bytes_are_closed_and_the_bytes_go_on() {
    let test = path_of(
        module_path!(),
        "descriptors_that_come_with_the_bytes_are_closed_and_the_bytes_go_on",
    );
    child::alone(&test, || {
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
    let elsewhere = Elsewhere::new();
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

/// It can be named, and is for other generic code.
#[test]
fn generic_code_can_ask_for_what_can_be_relayed() {
    fn both<S: Relayed + AsFd>(_: &S) {}
    let core = Core::new().unwrap();
    both(&Tcp::connection(&core.handle()).0);
    both(&Unix::connection(&core.handle()).0);
}
