use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use crate::{answer::Answer, message::Key};

/// Answers, each until its time is over; as many as there is room for, and then those that would live
/// longest. One that is too long is not kept, as room is counted in answers.
pub(crate) struct Cache {
    room: usize,
    entries: HashMap<Key, Entry>,
    /// INVARIANT: the end and the key of each entry.
    by_end: BTreeSet<(Instant, Key)>,
}

struct Entry {
    answer: Answer,
    since: Instant,
    end: Instant,
}

impl Cache {
    pub(crate) fn new(room: usize) -> Self {
        Self {
            room,
            entries: HashMap::new(),
            by_end: BTreeSet::new(),
        }
    }

    /// With its age in whole seconds.
    pub(crate) fn get(&self, key: &Key, now: Instant) -> Option<(&Answer, u32)> {
        let entry = self.entries.get(key).filter(|entry| now < entry.end)?;
        let age = now.duration_since(entry.since).as_secs();
        Some((&entry.answer, u32::try_from(age).ok()?))
    }

    pub(crate) fn insert(&mut self, key: &Key, answer: Answer, now: Instant, life: Duration) {
        self.remove(key);
        if answer.len() > LONGEST {
            return;
        }
        // What is over is first.
        while self.entries.len() >= self.room {
            let Some((_, first)) = self.by_end.first().cloned() else {
                return;
            };
            self.remove(&first);
        }
        let (since, end) = (now, now + life);
        self.by_end.insert((end, key.clone()));
        let entry = Entry { answer, since, end };
        self.entries.insert(key.clone(), entry);
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_end.remove(&(entry.end, key.clone()));
        }
    }
}

/// Bytes: more than any datagram of the name server's has.
const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(n: u8) -> Key {
        Key::from([n].to_vec())
    }

    fn there(cache: &Cache, now: Instant) -> Vec<u8> {
        (0..10)
            .filter(|&n| cache.get(&key(n), now).is_some())
            .collect()
    }

    #[test]
    fn an_answer_lives_as_long_as_it_may_and_tells_its_age() {
        let (mut cache, now) = (Cache::new(2), Instant::now());
        cache.insert(&key(1), Answer::empty(), now, 3 * SECOND);
        for (later, age) in [(0, Some(0)), (2900, Some(2)), (3000, None)] {
            let found = cache.get(&key(1), now + Duration::from_millis(later));
            assert_eq!(found.map(|(_, age)| age), age);
        }
    }

    #[test]
    fn an_answer_that_is_too_long_is_not_kept_nor_is_the_one_before() {
        let (mut cache, now) = (Cache::new(2), Instant::now());
        for (length, kept) in [(LONGEST, &[1][..]), (LONGEST + 1, &[])] {
            let answer = Answer::new(vec![0; length]);
            cache.insert(&key(1), answer, now, SECOND);
            assert_eq!(there(&cache, now), kept);
        }
    }

    #[test]
    fn there_are_never_more_than_there_is_room_for_and_the_first_to_end_goes_first() {
        let (mut cache, now) = (Cache::new(3), Instant::now());
        for (n, life) in [(1, 5), (2, 1), (3, 9), (4, 7)] {
            cache.insert(&key(n), Answer::empty(), now, life * SECOND);
        }
        assert_eq!(there(&cache, now), [1, 3, 4]);
        // A new answer to an old question takes no more room.
        cache.insert(&key(3), Answer::empty(), now, SECOND);
        assert_eq!(there(&cache, now), [1, 3, 4]);
        cache.insert(&key(5), Answer::empty(), now + 6 * SECOND, SECOND);
        assert_eq!(there(&cache, now + 6 * SECOND), [4, 5]);
        assert_eq!(cache.entries.len(), 3);
        assert_eq!(cache.by_end.len(), 3);
    }
}
