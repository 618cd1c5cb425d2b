use std::{
    env, fmt, io,
    path::{Path, PathBuf},
    process::Command,
};

use bench::Work;

/// Who is measured. A new one is a variant here and a program that knows [`Work`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// The epoll loop that all others are compared with.
    Bare,
    OursCopy,
    OursTask,
    Tokio,
    Smol,
    /// The example program; it runs on two threads, one of which waits for a signal.
    ProgramEcho,
    /// The example program, as above.
    ProgramChat,
}

impl Contestant {
    /// Those who serve TCP echoes with a program of this package.
    pub(crate) const ECHO: [Self; 5] = [
        Self::Bare,
        Self::OursCopy,
        Self::OursTask,
        Self::Tokio,
        Self::Smol,
    ];

    /// The command that serves TCP echoes. `programs` is the directory of the example programs.
    ///
    /// # Errors
    ///
    /// `NotFound` if the program has not been built.
    pub(crate) fn tcp_echo(self, programs: &Path) -> io::Result<Command> {
        if self.is_program() {
            let mut command = Command::new(existing(programs.join(self.binary()))?);
            command.args(["--listen", "127.0.0.1:0"]);
            return Ok(command);
        }
        self.server(&if self == Self::OursCopy {
            Work::TcpCopy
        } else {
            Work::TcpEcho
        })
    }

    /// The command that does `work`, of a program of this package.
    pub(crate) fn server(self, work: &Work) -> io::Result<Command> {
        let mut command = Command::new(own_program(self.binary())?);
        command.args(work.to_args());
        Ok(command)
    }

    /// The message whose answer has the same length and comes to its sender. To the chat that is a line
    /// that is not UTF-8; the answer's length is its own.
    pub(crate) fn message(self) -> [u8; bench::MESSAGE] {
        let mut message = [b'x'; bench::MESSAGE];
        if self == Self::ProgramChat {
            message.fill(0xff);
        }
        message[bench::MESSAGE - 1] = b'\n';
        message
    }

    fn is_program(self) -> bool {
        matches!(self, Self::ProgramEcho | Self::ProgramChat)
    }

    fn binary(self) -> &'static str {
        match self {
            Self::Bare => "bench-bare",
            Self::OursCopy | Self::OursTask => "bench-ours",
            Self::Tokio => "bench-tokio",
            Self::Smol => "bench-smol",
            Self::ProgramEcho => "echo",
            Self::ProgramChat => "chat",
        }
    }
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bare => "bare epoll",
            Self::OursCopy => "ours, copy",
            Self::OursTask => "ours, read/write_all",
            Self::Tokio => "tokio",
            Self::Smol => "smol",
            Self::ProgramEcho => "program echo",
            Self::ProgramChat => "program chat",
        })
    }
}

/// A program of this package; all of them are built together.
pub(crate) fn own_program(name: &str) -> io::Result<PathBuf> {
    existing(env::current_exe()?.with_file_name(name))
}

fn existing(path: PathBuf) -> io::Result<PathBuf> {
    if path.exists() {
        return Ok(path);
    }
    let message = format!(
        "{} is not built; `make bench` and `make count` do it",
        path.display()
    );
    Err(io::Error::new(io::ErrorKind::NotFound, message))
}
