use bytes::BufMut;

use super::span::Span;
use crate::{LengthDelimitedBuildError, LengthDelimitedError, Segments};

/// Where the length stands in a frame, and what it means.
///
/// The same range of lengths holds in both directions. It is the reason why a decoder accepts whatever
/// its own encoder makes.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    // INVARIANT: `offset + 8` and `num_skip + most` do not overflow, and every length in
    // `least..=most`, less the adjustment, fits the field.
    order: Order,
    /// Where the field begins, in bytes from the front of the frame.
    offset: usize,
    /// Where eight bytes end that begin with the field.
    word_end: usize,
    /// How many bytes the field has: 1 to 8.
    field_length: usize,
    /// How many bits of eight bytes it does not have.
    unused_bits: u32,
    /// How much longer the item is than the field says.
    adjustment: i64,
    /// Where the item begins, in bytes from the front of the frame; never inside the field.
    num_skip: usize,
    /// The shortest that an item can be.
    least: usize,
    /// The longest that an item can be.
    most: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Big,
    Little,
}

impl Layout {
    /// `num_skip` is the end of the field if it is `None`.
    pub(super) fn new(
        order: Order,
        offset: usize,
        field_length: usize,
        adjustment: i64,
        num_skip: Option<usize>,
    ) -> Result<Self, LengthDelimitedBuildError> {
        if !(1..=8).contains(&field_length) {
            return Err(LengthDelimitedBuildError::FieldLength);
        }
        let field_end = offset
            .checked_add(field_length)
            .ok_or(LengthDelimitedBuildError::HeadTooLong)?;
        let num_skip = num_skip.unwrap_or(field_end);
        if field_end.max(num_skip) > LONGEST_BUFFER {
            return Err(LengthDelimitedBuildError::HeadTooLong);
        }
        if offset < num_skip && num_skip < field_end {
            return Err(LengthDelimitedBuildError::SkipInsideField);
        }
        // The item must reach the end of the field, and the field can hold neither less than 0 nor more
        // than its bytes allow. 128 bits hold every sum and difference of these.
        let adjustment_wide = i128::from(adjustment);
        let highest = i128::from(u64::MAX >> (64 - 8 * field_length));
        let least = (field_end.saturating_sub(num_skip) as i128).max(adjustment_wide);
        let most = (highest + adjustment_wide).min((LONGEST_BUFFER - num_skip) as i128);
        if most < least {
            return Err(LengthDelimitedBuildError::NoFrameFits);
        }
        // Both lie between 0 and the length of the longest buffer.
        Ok(Self {
            order,
            offset,
            word_end: offset + size_of::<u64>(),
            field_length,
            unused_bits: u64::BITS - 8 * field_length as u32,
            adjustment,
            num_skip,
            least: least as usize,
            most: most as usize,
        })
    }

    /// How many bytes of a frame come before its item.
    #[inline]
    pub(super) fn num_skip(&self) -> usize {
        self.num_skip
    }

    pub(super) fn least(&self) -> usize {
        self.least
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// What the field may hold, if an item has at most `max` bytes, which is at most `most`. Nothing, if no
    /// item is that short.
    pub(super) fn fields(&self, max: usize) -> Span {
        debug_assert!(max <= self.most);
        if max < self.least {
            return Span::EMPTY;
        }
        Span::new(self.field_for(self.least), self.field_for(max))
    }

    /// The lengths up to `max` of the items before which stands nothing but the field. None for most layouts
    /// that are not the plain one.
    pub(super) fn plain_items(&self, max: usize) -> Span {
        debug_assert!(max <= self.most);
        if self.offset > 0 || self.num_skip != self.field_length {
            return Span::EMPTY;
        }
        Span::new(self.least as u64, max as u64)
    }

    /// What the field holds in the frame that begins with `src`; `None` if it is not there.
    pub(super) fn field(&self, src: &[u8]) -> Option<u64> {
        self.field_of_many(src).or_else(|| {
            let field = src.get(self.offset..self.field_end())?;
            let mut word = [0; 8];
            word[..self.field_length].copy_from_slice(field);
            Some(self.value(word))
        })
    }

    /// The same, if eight bytes can be read at once. Mostly more than the field is there.
    #[inline]
    pub(super) fn field_of_many(&self, src: &[u8]) -> Option<u64> {
        let word = src.get(..self.word_end)?.last_chunk()?;
        Some(self.value(*word))
    }

    /// What a field holds that begins with `word` and may end inside of it.
    #[inline]
    fn value(&self, word: [u8; 8]) -> u64 {
        match self.order {
            Order::Big => u64::from_be_bytes(word) >> self.unused_bits,
            Order::Little => u64::from_le_bytes(word) << self.unused_bits >> self.unused_bits,
        }
    }

    /// The length of the item if the field holds `field`, which is one of [`fields`](Self::fields).
    #[inline]
    pub(super) fn item_length(&self, field: u64) -> usize {
        // The sum lies between `least` and `most`, so it is no matter that both may wrap on the way.
        field.wrapping_add_signed(self.adjustment) as usize
    }

    /// What is wrong with a field that is none of [`fields`](Self::fields).
    #[cold]
    pub(super) fn error_of(&self, field: u64) -> LengthDelimitedError {
        if i128::from(field) + i128::from(self.adjustment) < self.least as i128 {
            return LengthDelimitedError::FrameTooShort { field };
        }
        LengthDelimitedError::FrameTooLong { field }
    }

    /// What the field holds for an item of `len` bytes, as [`head_of`](Self::head_of); if the item has at
    /// most `max` bytes, which is at most `most`.
    pub(super) fn field_of(&self, len: usize, max: usize) -> Result<[u8; 8], LengthDelimitedError> {
        debug_assert!(max <= self.most);
        if len > max {
            return Err(LengthDelimitedError::ItemTooLong { len });
        }
        if len < self.least {
            return Err(LengthDelimitedError::ItemTooShort { len });
        }
        Ok(self.head_of(len))
    }

    /// What the field holds for an item of `len` bytes, which is a length that is allowed, as its first bytes
    /// in the order in which they are written.
    #[inline]
    pub(super) fn head_of(&self, len: usize) -> [u8; 8] {
        let field = self.field_for(len);
        match self.order {
            Order::Big => (field << self.unused_bits).to_be_bytes(),
            Order::Little => field.to_le_bytes(),
        }
    }

    /// Appends what comes before `item`, and what of `item` stands before the end of the field. Returns how
    /// many bytes of `item` that were.
    pub(super) fn put_head(&self, item: &[u8], field: [u8; 8], dst: &mut Segments) -> usize {
        let zeros_before = self.num_skip.min(self.offset);
        let zeros_behind = self.num_skip.saturating_sub(self.field_end());
        let carried_before = self.offset - zeros_before;
        if zeros_before > 0 {
            dst.buf().put_bytes(0, zeros_before);
        }
        dst.put_slice(&item[..carried_before]);
        dst.put_slice(&field[..self.field_length]);
        if zeros_behind > 0 {
            dst.buf().put_bytes(0, zeros_behind);
        }
        self.field_end().saturating_sub(self.num_skip)
    }

    /// What the field holds for an item of `len` bytes, which is a length that is allowed.
    #[inline]
    fn field_for(&self, len: usize) -> u64 {
        // The difference fits the field, so it is no matter that both may wrap on the way.
        (len as u64).wrapping_sub(self.adjustment as u64)
    }

    fn field_end(&self) -> usize {
        self.offset + self.field_length
    }
}

impl Order {
    pub(super) const NATIVE: Self = if cfg!(target_endian = "big") {
        Self::Big
    } else {
        Self::Little
    };
}

/// No allocation is longer than this, in bytes.
const LONGEST_BUFFER: usize = isize::MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(
        offset: usize,
        field_length: usize,
        adjustment: i64,
        num_skip: impl Into<Option<usize>>,
    ) -> Result<Layout, LengthDelimitedBuildError> {
        Layout::new(
            Order::Big,
            offset,
            field_length,
            adjustment,
            num_skip.into(),
        )
    }

    fn range(
        offset: usize,
        field_length: usize,
        adjustment: i64,
        num_skip: impl Into<Option<usize>>,
    ) -> (usize, usize) {
        let layout = layout(offset, field_length, adjustment, num_skip).unwrap();
        (layout.least, layout.most)
    }

    #[test]
    fn a_length_fits_the_field_the_head_and_the_memory() {
        const MEMORY: usize = LONGEST_BUFFER;
        assert_eq!(range(0, 1, 0, None), (0, 255));
        assert_eq!(range(0, 3, 0, None), (0, 0xff_ffff));
        assert_eq!(range(0, 8, 0, None), (0, MEMORY - 8));
        assert_eq!(range(7, 1, 0, 20), (0, 255));
        // The field counts the head, too.
        assert_eq!(range(0, 2, -2, None), (0, 0xfffd));
        assert_eq!(range(0, 1, -255, None), (0, 0));
        // The item holds the head.
        assert_eq!(range(0, 2, 0, 0), (2, 0xffff));
        assert_eq!(range(3, 2, 0, 3), (2, 0xffff));
        assert_eq!(range(3, 2, 5, 0), (5, 0xffff + 5));
        // No field says less than 0.
        assert_eq!(range(0, 1, 1000, None), (1000, 1255));
        assert_eq!(range(0, 8, i64::MIN, None).0, 0);
        // Nothing but an empty item fits behind the longest head.
        assert_eq!(range(0, 4, 0, MEMORY), (0, 0));
        if size_of::<usize>() == 8 {
            assert_eq!(range(0, 8, i64::MIN, None), (0, MEMORY - 8));
            assert_eq!(range(0, 8, i64::MAX - 8, None), (MEMORY - 8, MEMORY - 8));
        }
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        use LengthDelimitedBuildError::*;

        for field_length in [0, 9, usize::MAX] {
            let error = layout(0, field_length, 0, None).unwrap_err();
            assert_eq!(error, FieldLength);
        }
        for (offset, num_skip) in [
            (usize::MAX, None),
            (LONGEST_BUFFER, None),
            (0, Some(usize::MAX)),
            (LONGEST_BUFFER, Some(0)),
        ] {
            let error = layout(offset, 4, 0, num_skip).unwrap_err();
            assert_eq!(error, HeadTooLong);
        }
        for num_skip in [3, 4, 5] {
            let error = layout(2, 4, 0, num_skip).unwrap_err();
            assert_eq!(error, SkipInsideField);
        }
        for (field_length, adjustment, num_skip) in [
            (1, -256, 1),
            (1, -255, 0),
            (1, i64::MIN, 1),
            (8, 1, LONGEST_BUFFER),
            (8, i64::MAX, 8),
        ] {
            let error = layout(0, field_length, adjustment, num_skip).unwrap_err();
            assert_eq!(error, NoFrameFits);
        }
    }

    /// What `i128` says, for every value near a border of the field or of the adjustment.
    #[test]
    fn a_field_is_read_as_what_it_is_and_never_wraps() {
        let near = |middle: i128| (-3..=3).map(move |step| middle + step);
        let middles = [
            0,
            i128::from(u8::MAX),
            i128::from(u16::MAX),
            i128::from(u32::MAX),
            isize::MAX as i128,
            i128::from(i64::MAX),
            i128::from(u64::MAX),
        ];
        let adjustments = || {
            [0, 255, -255, i128::from(i64::MIN), i128::from(i64::MAX)]
                .into_iter()
                .flat_map(near)
                .filter_map(|adjustment| i64::try_from(adjustment).ok())
        };
        for field_length in 1..=8 {
            for adjustment in adjustments() {
                let Ok(layout) = layout(0, field_length, adjustment, None) else {
                    continue;
                };
                for field in middles.into_iter().flat_map(near) {
                    let Ok(field) = u64::try_from(field) else {
                        continue;
                    };
                    if field.leading_zeros() as usize / 8 < 8 - field_length {
                        continue;
                    }
                    let head = &field.to_be_bytes()[8 - field_length..];
                    let len = i128::from(field) + i128::from(adjustment);
                    assert_eq!(layout.field(head), Some(field));
                    if layout.fields(layout.most).contains(field) {
                        let found = layout.item_length(field);
                        assert_eq!(found as i128, len);
                        assert!(found <= LONGEST_BUFFER - field_length);
                        continue;
                    }
                    match layout.error_of(field) {
                        LengthDelimitedError::FrameTooShort { field: told } => {
                            assert!(len < 0 && told == field);
                        }
                        LengthDelimitedError::FrameTooLong { field: told } => {
                            assert!(len > (LONGEST_BUFFER - field_length) as i128);
                            assert_eq!(told, field);
                        }
                        error => panic!("{error}"),
                    }
                }
            }
        }
    }

    #[test]
    fn a_field_is_the_same_whether_eight_bytes_are_there_or_just_its_own() {
        for offset in [0, 3] {
            for field_length in 1..=8 {
                for order in [Order::Big, Order::Little] {
                    let layout = Layout::new(order, offset, field_length, 0, None).unwrap();
                    let bytes: Vec<u8> = (0x81..0xa1).collect();
                    let mut field = bytes[offset..][..field_length].to_vec();
                    if order == Order::Little {
                        field.reverse();
                    }
                    let field = field.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
                    for end in 0..bytes.len() {
                        let expected = (end >= offset + field_length).then_some(field);
                        assert_eq!(layout.field(&bytes[..end]), expected);
                    }
                }
            }
        }
    }

    #[test]
    fn a_maximum_below_every_item_allows_no_field() {
        let layout = layout(0, 1, 10, None).unwrap();
        for field in 0..=255 {
            assert!(!layout.fields(9).contains(field));
            assert_eq!(layout.fields(10).contains(field), field == 0);
        }
    }
}
