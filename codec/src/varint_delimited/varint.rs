//! Numbers in groups of seven bits, the lowest first; the eighth bit says that another group follows.
//! <https://protobuf.dev/programming-guides/encoding/#varints>

/// The number at the front of `bytes`, and how many bytes it has; `None` if its end is not there.
///
/// A number with more groups than it needs is a number. One of more than ten bytes, or of more than 64
/// bits, is [`Overflow`].
pub(super) fn read(bytes: &[u8]) -> Result<Option<(u64, usize)>, Overflow> {
    let mut number = 0;
    for (at, &byte) in bytes.iter().enumerate().take(LONGEST) {
        let group = u64::from(byte & 0x7f);
        // The tenth byte has the 64th bit, and no other.
        if at == LONGEST - 1 && byte > 1 {
            return Err(Overflow);
        }
        number |= group << (7 * at);
        if byte < 0x80 {
            return Ok(Some((number, at + 1)));
        }
    }
    Ok(None)
}

/// The bytes of `number`, as few as possible: the array's first so many.
pub(super) fn bytes_of(mut number: u64) -> ([u8; LONGEST], usize) {
    let mut bytes = [0; LONGEST];
    let mut len = 0;
    loop {
        bytes[len] = (number & 0x7f) as u8;
        number >>= 7;
        len += 1;
        if number == 0 {
            return (bytes, len);
        }
        bytes[len - 1] |= 0x80;
    }
}

/// A number has more than 64 bits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// How many bytes the longest number has.
pub(super) const LONGEST: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers_have_known_bytes() {
        for (number, known) in [
            (0, &b"\x00"[..]),
            (1, b"\x01"),
            (127, b"\x7f"),
            (128, b"\x80\x01"),
            (150, b"\x96\x01"),
            (300, b"\xac\x02"),
            (u64::MAX, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ] {
            let (bytes, len) = bytes_of(number);
            assert_eq!(&bytes[..len], known);
            assert_eq!(read(known), Ok(Some((number, known.len()))));
        }
    }

    #[test]
    fn numbers_beside_every_border_come_back_and_their_prefixes_are_incomplete() {
        for bit in 0..64 {
            for number in [(1 << bit) - 1, 1_u64 << bit, (1 << bit) | 1] {
                let (bytes, len) = bytes_of(number);
                assert_eq!(read(&bytes), Ok(Some((number, len))));
                assert!(len == 1 || bytes[len - 1] != 0);
                for end in 0..len {
                    assert_eq!(read(&bytes[..end]), Ok(None));
                }
            }
        }
    }

    #[test]
    fn more_groups_than_needed_are_a_number_and_more_than_ten_bytes_are_none() {
        assert_eq!(read(b"\x80\x00"), Ok(Some((0, 2))));
        assert_eq!(
            read(b"\x85\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
            Ok(Some((5, 10)))
        );
        assert_eq!(read(&[0xff; 9]), Ok(None));
        // The tenth byte says that an eleventh follows, or has a 65th bit.
        assert_eq!(read(&[0x80; 10]), Err(Overflow));
        assert_eq!(read(&[0xff; 20]), Err(Overflow));
        assert_eq!(
            read(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
            Err(Overflow)
        );
    }
}
