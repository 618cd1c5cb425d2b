//! What the tests of the programs share: a server that is started and ended, programs that may be
//! missing, and waits that all have an end.
#![allow(
    dead_code,
    unused_imports,
    reason = "each file of tests uses a part of it"
)]

mod program;
mod scratch;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use examples::{Random, raise_descriptor_limit};
use rustix::process::{Pid, Signal, kill_process};

pub(crate) use self::{program::Program, scratch::Scratch};

pub(crate) const ECHO: &str = env!("CARGO_BIN_EXE_echo");
pub(crate) const CHAT: &str = env!("CARGO_BIN_EXE_chat");
pub(crate) const CONNECT: &str = env!("CARGO_BIN_EXE_connect");

/// How long anything may take before the test has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A server process, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    addr: SocketAddr,
    /// Ends when the process has, and everybody who writes to its standard output with it.
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Server {
    pub(crate) fn start(program: &str, args: &[&str]) -> Self {
        Self::start_command(Command::new(program).args(args))
    }

    /// `command` is a server, or a program that becomes one.
    pub(crate) fn start_command(command: &mut Command) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines_of(child.stdout.take().unwrap());
        let stderr = lines_of(child.stderr.take().unwrap());
        let first = stdout.recv_timeout(LIMIT).expect("the server says a line");
        let addr = first
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("the first line is {first:?}"));
        Self {
            child,
            addr: addr.parse().unwrap(),
            stdout,
            stderr,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.addr)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Waits until the server has logged a line that contains `text`, and returns it.
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.stderr.recv_timeout(left) {
                Ok(line) if line.contains(text) => return line,
                Ok(_) => {}
                Err(error) => panic!("no line with {text:?} was logged: {error}"),
            }
        }
    }

    /// The next line of the log, if there is one by now.
    pub(crate) fn try_log(&self) -> Option<String> {
        self.stderr.try_recv().ok()
    }

    /// Waits until nobody listens any more, as is so soon after a signal.
    pub(crate) fn wait_until_refusing(&self) {
        let deadline = Instant::now() + LIMIT;
        while TcpStream::connect(self.addr).is_ok() {
            assert!(Instant::now() < deadline, "the server goes on accepting");
            thread::yield_now();
        }
    }

    /// Waits for the end, which something else has to bring about.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        match self.stdout.recv_timeout(LIMIT) {
            Err(RecvTimeoutError::Disconnected) => self.child.wait().unwrap(),
            other => panic!("the server has not ended: {other:?}"),
        }
    }

    /// Ends it with SIGTERM; it must then end with exit code 0.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.wait().code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors: it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection whose reads and writes fail when they take too long.
pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends `bytes` and receives as many, which must be the same.
pub(crate) fn round_trip(mut stream: &TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
    let mut echo = vec![0; bytes.len()];
    stream.read_exact(&mut echo).unwrap();
    assert_eq!(echo, bytes);
}

/// Writes until the buffers of both sockets are full, in both directions; returns what was taken.
pub(crate) fn fill(mut stream: &TcpStream) -> Vec<u8> {
    // The server goes on reading for a moment; when nothing moves for this long, all is full.
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut random = Random::new(3);
    let (mut sent, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        random.fill(&mut chunk);
        match stream.write(&chunk) {
            Ok(n) => sent.extend_from_slice(&chunk[..n]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return sent,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Ends the writing side, and checks that the peer sends nothing more and ends as well.
pub(crate) fn expect_end(mut stream: &TcpStream) {
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

/// Runs a program with `input` as its standard input, to its end.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // An error: the program ends without having read all of it.
    thread::spawn(move || stdin.write_all(&input));
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output()));
    end.recv_timeout(LIMIT)
        .unwrap_or_else(|_| {
            let _ = kill_process(pid, Signal::KILL);
            panic!("{command:?} has not ended");
        })
        .unwrap()
}

/// Like [`run`], for a program that must end with exit code 0; returns its standard output.
pub(crate) fn run_well(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let output = run(command, input);
    assert!(
        output.status.success(),
        "{command:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
    );
    output.stdout
}

/// Whether a program is missing, so that its test has to be skipped. On CI nothing may be missing.
pub(crate) fn is_missing(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", "command -v \"$0\"", program])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    if found.success() {
        return false;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{program} is missing, and this is CI"
    );
    eprintln!("skipped: there is no program {program}");
    true
}

/// Whether programs can be traced, or the test has to be skipped. On CI it must be possible.
pub(crate) fn may_trace() -> bool {
    if is_missing("strace") {
        return false;
    }
    let traced = run(Command::new("strace").args(["-qq", "--", "true"]), b"");
    if traced.status.success() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "nothing may be traced, and this is CI"
    );
    eprintln!("skipped: nothing may be traced here");
    false
}

/// A Python that has this module; `None` if there is none, so that its test has to be skipped.
pub(crate) fn python_with(module: &str) -> Option<&'static str> {
    // The first on the path may be one of the user's own, which does not see the system's packages.
    let found = ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        Command::new(python)
            .args(["-c", &format!("import {module}")])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "Python's module {module} is missing, and this is CI"
        );
        eprintln!("skipped: Python has no module {module}");
    }
    found
}

/// Traces a server while `load` uses it; how often it made which system call, from its start to its end.
/// `None` if tracing is forbidden. `file` is where the trace goes; it is removed.
pub(crate) fn traced(
    program: &str,
    file: &Path,
    load: impl FnOnce(&Server),
) -> Option<BTreeMap<String, u64>> {
    let mut strace = Command::new("strace");
    // With -D the server itself is our child, and strace its grandchild.
    strace.args(["-D", "-f", "-qq", "-o"]).arg(file);
    if !run(strace.args(["--", "true"]), b"").status.success() {
        return None;
    }
    let mut strace = Command::new("strace");
    strace.args(["-D", "-f", "-qq", "-o"]).arg(file);
    let server = Server::start_command(strace.args(["--", program]));
    load(&server);
    // That waits for strace too, which holds the same standard output.
    server.stop();

    let trace = fs::read_to_string(file).unwrap();
    fs::remove_file(file).unwrap();
    let mut calls = BTreeMap::new();
    for line in trace.lines().filter(|line| !line.contains("resumed>")) {
        // PID NAME(ARGUMENTS…
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        if let Some((name, _)) = call.split_once('(') {
            *calls.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    Some(calls)
}

/// A script of `tests/clients`, to be run by this Python with the server's address and more arguments.
pub(crate) fn python(python: &str, script: &str, server: &Server, args: &[&str]) -> Command {
    // The script opens hundreds of connections; children inherit the limit.
    raise_descriptor_limit().unwrap();
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "clients", script]
        .iter()
        .collect();
    let mut command = Command::new(python);
    command
        .arg(path)
        .arg(server.addr().ip().to_string())
        .arg(server.addr().port().to_string())
        .args(args);
    command
}

/// Reads lines in a thread of its own; the channel ends when they do.
pub(crate) fn lines_of(reader: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // The last line may be cut off, when the process is killed.
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                // Nobody wants to hear it, but a full pipe would block the process.
                continue;
            }
        }
    });
    receiver
}
