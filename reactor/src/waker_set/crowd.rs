use std::{collections::HashMap, mem, task::Waker};

use super::{Removed, SMALLEST_LIMIT};

/// Several wakers, and what is known about their coming back.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// INVARIANT: all of different tasks.
    pub(super) wakers: Vec<Waker>,
    /// Where each of them is, or nothing as long as there are so few that they are looked through.
    places: HashMap<Identity, usize>,
    limit: usize,
    /// Some of those who were woken for want of room. They are kept alive, so that nobody else can look
    /// the same.
    samples: Vec<Sample>,
    /// How many more times the set may be full before samples that do not come back are given up, and
    /// how many times it was at first. A crowd comes back in turn, so the patience grows.
    patience_left: u32,
    patience: u32,
}

#[derive(Debug)]
struct Sample {
    waker: Waker,
    came_back: bool,
}

/// What [`Waker::will_wake`] compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Identity {
    data: usize,
    vtable: usize,
}

impl Crowd {
    pub(super) fn of_two(first: Waker, second: Waker) -> Self {
        Self {
            wakers: vec![first, second],
            places: HashMap::new(),
            limit: SMALLEST_LIMIT,
            samples: Vec::new(),
            patience_left: SMALLEST_PATIENCE,
            patience: SMALLEST_PATIENCE,
        }
    }

    pub(super) fn place_of(&self, waker: &Waker) -> Option<usize> {
        if self.places.is_empty() {
            return self.wakers.iter().position(|one| one.will_wake(waker));
        }
        self.places.get(&Identity::of(waker)).copied()
    }

    /// Adds a waker that is not there yet.
    pub(super) fn push(&mut self, waker: Waker) {
        let place = self.wakers.len();
        if !self.places.is_empty() {
            self.places.insert(Identity::of(&waker), place);
        }
        self.wakers.push(waker);
        if self.places.is_empty() && place >= SMALLEST_LIMIT {
            let wakers = self.wakers.iter().enumerate();
            self.places = wakers.map(|(n, one)| (Identity::of(one), n)).collect();
        }
    }

    pub(super) fn remove(&mut self, waker: &Waker) -> Removed {
        let waiting = self.place_of(waker).map(|place| self.take_out(place));
        let is_it = |sample: &Sample| sample.waker.will_wake(waker);
        let remembered = self.samples.iter().position(is_it);
        Removed {
            waiting,
            remembered: remembered.map(|place| self.samples.swap_remove(place).waker),
        }
    }

    /// The last one takes its place.
    fn take_out(&mut self, place: usize) -> Waker {
        let taken = self.wakers.swap_remove(place);
        if !self.places.is_empty() {
            self.places.remove(&Identity::of(&taken));
            if let Some(moved) = self.wakers.get(place) {
                self.places.insert(Identity::of(moved), place);
            }
        }
        taken
    }

    /// Takes everybody out.
    pub(super) fn take_all(&mut self) -> Vec<Waker> {
        self.places.clear();
        mem::take(&mut self.wakers)
    }

    /// An event wakes everybody. If they were few, room goes as well, and the memory of what is above it.
    pub(super) fn drain(&mut self, out: &mut Vec<Waker>) {
        let are_few = self.wakers.len() < self.limit / 4 && self.limit > SMALLEST_LIMIT;
        self.places.clear();
        out.append(&mut self.wakers);
        if are_few {
            self.limit /= 2;
            self.wakers.shrink_to(self.limit);
            self.places.shrink_to_fit();
        }
    }

    pub(super) fn drain_samples(&mut self) -> impl Iterator<Item = Waker> {
        self.samples.drain(..).map(|sample| sample.waker)
    }

    /// Takes everybody out if there is no room for one more.
    pub(super) fn make_room(&mut self, newcomer: &Waker) -> Vec<Waker> {
        for sample in &mut self.samples {
            sample.came_back |= sample.waker.will_wake(newcomer);
        }
        if self.wakers.len() < self.limit {
            return Vec::new();
        }
        if self.is_back() {
            self.limit *= 2;
        }
        self.take_all()
    }

    /// Exchanges the samples if they have come back, or if they have been waited for long enough.
    pub(super) fn remember(&mut self, displaced: &mut Vec<Waker>) {
        if !self.is_back() && !self.samples.is_empty() {
            self.patience_left -= 1;
            if self.patience_left > 0 {
                return;
            }
            self.patience = self.patience.saturating_mul(2);
        }
        self.patience_left = self.patience;
        let forgotten = mem::replace(&mut self.samples, sample(displaced));
        displaced.extend(forgotten.into_iter().map(|sample| sample.waker));
    }

    /// Whether those who were woken do come back, by and large.
    fn is_back(&self) -> bool {
        let back = self.samples.iter().filter(|sample| sample.came_back);
        !self.samples.is_empty() && 2 * back.count() >= self.samples.len()
    }
}

impl Identity {
    fn of(waker: &Waker) -> Self {
        Self {
            data: waker.data().addr(),
            vtable: std::ptr::from_ref(waker.vtable()).addr(),
        }
    }
}

/// Takes some wakers out, evenly spread.
fn sample(displaced: &mut Vec<Waker>) -> Vec<Sample> {
    let stride = displaced.len().div_ceil(SAMPLES).max(1);
    // From the back, so that a removal moves none of those that are still to be taken.
    let places = (0..displaced.len()).step_by(stride).rev();
    places
        .map(|place| Sample {
            waker: displaced.swap_remove(place),
            came_back: false,
        })
        .collect()
}

const SAMPLES: usize = 8;
const SMALLEST_PATIENCE: u32 = 4;

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{sync::Arc, task::Wake};

    use super::*;

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn the_memory_of_a_crowd_goes_with_its_room() {
        let crowd: Vec<_> = (0..1_000).map(|_| Waker::from(Arc::new(Nobody))).collect();
        let mut few = Crowd::of_two(crowd[0].clone(), crowd[1].clone());
        // They come back whenever they are woken for want of room, until there is room for all.
        for waker in crowd.iter().cycle().take(20 * crowd.len()) {
            if few.place_of(waker).is_none() {
                let mut displaced = few.make_room(waker);
                few.push(waker.clone());
                if !displaced.is_empty() {
                    few.remember(&mut displaced);
                }
            }
        }
        assert_eq!(few.wakers.len(), crowd.len());
        for _ in 0..10 {
            few.drain(&mut Vec::new());
        }
        assert_eq!(few.limit, SMALLEST_LIMIT);
        assert!(few.wakers.capacity() <= SMALLEST_LIMIT);
        assert_eq!(few.places.capacity(), 0, "the few are looked through");
    }

    /// A crowd in which everybody is looked through for everybody costs the square of its size at each event.
    #[test]
    fn whoever_is_in_a_large_crowd_is_found_by_a_list_of_places() {
        let wakers: Vec<_> = (0..300).map(|_| Waker::from(Arc::new(Nobody))).collect();
        let mut crowd = Crowd::of_two(wakers[0].clone(), wakers[1].clone());
        let mut inside = vec![0, 1];
        // Some multiplicative hash: whoever is in goes, whoever is not comes; and all go now and then.
        for step in 0..20_000_u32 {
            let who = (step.wrapping_mul(0x9e37_79b9) >> 16) as usize % wakers.len();
            assert_eq!(
                crowd.place_of(&wakers[who]).is_some(),
                inside.contains(&who)
            );
            if let Some(place) = inside.iter().position(|one| *one == who) {
                inside.swap_remove(place);
                let removed = crowd.remove(&wakers[who]).waiting.expect("it is there");
                assert!(removed.will_wake(&wakers[who]));
            } else {
                inside.push(who);
                crowd.push(wakers[who].clone());
            }
            let all_have_places = crowd.places.len() == crowd.wakers.len();
            assert!(all_have_places || crowd.places.is_empty() && inside.len() <= 300);
            assert!(all_have_places || inside.len() <= SMALLEST_LIMIT);
            if step % 5_000 == 4_999 {
                crowd.drain(&mut Vec::new());
                inside.clear();
            }
        }
    }
}
