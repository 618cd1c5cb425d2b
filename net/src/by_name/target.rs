use std::{io, net::SocketAddr};

/// Checks that a target is written as [`connect`](crate::connect) wants it, `"host:port"`, without looking
/// anything up: so that a mistake in what a user has said is told at once, and not at the first connection.
///
/// Whether there is such a host is another question, and may have another answer each time.
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput), with a text that says what is wrong and how it is to be
/// written.
///
/// # Examples
///
/// ```
/// assert!(net::check_target("localhost:80").is_ok());
/// assert!(net::check_target("[::1]:80").is_ok());
/// for wrong in ["localhost", "::1:80", "localhost:+80"] {
///     let error = net::check_target(wrong).unwrap_err();
///     assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
/// }
/// ```
pub fn check_target(target: &str) -> io::Result<()> {
    Target::parse(target).map(drop)
}

/// What `"host:port"` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// There is nothing to look up.
    Addr(SocketAddr),
    Host(&'a str, u16),
}

impl<'a> Target<'a> {
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), with a text that says how it is to be written.
    pub(super) fn parse(text: &'a str) -> io::Result<Self> {
        if let Ok(addr) = text.parse() {
            return Ok(Self::Addr(addr));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong(NO_PORT))?;
        let host = match host.strip_prefix('[') {
            // RFC 4007, section 11: a zone may be a name, which only the system knows.
            Some(rest) => match rest.strip_suffix(']') {
                Some(inside) if inside.contains(':') => inside,
                _ => return Err(wrong(BRACKETS)),
            },
            None if host.contains([':', ']']) => return Err(wrong(BRACKETS)),
            None => host,
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(wrong(NO_HOST));
        }
        // `parse` would take a sign.
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong(NO_PORT));
        }
        let port = port.parse().map_err(|_| wrong(NO_PORT))?;
        Ok(Self::Host(host, port))
    }
}

fn wrong(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

const NO_PORT: &str = "there is no port from 0 to 65535 at its end: it is written host:port";
const NO_HOST: &str = "there is no host in it: it is written host:port";
const BRACKETS: &str = "an IPv6 address, and nothing else, stands in brackets: [::1]:80";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_port_is_an_address() {
        for text in ["127.0.0.1:80", "[::1]:80", "[fe80::1%3]:0", "0.0.0.0:65535"] {
            assert_eq!(
                Target::parse(text).unwrap(),
                Target::Addr(text.parse().unwrap())
            );
            check_target(text).unwrap();
        }
    }

    #[test]
    fn what_is_no_address_is_a_host_with_a_port() {
        for (text, host, port) in [
            ("localhost:80", "localhost", 80),
            ("example.com.:0", "example.com.", 0),
            ("a_b-c.example:65535", "a_b-c.example", 65535),
            ("bücher.example:007", "bücher.example", 7),
            ("[fe80::1%eth0]:22", "fe80::1%eth0", 22),
            // The system takes short forms of IPv4 addresses; that is its business.
            ("127.1:80", "127.1", 80),
        ] {
            assert_eq!(Target::parse(text).unwrap(), Target::Host(host, port));
            check_target(text).unwrap();
        }
    }

    #[test]
    fn what_is_neither_is_invalid_input_that_says_why() {
        for (text, why) in [
            ("", NO_PORT),
            ("localhost", NO_PORT),
            ("localhost:", NO_PORT),
            ("localhost:http", NO_PORT),
            ("localhost:+80", NO_PORT),
            ("localhost:-1", NO_PORT),
            ("localhost:65536", NO_PORT),
            ("localhost:80 ", NO_PORT),
            ("localhost:99999999999999999999", NO_PORT),
            (":80", NO_HOST),
            ("a b:80", NO_HOST),
            ("a\0b:80", NO_HOST),
            ("a\n:80", NO_HOST),
            ("::1:80", BRACKETS),
            ("::1", BRACKETS),
            ("fe80::1%eth0:80", BRACKETS),
            ("[::1:80", BRACKETS),
            ("::1]:80", BRACKETS),
            ("[]:80", BRACKETS),
            ("[localhost]:80", BRACKETS),
            ("[127.0.0.1]:80", BRACKETS),
            ("http://example.com:80", BRACKETS),
        ] {
            for error in [
                Target::parse(text).unwrap_err(),
                check_target(text).unwrap_err(),
            ] {
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{text:?}");
                assert_eq!(error.to_string(), why, "{text:?}");
            }
        }
    }

    #[test]
    fn an_ipv6_address_without_a_port_says_that_the_port_is_missing() {
        let error = Target::parse("[::1]").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("[::1]:80"));
    }
}
