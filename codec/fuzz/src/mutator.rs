use fastrand::Rng;

/// Makes new inputs of old ones, by chance, the same ones for the same seed.
///
/// It knows nothing of coverage, and is there for those who have no libFuzzer. What makes up for it: the
/// seeds are what a codec is meant for, and what it changes in them are the things that codecs stumble
/// over (lengths, endings, numbers beside a power of two).
#[derive(Debug)]
pub struct Mutator {
    rng: Rng,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    /// One that begins with `seeds`.
    pub fn new(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        let rng = Rng::with_seed(seed);
        Self { rng, seeds }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = match self.rng.u8(..8) {
            // Something of no protocol at all.
            0 => (0..self.rng.usize(..64)).map(|_| self.rng.u8(..)).collect(),
            _ => self.seed(),
        };
        for _ in 0..1 << self.rng.u8(..4) {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.rng.usize(..=input.len());
        let end = (at + self.rng.usize(..=16)).min(input.len());
        match self.rng.u8(..8) {
            0 => drop(input.drain(at..end)),
            1 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            2 => {
                let token = self.rng.choice(TOKENS).copied().unwrap_or_default();
                input.splice(at..at, token.iter().copied());
            }
            3 => {
                let token = self.rng.choice(TOKENS).copied().unwrap_or_default();
                let end = (at + token.len()).min(input.len());
                input.splice(at..end, token.iter().copied());
            }
            4 => {
                let other = self.seed();
                let tail = self.rng.usize(..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[tail..]);
            }
            5 => input.truncate(at),
            kind => {
                let Some(byte) = input.get_mut(at) else {
                    return;
                };
                *byte = match kind {
                    6 => self.rng.u8(..),
                    _ => byte.wrapping_add([1, 255, 128, 64][self.rng.usize(..4)]),
                };
            }
        }
    }

    fn seed(&mut self) -> Vec<u8> {
        self.rng.choice(&self.seeds).cloned().unwrap_or_default()
    }
}

const TOKENS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\x80\x01",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\0\0\0\x01",
    b"\0\0\0\0",
    b"\0\x05hello",
    b"*1\r\n",
    b"$4\r\nPING\r\n",
    b"*-1\r\n",
    b"$-1\r\n",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"+",
    b"-",
    b";",
    b"a\n",
    b"\xe2\x82\xac",
    b"\xe2\x82",
    b" ",
    b"\xf0",
    b"\xc8\x10",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_inputs_and_another_seed_others() {
        let inputs = |seed| {
            let mut mutator = Mutator::new(vec![b"hello\n".to_vec(), Vec::new()], seed);
            (0..100).map(|_| mutator.next_input()).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
    }
}
