use std::{fmt, io, os::fd::AsFd, str::FromStr};

use socket2::SockRef;

/// How connections find out how fast they may send, tcp(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Congestion {
    /// As the system has it. BBR, for one, paces: a timer for every few packets, on the processor of who
    /// sends, and over the loopback that may be half of what a relay costs.
    System,
    /// Reno, which every system has, and which sends what the window takes.
    Reno,
}

impl Congestion {
    /// Has a connection send so.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn set(self, socket: &impl AsFd) -> io::Result<()> {
        match self {
            Self::System => Ok(()),
            Self::Reno => SockRef::from(socket).set_tcp_congestion(b"reno"),
        }
    }

    /// What the name of a scenario has behind it.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::System => "",
            Self::Reno => ", Reno",
        }
    }
}

impl fmt::Display for Congestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system",
            Self::Reno => "reno",
        })
    }
}

impl FromStr for Congestion {
    type Err = io::Error;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::System, Self::Reno]
            .into_iter()
            .find(|congestion| congestion.to_string() == word)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, word))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_is_set_to_what_was_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let now = || SockRef::from(&stream).tcp_congestion().unwrap();
        let before = now();
        Congestion::System.set(&stream).unwrap();
        assert_eq!(now(), before);
        Congestion::Reno.set(&stream).unwrap();
        assert!(now().starts_with(b"reno"));
    }
}
