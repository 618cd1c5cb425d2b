use std::{fmt, io, net::Ipv4Addr, net::SocketAddr, str::FromStr};

/// How datagrams are received and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datagrams {
    /// One by one: recvfrom(2), sendto(2).
    Single,
    /// Many in a system call: recvmmsg(2), sendmmsg(2).
    Batched,
    /// The same, and the kernel puts them together and takes them apart: GRO, GSO.
    Offloaded,
}

impl fmt::Display for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "single",
            Self::Batched => "batched",
            Self::Offloaded => "offloaded",
        })
    }
}

impl FromStr for Datagrams {
    type Err = io::Error;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Single, Self::Batched, Self::Offloaded]
            .into_iter()
            .find(|form| form.to_string() == word)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, word))
    }
}

/// What a server that sends is told, in a datagram, which it sends back when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sending {
    /// How many datagrams.
    pub count: u32,
    /// The port on this machine that they go to.
    pub port: u16,
}

impl Sending {
    /// The bytes of a datagram.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 6] {
        let ([a, b, c, d], [e, f]) = (self.count.to_be_bytes(), self.port.to_be_bytes());
        [a, b, c, d, e, f]
    }

    /// What [`to_bytes`](Self::to_bytes) has made.
    ///
    /// # Errors
    ///
    /// `InvalidData` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let &[a, b, c, d, e, f] = bytes else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        Ok(Self {
            count: u32::from_be_bytes([a, b, c, d]),
            port: u16::from_be_bytes([e, f]),
        })
    }

    /// Where the datagrams go.
    #[must_use]
    pub fn to(self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_sent_survives_the_datagram() {
        let sending = Sending {
            count: 70_000,
            port: 4242,
        };
        assert_eq!(Sending::from_bytes(&sending.to_bytes()).unwrap(), sending);
        assert!(Sending::from_bytes(b"x").is_err());
    }
}
