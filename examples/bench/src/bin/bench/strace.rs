use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

use crate::{cpus::Cpus, server::Server};

/// Syscalls by name.
pub(crate) type Syscalls = BTreeMap<String, u64>;

/// Counts the syscalls of a server, with all its threads, from its start to its end. `load` is what it
/// is put through.
///
/// # Errors
///
/// Those of the server, of `load`, and of strace.
pub(crate) fn of_server(
    server: &Command,
    scratch: &Path,
    cpus: &Cpus,
    load: impl FnOnce(&Server) -> io::Result<()>,
) -> io::Result<Syscalls> {
    let summary = scratch.join("strace.out");
    let server = Server::start(&mut traced(server, &summary), cpus)?;
    load(&server)?;
    server.end()?;
    read(&summary)
}

/// The same for a program that ends by itself.
///
/// # Errors
///
/// Those of the program and of strace.
pub(crate) fn of_program(program: &Command, scratch: &Path, cpus: &Cpus) -> io::Result<Syscalls> {
    let summary = scratch.join("strace.out");
    let mut command = traced(program, &summary);
    command.stdin(Stdio::null());
    let status = cpus.on_server(|| command.spawn())?.wait()?;
    if !status.success() {
        return Err(io::Error::other(format!(
            "the traced program failed: {status}"
        )));
    }
    read(&summary)
}

fn traced(command: &Command, summary: &Path) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-c", "-o"]).arg(summary);
    traced.arg(command.get_program()).args(command.get_args());
    traced
}

fn read(summary: &Path) -> io::Result<Syscalls> {
    let syscalls = parse(&fs::read_to_string(summary)?);
    if syscalls.is_empty() {
        return Err(io::Error::other(
            "strace has counted nothing; may it trace here?",
        ));
    }
    Ok(syscalls)
}

/// The rows are `% time, seconds, usecs/call, calls, errors if any, syscall`.
fn parse(summary: &str) -> Syscalls {
    let rows = summary.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let (calls, name) = (words.get(3)?.parse().ok()?, *words.last()?);
        (name != "total").then(|| (name.to_owned(), calls))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_understood() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000123           1       123           epoll_wait
 40.00    0.000045           1        45         3 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.000168           1       168         3 total
";
        let expected = [("epoll_wait".to_owned(), 123), ("recvfrom".to_owned(), 45)];
        assert_eq!(parse(summary), Syscalls::from(expected));
    }
}
