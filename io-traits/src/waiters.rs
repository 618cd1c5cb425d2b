use std::{
    mem,
    panic::{self, AssertUnwindSafe},
    task::Waker,
};

/// The tasks that wait for one thing.
///
/// A task that is there already is not added again. A waker that differs at every poll cannot be
/// recognised, so the set is bounded: when it is full, all are woken, and whoever still waits comes
/// back. The bound doubles only if some of those who were woken are seen again; so a crowd finds room,
/// and a task with fresh wakers does not make the set grow for ever. How long they are waited for grows
/// with each disappointment, because a large crowd comes back in turn.
///
/// Waking and dropping a waker is foreign code, for outside of all locks: methods give wakers out.
#[derive(Debug)]
pub(crate) struct Waiters {
    wakers: Vec<Waker>,
    limit: usize,
    /// One of those who were woken for want of room, kept alive so that nobody else can look the same.
    sample: Option<Waker>,
    sample_came_back: bool,
    patience_left: u32,
    patience: u32,
}

impl Waiters {
    pub(crate) const fn new() -> Self {
        Self {
            wakers: Vec::new(),
            limit: SMALLEST_LIMIT,
            sample: None,
            sample_came_back: false,
            patience_left: SMALLEST_PATIENCE,
            patience: SMALLEST_PATIENCE,
        }
    }

    /// Whether the task of `waker` is waiting already.
    pub(crate) fn contains(&self, waker: &Waker) -> bool {
        self.wakers.iter().any(|one| one.will_wake(waker))
    }

    /// Adds a waker that is not there yet; returns those that had to leave for it, to be woken.
    #[must_use]
    pub(crate) fn insert(&mut self, waker: Waker) -> Vec<Waker> {
        if let Some(sample) = &self.sample {
            self.sample_came_back |= sample.will_wake(&waker);
        }
        let mut displaced = Vec::new();
        if self.wakers.len() >= self.limit {
            displaced = mem::take(&mut self.wakers);
            self.choose_sample(&mut displaced);
        }
        self.wakers.push(waker);
        displaced
    }

    /// Takes everybody out, to be woken.
    #[must_use]
    pub(crate) fn take(&mut self) -> Vec<Waker> {
        mem::take(&mut self.wakers)
    }

    fn choose_sample(&mut self, displaced: &mut Vec<Waker>) {
        if self.sample_came_back {
            self.limit *= 2;
            self.patience = SMALLEST_PATIENCE;
        } else if self.sample.is_some() {
            self.patience_left -= 1;
            if self.patience_left > 0 {
                return;
            }
            self.patience = self.patience.saturating_mul(2);
        }
        // The old one leaves with the others: it is woken once too often, and dropped outside.
        displaced.extend(self.sample.take());
        self.sample = displaced.first().cloned();
        self.sample_came_back = false;
        self.patience_left = self.patience;
    }
}

/// Wakes all of them; outside of any lock. One that panics harms neither the others nor whoever wakes.
pub(crate) fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            tracing::error!("a waker has panicked");
            // Its drop may panic once more.
            mem::forget(payload);
        }
    }
}

const SMALLEST_LIMIT: usize = 16;
const SMALLEST_PATIENCE: u32 = 2;

#[cfg(test)]
mod tests {
    use std::{sync::Arc, task::Wake};

    use super::*;

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    fn fresh() -> Waker {
        Waker::from(Arc::new(Nobody))
    }

    #[test]
    fn fresh_wakers_at_every_poll_do_not_make_it_grow() {
        let mut waiters = Waiters::new();
        let mut woken = 0;
        for _ in 0..10_000 {
            woken += waiters.insert(fresh()).len();
        }
        assert!(waiters.wakers.len() <= SMALLEST_LIMIT);
        assert!(woken >= 10_000 - SMALLEST_LIMIT, "each is kept or woken");
    }

    /// Each round, those who were woken poll again in their turn, as in an executor's queue.
    #[test]
    fn a_crowd_finds_room_and_then_nobody_is_woken_for_want_of_it() {
        for crowd in [17, 100, 1_000] {
            let mut waiters = Waiters::new();
            let tasks: Vec<Waker> = (0..crowd).map(|_| fresh()).collect();
            let mut queue: std::collections::VecDeque<Waker> = tasks.iter().cloned().collect();
            let mut polls = 0;
            while let Some(task) = queue.pop_front() {
                polls += 1;
                assert!(polls < 1_000 * crowd, "{crowd} wake each other in circles");
                if !waiters.contains(&task) {
                    queue.extend(waiters.insert(task));
                }
            }
            assert!(tasks.iter().all(|task| waiters.contains(task)));
            assert!(waiters.limit <= 4 * crowd);
        }
    }
}
