//! Tests that have a process of their own: to lower its limits, or to be watched by strace.

use std::{
    env, fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

use super::HANG;

/// In the child: runs `body` and ends the process. In the parent: starts the child and waits for it.
#[track_caller]
pub(crate) fn alone(test: &str, body: impl FnOnce()) {
    if !enter(test, body) {
        finish(command(test, &[]));
    }
}

/// What strace saw of a child, or `None` where there is no strace.
#[derive(Debug)]
pub(crate) struct Trace {
    lines: Vec<String>,
}

/// As [`alone`], under strace. `options` are strace's, such as `-e inject=…`.
#[track_caller]
pub(crate) fn traced(test: &str, options: &[&str], body: impl FnOnce()) -> Option<Trace> {
    if enter(test, body) {
        return None;
    }
    if Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        assert!(env::var_os("CI").is_none(), "CI has to have strace");
        eprintln!("{test}: skipped, there is no strace here");
        return None;
    }
    let log = log_of(test);
    let mut strace = vec![
        "strace",
        "-f",
        "-qq",
        "-s",
        "64",
        "-o",
        log.to_str().unwrap(),
    ];
    strace.extend(options);
    finish(command(test, &strace));
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    Some(Trace {
        lines: text.lines().map(String::from).collect(),
    })
}

/// As [`alone`], in network, mount and user namespaces of its own, where the loopback is up and nothing
/// else is there. `setup` is a script for sh that runs there first, with the rights of root; what it needs
/// beside sh, unshare and ip is in `tools`.
#[track_caller]
pub(crate) fn in_namespaces(test: &str, tools: &[&str], setup: &str, body: impl FnOnce()) {
    if enter(test, body) {
        return;
    }
    let begin = "set -e\nip link set lo up\n";
    let unshare = ["unshare", "-Urnm", "sh", "-c"];
    let runs = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdout(Stdio::null());
        command.stderr(Stdio::null()).status().ok()
    };
    let mut needed = ["unshare", "ip"].iter().chain(tools);
    let missing = needed.find(|tool| runs(&[tool, "-V"]).is_none());
    let allowed =
        || runs(&[&unshare[..], &[begin]].concat()).is_some_and(|status| status.success());
    let why = match missing {
        Some(tool) => format!("there is no {tool} here"),
        None if !allowed() => String::from("namespaces are not allowed here"),
        None => {
            let script = format!("{begin}{setup}\nexec \"$0\" \"$@\"");
            finish(command(test, &[&unshare[..], &[&script]].concat()));
            return;
        }
    };
    assert!(env::var_os("CI").is_none(), "CI has to run {test}: {why}");
    eprintln!("{test}: skipped, {why}");
}

/// In a traced child: what the calling thread does in `f` is what [`Trace::calls`] counts.
pub(crate) fn watched<R>(f: impl FnOnce() -> R) -> R {
    watched_as("", f)
}

/// As [`watched`], for several things in one child: what each does is in [`Trace::lines_of`] by its name.
pub(crate) fn watched_as<R>(name: &str, f: impl FnOnce() -> R) -> R {
    // A call that strace sees and that nobody else makes.
    let mark = |path: &str| assert!(fs::metadata(format!("{path}{name}")).is_err());
    mark(BEGIN);
    let result = f();
    mark(END);
    result
}

impl Trace {
    /// How many calls of that name the watched thread made while it was watched.
    pub(crate) fn calls(&self, name: &str) -> usize {
        let call = format!(" {name}(");
        self.window(true)
            .filter(|line| line.contains(&call))
            .count()
    }

    /// All calls of the watched thread while it was watched, by name.
    pub(crate) fn all_calls(&self) -> Vec<&str> {
        self.window(true)
            .filter_map(|line| {
                line.split_whitespace()
                    .nth(1)?
                    .split_once('(')
                    .map(|call| call.0)
            })
            .collect()
    }

    /// How many lines of any thread, meanwhile, contain `text`.
    pub(crate) fn lines_of_all_threads(&self, text: &str) -> usize {
        self.window(false)
            .filter(|line| line.contains(text))
            .count()
    }

    /// How many lines of the whole process contain `text`.
    pub(crate) fn lines(&self, text: &str) -> usize {
        self.lines.iter().filter(|line| line.contains(text)).count()
    }

    /// The first line of the whole process that contains `text`.
    #[track_caller]
    pub(crate) fn line(&self, text: &str) -> &str {
        self.lines
            .iter()
            .find(|line| line.contains(text))
            .expect("such a line")
    }

    /// What the watched thread did in what was watched by that name.
    pub(crate) fn lines_of(&self, name: &str) -> impl Iterator<Item = &str> {
        self.window_of(name, true)
    }

    fn window(&self, own: bool) -> impl Iterator<Item = &str> {
        self.window_of("", own)
    }

    fn window_of(&self, name: &str, own: bool) -> impl Iterator<Item = &str> {
        let position = |mark: &str| {
            let mark = format!("{mark}{name}\"");
            let found = self.lines.iter().position(|line| line.contains(&mark));
            found.unwrap_or_else(|| panic!("the child was not watched: {mark}"))
        };
        let (begin, end) = (position(BEGIN), position(END));
        let thread = format!("{} ", self.lines[begin].split_whitespace().next().unwrap());
        self.lines[begin + 1..end]
            .iter()
            .map(String::as_str)
            .filter(move |line| !own || line.starts_with(&thread))
    }
}

fn enter(test: &str, body: impl FnOnce()) -> bool {
    if env::var(CHILD).is_ok_and(|name| name == test) {
        body();
        std::process::exit(0);
    }
    false
}

fn command(test: &str, wrapper: &[&str]) -> Command {
    let exe = env::current_exe().unwrap();
    let mut words = wrapper.iter().map(Path::new).chain([exe.as_path()]);
    let mut command = Command::new(words.next().unwrap());
    command
        .args(words)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, test)
        // So that nobody is left behind when a wrapper such as strace is killed.
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[track_caller]
fn finish(mut command: Command) {
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + 2 * HANG;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            let group = Pid::from_child(&child);
            rustix::process::kill_process_group(group, Signal::KILL).unwrap();
            let output = child.wait_with_output().unwrap();
            panic!(
                "the child hangs\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    // Of a test by another name there are none, which the harness calls a success.
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("running 1 test"), "no such test\n{said}");
}

fn log_of(test: &str) -> PathBuf {
    let name = format!(
        "{}-{}-{test}.strace",
        env!("CARGO_CRATE_NAME"),
        std::process::id()
    );
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.replace("::", "-"))
}

const CHILD: &str = "TEST_THAT_IS_ALONE";
const BEGIN: &str = "/watch/begin/";
const END: &str = "/watch/end/";
