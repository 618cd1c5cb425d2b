use std::{fmt, time::Duration};

use super::{
    Broken,
    bench::{Bench, Verdict},
    cancel_copies, cancel_reads, cancel_writes, read_answers, read_wakes, streams, write_answers,
    write_wakes,
};
use crate::{AsyncRead, AsyncWrite};

/// Checks of a reader; the factory makes one, and a writer to what it reads.
pub fn reader<'a, R: AsyncRead, P: AsyncWrite>(
    factory: impl FnMut() -> (R, P) + 'a,
) -> Suite<'a, R, P> {
    let mut suite = Suite::new(factory);
    suite.add_reads();
    suite
}

/// Checks of a writer; the factory makes one, and a reader of what it writes.
pub fn writer<'a, W: AsyncWrite, P: AsyncRead>(
    factory: impl FnMut() -> (W, P) + 'a,
) -> Suite<'a, W, P> {
    let mut suite = Suite::new(factory);
    suite.add_writes();
    suite
}

/// Checks of an object that reads and writes; the factory makes one, and its peer.
pub fn stream<'a, T, P>(factory: impl FnMut() -> (T, P) + 'a) -> Suite<'a, T, P>
where
    T: AsyncRead + AsyncWrite,
    P: AsyncRead + AsyncWrite,
{
    let mut suite = Suite::new(factory);
    suite.add_reads();
    suite.add_writes();
    suite.add_streams();
    suite
}

/// Checks that are about to be run; from [`reader`], [`writer`] or [`stream`].
#[must_use = "a suite does nothing unless it is run"]
pub struct Suite<'a, T, P> {
    factory: Box<dyn FnMut() -> (T, P) + 'a>,
    checks: Vec<(&'static str, Check<T, P>)>,
    bench: Bench<'a>,
}

enum Check<T, P> {
    Pair(fn(&mut Bench<'_>, T, P) -> Verdict),
    /// One that wants several pairs.
    Pairs(fn(&mut Bench<'_>, &mut dyn FnMut() -> (T, P)) -> Verdict),
}

impl<'a, T, P> Suite<'a, T, P> {
    fn new(factory: impl FnMut() -> (T, P) + 'a) -> Self {
        Self {
            factory: Box::new(factory),
            checks: Vec::new(),
            bench: Bench::new(),
        }
    }

    /// How long a wake may take, and a call at most; 10 seconds if it is not said.
    ///
    /// It is the time in which a broken law is found; an object that keeps them takes no notice.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.bench.patience = patience;
        self
    }

    /// What turns the event loop of the objects, where no thread of its own does that.
    ///
    /// It is called while the suite waits, with the longest time it may take:
    /// `|time| core.turn(Some(time)).unwrap()`.
    pub fn drive(mut self, drive: impl FnMut(Duration) + 'a) -> Self {
        self.bench.drive = Some(Box::new(drive));
        self
    }

    /// Allows that more than one slice is taken although `writes_slices` says no.
    ///
    /// For a wrapper of objects that do not tell, as those of std.
    pub fn may_hide_slices(mut self) -> Self {
        self.bench.may_hide_slices = true;
        self
    }

    /// Runs the checks up to the first that fails.
    ///
    /// # Errors
    ///
    /// [`Broken`] tells which law, and how it came to that.
    pub fn check(mut self) -> Result<(), Broken> {
        for (name, check) in &self.checks {
            self.bench.begin(&name.replace('_', " "));
            match check {
                Check::Pair(check) => {
                    let (object, peer) = (self.factory)();
                    check(&mut self.bench, object, peer)?;
                }
                Check::Pairs(check) => check(&mut self.bench, &mut *self.factory)?,
            }
        }
        Ok(())
    }

    /// Runs the checks.
    ///
    /// # Panics
    ///
    /// When a law is broken, with the story of how.
    #[track_caller]
    pub fn run(self) {
        if let Err(broken) = self.check() {
            panic!("{broken}");
        }
    }
}

macro_rules! checks {
    ($suite:ident, $module:ident: $($check:ident),* $(,)?) => {
        $($suite.checks.push((stringify!($check), Check::Pair($module::$check)));)*
    };
}

impl<R: AsyncRead, P: AsyncWrite> Suite<'_, R, P> {
    fn add_reads(&mut self) {
        checks!(
            self, read_wakes:
            a_read_that_waits_is_woken,
            a_plain_read_that_would_block_registers,
            a_waker_that_is_replaced_is_the_one_that_is_woken,
            all_tasks_that_read_are_woken,
            fresh_wakers_are_not_kept_for_ever,
            a_read_that_waits_is_not_woken_for_ever,
        );
        checks!(
            self, read_answers:
            outside_of_a_task_a_read_says_so,
            what_is_in_the_buffer_makes_no_difference,
            a_read_into_nothing_is_answered_at_once,
            the_end_is_the_end,
            a_reader_dropped_while_it_waits_is_no_harm,
        );
        self.checks.push((
            "reads_that_are_dropped_lose_nothing",
            Check::Pairs(|bench, pair| {
                cancel_reads::reads_that_are_dropped_lose_nothing(bench, pair)
            }),
        ));
    }
}

impl<W: AsyncWrite, P: AsyncRead> Suite<'_, W, P> {
    fn add_writes(&mut self) {
        checks!(
            self, write_wakes:
            a_write_that_waits_is_woken,
            a_plain_write_that_would_block_registers,
            all_tasks_that_write_are_woken,
        );
        checks!(
            self, write_answers:
            outside_of_a_task_a_write_says_so,
            what_was_taken_arrives,
            a_write_of_nothing_is_answered_at_once,
            slices_are_taken_as_announced,
            a_shutdown_ends_after_the_last_byte,
            a_writer_dropped_while_it_waits_is_no_harm,
        );
        self.checks.push((
            "writes_that_are_dropped_lose_nothing",
            Check::Pairs(|bench, pair| {
                cancel_writes::writes_that_are_dropped_lose_nothing(bench, pair)
            }),
        ));
    }
}

impl<T: AsyncRead + AsyncWrite, P: AsyncRead + AsyncWrite> Suite<'_, T, P> {
    fn add_streams(&mut self) {
        checks!(
            self, streams:
            ending_one_direction_leaves_the_other,
            a_task_that_reads_and_one_that_writes_are_both_woken,
            both_directions_carry_at_once,
        );
        checks!(
            self, cancel_copies:
            copies_both_ways_that_are_dropped_tell_what_is_lost,
        );
    }
}

impl<T, P> fmt::Debug for Suite<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.checks.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}
