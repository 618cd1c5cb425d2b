//! ```sh
//! cargo run --release -p examples --bin stdin
//! seq 1000000 | cargo run --release -p examples --bin stdin > /tmp/numbers
//! ```
//!
//! Standard input goes to standard output, both through the event loop, whatever they are: terminals,
//! pipes, files, /dev/null. Two things are in the way, and both are met in [`Stream`].
//!
//! # Files cannot be polled
//!
//! epoll refuses them, and /dev/null as well. So a thread, which may block, carries them through a pipe,
//! and that can be polled:
//!
//! ```text
//!   terminal, pipe, socket ───────────────▶ ┌──────┐ ───────────────▶ terminal, pipe, socket
//!   file ─▶ thread ─▶ pipe ───────────────▶ │ core │ ─▶ pipe ─▶ thread ─▶ file
//!                                           └──────┘
//! ```
//!
//! # The mode is not ours
//!
//! Non-blocking mode belongs to what was opened, and a terminal was opened by the shell, for itself, for
//! us and for all programs after us; standard input and output are mostly the same one. So
//! [`Fd::shared`] puts the mode back at the end, and signals that would end the program before that are
//! read as data: it puts the mode back and *then* dies of the signal.
//!
//! What is left: while the program is stopped (Ctrl-Z) or if it is killed (SIGKILL), the mode stays. A
//! program that cannot have that opens the terminal anew, as /dev/tty or /proc/self/fd/0, where it is
//! permitted: the mode of that is its own.

#![forbid(unsafe_code)]

use std::{
    fs::File,
    io,
    os::fd::AsFd,
    pin::pin,
    process::ExitCode,
    thread::{self, JoinHandle},
};

use examples::run_program;
use futures::future::{Either, select};
use io_traits::{io::copy, task};
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use reactor::{Core, Direction, Fd, Handle, NotPollable, Options, PollEvented};
use rustix::pipe::{PipeFlags, pipe_with};
use signal_hook::low_level::emulate_default_handler;

fn main() -> ExitCode {
    run_program(|| match copy_all()? {
        Some(signal) => emulate_default_handler(signal),
        None => Ok(()),
    })
}

/// Returns the signal that has ended it, if one has.
fn copy_all() -> io::Result<Option<i32>> {
    let mut core = Core::new()?;
    let handle = core.handle();
    // Before any thread is started.
    let signals = signals(&handle)?;
    let mut input = Stream::new(io::stdin(), Direction::Read, &handle)?;
    let mut output = Stream::new(io::stdout(), Direction::Write, &handle)?;
    let ended = core.run(async {
        let copied = pin!(copy(&mut input.io, &mut output.io));
        let signal = pin!(task::io(|| next(&signals)));
        match select(copied, signal).await {
            Either::Left((copied, _)) => copied.map(|_| None),
            Either::Right((signal, _)) => signal.map(Some),
        }
    })?;
    if let Ok(Some(_)) = ended {
        return ended;
    }
    // If the thread has failed, it knows why; the copying knows of a broken pipe alone.
    output.finish()?;
    ended?;
    input.finish()?;
    Ok(None)
}

/// Standard input or output, from now on in non-blocking mode.
struct Stream {
    io: PollEvented<Fd<File>>,
    carrier: Option<JoinHandle<io::Result<()>>>,
}

impl Stream {
    fn new(fd: impl AsFd, direction: Direction, handle: &Handle) -> io::Result<Self> {
        let options = match direction {
            Direction::Read => Options::new(),
            Direction::Write => Options::write_only(),
        };
        // A descriptor of its own, past the buffers of std, which know nothing of "would block".
        let file = File::from(fd.as_fd().try_clone_to_owned()?);
        let refused = match PollEvented::with_options(Fd::shared(file)?, handle, options) {
            Err(refused) if NotPollable::is_source_of(refused.error()) => refused,
            io => {
                let (io, carrier) = (io?, None);
                return Ok(Self { io, carrier });
            }
        };
        let file = refused.into_inner().into_inner();
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
        let (ours, mut from, mut to) = match direction {
            Direction::Read => (reader, file, File::from(writer)),
            Direction::Write => (writer, File::from(reader), file),
        };
        let io = PollEvented::with_options(Fd::new(ours.into())?, handle, options)?;
        let carry = move || io::copy(&mut from, &mut to).map(drop);
        let carrier = thread::Builder::new().name("carrier".into()).spawn(carry)?;
        let carrier = Some(carrier);
        Ok(Self { io, carrier })
    }

    /// Puts the mode back, and waits until a file has everything. To be called when the copying has come
    /// to its end.
    fn finish(self) -> io::Result<()> {
        drop(self.io);
        self.carrier.map_or(Ok(()), |carrier| {
            let carried = carrier.join();
            carried.unwrap_or_else(|_| Err(io::Error::other("the thread has panicked")))
        })
    }
}

/// Signals that would end the program; see `signalfd.rs`.
fn signals(handle: &Handle) -> io::Result<PollEvented<Fd<SignalFd>>> {
    let ending = [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
    ];
    let ending: SigSet = ending.into_iter().collect();
    ending.thread_block()?;
    let fd = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC)?;
    Ok(PollEvented::on_demand(Fd::new(fd)?, handle)?)
}

fn next(signals: &PollEvented<Fd<SignalFd>>) -> io::Result<i32> {
    signals.read_with(|fd| {
        let info = fd.get_ref().read_signal()?;
        let info = info.ok_or(io::ErrorKind::WouldBlock)?;
        Ok(info.ssi_signo as i32)
    })
}
