use std::{
    io::{self, Write},
    process,
    str::FromStr,
};

use rustix::process::{Signal, set_parent_process_death_signal};

/// Tells the driver, on standard output, where this server listens and which process it is: under
/// strace, the driver's child is another one.
///
/// From then on the server ends with the process that started it.
///
/// # Errors
///
/// Those of the system.
pub fn announce(addr: impl ToString) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    let mut stdout = io::stdout().lock();
    let (addr, pid) = (addr.to_string(), process::id());
    writeln!(stdout, "listening on {addr} process {pid}")?;
    stdout.flush()
}

/// What a server has said with [`announce`].
///
/// The example programs say no more than `listening on ADDR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The address, or the path of a Unix socket.
    pub addr: String,
    /// The server's process, if it has said so.
    pub pid: Option<i32>,
}

impl FromStr for Announcement {
    type Err = io::Error;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let mut words = line
            .strip_prefix("listening on ")
            .unwrap_or_default()
            .split_whitespace();
        let (addr, pid) = (words.next(), words.nth(1));
        let addr = addr
            .ok_or_else(|| io::Error::other(format!("not a server's first line: {line:?}")))?
            .to_owned();
        let pid = pid.and_then(|pid| pid.parse().ok());
        Ok(Self { addr, pid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_server_are_understood() {
        let parse = |line: &str| line.parse::<Announcement>().ok().map(|a| (a.addr, a.pid));
        let addr = "127.0.0.1:1".to_owned();
        assert_eq!(
            parse("listening on 127.0.0.1:1 process 7\n"),
            Some((addr.clone(), Some(7)))
        );
        assert_eq!(parse("listening on 127.0.0.1:1\n"), Some((addr, None)));
        assert_eq!(parse("error: the port is taken\n"), None);
        assert_eq!(parse(""), None);
    }
}
