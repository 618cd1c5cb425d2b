use bytes::BufMut;

use crate::{LengthDelimitedBuildError, LengthDelimitedError, Segments};

/// Where the length stands in a frame, and what it means.
///
/// The same range of lengths holds in both directions. It is the reason why a decoder accepts whatever
/// its own encoder makes.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    // INVARIANT: `offset + field_length` and `num_skip + most` do not overflow, and every length in
    // `least..=most`, less the adjustment, fits the field.
    order: Order,
    /// Where the field begins, in bytes from the front of the frame.
    offset: usize,
    /// How many bytes the field has: 1 to 8.
    field_length: usize,
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
            field_length,
            adjustment,
            num_skip,
            least: least as usize,
            most: most as usize,
        })
    }

    /// How many bytes of a frame are needed to know its length.
    pub(super) fn field_end(&self) -> usize {
        self.offset + self.field_length
    }

    /// How many bytes of a frame come before its item.
    pub(super) fn num_skip(&self) -> usize {
        self.num_skip
    }

    pub(super) fn least(&self) -> usize {
        self.least
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The length of the item in the frame that begins with `head`, if it is at most `max`, which in turn
    /// is at most `most`.
    pub(super) fn announced(&self, head: &[u8], max: usize) -> Result<usize, LengthDelimitedError> {
        debug_assert!(max <= self.most);
        let field = self.field(head);
        let len = i128::from(field) + i128::from(self.adjustment);
        if len > max as i128 {
            return Err(LengthDelimitedError::FrameTooLong { field });
        }
        if len < self.least as i128 {
            return Err(LengthDelimitedError::FrameTooShort { field });
        }
        Ok(len as usize)
    }

    /// Appends what comes before `item`, if that has at most `max` bytes, and what of `item` stands
    /// before the end of the field. Returns how many bytes of `item` that were.
    ///
    /// `max` is at most `most`.
    pub(super) fn put_head(
        &self,
        item: &[u8],
        max: usize,
        dst: &mut Segments,
    ) -> Result<usize, LengthDelimitedError> {
        debug_assert!(max <= self.most);
        let len = item.len();
        if len > max {
            return Err(LengthDelimitedError::ItemTooLong { len });
        }
        if len < self.least {
            return Err(LengthDelimitedError::ItemTooShort { len });
        }
        let field = (len as i128 - i128::from(self.adjustment)) as u64;
        let zeros_before = self.num_skip.min(self.offset);
        let zeros_behind = self.num_skip.saturating_sub(self.field_end());
        let carried_before = self.offset - zeros_before;
        if zeros_before > 0 {
            dst.buf().put_bytes(0, zeros_before);
        }
        dst.put_slice(&item[..carried_before]);
        match self.order {
            Order::Big => dst.put_slice(&field.to_be_bytes()[8 - self.field_length..]),
            Order::Little => dst.put_slice(&field.to_le_bytes()[..self.field_length]),
        }
        if zeros_behind > 0 {
            dst.buf().put_bytes(0, zeros_behind);
        }
        Ok(self.field_end().saturating_sub(self.num_skip))
    }

    fn field(&self, head: &[u8]) -> u64 {
        let field = &head[self.offset..self.field_end()];
        let mut word = [0; 8];
        match self.order {
            Order::Big => {
                word[8 - self.field_length..].copy_from_slice(field);
                u64::from_be_bytes(word)
            }
            Order::Little => {
                word[..self.field_length].copy_from_slice(field);
                u64::from_le_bytes(word)
            }
        }
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
                    match layout.announced(head, layout.most) {
                        Ok(announced) => {
                            assert_eq!(announced as i128, len);
                            assert!(announced <= LONGEST_BUFFER - field_length);
                        }
                        Err(LengthDelimitedError::FrameTooShort { field: told }) => {
                            assert!(len < 0 && told == field);
                        }
                        Err(LengthDelimitedError::FrameTooLong { field: told }) => {
                            assert!(len > (LONGEST_BUFFER - field_length) as i128);
                            assert_eq!(told, field);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        }
    }
}
