//! `copy_bidirectional`: half-close, its options, and who may look on.

mod common;

use std::{
    cell::RefCell,
    io::{self, ErrorKind},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use common::{drive, poll_once};
use futures::{channel::oneshot, executor::block_on, join};
use io_traits::{
    Duplex, duplex,
    io::{
        Carried, CopyBidirectional, Watch, Way, copy_bidirectional, read, read_exact, read_to_end,
        shutdown, write_all,
    },
    testing::{Script, Torture},
};

/// A client, the two ends that a proxy has, and a server.
fn proxied(capacity: usize) -> (Duplex, Duplex, Duplex, Duplex) {
    let (client, a) = duplex(capacity);
    let (b, server) = duplex(capacity);
    (client, a, b, server)
}

async fn sends_and_ends(end: &mut Duplex, bytes: &[u8]) -> io::Result<()> {
    write_all(end, bytes).await?;
    shutdown(end).await
}

async fn all(end: &mut Duplex) -> Vec<u8> {
    let mut all = Vec::new();
    read_to_end(end, &mut all, 1 << 20).await.unwrap();
    all
}

#[test]
fn each_end_is_passed_on_and_the_other_way_goes_on() {
    let (mut client, mut a, mut b, mut server) = proxied(16);
    let question = vec![b'q'; 1_000];
    let answer = vec![b'a'; 3_000];
    let (carried, (), got) = block_on(async {
        join!(
            copy_bidirectional(&mut a, &mut b),
            async {
                // Answers only after the whole question, which takes its end.
                assert_eq!(all(&mut server).await, question);
                sends_and_ends(&mut server, &answer).await.unwrap();
            },
            async {
                sends_and_ends(&mut client, &question).await.unwrap();
                all(&mut client).await
            },
        )
    });
    assert_eq!(got, answer);
    let carried = carried.unwrap();
    assert_eq!(
        (carried.a_to_b, carried.b_to_a, carried.stopped),
        (1_000, 3_000, false)
    );
}

#[test]
fn tortured_streams_and_buffers_of_any_size_carry_the_same_bytes() {
    for (seed, size) in [(1, 1), (2, 7), (3, 64), (4, 65_536), (5, 1 << 20), (6, 0)] {
        let (client, a, b, server) = proxied(50);
        let (mut a, mut b) = (Torture::new(a, seed), Torture::new(b, seed + 100));
        let bytes: Vec<u8> = (0..2_000_u32).map(|n| (n % 251) as u8).collect();
        block_on(async {
            let (carried, there, back) = join!(
                copy_bidirectional(&mut a, &mut b).buffer_size(size),
                async {
                    let (sent, got) = join!(send_half(&client, &bytes), receive_half(&client));
                    sent.unwrap();
                    got
                },
                async {
                    let (sent, got) = join!(send_half(&server, &bytes), receive_half(&server));
                    sent.unwrap();
                    got
                },
            );
            assert_eq!(
                (carried.unwrap().a_to_b, there, back),
                (2_000, bytes.clone(), bytes)
            );
        });
    }
}

async fn send_half(mut end: &Duplex, bytes: &[u8]) -> io::Result<()> {
    write_all(&mut end, bytes).await?;
    shutdown(&mut end).await
}

async fn receive_half(mut end: &Duplex) -> Vec<u8> {
    let mut all = Vec::new();
    read_to_end(&mut end, &mut all, 1 << 20).await.unwrap();
    all
}

#[test]
fn close_both_ends_the_other_way_after_what_it_has_read() {
    let mut one = Script::new().gives(b"bye");
    // The other way has read something that it cannot write yet when the first one ends.
    one = one.takes(2).write_would_block();
    let mut two = Script::new().gives(b"last words").never_gives();
    let (result, _) = drive(copy_bidirectional(&mut one, &mut two).close_both());
    let carried = result.unwrap();
    assert_eq!((carried.a_to_b, carried.b_to_a), (3, 10));
    assert_eq!(
        (two.written(), one.written()),
        (&b"bye"[..], &b"last words"[..])
    );
    assert!(one.is_shut_down() && two.is_shut_down());
}

#[test]
fn close_both_does_not_wait_for_a_reader_that_gives_nothing() {
    let mut one = Script::new().gives(b"bye");
    let mut two = Script::new().never_gives();
    let (result, polls) = drive(copy_bidirectional(&mut one, &mut two).close_both());
    assert_eq!((result.unwrap().a_to_b, polls), (3, 1));
    assert!(one.is_shut_down() && two.is_shut_down());
}

#[test]
fn without_close_both_it_waits_for_the_other_way() {
    let mut one = Script::new().gives(b"bye");
    let mut two = Script::new().never_gives();
    let mut future = copy_bidirectional(&mut one, &mut two);
    assert!(poll_once(&mut future).is_pending());
    drop(future);
    assert!(two.is_shut_down() && !one.is_shut_down());
}

/// Writes down what it sees, and stops when it is told to.
#[derive(Clone, Default)]
struct Notes(Rc<RefCell<Noted>>);

#[derive(Default)]
struct Noted {
    events: Vec<String>,
    stop: Option<Result<(), ErrorKind>>,
    waker: Option<Waker>,
}

impl Watch for Notes {
    fn carried(&mut self, way: Way, bytes: usize) {
        self.0.borrow_mut().events.push(format!("{way:?} {bytes}"));
    }

    fn ended(&mut self, way: Way) {
        self.0.borrow_mut().events.push(format!("{way:?} ended"));
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut noted = self.0.borrow_mut();
        noted.waker = Some(cx.waker().clone());
        match noted.stop {
            Some(how) => Poll::Ready(how.map_err(io::Error::from)),
            None => Poll::Pending,
        }
    }
}

impl Notes {
    fn stop(&self, how: Result<(), ErrorKind>) {
        let mut noted = self.0.borrow_mut();
        noted.stop = Some(how);
        if let Some(waker) = &noted.waker {
            waker.wake_by_ref();
        }
    }
}

#[test]
fn a_watch_sees_every_byte_and_both_ends() {
    let mut one = Script::new().gives(b"abc").would_block().gives(b"de");
    let mut two = Script::new().gives(b"x");
    let notes = Notes::default();
    let copies = copy_bidirectional(&mut one, &mut two).watch(notes.clone());
    drive(copies).0.unwrap();
    assert_eq!(
        notes.0.borrow().events,
        ["AToB 3", "BToA 1", "BToA ended", "AToB 2", "AToB ended"]
    );
    assert_eq!(Way::AToB.back(), Way::BToA);
}

#[test]
fn a_watch_may_stop_an_idle_copy_or_make_it_fail() {
    for how in [Ok(()), Err(ErrorKind::TimedOut)] {
        let (mut client, mut a, mut b, mut server) = proxied(16);
        let notes = Notes::default();
        let mut copies = copy_bidirectional(&mut a, &mut b).watch(notes.clone());
        block_on(write_all(&mut client, b"abc")).unwrap();
        assert!(poll_once(&mut copies).is_pending());
        notes.stop(how);
        match drive(&mut copies).0 {
            Ok(carried) => {
                assert!(how.is_ok() && carried.stopped);
                assert_eq!(carried.a_to_b, 3);
            }
            Err(error) => assert_eq!(Err(error.kind()), how),
        }
        assert_eq!(copies.carried().a_to_b, 3);
        let mut buf = [0; 3];
        block_on(read_exact(&mut server, &mut buf)).unwrap();
    }
}

/// A timer that is over when it is told to be; there may be several, one after the other.
#[derive(Clone, Default)]
struct Timers(Rc<RefCell<Vec<oneshot::Sender<()>>>>);

impl Timers {
    fn start(&self) -> oneshot::Receiver<()> {
        let (over, timer) = oneshot::channel();
        self.0.borrow_mut().push(over);
        timer
    }

    fn started(&self) -> usize {
        self.0.borrow().len()
    }

    fn latest_is_over(&self) {
        let over = self.0.borrow_mut().pop().unwrap();
        over.send(()).unwrap();
        // Keeps the number of those that were started.
        self.0.borrow_mut().push(oneshot::channel().0);
    }
}

#[test]
fn one_way_lingers_after_the_other_has_ended_and_no_longer_than_it_may() {
    let (mut client, mut a, mut b, mut server) = proxied(16);
    let timers = Timers::default();
    let mut copies = copy_bidirectional(&mut a, &mut b).linger(|| timers.start());
    block_on(write_all(&mut server, b"ab")).unwrap();
    assert!(poll_once(&mut copies).is_pending());
    // No end, no timer.
    assert_eq!(timers.started(), 0);
    block_on(sends_and_ends(&mut client, b"bye")).unwrap();
    assert!(poll_once(&mut copies).is_pending());
    assert_eq!(timers.started(), 1);
    // It goes on meanwhile, and the end was passed on.
    assert_eq!(block_on(all(&mut server)), b"bye");
    block_on(write_all(&mut server, b"cd")).unwrap();
    let (count, waker) = common::CountWakes::new();
    assert!(common::poll_with(&mut copies, &waker).is_pending());
    assert_eq!((copies.carried().b_to_a, timers.started()), (4, 1));
    timers.latest_is_over();
    assert_eq!(count.get(), 1);
    let carried = drive(copies).0.unwrap();
    assert_eq!(
        (carried.a_to_b, carried.b_to_a, carried.stopped),
        (3, 4, true)
    );
}

#[test]
fn a_copy_that_ends_in_time_has_not_lingered() {
    let (mut one, mut two) = (
        Script::new().gives(b"a"),
        Script::new().would_block().gives(b"b"),
    );
    let timers = Timers::default();
    let copies = copy_bidirectional(&mut one, &mut two).linger(|| timers.start());
    let carried = drive(copies).0.unwrap();
    assert_eq!(
        (carried.a_to_b, carried.b_to_a, carried.stopped),
        (1, 1, false)
    );
    assert_eq!(timers.started(), 1);
}

#[test]
fn an_idle_copy_times_out_and_a_busy_one_starts_the_timer_anew() {
    let (mut client, mut a, mut b, mut server) = proxied(16);
    let timers = Timers::default();
    let notes = Notes::default();
    let mut copies = copy_bidirectional(&mut a, &mut b)
        .watch(notes.clone())
        .idle_limit(|| timers.start());
    assert!(poll_once(&mut copies).is_pending());
    for started in 1..4 {
        // Bytes alone start none.
        for _ in 0..3 {
            block_on(write_all(&mut client, b"x")).unwrap();
            assert!(poll_once(&mut copies).is_pending());
            assert_eq!(timers.started(), started);
        }
        timers.latest_is_over();
        assert!(poll_once(&mut copies).is_pending());
        assert_eq!(timers.started(), started + 1);
    }
    timers.latest_is_over();
    let error = drive(&mut copies).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(copies.carried().a_to_b, 9);
    // The watch inside saw everything.
    assert_eq!(notes.0.borrow().events.len(), 9);
    drop(copies);
    let mut buf = [0; 9];
    block_on(read_exact(&mut server, &mut buf)).unwrap();
}

#[test]
fn limits_go_together_and_the_first_that_is_over_ends_the_copy() {
    let never = futures::future::pending::<()>;
    let (mut one, mut two) = (Script::new().gives(b"a"), Script::new().never_gives());
    let copies = copy_bidirectional(&mut one, &mut two)
        .idle_limit(never)
        .linger(|| async {});
    assert!(drive(copies).0.unwrap().stopped);
    let (mut one, mut two) = (Script::new().gives(b"a"), Script::new().never_gives());
    let copies = copy_bidirectional(&mut one, &mut two)
        .linger(never)
        .idle_limit(|| async {});
    assert_eq!(drive(copies).0.unwrap_err().kind(), ErrorKind::TimedOut);
    // A watch that stops comes before the limits around it.
    let notes = Notes::default();
    notes.stop(Ok(()));
    let (mut one, mut two) = (Script::new().never_gives(), Script::new().never_gives());
    let copies = copy_bidirectional(&mut one, &mut two)
        .watch(notes)
        .idle_limit(|| async {})
        .linger(never);
    assert!(drive(copies).0.unwrap().stopped);
}

#[test]
fn the_first_error_ends_both_and_tells_how_far_it_came() {
    let mut one = Script::new()
        .gives(b"abc")
        .fails(ErrorKind::ConnectionReset);
    let mut two = Script::new().never_gives();
    let mut copies = copy_bidirectional(&mut one, &mut two);
    let error = drive(&mut copies).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let expected = |carried: Carried| (carried.a_to_b, carried.b_to_a);
    assert_eq!(expected(copies.carried()), (3, 0));
}

#[test]
fn a_way_that_waits_flushes_what_it_wrote() {
    let mut one = Script::new().gives(b"question").never_gives();
    let mut two = Script::new().never_gives();
    assert!(poll_once(&mut copy_bidirectional(&mut one, &mut two)).is_pending());
    assert_eq!((two.written(), two.flushes()), (&b"question"[..], 1));
}

#[test]
fn it_is_a_future_that_can_be_named_and_sent() {
    fn send<T: Send>(_: &T) {}
    let (mut a, mut b) = duplex(1);
    let copies: CopyBidirectional<'_, Duplex, Duplex> = copy_bidirectional(&mut a, &mut b);
    send(&copies);
    assert!(format!("{copies:?}").contains("carried"));
    drop(copies);
    drop(b);
    assert_eq!(block_on(read(&mut a, &mut [0; 4])).unwrap(), 0);
}
