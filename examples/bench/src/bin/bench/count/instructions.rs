use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Count, Counted, Counter};
use crate::{
    contestant::Contestant,
    generator::{batched_echoes, connect, lone_echoes},
    server::Server,
};

/// User-space instructions of one echo of 64 bytes.
///
/// With one connection each message is sent when the server is quiet, so that it waits once for each.
/// With several, all send, then all answers are collected: the server, which valgrind makes slow, finds
/// nearly all of them at once.
pub(crate) struct Instructions {
    pub(crate) connections: usize,
}

impl Instructions {
    /// The instructions of a server from its start to its end.
    fn of_run(
        &self,
        echoes: usize,
        contestant: Contestant,
        counter: &Counter<'_>,
    ) -> io::Result<u64> {
        let name = format!("{contestant}.{}", self.connections);
        let command = contestant.tcp_echo(Path::new(""))?;
        of_server(&name, &command, counter, |server| self.load(server, echoes))
    }

    fn load(&self, server: &Server, echoes: usize) -> io::Result<()> {
        if self.connections == 1 {
            return lone_echoes(server, connect(server.socket_addr()?)?, echoes);
        }
        batched_echoes(server, self.connections, echoes)
    }
}

impl Count for Instructions {
    fn name(&self) -> String {
        format!(
            "instructions of a TCP echo, connections: {}",
            self.connections
        )
    }

    fn contestants(&self) -> Vec<Contestant> {
        Contestant::ECHO.to_vec()
    }

    fn tool(&self) -> Option<&'static str> {
        Some("valgrind")
    }

    fn count(&self, contestant: Contestant, counter: &Counter<'_>) -> io::Result<Counted> {
        let few = self.of_run(FEW, contestant, counter)?;
        let many = self.of_run(MANY, contestant, counter)?;
        let value = (many as f64 - few as f64) / (MANY - FEW) as f64;
        let parts = Vec::new();
        Ok(Counted { value, parts })
    }
}

/// The instructions of a server from its start to its end. `load` is what it is put through.
pub(super) fn of_server(
    name: &str,
    program: &Command,
    counter: &Counter<'_>,
    load: impl FnOnce(&Server) -> io::Result<()>,
) -> io::Result<u64> {
    let (mut command, out) = under_callgrind(name, program, counter);
    let server = Server::start(&mut command, counter.cpus)?;
    load(&server)?;
    server.end()?;
    total_of(&out)
}

/// The same of a program that ends by itself.
pub(super) fn of_program(name: &str, program: &Command, counter: &Counter<'_>) -> io::Result<u64> {
    let (mut command, out) = under_callgrind(name, program, counter);
    command.stdin(Stdio::null());
    let status = counter.cpus.on_server(|| command.spawn())?.wait()?;
    if !status.success() {
        return Err(io::Error::other(format!("the program failed: {status}")));
    }
    total_of(&out)
}

/// The command, and the file where it leaves what it has counted.
fn under_callgrind(name: &str, program: &Command, counter: &Counter<'_>) -> (Command, PathBuf) {
    // The long run's stays, for `callgrind_annotate`.
    let out = format!("callgrind.{name}.out").replace([' ', ',', '/'], "-");
    let out = counter.scratch.join(out);
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(program.get_program()).args(program.get_args());
    (command, out)
}

fn total_of(out: &Path) -> io::Result<u64> {
    let profile = fs::read_to_string(out)?;
    total(&profile).ok_or_else(|| io::Error::other("callgrind has written no total"))
}

/// A dump for each thread may be in the file, but there is one line of totals.
fn total(profile: &str) -> Option<u64> {
    let totals = profile
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: "));
    let summary = || {
        profile
            .lines()
            .find_map(|line| line.strip_prefix("summary: "))
    };
    totals.or_else(summary)?.trim().parse().ok()
}

const FEW: usize = 2_000;
const MANY: usize = 12_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found() {
        assert_eq!(
            total("events: Ir\nfn=(0)\n0 5\n\ntotals: 12345\n"),
            Some(12_345)
        );
        assert_eq!(total("summary: 7\n"), Some(7));
        assert_eq!(total(""), None);
    }
}
