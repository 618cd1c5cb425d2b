use std::{mem, task::Waker};

use crate::fault::{Fault, seeded};

/// The wakers of the tasks that wait for one direction of one object.
///
/// One waiter, the common case, needs no allocation. A task that is there already is not added again.
/// A waker that changes at every poll cannot be recognised, so the set is bounded: when it is full,
/// all are woken, and whoever still waits comes back. The bound then is twice as many as came back: a
/// fixed one would wake a large crowd in circles, one that only ever doubles would leak.
#[derive(Debug, Default)]
pub(crate) enum WakerSet {
    #[default]
    Empty,
    One(Waker),
    Many(Box<Crowd>),
}

#[derive(Debug)]
pub(crate) struct Crowd {
    wakers: Vec<Waker>,
    limit: usize,
    /// When everybody was last woken for want of room, until those who came back have been counted.
    emptied_at: Option<u64>,
}

impl WakerSet {
    /// Whether the task of `waker` is waiting already.
    pub(crate) fn contains(&self, waker: &Waker) -> bool {
        match self {
            Self::Empty => false,
            Self::One(one) => one.will_wake(waker),
            Self::Many(crowd) => crowd.wakers.iter().any(|one| one.will_wake(waker)),
        }
    }

    /// Adds a waker that is not there yet; `turn` is how often the loop has turned.
    ///
    /// Returns those that had to leave for it and are to be woken, outside of the lock.
    #[must_use]
    pub(crate) fn insert(&mut self, waker: Waker, turn: u64) -> Vec<Waker> {
        if seeded(Fault::OneWakerPerDirection) {
            // The mistake loses the waker; the leak keeps foreign code from running under the lock.
            mem::forget(mem::replace(self, Self::One(waker)));
            return Vec::new();
        }
        match mem::take(self) {
            Self::Empty => {
                *self = Self::One(waker);
                Vec::new()
            }
            Self::One(first) => {
                *self = Self::Many(Box::new(Crowd {
                    wakers: vec![first, waker],
                    limit: SMALLEST_LIMIT,
                    emptied_at: None,
                }));
                Vec::new()
            }
            Self::Many(mut crowd) => {
                let displaced = crowd.make_room(turn);
                crowd.wakers.push(waker);
                *self = Self::Many(crowd);
                displaced
            }
        }
    }

    /// Moves all wakers to `out`, to be woken outside of the lock.
    pub(crate) fn drain_into(&mut self, out: &mut Vec<Waker>) {
        match self {
            Self::Empty => {}
            Self::One(_) => {
                if let Self::One(waker) = mem::take(self) {
                    out.push(waker);
                }
            }
            Self::Many(crowd) => out.append(&mut crowd.wakers),
        }
    }
}

impl Crowd {
    /// Wakes everybody if there is no room for one more.
    fn make_room(&mut self, turn: u64) -> Vec<Waker> {
        // Two turns later, all tasks that were woken and still wait have been polled.
        if self.emptied_at.is_some_and(|then| turn >= then + 2) {
            self.emptied_at = None;
            self.limit = (2 * self.wakers.len()).max(SMALLEST_LIMIT);
        }
        if self.wakers.len() < self.limit {
            return Vec::new();
        }
        self.emptied_at = Some(turn);
        self.limit *= 2;
        mem::take(&mut self.wakers)
    }
}

const SMALLEST_LIMIT: usize = 32;

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn fresh() -> Waker {
        Waker::from(Arc::new(Count::default()))
    }

    fn len(set: &WakerSet) -> usize {
        match set {
            WakerSet::Empty => 0,
            WakerSet::One(_) => 1,
            WakerSet::Many(crowd) => crowd.wakers.len(),
        }
    }

    #[test]
    fn a_task_is_recognised_among_others() {
        let mut set = WakerSet::default();
        let wakers: Vec<_> = (0..5).map(|_| fresh()).collect();
        for waker in &wakers {
            assert!(!set.contains(waker));
            assert!(set.insert(waker.clone(), 0).is_empty());
        }
        assert!(wakers.iter().all(|waker| set.contains(waker)));
    }

    /// One task whose waker differs at every poll, and which is polled a million times.
    #[test]
    fn a_fresh_waker_at_every_poll_does_not_grow_the_set() {
        let mut set = WakerSet::default();
        for turn in 0..1_000_000 {
            drop(set.insert(fresh(), turn));
            assert!(len(&set) <= 2 * SMALLEST_LIMIT);
        }
    }

    /// A crowd that all come back when they are woken must find room, not wake each other in circles.
    #[test]
    fn a_crowd_larger_than_the_limit_settles() {
        let crowd: Vec<_> = (0..1_000).map(|_| fresh()).collect();
        let mut set = WakerSet::default();
        let mut waiting_outside = crowd.clone();
        let mut wakes = 0;
        let mut turn = 0;
        while !waiting_outside.is_empty() {
            turn += 1;
            for waker in mem::take(&mut waiting_outside) {
                if !set.contains(&waker) {
                    let woken = set.insert(waker, turn);
                    wakes += woken.len();
                    waiting_outside.extend(woken);
                }
            }
            assert!(turn < 100, "still waking each other");
        }
        assert_eq!(len(&set), crowd.len());
        assert!(wakes <= 4 * crowd.len(), "{wakes} wakes");
    }
}
