use std::{
    env, fmt, io,
    path::{Path, PathBuf},
    process::Command,
};

use bench::{Congestion, Datagrams, Work};

use crate::cpus::Cpus;

/// Who is measured. A new one is a variant here and a program that knows [`Work`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// The epoll loop that all others are compared with.
    Bare,
    /// With a length before each frame.
    BareFrames,
    OursCopy,
    OursTask,
    /// As `OursTask`, and the loop spins.
    OursSpin,
    /// `Framed` with `LengthDelimitedCodec`.
    OursFrames,
    /// `Framed` with `LinesCodec`.
    OursLines,
    Tokio,
    /// With a buffer only while there are bytes.
    TokioLean,
    /// `Framed` with `LengthDelimitedCodec`, of tokio-util.
    TokioFrames,
    /// `Framed` with `LinesCodec`, of tokio-util.
    TokioLines,
    /// splice(2) in an epoll loop.
    BareRelay,
    /// `net::relay`.
    OursRelay,
    /// `copy_bidirectional` at its defaults.
    TokioRelay,
    /// `copy_bidirectional_with_sizes`, buffers of 64 KiB.
    TokioRelayLarge,
    Smol,
    /// One datagram a system call, as in [`OursUdp`](Self::OursUdp) and [`TokioUdp`](Self::TokioUdp).
    BareUdp,
    /// GSO and GRO.
    BareUdpOffloaded,
    OursUdp,
    /// recvmmsg(2) and sendmmsg(2).
    OursUdpBatched,
    /// GSO and GRO as well.
    OursUdpOffloaded,
    TokioUdp,
    /// Tasks that do nothing but sleep.
    OursSleeps,
    /// The same.
    TokioSleeps,
    /// The same.
    SmolSleeps,
    /// The example program.
    ProgramEcho,
    /// The example program.
    ProgramChat,
}

impl Contestant {
    /// Those whose time is compared: bytes come and go back, nothing else.
    pub(crate) const ECHO: [Self; 5] = [
        Self::Bare,
        Self::OursCopy,
        Self::OursTask,
        Self::Tokio,
        Self::Smol,
    ];

    /// Those who send frames back, each in the form that is best for it.
    pub(crate) const FRAMES: [Self; 3] = [Self::BareFrames, Self::OursFrames, Self::TokioFrames];

    /// Those whose answers are waited for, one after the other.
    pub(crate) const LATENCY: [Self; 5] = [
        Self::Bare,
        Self::OursTask,
        Self::OursSpin,
        Self::Tokio,
        Self::Smol,
    ];

    /// Those who carry bytes from one connection to another.
    pub(crate) const RELAY: [Self; 4] = [
        Self::BareRelay,
        Self::OursRelay,
        Self::TokioRelay,
        Self::TokioRelayLarge,
    ];

    /// Those who receive datagrams, and those who send them.
    pub(crate) const UDP: [Self; 6] = [
        Self::BareUdp,
        Self::BareUdpOffloaded,
        Self::OursUdp,
        Self::OursUdpBatched,
        Self::OursUdpOffloaded,
        Self::TokioUdp,
    ];

    /// Those who send datagrams back.
    pub(crate) const UDP_ECHO: [Self; 4] = [
        Self::BareUdp,
        Self::OursUdp,
        Self::OursUdpBatched,
        Self::TokioUdp,
    ];
    /// Those who sleep.
    pub(crate) const SLEEPS: [Self; 3] = [Self::OursSleeps, Self::TokioSleeps, Self::SmolSleeps];

    /// All of them serve TCP echoes, some in frames.
    pub(crate) const ALL: [Self; 13] = [
        Self::Bare,
        Self::BareFrames,
        Self::OursCopy,
        Self::OursTask,
        Self::OursFrames,
        Self::OursLines,
        Self::Tokio,
        Self::TokioLean,
        Self::TokioFrames,
        Self::TokioLines,
        Self::Smol,
        Self::ProgramEcho,
        Self::ProgramChat,
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
        self.server(&match self {
            Self::OursCopy => Work::TcpCopy,
            Self::OursSpin => Work::TcpSpin,
            Self::TokioLean => Work::TcpLean,
            Self::BareFrames | Self::OursFrames | Self::TokioFrames => {
                Work::TcpFrames(Congestion::System)
            }
            Self::OursLines | Self::TokioLines => Work::TcpLines,
            _ => Work::TcpEcho,
        })
    }

    /// Does `work` to its end, on the CPU of the servers; returns the figure that it says.
    ///
    /// # Errors
    ///
    /// Those of the program, and that it has said something else.
    pub(crate) fn figure_of(self, work: &Work, cpus: &Cpus) -> io::Result<f64> {
        let output = cpus.on_server(|| self.server(work)?.output())?;
        let said = String::from_utf8_lossy(&output.stdout);
        said.trim().parse().map_err(|_| {
            let error = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("no figure, but {said:?}: {error}"))
        })
    }

    /// The command that does `work`, of a program of this package.
    pub(crate) fn server(self, work: &Work) -> io::Result<Command> {
        let mut command = Command::new(own_program(self.binary())?);
        command.args(work.to_args());
        Ok(command)
    }

    /// How it handles datagrams.
    pub(crate) fn datagrams(self) -> Datagrams {
        match self {
            Self::OursUdpBatched => Datagrams::Batched,
            Self::BareUdpOffloaded | Self::OursUdpOffloaded => Datagrams::Offloaded,
            _ => Datagrams::Single,
        }
    }

    /// What a relay's buffers are to be; 0 is what it takes by itself.
    pub(crate) fn relay_buffer(self) -> usize {
        match self {
            Self::TokioRelayLarge => 64 * 1024,
            _ => 0,
        }
    }

    /// A line whose answer is a line and comes to its sender. The same for all, but that a frame begins
    /// with its length, and that the chat answers only what it does not understand: no UTF-8.
    pub(crate) fn message(self) -> [u8; bench::MESSAGE] {
        const LENGTH: usize = size_of::<u32>();
        let mut message = [b'x'; bench::MESSAGE];
        match self {
            Self::ProgramChat => message.fill(0xff),
            Self::BareFrames | Self::OursFrames | Self::TokioFrames => {
                let length = (bench::MESSAGE - LENGTH) as u32;
                message[..LENGTH].copy_from_slice(&length.to_be_bytes());
            }
            _ => {}
        }
        message[bench::MESSAGE - 1] = b'\n';
        message
    }

    /// What it does for a connection, for the report.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Bare => "a level-triggered epoll, one buffer for all connections, no async",
            Self::OursCopy => "a task that copies with `io::copy`",
            Self::OursTask => "a task with a buffer in it",
            Self::OursSpin => "the same, and the loop spins for 200 µs before it sleeps",
            Self::BareFrames => {
                "the same, which looks at each length and sends all whole frames back from where they lie"
            }
            Self::OursFrames => {
                "a task with a `Framed` of `LengthDelimitedCodec`, and a loop of `next` and `feed`"
            }
            Self::OursLines => "a task with a `Framed` of `LinesCodec`",
            Self::Tokio => "a task with a buffer in it, on the current-thread runtime",
            Self::TokioLean => "as tokio, but the buffer is on the stack of a poll that reads",
            Self::TokioFrames => {
                "a task with tokio-util's `Framed` of `LengthDelimitedCodec`, flushed when no frame is there"
            }
            Self::TokioLines => "a task with tokio-util's `Framed` of `LinesCodec`",
            Self::BareRelay => "splice(2) in an epoll loop, two pipes for each connection",
            Self::OursRelay => "a task with a `net::relay`",
            Self::TokioRelay => "a task with a `copy_bidirectional` at its defaults",
            Self::TokioRelayLarge => "the same with buffers of 64 KiB",
            Self::Smol => "a task with a buffer in it, on the local executor",
            Self::BareUdp => {
                "recvfrom(2) or sendto(2) for each datagram, in a level-triggered epoll loop"
            }
            Self::BareUdpOffloaded => "recvmsg(2) with GRO, sendmsg(2) with GSO, in the same loop",
            Self::OursUdp => "a task with `recv_from` or `send_to`",
            Self::OursUdpBatched => {
                "a task with `recv_batch` or `send_batch` of 32, without GRO and GSO"
            }
            Self::OursUdpOffloaded => {
                "a task with `recv_batch` or `send_batch` of 4, with GRO and GSO"
            }
            Self::TokioUdp => "a task with `recv_from` or `send_to`, on the current-thread runtime",
            Self::OursSleeps | Self::TokioSleeps | Self::SmolSleeps => {
                "tasks that sleep, on the same executor as above"
            }
            Self::ProgramEcho => "the example program `echo`; one more thread waits for a signal",
            Self::ProgramChat => "the example program `chat`; one more thread waits for a signal",
        }
    }

    /// Whether the others are compared with it.
    pub(crate) fn is_bare(self) -> bool {
        matches!(
            self,
            Self::Bare | Self::BareFrames | Self::BareRelay | Self::BareUdp
        )
    }

    fn is_program(self) -> bool {
        matches!(self, Self::ProgramEcho | Self::ProgramChat)
    }

    fn binary(self) -> &'static str {
        match self {
            Self::Bare | Self::BareFrames => "bench-bare",
            Self::BareRelay => "bench-splice",
            Self::OursCopy
            | Self::OursTask
            | Self::OursSpin
            | Self::OursFrames
            | Self::OursLines
            | Self::OursRelay
            | Self::OursSleeps => "bench-ours",
            Self::Tokio
            | Self::TokioLean
            | Self::TokioFrames
            | Self::TokioLines
            | Self::TokioRelay
            | Self::TokioRelayLarge
            | Self::TokioSleeps => "bench-tokio",
            Self::Smol | Self::SmolSleeps => "bench-smol",
            Self::BareUdp | Self::BareUdpOffloaded => "bench-bare-udp",
            Self::OursUdp | Self::OursUdpBatched | Self::OursUdpOffloaded => "bench-ours-udp",
            Self::TokioUdp => "bench-tokio-udp",
            Self::ProgramEcho => "echo",
            Self::ProgramChat => "chat",
        }
    }
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bare => "bare epoll",
            Self::BareFrames => "bare epoll, frames",
            Self::OursCopy => "ours, copy",
            Self::OursTask => "ours, read/write_all",
            Self::OursSpin => "ours, spinning",
            Self::OursFrames => "ours, frames",
            Self::OursLines => "ours, lines",
            Self::Tokio => "tokio",
            Self::TokioLean => "tokio, leanest",
            Self::TokioFrames => "tokio-util, frames",
            Self::TokioLines => "tokio-util, lines",
            Self::BareRelay => "bare splice",
            Self::OursRelay => "ours, relay",
            Self::TokioRelay => "tokio, copy_bidirectional",
            Self::TokioRelayLarge => "tokio, with 64 KiB",
            Self::Smol => "smol",
            Self::BareUdp => "bare, single",
            Self::BareUdpOffloaded => "bare, GSO and GRO",
            Self::OursUdp => "ours, single",
            Self::OursUdpBatched => "ours, batched",
            Self::OursUdpOffloaded => "ours, GSO and GRO",
            Self::TokioUdp => "tokio, single",
            Self::OursSleeps => "ours, sleeps",
            Self::TokioSleeps => "tokio, sleeps",
            Self::SmolSleeps => "smol, sleeps",
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
