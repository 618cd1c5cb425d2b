use std::{fmt, sync::Arc};

use memchr::{memchr, memchr2, memchr3};

/// A set of bytes, never empty, and the fastest way to find one of them.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Delimiters {
    One(u8),
    Two(u8, u8),
    Three(u8, u8, u8),
    /// The first, and whether each byte is one. Shared, so that a codec is cloned for little.
    Many(u8, Arc<[bool; 256]>),
}

impl Delimiters {
    pub(super) fn with(self, byte: u8) -> Self {
        if self.contains(byte) {
            return self;
        }
        match self {
            Self::One(a) => Self::Two(a, byte),
            Self::Two(a, b) => Self::Three(a, b, byte),
            Self::Three(a, b, c) => {
                let mut is_one = [false; 256];
                for byte in [a, b, c, byte] {
                    is_one[usize::from(byte)] = true;
                }
                Self::Many(a, Arc::new(is_one))
            }
            Self::Many(first, mut is_one) => {
                Arc::make_mut(&mut is_one)[usize::from(byte)] = true;
                Self::Many(first, is_one)
            }
        }
    }

    /// The first that was named.
    pub(super) fn first(&self) -> u8 {
        match *self {
            Self::One(first)
            | Self::Two(first, _)
            | Self::Three(first, ..)
            | Self::Many(first, _) => first,
        }
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        self.find(&[byte]).is_some()
    }

    /// Where the first of them stands.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::One(a) => memchr(*a, bytes),
            Self::Two(a, b) => memchr2(*a, *b, bytes),
            Self::Three(a, b, c) => memchr3(*a, *b, *c, bytes),
            Self::Many(_, is_one) => bytes.iter().position(|&byte| is_one[usize::from(byte)]),
        }
    }
}

impl fmt::Debug for Delimiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<u8> = (0..=u8::MAX).filter(|&byte| self.contains(byte)).collect();
        write!(f, "b\"{}\"", all.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_any_size_finds_its_bytes_and_no_others() {
        let named = b";,\n\0\xff|";
        let mut set = Delimiters::One(named[0]);
        for size in 1..=named.len() {
            // A second time changes nothing.
            set = set.with(named[size - 1]).with(named[0]);
            assert_eq!(set.first(), b';');
            for byte in 0..=u8::MAX {
                let is_named = named[..size].contains(&byte);
                assert_eq!(set.contains(byte), is_named, "{byte} in {set:?}");
                let bytes = [b'a', b'b', byte, b';'];
                assert_eq!(set.find(&bytes), Some(if is_named { 2 } else { 3 }));
            }
        }
    }
}
