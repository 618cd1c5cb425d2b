use std::{env, io, net::SocketAddr, path::PathBuf};

use crate::{Congestion, Datagrams};

/// What a server is asked to do, as the words of its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Sends every byte of a TCP connection back, with a buffer for each connection where the
    /// contestant has tasks.
    TcpEcho,
    /// The same with the library's own `copy`.
    TcpCopy,
    /// The same with a buffer only while there are bytes to be sent back.
    TcpLean,
    /// The same by a loop that spins for [`SPIN`](crate::SPIN) before it sleeps.
    TcpSpin,
    /// Sends every frame of a TCP connection back, each with its length before it.
    TcpFrames(Congestion),
    /// Sends every line of a TCP connection back.
    TcpLines,
    /// Sends every datagram back to where it came from.
    UdpEcho(Datagrams),
    /// Receives datagrams; one that ends in [`MARK`](crate::MARK) is answered with how many have come since
    /// the last of that kind.
    UdpReceive(Datagrams),
    /// Sends datagrams of [`PACKET`](crate::PACKET) bytes, as many and to where a [`Sending`](crate::Sending)
    /// says.
    UdpSend(Datagrams),
    /// Sends every byte of a Unix stream back; the socket is made at the path.
    UnixEcho(PathBuf),
    /// Carries the bytes of each TCP connection to another one and back, by means of the library.
    Relay {
        /// Where the other one leads.
        to: SocketAddr,
        /// Bytes of the buffers, where the library can be told; 0 is what it takes by itself.
        buffer: usize,
        /// Of the connections there.
        congestion: Congestion,
    },
    /// Sleeps this many times, 2 ms each, one after the other, and ends.
    Sleeps(u32),
    /// Sleeps this many times, 200 µs each, one after the other, says how late it was woken, and ends.
    ShortSleeps(u32),
    /// Starts tasks that sleep, says what CPU time that took, and ends.
    ManySleeps {
        /// How many start at once.
        tasks: u32,
        /// How many times each of them sleeps.
        each: u32,
    },
    /// Makes a sleep, polls it once and drops it, so many times, while others wait; then it ends.
    CancelledSleeps {
        /// Those that wait.
        live: u32,
        /// Those that are dropped.
        dropped: u32,
    },
}

impl Work {
    /// The work that this process was started for.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if the command line is none of [`to_args`](Self::to_args).
    pub fn from_args() -> io::Result<Self> {
        let args: Vec<_> = env::args().skip(1).collect();
        let words: Vec<_> = args.iter().map(String::as_str).collect();
        Self::parse(&words).ok_or_else(|| {
            let message = format!(
                "no such work: {}; `bench` starts this program",
                args.join(" ")
            );
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })
    }

    /// The words of a command line.
    #[must_use]
    pub fn to_args(&self) -> Vec<String> {
        match self {
            Self::TcpEcho => vec!["tcp-echo".into()],
            Self::TcpCopy => vec!["tcp-copy".into()],
            Self::TcpLean => vec!["tcp-lean".into()],
            Self::TcpSpin => vec!["tcp-spin".into()],
            Self::TcpFrames(congestion) => vec!["tcp-frames".into(), congestion.to_string()],
            Self::TcpLines => vec!["tcp-lines".into()],
            Self::UdpEcho(form) => vec!["udp-echo".into(), form.to_string()],
            Self::UdpReceive(form) => vec!["udp-receive".into(), form.to_string()],
            Self::UdpSend(form) => vec!["udp-send".into(), form.to_string()],
            Self::UnixEcho(path) => vec!["unix-echo".into(), path.display().to_string()],
            Self::Relay {
                to,
                buffer,
                congestion,
            } => vec![
                "relay".into(),
                to.to_string(),
                buffer.to_string(),
                congestion.to_string(),
            ],
            Self::Sleeps(count) => vec!["sleeps".into(), count.to_string()],
            Self::ShortSleeps(count) => vec!["short-sleeps".into(), count.to_string()],
            Self::ManySleeps { tasks, each } => {
                vec!["many-sleeps".into(), tasks.to_string(), each.to_string()]
            }
            Self::CancelledSleeps { live, dropped } => {
                vec![
                    "cancelled-sleeps".into(),
                    live.to_string(),
                    dropped.to_string(),
                ]
            }
        }
    }

    /// What a server says that cannot do this work.
    #[must_use]
    pub fn unsupported(&self) -> io::Error {
        io::Error::new(
            io::ErrorKind::Unsupported,
            format!("not done here: {self:?}"),
        )
    }

    fn parse(words: &[&str]) -> Option<Self> {
        Some(match words {
            ["tcp-echo"] => Self::TcpEcho,
            ["tcp-copy"] => Self::TcpCopy,
            ["tcp-lean"] => Self::TcpLean,
            ["tcp-spin"] => Self::TcpSpin,
            ["tcp-frames", congestion] => Self::TcpFrames(congestion.parse().ok()?),
            ["tcp-lines"] => Self::TcpLines,
            ["udp-echo", form] => Self::UdpEcho(form.parse().ok()?),
            ["udp-receive", form] => Self::UdpReceive(form.parse().ok()?),
            ["udp-send", form] => Self::UdpSend(form.parse().ok()?),
            ["unix-echo", path] => Self::UnixEcho(path.into()),
            ["relay", to, buffer, congestion] => Self::Relay {
                to: to.parse().ok()?,
                buffer: buffer.parse().ok()?,
                congestion: congestion.parse().ok()?,
            },
            ["sleeps", count] => Self::Sleeps(count.parse().ok()?),
            ["short-sleeps", count] => Self::ShortSleeps(count.parse().ok()?),
            ["many-sleeps", tasks, each] => Self::ManySleeps {
                tasks: tasks.parse().ok()?,
                each: each.parse().ok()?,
            },
            ["cancelled-sleeps", live, dropped] => Self::CancelledSleeps {
                live: live.parse().ok()?,
                dropped: dropped.parse().ok()?,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_survives_the_command_line() {
        for work in [
            Work::TcpEcho,
            Work::TcpCopy,
            Work::TcpLean,
            Work::TcpSpin,
            Work::TcpFrames(Congestion::Reno),
            Work::TcpLines,
            Work::UdpEcho(Datagrams::Single),
            Work::UdpReceive(Datagrams::Batched),
            Work::UdpSend(Datagrams::Offloaded),
            Work::UnixEcho("/a b".into()),
            Work::Relay {
                to: ([127, 0, 0, 1], 7).into(),
                buffer: 8192,
                congestion: Congestion::System,
            },
            Work::Relay {
                to: ([127, 0, 0, 1], 8).into(),
                buffer: 0,
                congestion: Congestion::Reno,
            },
            Work::Sleeps(3),
            Work::ShortSleeps(4),
            Work::ManySleeps { tasks: 5, each: 6 },
            Work::CancelledSleeps {
                live: 7,
                dropped: 8,
            },
        ] {
            let args = work.to_args();
            let words: Vec<_> = args.iter().map(String::as_str).collect();
            assert_eq!(Work::parse(&words), Some(work));
        }
    }
}
