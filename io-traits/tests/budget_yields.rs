//! The async forms yield when their budget is used up; the primitives never do.

mod common;

use std::{
    io::{self, BufRead, IoSlice, Read, Write},
    pin::pin,
    task::{Context, Poll, Waker},
};

use common::{CountWakes, drive};
use futures::StreamExt;
use io_traits::{
    AsyncBufRead, AsyncRead, AsyncWrite, ReadCursor,
    io::{
        copy, copy_bidirectional, copy_buf, lines, read_exact, read_line, read_to_end, read_until,
        skip, write_all, write_all_buf, write_vectored_all,
    },
    task::{self, budget},
};

/// Polls with a budget of `units` until it is done; returns how many polls that took. Each poll that
/// yields must have woken its task.
fn polls_with_budget<F: Future>(units: u32, future: F) -> usize {
    let mut future = pin!(future);
    let (count, waker) = CountWakes::new();
    let mut cx = Context::from_waker(&waker);
    let mut polls = 1;
    while budget::with(units, || future.as_mut().poll(&mut cx)).is_pending() {
        assert_eq!(count.get(), polls, "a yield wakes its own task, once");
        polls += 1;
        assert!(polls < 10_000);
    }
    polls
}

/// Gives one byte a read, for ever.
struct Drip;

impl Read for Drip {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        buf[0] = 1;
        Ok(1)
    }
}

impl AsyncRead for Drip {
    fn poll_read_into(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.append(&[1])))
    }
}

#[test]
fn a_reader_that_always_has_data_yields_after_its_budget() {
    let mut buf = [0; 100];
    assert_eq!(polls_with_budget(10, read_exact(&mut Drip, &mut buf)), 10);
}

#[test]
fn a_loop_of_operations_in_one_task_yields_after_its_budget() {
    let polls = polls_with_budget(8, async {
        let mut buf = [0; 1];
        for _ in 0..80 {
            task::io(|| Drip.read(&mut buf)).await.unwrap();
        }
    });
    assert_eq!(polls, 10);
}

#[test]
fn a_writer_that_always_has_room_yields_after_its_budget() {
    struct Sip(usize);
    impl Write for Sip {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl AsyncWrite for Sip {}
    let mut sip = Sip(0);
    assert_eq!(polls_with_budget(10, write_all(&mut sip, &[0; 50])), 5);
    assert_eq!(sip.0, 50);
}

#[test]
fn a_copy_yields_after_its_budget_of_reads() {
    let mut from = Drip.take(60);
    let polls = polls_with_budget(20, copy(&mut from, &mut io::sink()));
    // 60 reads of data; the fourth poll reads the end.
    assert_eq!(polls, 4);
}

#[test]
fn the_primitives_never_pretend_to_be_pending() {
    budget::with(0, || {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..1_000 {
            task::enter(&mut cx, || Drip.read(&mut [0; 1])).unwrap();
            assert!(io_traits::poll_read_buf(&mut Drip, &mut cx, &mut Vec::new()).is_ready());
            assert!(task::poll_io(&mut cx, || Ok(())).is_ready());
        }
    });
}

/// An executor of another making gives no budget, and its tasks shall not starve each other either.
#[test]
fn without_a_budget_every_loop_yields_after_128_rounds() {
    let (mut buf, mut line) = (Vec::new(), String::new());
    let from = || Drops(1_000);
    let mut slices = [IoSlice::new(&[1; 1_000])];
    let polls = [
        drive(async { read_exact(&mut Drip, &mut [0; 1_000]).await.unwrap() }).1,
        drive(async { write_all(&mut from(), &[1; 1_000]).await.unwrap() }).1,
        drive(read_to_end(&mut from(), &mut buf, 1_000)).1,
        drive(read_until(&mut from(), b'!', &mut buf, 1_000)).1,
        drive(read_line(&mut from(), &mut line, 1_000)).1,
        drive(lines(&mut from(), 1_000).count()).1,
        drive(skip(&mut from(), 1_000)).1,
        drive(copy(&mut from(), &mut io::sink())).1,
        drive(copy_buf(&mut from(), &mut io::sink())).1,
        drive(write_all_buf(&mut from(), &mut &[1; 1_000][..])).1,
        drive(write_vectored_all(&mut from(), &mut &mut slices[..])).1,
    ];
    assert_eq!(polls, [1_000_usize.div_ceil(128); 11]);
    let (mut one, mut two) = (Drops(1_000), Drops(1_000));
    let polls = drive(copy_bidirectional(&mut one, &mut two)).1;
    // The two ways share the rounds.
    assert_eq!(polls, 2_000_usize.div_ceil(128));
}

#[test]
fn without_a_budget_single_operations_do_not_yield() {
    let ((), polls) = drive(async {
        for _ in 0..1_000 {
            task::io(|| Drip.read(&mut [0; 1])).await.unwrap();
        }
    });
    assert_eq!(polls, 1);
}

#[test]
fn a_budget_ends_with_its_scope_even_on_a_panic() {
    budget::with(5, || {
        std::panic::catch_unwind(|| budget::with(0, || panic!("on purpose"))).unwrap_err();
        assert!(budget::poll_left(&mut Context::from_waker(Waker::noop())).is_ready());
    });
}

/// Ends after so many reads, and takes one byte a write.
struct Drops(usize);

impl Read for Drops {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.0.min(1);
        self.0 -= n;
        buf[..n].fill(b'x');
        Ok(n)
    }
}

impl BufRead for Drops {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&b"x"[..self.0.min(1)])
    }

    fn consume(&mut self, n: usize) {
        self.0 -= n;
    }
}

impl Write for Drops {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len().min(1))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Drops {}
impl AsyncBufRead for Drops {}
impl AsyncWrite for Drops {}

/// A hundred small steps with a budget of ten are ten polls and a little.
#[test]
fn every_helper_that_loops_yields_after_its_budget() {
    let (mut buf, mut line) = (Vec::new(), String::new());
    let from = || Drops(100);
    let mut slices = [IoSlice::new(&[1; 100])];
    let polls = [
        polls_with_budget(10, read_to_end(&mut from(), &mut buf, 1_000)),
        polls_with_budget(10, read_until(&mut from(), b'!', &mut buf, 1_000)),
        polls_with_budget(10, read_line(&mut from(), &mut line, 1_000)),
        polls_with_budget(10, lines(&mut from(), 1_000).count()),
        polls_with_budget(10, skip(&mut from(), 100)),
        polls_with_budget(10, copy(&mut from(), &mut io::sink())),
        polls_with_budget(10, copy_buf(&mut from(), &mut io::sink())),
        polls_with_budget(10, write_all_buf(&mut from(), &mut &[1; 100][..])),
        polls_with_budget(10, write_vectored_all(&mut from(), &mut &mut slices[..])),
    ];
    assert!(
        polls.iter().all(|polls| (10..=11).contains(polls)),
        "{polls:?}"
    );
}

#[test]
fn two_ways_share_the_budget_of_their_task_and_neither_starves() {
    let (mut one, mut two) = (Drops(1_000), Drops(1_000));
    let mut copies = copy_bidirectional(&mut one, &mut two);
    let (count, waker) = CountWakes::new();
    for poll in 1..=10 {
        let mut cx = Context::from_waker(&waker);
        let polled = budget::with(10, || pin!(&mut copies).poll(&mut cx));
        assert!(polled.is_pending());
        assert!(count.get() >= poll);
        let carried = copies.carried();
        assert_eq!(carried.a_to_b + carried.b_to_a, 10 * poll as u64);
        assert!(carried.a_to_b.abs_diff(carried.b_to_a) <= 10, "{carried:?}");
    }
}
