use std::{sync::Arc, time::Duration};

use mio::Token;
use slab::Slab;

use crate::{
    debug_dump::ObjectDump,
    error::ReactorGone,
    fault::{Fault, seeded},
    slot::Slot,
    sys,
    waker_set::Drained,
};

/// All registered objects of one reactor, found by the token that comes with an event.
///
/// A token is an index and a generation. The index is used again as soon as an object is
/// deregistered, the generation is not: an event of the same batch that still names the old object
/// finds nothing.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    slab: Slab<Entry>,
    last_generation: u32,
    gone: bool,
}

#[derive(Debug)]
struct Entry {
    slot: Arc<Slot>,
    generation: u32,
    /// When it was registered, in tenths of a second of the reactor: what fits beside the generation.
    since: u32,
}

impl Slots {
    /// `now`: in nanoseconds of the reactor.
    pub(crate) fn insert(&mut self, slot: Arc<Slot>, now: u64) -> Result<Token, ReactorGone> {
        if self.gone && !seeded(Fault::InsertWhenGone) {
            return Err(ReactorGone);
        }
        self.last_generation = self.last_generation.wrapping_add(1) & GENERATION_MASK;
        let generation = self.last_generation;
        let index = self.slab.insert(Entry {
            slot,
            generation,
            since: tenths(now),
        });
        Ok(token(index, generation))
    }

    /// Frees the place; the slot is returned so that it is dropped outside of the lock.
    pub(crate) fn remove(&mut self, token: Token) -> Option<Arc<Slot>> {
        self.get(token)?;
        Some(self.slab.remove(index_of(token)).slot)
    }

    #[inline]
    pub(crate) fn get(&self, token: Token) -> Option<&Slot> {
        let entry = self.slab.get(index_of(token))?;
        let same = entry.generation == generation_of(token);
        (same || seeded(Fault::TokenWithoutGeneration)).then_some(&*entry.slot)
    }

    /// Of the object that was registered last.
    pub(crate) fn last_generation(&self) -> u32 {
        self.last_generation
    }

    /// The objects that were registered after that one.
    pub(crate) fn newer_than(&self, generation: u32) -> impl Iterator<Item = &Slot> {
        let newer = self.last_generation.wrapping_sub(generation) & GENERATION_MASK;
        let entries = self.slab.iter().map(|(_, entry)| entry);
        entries
            .filter(move |entry| {
                self.last_generation.wrapping_sub(entry.generation) & GENERATION_MASK < newer
            })
            .map(|entry| &*entry.slot)
    }

    /// All objects, in the order of their descriptors.
    pub(crate) fn dump(&self, now: u64) -> Vec<ObjectDump> {
        let age =
            |since: u32| Duration::from_millis(u64::from(tenths(now).saturating_sub(since)) * 100);
        let entries = self.slab.iter();
        let mut all: Vec<_> = entries
            .map(|(_, entry)| entry.slot.dump(age(entry.since)))
            .collect();
        all.sort_by_key(|object| object.descriptor.map(sys::number));
        all
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Makes "gone" the answer for every object and for every later registration.
    pub(crate) fn set_gone(&mut self, out: &mut Drained) {
        self.gone = true;
        for (_, entry) in &self.slab {
            entry.slot.set_gone(out);
        }
    }
}

/// The token of the waker, which no object can get: its index would have to fill the index bits.
pub(crate) const BELL: Token = Token(usize::MAX);

fn tenths(nanos: u64) -> u32 {
    u32::try_from(nanos / 100_000_000).unwrap_or(u32::MAX)
}

const INDEX_BITS: u32 = if usize::BITS == 64 { 32 } else { 20 };
const GENERATION_MASK: u32 = (usize::MAX >> INDEX_BITS) as u32;

fn token(index: usize, generation: u32) -> Token {
    debug_assert!(
        index < (1 << INDEX_BITS) - 1,
        "more objects than descriptors"
    );
    Token(index | ((generation as usize) << INDEX_BITS))
}

#[inline]
fn index_of(token: Token) -> usize {
    token.0 & ((1 << INDEX_BITS) - 1)
}

#[inline]
fn generation_of(token: Token) -> u32 {
    (token.0 >> INDEX_BITS) as u32
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::ptr;

    use super::*;
    use crate::Options;

    fn slot() -> Arc<Slot> {
        Arc::new(Slot::new(Options::new(), None))
    }

    #[test]
    fn a_token_of_a_removed_object_does_not_find_the_next_one() {
        let mut slots = Slots::default();
        let old = slots.insert(slot(), 0).unwrap();
        slots.remove(old).unwrap();
        let new = slots.insert(slot(), 0).unwrap();
        assert_eq!(index_of(old), index_of(new));
        assert!(slots.get(old).is_none());
        assert!(slots.remove(old).is_none());
        assert!(slots.get(new).is_some());
        assert!(slots.get(BELL).is_none());
    }

    #[test]
    fn what_was_registered_later_is_told_apart_also_when_the_generations_begin_again() {
        for last in [0, 5, GENERATION_MASK - 1, GENERATION_MASK] {
            let mut slots = Slots {
                last_generation: last,
                ..Slots::default()
            };
            let old = slots.insert(slot(), 0).unwrap();
            let before = slots.last_generation();
            assert_eq!(slots.newer_than(before).count(), 0);
            let [first, second] = [(); 2].map(|()| slots.insert(slot(), 0).unwrap());
            assert_eq!(slots.newer_than(before).count(), 2);
            for token in [old, first] {
                slots.remove(token).unwrap();
            }
            let newer: Vec<_> = slots.newer_than(before).map(ptr::from_ref).collect();
            assert_eq!(newer, [ptr::from_ref(slots.get(second).unwrap())]);
        }
    }

    /// The classic reactor had room for 65,536.
    #[test]
    fn there_is_room_for_more_objects_than_sixteen_bits_count() {
        let mut slots = Slots::default();
        let shared = slot();
        let insert = |slots: &mut Slots| slots.insert(shared.clone(), 0).unwrap();
        let tokens: Vec<_> = (0..100_000).map(|_| insert(&mut slots)).collect();
        assert_eq!(slots.len(), tokens.len());
        // Every second one goes, and others take the places.
        let (old, kept): (Vec<_>, Vec<_>) = tokens.into_iter().partition(|token| token.0 % 2 == 0);
        for token in &old {
            slots.remove(*token).unwrap();
        }
        let new: Vec<_> = old.iter().map(|_| insert(&mut slots)).collect();
        assert!(old.iter().all(|token| slots.get(*token).is_none()));
        assert!(
            kept.iter()
                .chain(&new)
                .all(|token| slots.get(*token).is_some())
        );
        for token in kept.into_iter().chain(new) {
            slots.remove(token).unwrap();
        }
        assert_eq!(slots.len(), 0);
    }

    #[test]
    fn after_gone_nothing_is_registered() {
        let mut slots = Slots::default();
        let token = slots.insert(slot(), 0).unwrap();
        slots.set_gone(&mut Drained::default());
        let seen = slots.get(token).unwrap().seen(crate::Direction::Read);
        assert!(seen.check_gone().is_err());
        assert!(slots.insert(slot(), 0).is_err());
    }
}
