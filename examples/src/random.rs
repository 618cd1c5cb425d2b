/// Numbers that look random and are the same for the same seed: xorshift64*.
///
/// For test data only: who has seen one number knows all that follow.
#[derive(Debug, Clone)]
pub struct Random {
    /// INVARIANT: not 0, from where xorshift never gets away.
    state: u64,
}

impl Random {
    /// A generator; seeds next to each other give numbers that have nothing in common.
    pub fn new(seed: u64) -> Self {
        // One step of splitmix64, so that small seeds do not begin with small numbers.
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self {
            state: (state ^ (state >> 31)).max(1),
        }
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which must not be 0.
    pub fn below(&mut self, limit: usize) -> usize {
        // The remainder favours small numbers by a hair, which does not matter here.
        (self.next_u64() % limit as u64) as usize
    }

    /// Fills a buffer.
    pub fn fill(&mut self, buf: &mut [u8]) {
        for chunk in buf.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_and_another_seed_others() {
        let bytes = |seed| {
            let mut buf = [0; 37];
            Random::new(seed).fill(&mut buf);
            buf
        };
        assert_eq!(bytes(7), bytes(7));
        assert_ne!(bytes(7), bytes(8));
    }

    #[test]
    fn below_stays_below_and_reaches_every_number() {
        let mut random = Random::new(0);
        let mut seen = [false; 5];
        for _ in 0..1_000 {
            seen[random.below(5)] = true;
        }
        assert_eq!(seen, [true; 5]);
    }
}
