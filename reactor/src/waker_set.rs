use std::{mem, task::Waker};

use crate::fault::{Fault, seeded};

mod crowd;

use crowd::Crowd;

/// The wakers of the tasks that wait for one direction of one object.
///
/// One waiter, the common case, needs no allocation. A task that is there already is not added again.
///
/// A waker that differs at every poll cannot be recognised, so the set is bounded: when it is full, all
/// are woken, and whoever still waits comes back. A fixed bound would make a large crowd wake each other
/// in circles; one that doubles each time would leak under a task with a fresh waker at every poll. So
/// the bound doubles only if those who were woken do come back: a few of them are remembered, evenly
/// spread, and half of these have to be seen again. The set then holds a small multiple of the tasks
/// that really wait.
///
/// Two variants and not three, because so it takes no more memory than a waker.
#[derive(Debug)]
pub(crate) enum WakerSet {
    One(Waker),
    /// `None`: nobody.
    Many(Option<Box<Crowd>>),
}

/// Wakers that have left their sets. Waking and dropping them is foreign code, for outside of all locks.
#[derive(Debug, Default)]
pub(crate) struct Drained {
    /// To be woken.
    pub(crate) wakers: Vec<Waker>,
    /// To be dropped.
    pub(crate) forgotten: Vec<Waker>,
}

/// The waker of one task, as often as it was in a set. To be dropped outside of the lock.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    /// It was to be woken.
    pub(crate) waiting: Option<Waker>,
    /// It had been woken for want of room.
    pub(crate) remembered: Option<Waker>,
}

impl WakerSet {
    pub(crate) const EMPTY: Self = Self::Many(None);

    /// How many tasks wait.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(crowd) => crowd.as_ref().map_or(0, |crowd| crowd.wakers.len()),
        }
    }

    /// Whether the task of `waker` is waiting already.
    pub(crate) fn contains(&self, waker: &Waker) -> bool {
        if seeded(Fault::FirstWakerStays) {
            return !matches!(self, Self::Many(None));
        }
        match self {
            Self::One(one) => one.will_wake(waker),
            Self::Many(None) => false,
            Self::Many(Some(crowd)) => crowd.place_of(waker).is_some(),
        }
    }

    /// Adds a waker that is not there yet.
    ///
    /// Returns those that had to leave for it. They are to be woken by reference, outside of the lock,
    /// and then given to [`remember`](Self::remember).
    #[must_use]
    pub(crate) fn insert(&mut self, waker: Waker) -> Vec<Waker> {
        if seeded(Fault::OneWakerPerDirection) {
            // The mistake loses the waker; the leak keeps foreign code from running under the lock.
            mem::forget(mem::replace(self, Self::One(waker)));
            return Vec::new();
        }
        match mem::replace(self, Self::EMPTY) {
            Self::Many(None) => {
                *self = Self::One(waker);
                Vec::new()
            }
            Self::One(first) => {
                *self = Self::Many(Some(Box::new(Crowd::of_two(first, waker))));
                Vec::new()
            }
            Self::Many(Some(mut crowd)) => {
                let displaced = crowd.make_room(&waker);
                crowd.push(waker);
                *self = Self::Many(Some(crowd));
                displaced
            }
        }
    }

    /// Keeps some of those that had to leave, if it is time for that, in exchange for others that were
    /// kept. What is in `displaced` afterwards is to be dropped outside of the lock.
    pub(crate) fn remember(&mut self, displaced: &mut Vec<Waker>) {
        if let Self::Many(Some(crowd)) = self
            && !displaced.is_empty()
        {
            crowd.remember(displaced);
        }
    }

    /// Takes the waker of that task out, wherever it is.
    #[must_use]
    pub(crate) fn remove(&mut self, waker: &Waker) -> Removed {
        match self {
            Self::One(one) if one.will_wake(waker) => match mem::replace(self, Self::EMPTY) {
                Self::One(one) => Removed {
                    waiting: Some(one),
                    remembered: None,
                },
                Self::Many(_) => unreachable!("matched above"),
            },
            Self::Many(Some(crowd)) => crowd.remove(waker),
            Self::One(_) | Self::Many(None) => Removed::default(),
        }
    }

    /// Moves all wakers out, to be woken or only dropped outside of the lock.
    pub(crate) fn drain_into(&mut self, out: &mut Drained) {
        match self {
            Self::Many(None) => {}
            Self::One(_) => {
                if let Self::One(waker) = mem::replace(self, Self::EMPTY) {
                    out.wakers.push(waker);
                }
            }
            Self::Many(Some(crowd)) => {
                crowd.drain(&mut out.wakers);
                if seeded(Fault::SamplesStay) {
                    return;
                }
                out.forgotten.extend(crowd.drain_samples());
            }
        }
    }
}

/// A model has few threads.
const SMALLEST_LIMIT: usize = if cfg!(loom) { 2 } else { 32 };

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{
        collections::VecDeque,
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

    /// As a slot does it; returns those who were woken.
    fn insert(set: &mut WakerSet, waker: Waker) -> Vec<Waker> {
        let mut displaced = set.insert(waker);
        let woken = displaced.clone();
        set.remember(&mut displaced);
        woken
    }

    #[test]
    fn it_takes_no_more_memory_than_a_waker() {
        assert_eq!(size_of::<WakerSet>(), size_of::<Waker>());
    }

    #[test]
    fn a_task_is_recognised_among_others() {
        let mut set = WakerSet::EMPTY;
        let wakers: Vec<_> = (0..5).map(|_| fresh()).collect();
        for waker in &wakers {
            assert!(!set.contains(waker));
            assert!(set.insert(waker.clone()).is_empty());
        }
        assert!(wakers.iter().all(|waker| set.contains(waker)));
    }

    #[test]
    fn a_waker_that_is_taken_out_is_gone_and_the_others_stay() {
        for others in [0, 1, 5] {
            let mut set = WakerSet::EMPTY;
            let wakers: Vec<_> = (0..=others).map(|_| fresh()).collect();
            for waker in &wakers {
                insert(&mut set, waker.clone());
            }
            let removed = set.remove(&wakers[0]).waiting.expect("it is there");
            assert!(removed.will_wake(&wakers[0]));
            assert!(set.remove(&wakers[0]).waiting.is_none());
            assert!(wakers[1..].iter().all(|waker| set.contains(waker)));
        }
    }

    /// The set remembers some of those that it has woken for want of room.
    #[test]
    fn a_waker_that_is_taken_out_is_not_remembered_either() {
        let counts: Vec<_> = (0..10 * SMALLEST_LIMIT)
            .map(|_| Arc::new(Count::default()))
            .collect();
        let mut set = WakerSet::EMPTY;
        for count in &counts {
            insert(&mut set, Waker::from(count.clone()));
        }
        let kept = || {
            let kept = counts.iter().filter(|count| Arc::strong_count(count) > 1);
            kept.count()
        };
        assert!(kept() > set.len(), "nobody is remembered");
        for count in &counts {
            drop(set.remove(&Waker::from(count.clone())));
        }
        assert_eq!((set.len(), kept()), (0, 0));
    }

    /// One task whose waker differs at every poll, and which is polled a million times.
    #[test]
    fn a_fresh_waker_at_every_poll_does_not_grow_the_set() {
        let mut set = WakerSet::EMPTY;
        for _ in 0..1_000_000 {
            insert(&mut set, fresh());
            assert!(set.len() <= SMALLEST_LIMIT);
        }
    }

    /// Eight honest tasks, and one with a fresh waker at every poll.
    #[test]
    fn one_fresh_waker_among_honest_ones_does_not_grow_the_set() {
        let honest: Vec<_> = (0..8).map(|_| fresh()).collect();
        let mut set = WakerSet::EMPTY;
        for _ in 0..100_000 {
            for waker in &honest {
                if !set.contains(waker) {
                    insert(&mut set, waker.clone());
                }
            }
            insert(&mut set, fresh());
            assert!(set.len() <= 2 * SMALLEST_LIMIT, "{}", set.len());
        }
    }

    #[test]
    fn a_crowd_settles_after_any_number_of_fresh_wakers() {
        let mut set = WakerSet::EMPTY;
        for _ in 0..10_000 {
            insert(&mut set, fresh());
        }
        let mut waiting_outside: VecDeque<_> = (0..1_000).map(|_| fresh()).collect();
        let mut wakes = 0;
        while let Some(waker) = waiting_outside.pop_front() {
            if !set.contains(&waker) {
                let woken = insert(&mut set, waker);
                wakes += woken.len();
                waiting_outside.extend(woken);
            }
            assert!(wakes <= 100_000, "still waking each other");
        }
    }

    /// A crowd that all come back when they are woken must find room, not wake each other in circles.
    #[test]
    fn a_crowd_larger_than_the_limit_settles() {
        let crowd: Vec<_> = (0..1_000).map(|_| fresh()).collect();
        let mut set = WakerSet::EMPTY;
        let mut waiting_outside: VecDeque<_> = crowd.iter().cloned().collect();
        let mut wakes = 0;
        while let Some(waker) = waiting_outside.pop_front() {
            if !set.contains(&waker) {
                let woken = insert(&mut set, waker);
                wakes += woken.len();
                waiting_outside.extend(woken);
            }
            assert!(wakes <= 10 * crowd.len(), "still waking each other");
        }
        assert_eq!(set.len(), crowd.len());
        // After one event of which only a few come back, the room goes as well.
        for _ in 0..10 {
            set.drain_into(&mut Drained::default());
        }
        for _ in 0..1_000 {
            insert(&mut set, fresh());
        }
        assert!(set.len() <= SMALLEST_LIMIT);
    }
}
