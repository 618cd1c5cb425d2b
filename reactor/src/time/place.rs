/// A slot of a wheel: its level, and which of the 64 slots of that level it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u16);

impl Place {
    /// Where a tick lies when so many ticks have passed.
    #[inline]
    pub(super) fn of(tick: u64, elapsed: u64) -> Self {
        // What lies in the past or too far ahead is put as near as the wheel reaches.
        let tick = tick.clamp(elapsed, elapsed + FARTHEST);
        let digit = (u64::BITS - 1 - ((tick ^ elapsed) | 1).leading_zeros()) / BITS;
        let level = (digit as usize).min(LEVELS - 1);
        let slot = (tick >> (BITS * level as u32)) as usize % SLOTS;
        Self::new(level, slot)
    }

    /// The slot of a level that comes first, of those that are `occupied`: one bit each, and at least one.
    #[inline]
    pub(super) fn first(level: usize, occupied: u64, elapsed: u64) -> Self {
        let current = current_slot(level, elapsed);
        let ahead = occupied.rotate_right(current as u32).trailing_zeros();
        Self::new(level, (current + ahead as usize) % SLOTS)
    }

    fn new(level: usize, slot: usize) -> Self {
        Self((level * SLOTS + slot) as u16)
    }

    #[inline]
    pub(super) fn level(self) -> usize {
        usize::from(self.0) / SLOTS
    }

    #[inline]
    pub(super) fn slot(self) -> usize {
        usize::from(self.0) % SLOTS
    }

    /// The first tick of the slot, at or after the current one.
    pub(super) fn start(self, elapsed: u64) -> u64 {
        let level = self.level();
        let shift = BITS * level as u32;
        let ahead = (self.slot() + SLOTS - current_slot(level, elapsed)) % SLOTS;
        ((elapsed >> shift) + ahead as u64) << shift
    }

    pub(super) fn to_bits(self) -> u16 {
        self.0
    }

    pub(super) fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

fn current_slot(level: usize, elapsed: u64) -> usize {
    (elapsed >> (BITS * level as u32)) as usize % SLOTS
}

const BITS: u32 = 6;
pub(super) const SLOTS: usize = 1 << BITS;
const LEVELS: usize = 7;
/// One slot of the last level short of a whole turn, so that it never is the current one.
const FARTHEST: u64 = ((SLOTS - 1) as u64) << (BITS * (LEVELS as u32 - 1));
