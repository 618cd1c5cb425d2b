//! `stdin`: standard input and output of all kinds, and what is left of them.

mod common;

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use common::*;
use examples::Random;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};

const STDIN: &str = env!("CARGO_BIN_EXE_stdin");

#[test]
fn pipes_carry_everything() {
    let mut data = vec![0; 3_000_001];
    Random::new(1).fill(&mut data);
    assert!(run_well(&mut Command::new(STDIN), &data) == data);
    assert_eq!(run_well(&mut Command::new(STDIN), b""), b"");
}

#[test]
fn files_are_carried_although_they_cannot_be_polled() {
    let scratch = Scratch::new("files");
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    let mut data = vec![0; 3_000_001];
    Random::new(2).fill(&mut data);
    fs::write(&from, &data).unwrap();
    let script = "\"$0\" < \"$1\" > \"$2\"";
    let mut shell = Command::new("sh");
    run_well(shell.args(["-c", script, STDIN]).args([&from, &to]), b"");
    assert!(fs::read(&to).unwrap() == data);
}

#[test]
fn input_that_is_null_or_closed_has_ended() {
    for input in ["</dev/null", "<&-"] {
        let mut shell = Command::new("sh");
        let script = format!("\"$0\" {input}");
        assert_eq!(
            run_well(shell.args(["-c", &script, STDIN]), b"not this"),
            b""
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_an_error_line_and_exit_code_1() {
    for (redirect, reason, len) in [
        ("</", "Is a directory", 0),
        (">/dev/full", "No space left", 1),
        (">/dev/full", "No space left", 1_000_000),
    ] {
        let mut shell = Command::new("sh");
        let script = format!("\"$0\" {redirect}");
        let output = run(shell.args(["-c", &script, STDIN]), &vec![b'x'; len]);
        assert_eq!(output.status.code(), Some(1), "{redirect}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with(&format!("error: {reason}")), "{error}");
    }
}

#[test]
fn a_socket_is_input_and_output() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(LIMIT)).unwrap();
    let theirs = OwnedFd::from(theirs);
    let program = start(theirs.try_clone().unwrap(), theirs);
    ours.write_all(b"hello").unwrap();
    let mut heard = [0; 5];
    ours.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"hello");
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(ours.read(&mut heard).unwrap(), 0);
    assert_eq!(wait(program).code(), Some(0));
}

#[test]
fn a_terminal_has_its_mode_back_after_the_end() {
    let terminal = Terminal::open();
    let program = terminal.start();
    terminal.write(b"hello\n");
    // Once as echo of the terminal, once from the program.
    terminal.expect(&["hello", "hello"]);
    assert!(
        terminal.is_nonblocking(),
        "nothing would have to be put back"
    );
    terminal.write(b"\x04");
    assert_eq!(wait(program).code(), Some(0));
    assert!(!terminal.is_nonblocking());
}

#[test]
fn a_terminal_has_its_mode_back_after_a_signal() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let terminal = Terminal::open();
        let program = terminal.start();
        terminal.write(b"hello\n");
        terminal.expect(&["hello", "hello"]);
        assert!(terminal.is_nonblocking());
        kill_process(Pid::from_child(&program), signal).unwrap();
        // It dies of it, as the shell expects.
        assert_eq!(wait(program).signal(), Some(signal.as_raw()));
        assert!(!terminal.is_nonblocking(), "{signal:?}");
    }
}

#[test]
fn a_terminal_that_was_non_blocking_stays_so() {
    let terminal = Terminal::open();
    let mode = fcntl_getfl(&terminal.theirs).unwrap();
    fcntl_setfl(&terminal.theirs, mode | OFlags::NONBLOCK).unwrap();
    let program = terminal.start();
    terminal.write(b"hello\n\x04");
    terminal.expect(&["hello", "hello"]);
    assert_eq!(wait(program).code(), Some(0));
    assert!(terminal.is_nonblocking());
}

#[test]
fn a_pipe_that_others_have_as_well_has_its_mode_back() {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let program = start(reader.try_clone().unwrap(), Stdio::null());
    drop(writer);
    assert_eq!(wait(program).code(), Some(0));
    assert!(!is_nonblocking(&reader));
}

#[test]
fn a_terminal_that_shows_nothing_more_for_now_is_waited_for() {
    let terminal = Terminal::open_unread();
    let mut raw = tcgetattr(&terminal.theirs).unwrap();
    raw.make_raw();
    tcsetattr(&terminal.theirs, OptionalActions::Now, &raw).unwrap();
    let mut data = vec![0; 1_000_001];
    Random::new(3).fill(&mut data);

    let mut program = start(Stdio::piped(), terminal.theirs.try_clone().unwrap());
    let mut stdin = program.stdin.take().unwrap();
    let input = stdin.as_fd().try_clone_to_owned().unwrap();
    let sent = data.clone();
    let writer = thread::spawn(move || stdin.write_all(&sent).unwrap());
    // Nobody reads, so soon it sleeps although there is input. (Whether the terminal is writable does not
    // tell: the kernel makes a little room later, and wakes nobody for that.)
    let deadline = Instant::now() + LIMIT;
    while is_writable(&input) || !is_asleep(&program) {
        assert!(Instant::now() < deadline, "the terminal is never full");
        thread::yield_now();
    }
    drop(input);
    let mut ours = terminal.ours.try_clone().unwrap();
    let (done, received) = mpsc::channel();
    let len = data.len();
    thread::spawn(move || {
        let mut shown = vec![0; len];
        ours.read_exact(&mut shown).unwrap();
        done.send(shown).unwrap();
    });
    assert!(received.recv_timeout(LIMIT).expect("it hangs") == data);
    writer.join().unwrap();
    assert_eq!(wait(program).code(), Some(0));
    assert!(!terminal.is_nonblocking());
}

fn start(input: impl Into<Stdio>, output: impl Into<Stdio>) -> Child {
    Command::new(STDIN)
        .stdin(input)
        .stdout(output)
        .spawn()
        .unwrap()
}

/// Waits for the end, which something else has to bring about.
fn wait(mut program: Child) -> ExitStatus {
    let pid = Pid::from_child(&program);
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(program.wait()));
    end.recv_timeout(LIMIT)
        .unwrap_or_else(|_| {
            let _ = kill_process(pid, Signal::KILL);
            panic!("the program has not ended");
        })
        .unwrap()
}

/// A terminal of which the test is the screen and the keyboard. Both ends stay open.
struct Terminal {
    ours: File,
    theirs: OwnedFd,
    shown: Option<Receiver<String>>,
}

impl Terminal {
    fn open() -> Self {
        let mut terminal = Self::open_unread();
        let ours = terminal.ours.try_clone().unwrap();
        terminal.shown = Some(lines_of(ours));
        terminal
    }

    fn open_unread() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).unwrap();
        unlockpt(&ours).unwrap();
        Self {
            theirs: ioctl_tiocgptpeer(&ours, flags).unwrap(),
            ours: File::from(ours),
            shown: None,
        }
    }

    /// Standard input and output of the program are one, as in a shell.
    fn start(&self) -> Child {
        let theirs = || self.theirs.try_clone().unwrap();
        start(theirs(), theirs())
    }

    fn write(&self, bytes: &[u8]) {
        (&self.ours).write_all(bytes).unwrap();
    }

    #[track_caller]
    fn expect(&self, lines: &[&str]) {
        let shown = self.shown.as_ref().unwrap();
        for line in lines {
            assert_eq!(&shown.recv_timeout(LIMIT).unwrap(), line);
        }
    }

    fn is_nonblocking(&self) -> bool {
        is_nonblocking(&self.theirs)
    }
}

fn is_nonblocking(fd: impl AsFd) -> bool {
    fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK)
}

fn is_writable(fd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::OUT)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&now)).unwrap() == 1
}

/// proc(5): the state comes after the name, which is in parentheses.
fn is_asleep(program: &Child) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", program.id())).unwrap();
    stat.rsplit_once(") ").unwrap().1.starts_with('S')
}
