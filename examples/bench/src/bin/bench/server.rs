use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bench::Announcement;
use rustix::process::{Pid, Signal, kill_process};

use crate::cpus::Cpus;

/// A server that runs, in a process of its own. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// The server itself, where the child is a program that traces it.
    pid: i32,
    addr: String,
}

impl Server {
    /// Starts the server on its CPU and waits until it listens.
    ///
    /// # Errors
    ///
    /// Those of starting it, and that it has not said where it listens.
    pub(crate) fn start(command: &mut Command, cpus: &Cpus) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = cpus.on_server(|| command.spawn())?;
        let pid = i32::try_from(child.id()).expect("a process number");
        let mut server = Self {
            child,
            pid,
            addr: String::new(),
        };
        let stdout = server.child.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let announcement: Announcement = line.parse()?;
        server.addr = announcement.addr;
        server.pid = announcement.pid.unwrap_or(pid);
        Ok(server)
    }

    pub(crate) fn socket_addr(&self) -> io::Result<SocketAddr> {
        self.addr.parse().map_err(io::Error::other)
    }

    /// The path of a Unix socket.
    pub(crate) fn addr(&self) -> &str {
        &self.addr
    }

    /// The CPU time that all threads of the server have used, to the nanosecond; the server must be
    /// quiet, as that of a running thread is only counted at ticks.
    pub(crate) fn cpu_time(&self) -> io::Result<Duration> {
        let mut total = 0;
        for thread in self.threads()? {
            let schedstat = fs::read_to_string(format!("{thread}/schedstat"))?;
            let nanos = schedstat.split_whitespace().next();
            total += nanos
                .and_then(|nanos| nanos.parse::<u64>().ok())
                .ok_or_else(|| io::Error::other("no CPU time in schedstat"))?;
        }
        Ok(Duration::from_nanos(total))
    }

    /// The bytes of the server that are in memory.
    pub(crate) fn resident_bytes(&self) -> io::Result<u64> {
        // `status` and `statm` are off by some pages for each CPU.
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        let kib: u64 = kib
            .and_then(|kib| kib.parse().ok())
            .ok_or_else(|| io::Error::other("no resident size in smaps_rollup"))?;
        Ok(kib * 1024)
    }

    /// Waits until all threads of the server sleep, twice in a row, so that a lock that is held for a
    /// moment does not count.
    ///
    /// # Errors
    ///
    /// `TimedOut` after ten seconds.
    pub(crate) fn wait_until_quiet(&self) -> io::Result<()> {
        let mut quiet = 0;
        wait_until("the server has not come to rest", || {
            quiet = if self.all_are(ASLEEP)? { quiet + 1 } else { 0 };
            Ok(quiet == 2)
        })
    }

    /// Stops the server until [`resume`](Self::resume), so that all of what comes meanwhile is there when it
    /// goes on.
    ///
    /// # Errors
    ///
    /// `TimedOut` after ten seconds.
    pub(crate) fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)?;
        // A thread on another CPU runs on until it hears of the signal.
        wait_until("the server has not stopped", || self.all_are(STOPPED))
    }

    pub(crate) fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = Pid::from_raw(self.pid).expect("a process number");
        Ok(kill_process(pid, signal)?)
    }

    /// Ends the server with SIGTERM, which lets valgrind and strace write what they have counted, and
    /// waits for it.
    pub(crate) fn end(mut self) -> io::Result<()> {
        self.signal(Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }

    /// Whether all threads of the server are in this state.
    fn all_are(&self, state: char) -> io::Result<bool> {
        for thread in self.threads()? {
            let stat = fs::read_to_string(format!("{thread}/stat"))?;
            // The name, in parentheses, may contain anything.
            let (_, after_name) = stat.rsplit_once(')').unwrap_or_default();
            if !after_name.trim_start().starts_with(state) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn threads(&self) -> io::Result<Vec<String>> {
        fs::read_dir(format!("/proc/{}/task", self.pid))?
            .map(|thread| Ok(thread?.path().display().to_string()))
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error: it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_until(
    otherwise: &'static str,
    mut is_so: impl FnMut() -> io::Result<bool>,
) -> io::Result<()> {
    let give_up = Instant::now() + PATIENCE;
    while !is_so()? {
        if Instant::now() > give_up {
            return Err(io::Error::new(io::ErrorKind::TimedOut, otherwise));
        }
        thread::sleep(Duration::from_micros(20));
    }
    Ok(())
}

/// States of threads, proc(5).
const ASLEEP: char = 'S';
const STOPPED: char = 'T';

const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_paused_has_stopped_by_then() {
        let child = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn();
        let child = child.unwrap();
        let server = Server {
            pid: i32::try_from(child.id()).unwrap(),
            child,
            addr: String::new(),
        };
        for _ in 0..200 {
            server.pause().unwrap();
            assert!(server.all_are(STOPPED).unwrap());
            server.resume().unwrap();
        }
    }
}
