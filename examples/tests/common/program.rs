use std::{
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{LIMIT, lines_of};

/// A program that goes on while a test reads what it says; killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Program {
    /// Its standard input is the command's.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdout: lines_of(child.stdout.take().unwrap()),
            stderr: lines_of(child.stderr.take().unwrap()),
            child,
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Its standard input, if that is a pipe.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// The next line of standard output, once it is there.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        match self.stdout.recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(error) => panic!("no line: {error}; {:?}", self.errors()),
        }
    }

    /// The next line of standard output, if it is there by now.
    pub(crate) fn try_line(&self) -> Option<String> {
        self.stdout.try_recv().ok()
    }

    /// Checks the next lines of standard output.
    #[track_caller]
    pub(crate) fn expect(&self, lines: &[&str]) {
        for &line in lines {
            assert_eq!(self.line(), line);
        }
    }

    /// Waits for the end, which something else has to bring about; it says nothing more before.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        match self.stdout.recv_timeout(LIMIT) {
            Err(RecvTimeoutError::Disconnected) => self.child.wait().unwrap(),
            other => panic!("the program has not ended: {other:?}"),
        }
    }

    /// What it has said on standard error so far.
    fn errors(&self) -> Vec<String> {
        self.stderr.try_iter().collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Errors: it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
