use std::{
    str,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::Failure;

/// The number that an argument says, as Redis reads it: no sign but a minus, no zeros before it.
pub(super) fn integer(word: &[u8]) -> Result<i64, Failure> {
    let number = parsed(word).ok_or(Failure::NotAnInteger)?;
    Ok(number)
}

pub(super) fn parsed(word: &[u8]) -> Option<i64> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    let is_plain = match digits {
        [b'0'] => word.len() == 1,
        [b'1'..=b'9', ..] => true,
        _ => false,
    };
    let number = str::from_utf8(word).ok()?;
    number.parse().ok().filter(|_| is_plain)
}

/// How many there may be at most: a count that is not negative.
pub(super) fn count(word: &[u8]) -> Result<usize, Failure> {
    let count = integer(word).map_err(|_| Failure::NegativeCount)?;
    usize::try_from(count).map_err(|_| Failure::NegativeCount)
}

/// The time that is so many milliseconds, or seconds, from now.
pub(super) fn time_from_now(
    number: i64,
    milliseconds_each: u64,
    command: &'static str,
) -> Result<Instant, Failure> {
    let milliseconds = u64::try_from(number)
        .ok()
        .and_then(|number| number.checked_mul(milliseconds_each));
    milliseconds
        .and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)))
        .ok_or(Failure::InvalidExpiry(command))
}

/// The elements from one place to another, both included; negative places count from the end.
pub(super) fn range(start: i64, stop: i64, len: usize) -> std::ops::Range<usize> {
    let len = len as i64;
    let place = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let start = place(start).clamp(0, len);
    let end = place(stop).saturating_add(1).clamp(start, len);
    start as usize..end as usize
}

/// `key value key value …` in pairs.
pub(super) fn pairs<'a>(
    words: &'a [Bytes],
    command: &'static str,
) -> Result<impl Iterator<Item = (&'a Bytes, &'a Bytes)>, Failure> {
    if !words.len().is_multiple_of(2) {
        return Err(Failure::WrongArity(command));
    }
    Ok(words.chunks_exact(2).map(|pair| (&pair[0], &pair[1])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_only_as_it_is_written() {
        for (word, number) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("10", Some(10)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("01", None),
            ("+1", None),
            ("1 ", None),
            ("1.0", None),
        ] {
            assert_eq!(parsed(word.as_bytes()), number, "{word:?}");
        }
    }

    #[test]
    fn a_range_is_clipped_to_what_there_is() {
        for (start, stop, expected) in [
            (0, -1, 0..5),
            (1, 2, 1..3),
            (-2, -1, 3..5),
            (-100, 100, 0..5),
            (3, 1, 3..3),
            (7, 9, 5..5),
            (0, -7, 0..0),
            (i64::MIN, i64::MAX, 0..5),
        ] {
            assert_eq!(range(start, stop, 5), expected, "{start} {stop}");
        }
        assert_eq!(range(0, -1, 0), 0..0);
    }

    #[test]
    fn a_time_beyond_all_clocks_is_refused() {
        for number in [-1, i64::MAX] {
            assert!(time_from_now(number, 1000, "set").is_err(), "{number}");
        }
        assert!(time_from_now(1, 1000, "set").is_ok());
    }
}
