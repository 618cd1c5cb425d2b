//! ```sh
//! cargo run --release -p examples --bin watch -- /tmp
//! cargo run --release -p examples --bin watch -- --changes 10 /tmp /etc/hostname
//! ```
//!
//! Prints what changes in directories and of files, inotify(7), until they are gone themselves, or after
//! as many changes as `--changes` says. What is in directories of a directory is not watched.

#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    io::{self, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use examples::{named, run_program};
use io_traits::task;
use reactor::{Core, Fd, Handle, PollEvented};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

fn main() -> ExitCode {
    let args = Args::parse();
    run_program(|| {
        let mut core = Core::new()?;
        let watcher = Watcher::new(&core.handle())?;
        core.run(watch(&args, &watcher))?
    })
}

async fn watch(args: &Args, watcher: &Watcher) -> io::Result<()> {
    let mut watched = HashMap::new();
    for path in &args.paths {
        let number = watcher.add(path)?;
        watched.insert(number, path);
        writeln!(io::stdout(), "watching {}", printable(path))?;
    }
    let mut buf = [MaybeUninit::uninit(); 4096];
    let mut changes = watcher.changes(&mut buf);
    let mut printed = 0;
    while !watched.is_empty() && args.changes.is_none_or(|limit| printed < limit) {
        let change = task::io(|| changes.next()).await?;
        if change.what.contains(ReadFlags::QUEUE_OVERFLOW) {
            writeln!(io::stdout(), "the queue was full: some changes are lost")?;
        }
        let Some(path) = watched.get(&change.watch) else {
            continue;
        };
        let path = match &change.name {
            Some(name) => path.join(name),
            None => path.to_path_buf(),
        };
        for &(flag, verb) in VERBS {
            if change.what.contains(flag) {
                writeln!(io::stdout(), "{verb} {}", printable(&path))?;
                printed += 1;
            }
        }
        if change.what.contains(ReadFlags::IGNORED) {
            watched.remove(&change.watch);
        }
    }
    Ok(())
}

/// A name may contain anything, also what a terminal takes for a command.
fn printable(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}

/// A queue of changes in the kernel.
struct Watcher {
    io: PollEvented<Fd<OwnedFd>>,
}

impl Watcher {
    fn new(handle: &Handle) -> io::Result<Self> {
        let fd = Fd::new(inotify::init(CreateFlags::CLOEXEC)?)?;
        let io = PollEvented::on_demand(fd, handle)?;
        Ok(Self { io })
    }

    /// Returns the number by which changes call the path.
    fn add(&self, path: &Path) -> io::Result<i32> {
        let added = inotify::add_watch(self.io.get_ref(), path, WATCHED);
        added.map_err(|error| named(path.display(), error.into()))
    }

    /// `buf` has room for one change at least: 16 bytes, and a name of up to 255 and a 0.
    fn changes<'a>(&'a self, buf: &'a mut [MaybeUninit<u8>]) -> Changes<'a> {
        Changes {
            io: &self.io,
            reader: Reader::new(self.io.as_fd(), buf),
        }
    }
}

/// Reads many changes at once and gives them out one by one.
struct Changes<'a> {
    io: &'a PollEvented<Fd<OwnedFd>>,
    reader: Reader<'a, BorrowedFd<'a>>,
}

impl Changes<'_> {
    /// The next change, on the current task; would block if there is none.
    fn next(&mut self) -> io::Result<Change> {
        // It says "would block" only when the buffer is empty, so none waits there unseen.
        self.io.read_with(|_| {
            let event = self.reader.next()?;
            let name = event.file_name();
            Ok(Change {
                watch: event.wd(),
                what: event.events(),
                name: name.map(|name| OsStr::from_bytes(name.to_bytes()).to_owned()),
            })
        })
    }
}

struct Change {
    watch: i32,
    what: ReadFlags,
    /// Of what has changed in a directory.
    name: Option<OsString>,
}

const WATCHED: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::DELETE_SELF);

const VERBS: &[(ReadFlags, &str)] = &[
    (ReadFlags::CREATE, "created"),
    (ReadFlags::CLOSE_WRITE, "written"),
    (ReadFlags::ATTRIB, "attributes of"),
    (ReadFlags::MOVED_FROM, "moved from"),
    (ReadFlags::MOVED_TO, "moved to"),
    (ReadFlags::DELETE, "deleted"),
    (ReadFlags::IGNORED, "no longer watched:"),
];

/// Print what changes in directories and of files
#[derive(Parser)]
#[command(version)]
struct Args {
    /// End after so many changes
    #[arg(long, value_name = "N")]
    changes: Option<u64>,

    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}
