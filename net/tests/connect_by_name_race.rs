//! Several addresses, of which some refuse, some never answer and one is the first to answer.

mod by_name;
mod common;

use std::{
    error::Error,
    io::{self, ErrorKind},
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
    time::Duration,
};

use by_name::{Always, Begun, NEVER, Silent, answering, has_v6, refusing, v4, v6};
use common::{
    CountWakes, Elsewhere, assert_gone, block_on, child, open_descriptors, poll_with, ready_err,
    run, turn_until, use_descriptors_up,
};
use futures::FutureExt;
use io_traits::io as async_io;
use net::{ConnectError, Connector};
use reactor::Core;

/// A stagger that is over soon.
const SOON: Duration = Duration::from_millis(20);

/// A limit that is over in a while: whoever answers at all has answered by then.
const LATER: Duration = Duration::from_millis(300);

/// What the error of a connection says: of each attempt the address and the kind of its error.
#[track_caller]
fn attempts(error: &io::Error) -> Vec<(SocketAddr, ErrorKind)> {
    let error = ConnectError::source_of(error).unwrap_or_else(|| panic!("{error:?}"));
    error
        .attempts()
        .map(|(addr, error)| (addr, error.kind()))
        .collect()
}

#[test]
fn a_name_leads_to_a_connection_that_works() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = answering(v4());
    let connector =
        Connector::new(&core.handle()).resolve_with(Always(vec!["127.0.0.1:1".parse().unwrap()]));
    let target = format!("a.example:{}", addr.port());
    let mut stream = run(&mut core, connector.connect(&target)).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addr);
    let mut peer = listener.accept().unwrap().0;
    run(&mut core, async_io::write_all(&mut stream, b"hello")).unwrap();
    let mut buf = [0; 5];
    io::Read::read_exact(&mut peer, &mut buf).unwrap();
    assert_eq!(&buf, b"hello");
}

#[test]
fn an_address_that_is_silent_costs_a_stagger_and_not_its_limit() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let silent = Silent::new(v4());
    let (_listener, addr) = answering(v4());
    // Its limits are beyond the end of the test, so the connection is the proof.
    let (connector, begun) = Begun::connector(&handle);
    let connecting = connector.stagger(SOON).connect_any(&[silent.addr, addr]);
    let stream = run(&mut core, connecting).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addr);
    assert_eq!(begun.addrs(), [silent.addr, addr]);
    // The first was still trying when the second began, and is gone now.
    assert_eq!(begun.all()[1].others, 1);
    assert_eq!(handle.metrics().registered, 1);
}

#[test]
fn the_stagger_is_250_ms_and_what_is_set_is_never_less_than_10() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let silent = Silent::new(v4());
    let (_listener, addr) = answering(v4());
    let (connector, begun) = Begun::connector(&handle);
    for (connector, at_least) in [
        (connector.clone(), 250),
        (connector.stagger(Duration::ZERO), 10),
    ] {
        let before = begun.len();
        run(&mut core, connector.connect_any(&[silent.addr, addr])).unwrap();
        let all = begun.all();
        let between = all[before + 1].at - all[before].at;
        assert!(between >= Duration::from_millis(at_least), "{between:?}");
    }
}

#[test]
fn an_address_that_refuses_is_followed_by_the_next_at_once() {
    let mut core = Core::new().unwrap();
    let (_one, refusing_one) = refusing(v4());
    let (_two, refusing_two) = refusing(v4());
    let (_listener, addr) = answering(v4());
    let (connector, begun) = Begun::connector(&core.handle());
    let addrs = [refusing_one, refusing_two, addr];
    let connecting = connector.stagger(NEVER).connect_any(&addrs);
    let stream = run(&mut core, connecting).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addr);
    assert_eq!(begun.addrs(), addrs);
}

#[test]
fn an_attempt_that_is_over_its_limit_is_followed_by_the_next_at_once() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let silent = Silent::new(v4());
    let (_listener, addr) = answering(v4());
    let (connector, begun) = Begun::connector(&handle);
    let connector = connector.stagger(NEVER).attempt_limit(LATER);
    let stream = run(&mut core, connector.connect_any(&[silent.addr, addr])).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addr);
    // The first was given up before the second began.
    assert_eq!(begun.all()[1].others, 0);
}

#[test]
fn nothing_is_tried_after_the_first_has_answered() {
    let mut core = Core::new().unwrap();
    let (_one, first) = answering(v4());
    let (two, second) = answering(v4());
    let (connector, begun) = Begun::connector(&core.handle());
    let connecting = connector.stagger(NEVER).connect_any(&[first, second]);
    let stream = run(&mut core, connecting).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), first);
    assert_eq!(begun.addrs(), [first]);
    two.set_nonblocking(true).unwrap();
    assert_eq!(two.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// The first one goes on while others are tried, and may still win.
#[test]
fn the_first_that_answers_wins_however_late_it_is() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let slow = Silent::new(v4());
    let silent = [Silent::new(v4()), Silent::new(v4())];
    let (connector, begun) = Begun::connector(&handle);
    let addrs = [slow.addr, silent[0].addr, silent[1].addr];
    let connecting = connector.stagger(SOON).connect_any(&addrs);
    let connecting = core.spawner().spawn(connecting);
    turn_until(&mut core, || begun.len() == 3);
    slow.answer();
    let stream = run(&mut core, connecting).unwrap().unwrap();
    assert_eq!(stream.peer_addr().unwrap(), slow.addr);
    assert_eq!(handle.metrics().registered, 1);
}

/// Both events have come when the task is polled; the failure is met first.
#[test]
fn a_failure_and_an_answer_at_one_time_are_a_connection() {
    let mut core = Core::new().unwrap();
    let (failing, answering) = (Silent::new(v4()), Silent::new(v4()));
    let (connector, begun) = Begun::connector(&core.handle());
    let addrs = [failing.addr, answering.addr];
    let mut connecting = connector.stagger(SOON).connect_any(&addrs);
    let (count, waker) = CountWakes::new();
    turn_until(&mut core, || {
        assert!(poll_with(&mut connecting, &waker).is_pending());
        begun.len() == 2
    });
    let before = count.get();
    // The system tries again after a second, and is refused by the one and taken in by the other.
    drop(failing);
    answering.answer();
    turn_until(&mut core, || count.get() >= before + 2);
    let Poll::Ready(stream) = poll_with(&mut connecting, &waker) else {
        panic!("pending, and nobody will wake the task");
    };
    assert_eq!(stream.unwrap().peer_addr().unwrap(), addrs[1]);
}

#[test]
fn the_families_take_turns() {
    if !has_v6("the_families_take_turns") {
        return;
    }
    let mut core = Core::new().unwrap();
    let sixes: Vec<_> = (0..3).map(|_| refusing(v6())).collect();
    let fours: Vec<_> = (0..2).map(|_| refusing(v4())).collect();
    let (six, four) = (|i: usize| sixes[i].1, |i: usize| fours[i].1);
    let (connector, begun) = Begun::connector(&core.handle());
    let addrs = [six(0), six(1), six(2), four(0), four(1)];
    run(&mut core, connector.connect_any(&addrs)).unwrap_err();
    assert_eq!(begun.addrs(), [six(0), four(0), six(1), four(1), six(2)]);
}

#[test]
fn when_all_refuse_the_error_has_each_in_order_with_its_code() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let refused: Vec<_> = (0..300).map(|_| refusing(v4())).collect();
    let addrs: Vec<_> = refused.iter().map(|(_, addr)| *addr).collect();
    let (connector, _) = Begun::connector(&handle);
    let connecting = connector.stagger(NEVER).connect_any(&addrs);
    let error = run(&mut core, connecting).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let all = ConnectError::source_of(&error).unwrap();
    assert!(all.attempts().map(|(addr, _)| addr).eq(addrs));
    for (_, error) in all.attempts() {
        assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
    }
    assert!(all.not_tried().is_empty());
    assert_eq!(handle.metrics().registered, 0);
}

#[test]
fn refusals_and_silence_mixed_are_each_told_as_what_they_are() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let silent = [Silent::new(v4()), Silent::new(v4())];
    let (_one, refusing_one) = refusing(v4());
    let (_two, refusing_two) = refusing(v4());
    let addrs = [silent[0].addr, refusing_one, silent[1].addr, refusing_two];
    let (connector, _) = Begun::connector(&handle);
    let connector = connector.stagger(SOON).attempt_limit(LATER);
    let error = run(&mut core, connector.connect_any(&addrs)).unwrap_err();
    assert_eq!(
        attempts(&error),
        [
            (silent[0].addr, ErrorKind::TimedOut),
            (refusing_one, ErrorKind::ConnectionRefused),
            (silent[1].addr, ErrorKind::TimedOut),
            (refusing_two, ErrorKind::ConnectionRefused),
        ]
    );
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(source.raw_os_error(), Some(libc::ECONNREFUSED));
    assert_eq!(handle.metrics().registered, 0);
}

#[test]
fn the_limit_for_everything_ends_what_runs_and_tells_what_was_not_tried() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (_one, refusing) = refusing(v4());
    let silent = Silent::new(v4());
    let (_listener, addr) = answering(v4());
    let (connector, _) = Begun::connector(&handle);
    let connector = connector.stagger(NEVER).limit(LATER);
    let connecting = connector.connect_any(&[refusing, silent.addr, addr]);
    let error = run(&mut core, connecting).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(
        attempts(&error),
        [
            (refusing, ErrorKind::ConnectionRefused),
            (silent.addr, ErrorKind::TimedOut)
        ]
    );
    assert_eq!(ConnectError::source_of(&error).unwrap().not_tried(), [addr]);
    assert_eq!(handle.metrics().registered, 0);
}

#[test]
fn the_error_names_the_target_and_every_address() {
    let mut core = Core::new().unwrap();
    let (_socket, addr) = refusing(v4());
    let connector = Connector::new(&core.handle()).resolve_with(Always(vec![addr]));
    let target = format!("a.example:{}", addr.port());
    let error = run(&mut core, connector.connect(&target)).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&target) && text.contains(&addr.to_string()),
        "{text}"
    );
    let source = ConnectError::source_of(&error).unwrap();
    assert_eq!(source.target(), Some(&*target));
}

#[test]
fn no_address_at_all_is_invalid_input() {
    let mut core = Core::new().unwrap();
    let connecting = Connector::new(&core.handle()).connect_any(&[]);
    let error = run(&mut core, connecting).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(attempts(&error).is_empty());
}

#[test]
fn dropping_the_future_ends_every_attempt_and_leaks_no_descriptor() {
    let test = "dropping_the_future_ends_every_attempt_and_leaks_no_descriptor";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let silent: Vec<_> = (0..3).map(|_| Silent::new(v4())).collect();
        let addrs: Vec<_> = silent.iter().map(|silent| silent.addr).collect();
        let descriptors = open_descriptors();
        for running in (0..=3).cycle().take(20) {
            let (connector, begun) = Begun::connector(&handle);
            let connecting = connector.stagger(SOON).connect_any(&addrs);
            let task = core.spawner().spawn(connecting);
            if running > 0 {
                turn_until(&mut core, || begun.len() >= running);
                assert_eq!(handle.metrics().registered, begun.len() as u64);
            }
            task.abort();
            assert!(run(&mut core, task).is_err());
            assert_eq!(handle.metrics().registered, 0);
            assert_eq!(open_descriptors(), descriptors);
        }
        assert_eq!(core.next_deadline(), None, "a timer is left");
    });
}

#[test]
fn winning_losing_and_giving_up_leak_no_descriptor() {
    let test = "winning_losing_and_giving_up_leak_no_descriptor";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let silent = Silent::new(v4());
        let (listener, addr) = answering(v4());
        let (_socket, refusing) = refusing(v4());
        let (connector, _) = Begun::connector(&handle);
        let connector = connector.stagger(SOON);
        let descriptors = open_descriptors();
        for _ in 0..10 {
            let won = connector.connect_any(&[silent.addr, refusing, addr]);
            drop(run(&mut core, won).unwrap());
            drop(listener.accept().unwrap());
            let lost = connector.clone().attempt_limit(SOON);
            run(&mut core, lost.connect_any(&[silent.addr, refusing])).unwrap_err();
            let late = connector.clone().limit(SOON);
            run(&mut core, late.connect_any(&[silent.addr, refusing])).unwrap_err();
        }
        assert_eq!(handle.metrics().registered, 0);
        assert_eq!(open_descriptors(), descriptors);
        assert_eq!(core.next_deadline(), None, "a timer is left");
    });
}

#[test]
fn without_descriptors_every_attempt_says_so_and_later_it_works() {
    let test = "without_descriptors_every_attempt_says_so_and_later_it_works";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (_one, first) = answering(v4());
        let (_two, second) = answering(v4());
        let connector = Connector::new(&handle);
        let (ballast, _) = use_descriptors_up(0);
        let connecting = connector.connect_any(&[first, second]);
        let error = run(&mut core, connecting).unwrap_err();
        let all = ConnectError::source_of(&error).unwrap();
        assert_eq!(all.attempts().len(), 2);
        for (_, error) in all.attempts() {
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        }
        drop(ballast);
        run(&mut core, connector.connect_any(&[first, second])).unwrap();
    });
}

#[test]
fn a_connection_in_the_making_whose_core_is_dropped_says_so() {
    let mut core = Core::new().unwrap();
    let silent = [Silent::new(v4()), Silent::new(v4())];
    let (connector, begun) = Begun::connector(&core.handle());
    let mut connecting = connector.connect_any(&[silent[0].addr, silent[1].addr]);
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut connecting, &waker).is_pending());
    core.turn(Some(Duration::ZERO)).unwrap();
    drop(core);
    count.wait_for(1);
    assert_gone::<()>(Err(ready_err(poll_with(&mut connecting, &waker))));
    assert_eq!(begun.len(), 1);
    // A new one hears the same, although its first attempt is the one that meets it.
    let mut another = connector.connect_any(&[silent[0].addr, silent[1].addr]);
    assert_gone::<()>(Err(ready_err(poll_with(&mut another, &waker))));
}

#[test]
fn it_works_on_a_foreign_executor() {
    let mut elsewhere = Elsewhere::new();
    let silent = Silent::new(v4());
    let (_listener, addr) = answering(v4());
    let (connector, _) = Begun::connector(&elsewhere.handle);
    let connecting = connector.stagger(SOON).connect_any(&[silent.addr, addr]);
    let stream = block_on(connecting).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addr);
    drop(stream);
    elsewhere.stop();
}

#[test]
fn many_races_at_once_end_each_with_its_own_winner() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let silent = Silent::new(v4());
    let listeners: Vec<_> = (0..50).map(|_| answering(v4())).collect();
    let (connector, _) = Begun::connector(&handle);
    let connector = connector.stagger(SOON);
    let races = listeners
        .iter()
        .map(|(_, addr)| connector.connect_any(&[silent.addr, *addr]));
    let streams = run(&mut core, futures::future::join_all(races));
    for (stream, (_, addr)) in streams.iter().zip(&listeners) {
        assert_eq!(stream.as_ref().unwrap().peer_addr().unwrap(), *addr);
    }
    assert_eq!(handle.metrics().registered, 50);
}

#[test]
fn one_that_is_polled_after_its_end_says_so() {
    let mut core = Core::new().unwrap();
    let (_listener, addr) = answering(v4());
    let mut connecting = Connector::new(&core.handle()).connect_any(&[addr]);
    run(&mut core, &mut connecting).unwrap();
    let again = catch_unwind(AssertUnwindSafe(|| (&mut connecting).now_or_never()));
    let text = *again.unwrap_err().downcast::<&str>().unwrap();
    assert!(text.contains("ConnectByName"));
}

#[test]
fn an_address_costs_the_calls_of_a_plain_connect_and_no_more() {
    let test = "an_address_costs_the_calls_of_a_plain_connect_and_no_more";
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (_listener, addr) = answering(v4());
        let target = addr.to_string();
        core.turn(Some(Duration::ZERO)).unwrap();
        let connected = child::watched(|| core.run(net::connect(&target, &handle)));
        connected.unwrap().unwrap();
    });
    if let Some(trace) = trace {
        let plain = [
            "socket",
            "connect",
            "epoll_ctl",
            "epoll_wait",
            "getsockopt",
            "getpeername",
        ];
        assert_eq!(trace.all_calls(), plain);
    }
}
