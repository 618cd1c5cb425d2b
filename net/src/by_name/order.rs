use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
};

/// In which order addresses are tried: the families in turn, each in its own order, every address once.
///
/// RFC 8305, section 4: the family of the first address, which is the one that the resolver prefers, is
/// followed by the other one, so that one family that does not work costs one stagger.
pub(super) fn interleave(addrs: impl IntoIterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let mut seen = BTreeSet::new();
    let distinct = addrs.into_iter().filter(|addr| seen.insert(*addr));
    let (v4, v6): (Vec<_>, Vec<_>) = distinct.enumerate().partition(|(_, addr)| addr.is_ipv4());
    let (preferred, other) = if matches!(v4.first(), Some((0, _))) {
        (v4, v6)
    } else {
        (v6, v4)
    };
    let mut preferred = preferred.into_iter();
    let mut other = other.into_iter();
    let mut ordered = VecDeque::new();
    loop {
        let (one, two) = (preferred.next(), other.next());
        if one.is_none() && two.is_none() {
            return ordered;
        }
        ordered.extend(one.into_iter().chain(two).map(|(_, addr)| addr));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers are IPv4 addresses, letters IPv6 addresses.
    fn ordered(names: &str) -> String {
        let addr = |name: char| -> SocketAddr {
            match name {
                '0'..='9' => format!("192.0.2.{name}:80").parse().unwrap(),
                _ => format!("[2001:db8::{name}]:80").parse().unwrap(),
            }
        };
        let name = |addr: SocketAddr| {
            let ip = addr.ip().to_string();
            ip.chars().next_back().unwrap()
        };
        interleave(names.chars().map(addr))
            .into_iter()
            .map(name)
            .collect()
    }

    #[test]
    fn the_families_take_turns_beginning_with_the_first() {
        assert_eq!(ordered("abc123"), "a1b2c3");
        assert_eq!(ordered("123abc"), "1a2b3c");
        assert_eq!(ordered("1ab2"), "1a2b");
        assert_eq!(ordered("a12b"), "a1b2");
    }

    #[test]
    fn when_one_family_is_used_up_the_rest_of_the_other_follows() {
        assert_eq!(ordered("abcd1"), "a1bcd");
        assert_eq!(ordered("a1234"), "a1234");
    }

    #[test]
    fn one_family_alone_keeps_its_order() {
        assert_eq!(ordered("312"), "312");
        assert_eq!(ordered("cab"), "cab");
        assert_eq!(ordered(""), "");
    }

    #[test]
    fn an_address_that_comes_twice_is_tried_once() {
        assert_eq!(ordered("aa1a1b"), "a1b");
    }

    #[test]
    fn the_same_address_in_two_scopes_is_two() {
        let addrs: Vec<SocketAddr> = vec![
            "[fe80::1%1]:80".parse().unwrap(),
            "[fe80::1%2]:80".parse().unwrap(),
        ];
        assert_eq!(interleave(addrs.clone()), addrs);
    }
}
