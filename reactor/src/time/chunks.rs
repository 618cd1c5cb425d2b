//! Many lists of entries in one piece of memory.

use std::mem;

use super::table::TimerKey;

/// When a timer is due, in nanoseconds of the reactor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) due: u64,
    pub(super) key: TimerKey,
}

/// The memory of many [`Chain`]s: what one does not need any more is for the next.
#[derive(Debug)]
pub(super) struct Chunks {
    chunks: Vec<Chunk>,
    /// [`NONE`] if all are used.
    first_free: u32,
    used: usize,
}

/// Some entries, in the order of their coming. What a chunk says of itself is beside the first of them, because one
/// that begins anew is far away.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Chunk {
    length: u32,
    next: u32,
    entries: [Entry; LENGTH],
}

impl Chunk {
    const EMPTY: Self = Self {
        entries: [Entry {
            due: 0,
            key: TimerKey::NONE,
        }; LENGTH],
        length: 0,
        next: NONE,
    };

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries[..self.length as usize]
    }
}

/// A list of chunks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chain {
    first: u32,
    last: u32,
}

impl Chain {
    pub(super) const EMPTY: Self = Self {
        first: NONE,
        last: NONE,
    };

    /// Which chunk is the last one, for [`Chunks::take_first`].
    pub(super) fn last(self) -> u32 {
        self.last
    }
}

impl Chunks {
    pub(super) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            first_free: NONE,
            used: 0,
        }
    }

    /// Has as much room as is used of another one.
    pub(super) fn as_large_as_is_used(other: &Self) -> Self {
        Self {
            chunks: Vec::with_capacity(other.used),
            ..Self::new()
        }
    }

    /// Puts an entry behind the others.
    #[inline]
    pub(super) fn push(&mut self, chain: &mut Chain, entry: Entry) {
        if let Some(last) = self.chunks.get_mut(chain.last as usize)
            && let Some(free) = last.entries.get_mut(last.length as usize)
        {
            *free = entry;
            last.length += 1;
            return;
        }
        self.push_chunk(chain, entry);
    }

    /// Removes the last entry, if it is that one.
    #[inline]
    pub(super) fn pop(&mut self, chain: Chain, key: TimerKey) -> bool {
        let Some(last) = self.chunks.get_mut(chain.last as usize) else {
            return false;
        };
        let is_last = last.entries().last().is_some_and(|entry| entry.key == key);
        last.length -= u32::from(is_last);
        is_last
    }

    /// Takes the first chunk out; also says whether it was `stop`.
    pub(super) fn take_first(&mut self, chain: &mut Chain, stop: u32) -> Option<(Chunk, bool)> {
        let index = chain.first;
        let chunk = *self.chunks.get(index as usize)?;
        self.free(Chain {
            first: index,
            last: index,
        });
        self.used -= 1;
        *chain = match chunk.next {
            NONE => Chain::EMPTY,
            first => Chain { first, ..*chain },
        };
        Some((chunk, index == stop))
    }

    /// All entries of a chain.
    pub(super) fn entries(&self, chain: Chain) -> impl Iterator<Item = Entry> {
        let chunk = |index: u32| self.chunks.get(index as usize);
        let chunks = std::iter::successors(chunk(chain.first), move |last| chunk(last.next));
        chunks.flat_map(|chunk| chunk.entries()).copied()
    }

    /// Puts one chain behind another.
    pub(super) fn append(&mut self, front: Chain, back: Chain) -> Chain {
        match self.chunks.get_mut(front.last as usize) {
            None => back,
            Some(_) if back.first == NONE => front,
            Some(last) => {
                last.next = back.first;
                Chain {
                    last: back.last,
                    ..front
                }
            }
        }
    }

    /// Forgets all entries of a chain.
    #[inline]
    pub(super) fn clear(&mut self, chain: Chain) {
        if chain.first != NONE {
            self.used -= self.count(chain);
            self.free(chain);
        }
    }

    /// Whether it is much larger than what is in it.
    pub(super) fn is_too_large(&self) -> bool {
        self.chunks.capacity() > SMALL && self.chunks.capacity() / SPARSE > self.used
    }

    /// Moves what is used to the front, and gives the rest back. `chains` are all there are.
    ///
    /// In place: an allocator would take a large new piece of memory for an occasion to tidy up, which costs more
    /// than all the rest when a crowd of tasks has just gone.
    #[cold]
    pub(super) fn shrink<'a>(&mut self, chains: impl Iterator<Item = &'a mut Chain>) {
        let used = self.used as u32;
        let mut free = self.first_free;
        for chain in chains {
            let (mut before, mut index) = (NONE, chain.first);
            while index != NONE {
                let chunk = self.chunks[index as usize];
                let mut place = index;
                if index >= used {
                    // There are as many free places in front as chunks behind.
                    while free >= used {
                        free = self.chunks[free as usize].next;
                    }
                    place = free;
                    free = mem::replace(&mut self.chunks[place as usize], chunk).next;
                    match self.chunks.get_mut(before as usize) {
                        None => chain.first = place,
                        Some(before) => before.next = place,
                    }
                    if chain.last == index {
                        chain.last = place;
                    }
                }
                (before, index) = (place, chunk.next);
            }
        }
        self.chunks.truncate(self.used);
        self.chunks.shrink_to_fit();
        self.first_free = NONE;
    }

    #[inline]
    fn count(&self, chain: Chain) -> usize {
        let (mut count, mut index) = (1, chain.first);
        while index != chain.last {
            index = self.chunks[index as usize].next;
            count += 1;
        }
        count
    }

    #[inline]
    fn free(&mut self, chain: Chain) {
        self.chunks[chain.last as usize].next = self.first_free;
        self.first_free = chain.first;
    }

    fn push_chunk(&mut self, chain: &mut Chain, entry: Entry) {
        if self.chunks.get(self.first_free as usize).is_none() {
            let index = u32::try_from(self.chunks.len());
            self.first_free = index.expect("fewer chunks than bytes of memory");
            self.chunks.push(Chunk::EMPTY);
        }
        let index = self.first_free;
        let chunk = &mut self.chunks[index as usize];
        self.first_free = mem::replace(&mut chunk.next, NONE);
        chunk.entries[0] = entry;
        chunk.length = 1;
        self.used += 1;
        *chain = self.append(
            *chain,
            Chain {
                first: index,
                last: index,
            },
        );
    }

    /// Bytes on the heap.
    #[cfg(all(test, not(loom)))]
    pub(super) fn memory(&self) -> usize {
        self.chunks.capacity() * size_of::<Chunk>()
    }
}

const NONE: u32 = u32::MAX;
/// Entries of a chunk, which makes it a little less than 256 bytes.
const LENGTH: usize = 15;
/// It is too large if it has so many times the room that is used. Giving back memory is no work to be done often:
/// an allocator may take it for an occasion to tidy up.
const SPARSE: usize = 16;
/// So many chunks may stay whether they are needed or not.
const SMALL: usize = 64;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn entry(due: u64) -> Entry {
        Entry {
            due,
            key: TimerKey::NONE,
        }
    }

    #[test]
    fn what_is_left_of_many_chains_is_in_order_when_memory_is_given_back() {
        const CHAINS: usize = 8;
        // Which chains stay, and how much of the front of these goes.
        for (stay, taken) in [(0b0000_0001, 0), (0b1000_0000, 3), (0b0101_0010, 7), (0, 0)] {
            let mut chunks = Chunks::new();
            let mut chains = [Chain::EMPTY; CHAINS];
            for due in 0..100 * (CHAINS * LENGTH) as u64 {
                chunks.push(&mut chains[due as usize % CHAINS], entry(due));
            }
            for (n, chain) in chains.iter_mut().enumerate() {
                if stay >> n & 1 == 0 {
                    chunks.clear(*chain);
                    *chain = Chain::EMPTY;
                    continue;
                }
                for _ in 0..taken {
                    chunks.take_first(chain, NONE).unwrap();
                }
            }
            chunks.shrink(chains.iter_mut());
            assert_eq!(chunks.chunks.len(), chunks.used);
            assert_eq!(chunks.chunks.capacity(), chunks.used);
            for (n, chain) in chains.iter_mut().enumerate() {
                chunks.push(chain, entry(u64::MAX));
                let mut expected: Vec<_> = (0..100 * LENGTH)
                    .map(|k| (k * CHAINS + n) as u64)
                    .skip(taken * LENGTH)
                    .collect();
                if stay >> n & 1 == 0 {
                    expected.clear();
                }
                expected.push(u64::MAX);
                let found: Vec<_> = chunks.entries(*chain).map(|entry| entry.due).collect();
                assert_eq!(found, expected, "chain {n} of {stay:b}");
            }
        }
    }
}
