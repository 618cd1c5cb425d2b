/// The numbers from one to another, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    first: u64,
    count: u64,
}

impl Span {
    pub(super) const EMPTY: Self = Self { first: 0, count: 0 };

    /// From `first` to `last`, which belongs to it. None if `last` is less, and never all that there are.
    pub(super) fn new(first: u64, last: u64) -> Self {
        match last.checked_sub(first) {
            Some(steps) => Self {
                first,
                count: steps.saturating_add(1),
            },
            None => Self::EMPTY,
        }
    }

    /// One comparison, as what is less than the first wraps to more than the count.
    #[inline]
    pub(super) fn contains(self, n: u64) -> bool {
        n.wrapping_sub(self.first) < self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_contains_its_ends_and_what_is_between_them() {
        for (first, last) in [(0, 0), (0, 9), (5, 9), (u64::MAX - 3, u64::MAX)] {
            let span = Span::new(first, last);
            for n in [0, 1, 4, 5, 9, 10, u64::MAX - 4, u64::MAX - 3, u64::MAX] {
                assert_eq!(span.contains(n), (first..=last).contains(&n), "{n}");
            }
        }
    }

    #[test]
    fn a_span_that_ends_before_it_begins_contains_nothing() {
        for span in [Span::EMPTY, Span::new(1, 0), Span::new(u64::MAX, 5)] {
            for n in [0, 1, 5, u64::MAX] {
                assert!(!span.contains(n));
            }
        }
    }
}
