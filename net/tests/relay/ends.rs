//! How a relay ends: by the ends of its sockets, by an error that tells where, by a limit.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    io::{self, ErrorKind, Read, Write},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures::channel::oneshot;
use io_traits::io::{Watch, Way};
use net::{RelayError, relay, relay_one_way};
use reactor::{Core, Direction, Elapsed};

use crate::{
    common::{assert_idle, child, path_of, reset, run, settle, turn_until},
    relayed::{Kind, Peer, Tcp, Unix, bytes, hears, sends},
};

/// Longer than the tests run.
const NEVER: Duration = Duration::from_secs(3_600);

/// The first end leaves the other way open; `Way` is the one that ends first.
#[track_caller]
fn half_close<A: Kind, B: Kind>(first: Way) {
    let mut core = Core::new().unwrap();
    let (a, client) = A::connection(&core.handle());
    let (b, server) = B::connection(&core.handle());
    let talk = std::thread::spawn(move || match first {
        Way::AToB => farewell(client, server),
        Way::BToA => farewell(server, client),
    });
    let carried = run(&mut core, relay(&a, &b)).unwrap();
    talk.join().unwrap();
    let expected = match first {
        Way::AToB => (7, 10),
        Way::BToA => (10, 7),
    };
    assert_eq!((carried.a_to_b, carried.b_to_a), expected);
}

/// `first` says all it has to say, and hears the other all the same.
fn farewell(mut first: impl Peer, mut second: impl Peer) {
    first.write_all(b"goodbye").unwrap();
    first.end();
    let mut heard = Vec::new();
    second.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"goodbye");
    second.write_all(b"still ").unwrap();
    let mut heard = [0; 6];
    first.read_exact(&mut heard).unwrap();
    second.write_all(b"here").unwrap();
    second.end();
    let mut heard = Vec::new();
    first.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"here");
}

#[test]
fn the_end_of_either_way_leaves_the_other_open() {
    for first in [Way::AToB, Way::BToA] {
        half_close::<Tcp, Tcp>(first);
        half_close::<Tcp, Unix>(first);
        half_close::<Unix, Tcp>(first);
        half_close::<Unix, Unix>(first);
    }
}

/// An end that is passed on is no event that comes again.
#[test]
fn a_relay_of_which_one_way_has_ended_costs_nothing() {
    let mut core = Core::new().unwrap();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, mut server) = Tcp::connection(&core.handle());
    client.end();
    let relaying = core.spawner().spawn(async move { relay(&a, &b).await });
    settle(&mut core);
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    settle(&mut core);
    assert_idle(&mut core);
    server.end();
    assert!(!run(&mut core, relaying).unwrap().unwrap().stopped);
}

#[test]
fn with_close_both_the_first_end_ends_both_and_loses_nothing() {
    for first in [Way::AToB, Way::BToA] {
        let mut core = Core::new().unwrap();
        let (a, client) = Tcp::connection(&core.handle());
        let (b, server) = Tcp::connection(&core.handle());
        let sent = bytes(1, 1_000_000);
        let (ends, hears_only) = match first {
            Way::AToB => (&client, &server),
            Way::BToA => (&server, &client),
        };
        let sending = sends(ends, sent.clone());
        let (heard, nothing) = (hears(hears_only), hears(ends));
        let carried = run(&mut core, relay(&a, &b).close_both()).unwrap();
        assert!(!carried.stopped);
        sending.join().unwrap();
        assert!(heard.join().unwrap().unwrap() == sent);
        assert_eq!(nothing.join().unwrap().unwrap(), b"");
    }
}

/// What the other way has taken from its socket is still given.
#[test]
fn with_close_both_what_was_taken_is_still_given() {
    let mut core = Core::new().unwrap();
    let (a, client) = Unix::connection(&core.handle());
    let (b, mut server) = Tcp::connection(&core.handle());
    // The way to the client is full.
    let filled = crate::common::fill_unix(&a);
    server.write_all(b"taken").unwrap();
    let mut relaying = relay(&a, &b).close_both();
    run(
        &mut core,
        poll_fn(|cx| {
            assert!(Pin::new(&mut relaying).poll(cx).is_pending());
            match relaying.unwritten(Way::BToA) {
                0 => Poll::Pending,
                _ => Poll::Ready(()),
            }
        }),
    );
    client.end();
    let hearing = hears(&client);
    let carried = run(&mut core, relaying).unwrap();
    assert_eq!(carried.b_to_a, 5);
    let heard = hearing.join().unwrap().unwrap();
    assert_eq!(&heard[filled..], b"taken");
}

#[track_caller]
fn place(error: &io::Error) -> (Way, Direction) {
    let error = RelayError::source_of(error).unwrap_or_else(|| panic!("{error:?}"));
    (error.way(), error.direction())
}

/// With bytes under way in both ways.
#[test]
fn a_reset_in_the_middle_ends_it_and_tells_which_socket() {
    for who in [Way::AToB, Way::BToA] {
        let mut core = Core::new().unwrap();
        let (a, client) = Tcp::connection(&core.handle());
        let (b, server) = Tcp::connection(&core.handle());
        let (dies, lives) = match who {
            Way::AToB => (client, server),
            Way::BToA => (server, client),
        };
        let (mut writer, mut reader) = (lives.again(), lives);
        let flood = std::thread::spawn(move || {
            // Until the relay is gone.
            while writer.write(&[7; 65_536]).is_ok() {}
        });
        let mut dying = dies.again();
        let death = std::thread::spawn(move || {
            dying.write_all(&[8; 100_000]).unwrap();
            dying.read_exact(&mut [0; 1_000_000]).unwrap();
            drop(dying);
            reset(dies);
        });
        let error = run(&mut core, relay(&a, &b)).unwrap_err();
        assert!(
            [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind()),
            "{error:?}"
        );
        let socket = match place(&error) {
            (Way::AToB, Direction::Read) | (Way::BToA, Direction::Write) => Way::AToB,
            _ => Way::BToA,
        };
        assert_eq!(socket, who, "{error}");
        death.join().unwrap();
        drop((a, b));
        flood.join().unwrap();
        // What had gone through before is all there.
        let mut heard = Vec::new();
        let _ = reader.read_to_end(&mut heard);
        assert!(heard.iter().all(|&byte| byte == 8));
    }
}

#[test]
fn a_reader_that_fails_is_told_from_a_writer_that_fails() {
    // Nothing to be written: the reset is read.
    let mut core = Core::new().unwrap();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, _server) = Tcp::connection(&core.handle());
    reset(client);
    let error = run(&mut core, relay(&a, &b)).unwrap_err();
    assert_eq!(place(&error), (Way::AToB, Direction::Read));
    assert!(error.to_string().starts_with("reading from a: "), "{error}");
    // Only one way, and its writer's peer has gone: the write says so.
    let (a, mut client) = Tcp::connection(&core.handle());
    let (b, server) = Unix::connection(&core.handle());
    drop(server);
    client.write_all(b"to nobody").unwrap();
    let error = run(&mut core, relay_one_way(&a, &b)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(place(&error), (Way::AToB, Direction::Write));
    assert!(error.to_string().starts_with("writing to b: "), "{error}");
}

/// A process that has not said what SIGPIPE means to it is not killed by a splice.
#[test]
fn a_peer_that_has_gone_kills_nobody_even_where_sigpipe_would() {
    let test = path_of(
        module_path!(),
        "a_peer_that_has_gone_kills_nobody_even_where_sigpipe_would",
    );
    child::alone(&test, || {
        // SAFETY: the default is what every process starts with.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let mut core = Core::new().unwrap();
        let (a, mut client) = Tcp::connection(&core.handle());
        let (b, server) = Unix::connection(&core.handle());
        drop(server);
        client.write_all(b"to nobody").unwrap();
        let error = run(&mut core, relay_one_way(&a, &b)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn what_goes_on_for_too_long_after_the_first_end_is_stopped() {
    let mut core = Core::new().unwrap();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, mut server) = Tcp::connection(&core.handle());
    client.end();
    server.write_all(b"lingers").unwrap();
    let relaying = relay(&a, &b).linger(Duration::from_millis(20));
    let carried = run(&mut core, relaying).unwrap();
    assert!(carried.stopped);
    assert_eq!(carried.b_to_a, 7);
}

#[test]
fn nobody_lingers_before_the_first_end() {
    let mut core = Core::new().unwrap();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, server) = Tcp::connection(&core.handle());
    let handle = core.handle();
    let began_to_end = Cell::new(false);
    let relaying = async {
        let carried = relay(&a, &b).linger(Duration::ZERO).await;
        assert!(began_to_end.get(), "{carried:?}");
    };
    let ending = async {
        handle.sleep(Duration::from_millis(20)).await.unwrap();
        began_to_end.set(true);
        client.end();
    };
    run(&mut core, async { futures::join!(relaying, ending) });
    drop(server);
}

#[test]
fn an_idle_relay_ends_with_its_limit() {
    let mut core = Core::new().unwrap();
    let (a, mut client) = Tcp::connection(&core.handle());
    let (b, _server) = Tcp::connection(&core.handle());
    client.write_all(b"and nothing more").unwrap();
    let mut relaying = relay(&a, &b).idle_limit(Duration::from_millis(20));
    let error = run(&mut core, &mut relaying).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.get_ref().unwrap().is::<Elapsed>());
    assert!(RelayError::source_of(&error).is_none());
    assert_eq!(relaying.carried().a_to_b, 16);
}

/// All of it takes longer than the limit, and no pause does.
#[test]
fn a_relay_that_carries_something_now_and_then_is_not_idle() {
    let mut core = Core::new().unwrap();
    let (a, mut client) = Tcp::connection(&core.handle());
    let (b, server) = Tcp::connection(&core.handle());
    let handle = core.handle();
    let talk = async {
        for _ in 0..20 {
            handle.sleep(Duration::from_millis(100)).await.unwrap();
            client.write_all(b"x").unwrap();
        }
        (client.end(), server.end())
    };
    // Long enough for a machine that is busy with other things.
    let relaying = relay(&a, &b).idle_limit(Duration::from_millis(1_700));
    let (carried, _) = run(&mut core, async { futures::join!(relaying, talk) });
    assert_eq!(carried.unwrap().a_to_b, 20);
}

#[test]
fn limits_that_are_never_over_change_nothing() {
    let mut core = Core::new().unwrap();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, server) = Tcp::connection(&core.handle());
    let sending = sends(&client, bytes(1, 100_000));
    let hearing = hears(&server);
    server.end();
    let relaying = relay(&a, &b).idle_limit(Duration::MAX).linger(NEVER);
    let carried = run(&mut core, relaying).unwrap();
    assert_eq!((carried.a_to_b, carried.stopped), (100_000, false));
    sending.join().unwrap();
    assert_eq!(hearing.join().unwrap().unwrap().len(), 100_000);
}

/// A watch that ends the relay when it is told to.
struct Until(oneshot::Receiver<io::Result<()>>);

impl Watch for Until {
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll(cx).map(Result::unwrap)
    }
}

#[test]
fn a_watch_can_end_it_in_good_order_or_with_an_error() {
    for says in [Ok(()), Err(ErrorKind::QuotaExceeded)] {
        let mut core = Core::new().unwrap();
        let sockets = Rc::new((
            Tcp::connection(&core.handle()),
            Tcp::connection(&core.handle()),
        ));
        let (end, until) = oneshot::channel();
        let same = sockets.clone();
        let relaying = core.spawner().spawn(async move {
            let ((a, _), (b, _)) = &*same;
            relay(a, b).watch(Until(until)).await
        });
        settle(&mut core);
        assert!(!relaying.is_finished());
        end.send(says.map_err(io::Error::from)).unwrap();
        let ended = run(&mut core, relaying).unwrap();
        match says {
            Ok(()) => assert!(ended.unwrap().stopped),
            Err(kind) => assert_eq!(ended.unwrap_err().kind(), kind),
        }
    }
}

/// The reader has ended while the writer takes nothing: nothing is lost, and the end comes last.
#[test]
fn an_end_behind_bytes_that_cannot_be_given_yet_waits_for_them() {
    let mut core = Core::new().unwrap();
    let (a, client) = Tcp::connection(&core.handle());
    let (b, server) = Unix::connection(&core.handle());
    let filled = crate::common::fill_unix(&b);
    let sent = bytes(4, 30_000);
    sends(&client, sent.clone()).join().unwrap();
    let relaying = core
        .spawner()
        .spawn(async move { relay_one_way(&a, &b).await });
    settle(&mut core);
    assert_idle(&mut core);
    let hearing = hears(&server);
    turn_until(&mut core, || hearing.is_finished());
    assert!(hearing.join().unwrap().unwrap()[filled..] == sent);
    assert_eq!(run(&mut core, relaying).unwrap().unwrap(), 30_000);
}
