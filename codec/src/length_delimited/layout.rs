use bytes::BufMut;

use super::span::Span;
use crate::{LengthDelimitedBuildError, LengthDelimitedError, Segments};

/// Where the length stands in a frame, and what it means.
///
/// The same range of lengths holds in both directions. It is the reason why a decoder accepts whatever
/// its own encoder makes.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    // INVARIANT: `num_skip + most` does not overflow, and every length in `least..=most`, less the
    // adjustment, fits the field.
    order: Order,
    /// Where the field begins, in bytes from the front of the frame. 32 bits, with which no sum overflows: nobody
    /// has to look for that at each frame.
    offset: u32,
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
            offset: u32::try_from(offset).map_err(|_| LengthDelimitedBuildError::HeadTooLong)?,
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
            let field = src.get(self.offset()..self.field_end())?;
            let mut word = [0; 8];
            word[..self.field_length].copy_from_slice(field);
            Some(self.value(word))
        })
    }

    /// The same, if eight bytes can be read at once. Mostly more than the field is there.
    #[inline]
    pub(super) fn field_of_many(&self, src: &[u8]) -> Option<u64> {
        let start = self.offset();
        let word = src.get(start..start + size_of::<u64>())?.first_chunk()?;
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
        let zeros_before = self.num_skip.min(self.offset());
        let zeros_behind = self.num_skip.saturating_sub(self.field_end());
        let carried_before = self.offset() - zeros_before;
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

    #[inline]
    fn offset(&self) -> usize {
        self.offset as usize
    }

    fn field_end(&self) -> usize {
        self.offset() + self.field_length
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
mod tests;
