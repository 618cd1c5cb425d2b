//! What a read costs, counted by callgrind: it grows with what is read, not with the room for it.

// No adapter changes what is shown here, and it takes long: so it runs without them and with all of them, and not
// once more with each alone.
#![cfg(any(
    not(any(feature = "futures-io", feature = "hyper", feature = "tokio")),
    all(feature = "futures-io", feature = "hyper", feature = "tokio")
))]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{self, Read},
    process::{Command, Stdio},
    task::{Context, Poll, Waker},
    thread,
};

use bytes::BytesMut;
use common::drive;
use io_traits::{
    AsyncRead, BufReader, ReadCursor,
    io::{copy, read_exact},
    layer::Layer,
    poll_read_buf, task,
    testing::Script,
};

/// Gives a byte and then has to wait, so often; by `Read` alone.
struct Drops(u32);

impl Read for Drops {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Ok(0);
        }
        self.0 -= 1;
        if self.0.is_multiple_of(2) {
            return task::poll(|cx| {
                cx.waker().wake_by_ref();
                Poll::Pending
            });
        }
        buf[0] = b'x';
        Ok(1)
    }
}

impl AsyncRead for Drops {}

/// The same, which needs no memory to be initialised for it.
struct OwnDrops(Drops);

impl Read for OwnDrops {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl AsyncRead for OwnDrops {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        task::poll_io(cx, || {
            let mut byte = [0];
            let n = self.0.read(&mut byte)?;
            Ok(buf.append(&byte[..n]))
        })
    }
}

fn reads_into(room: usize, reads: u32) {
    let mut buf = BytesMut::with_capacity(room);
    let mut reader = Drops(2 * reads);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..2 * reads {
        buf.clear();
        let _ = poll_read_buf(&mut reader, &mut cx, &mut buf).map(Result::unwrap);
    }
}

fn copies(mut reader: impl AsyncRead) {
    drive(copy(&mut reader, &mut io::sink())).0.unwrap();
}

fn reads_bytes(mut reader: impl AsyncRead, reads: u32) {
    for _ in 0..reads {
        drive(read_exact(&mut reader, &mut [0])).0.unwrap();
    }
}

fn layer(reader: impl Read) -> Layer<impl Read> {
    Layer::with_flush(reader, |_| Ok(()))
}

/// Two ways to do the same, of which the second must not cost much more.
const PAIRS: [(&str, &str); 4] = [
    ("1 KiB", "1 MiB"),
    ("copy, own", "copy"),
    ("buffered, own", "buffered"),
    ("copy, own", "copy of a layer"),
];

fn work(name: &str, reads: u32) {
    let (plain, own) = (Drops(2 * reads), OwnDrops(Drops(2 * reads)));
    match name {
        "1 KiB" => reads_into(1 << 10, reads),
        "1 MiB" => reads_into(1 << 20, reads),
        "copy" => copies(plain),
        "copy, own" => copies(own),
        "copy of a layer" => copies(layer(plain)),
        "buffered" => reads_bytes(BufReader::new(plain), reads),
        "buffered, own" => reads_bytes(BufReader::new(own), reads),
        name => panic!("no such work: {name}"),
    }
}

#[test]
fn the_instructions_of_a_read_do_not_grow_with_the_room_for_it() {
    if let (Ok(name), Ok(reads)) = (env::var(WORK), env::var(READS)) {
        return work(&name, reads.parse().unwrap());
    }
    // `make asan` sets it. A program that has a sanitizer in it does not run under valgrind.
    if env::var_os("ASAN_OPTIONS").is_some() {
        eprintln!("skipped, this is for valgrind and not for a sanitizer");
        return;
    }
    let there = |command: &mut Command| command.stdout(Stdio::null()).status().is_ok();
    if !there(Command::new("valgrind").arg("--version")) {
        assert!(env::var_os("CI").is_none(), "CI has to have valgrind");
        eprintln!("skipped, there is no valgrind here");
        return;
    }
    // What a process costs that reads nothing is taken off, and the first zeroing with it.
    let of_a_read = |name| (instructions(name, 420) - instructions(name, 20)) / 400;
    // All at once: valgrind is slow, and does not count what others do.
    let names: BTreeSet<_> = PAIRS.into_iter().flat_map(<[_; 2]>::from).collect();
    let costs: BTreeMap<_, _> = thread::scope(|scope| {
        let of_all = names
            .into_iter()
            .map(|name| (name, scope.spawn(move || of_a_read(name))));
        let of_all: Vec<_> = of_all.collect();
        of_all
            .into_iter()
            .map(|(name, of_it)| (name, of_it.join().unwrap()))
            .collect()
    });
    for (cheap, same) in PAIRS {
        let (cheap_costs, same_costs) = (costs[cheap], costs[same]);
        // Of code that is not optimised. Zeroing 64 KiB would take a hundred thousand.
        assert!(
            same_costs < cheap_costs + 4_000,
            "{cheap}: {cheap_costs} instructions, {same}: {same_costs}"
        );
    }
}

/// The instructions of a process that does so many reads.
fn instructions(name: &str, reads: u32) -> i64 {
    let process = std::process::id();
    let out = env::temp_dir().join(format!("io-traits-test-{process}-{name}-{reads}"));
    let status = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe().unwrap())
        .args([
            "--exact",
            "the_instructions_of_a_read_do_not_grow_with_the_room_for_it",
        ])
        .env(WORK, name)
        .env(READS, reads.to_string())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let profile = fs::read_to_string(&out).unwrap();
    fs::remove_file(&out).unwrap();
    let totals = profile
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: "));
    totals
        .expect("callgrind writes a total")
        .trim()
        .parse()
        .unwrap()
}

const WORK: &str = "IO_TRAITS_TEST_WORK";
const READS: &str = "IO_TRAITS_TEST_READS";

/// A script, which knows nothing of cursors, fills a large buffer through the same path as `Drops`.
#[test]
fn bytes_that_went_through_memory_of_the_thread_are_the_same() {
    let pieces: Vec<Vec<u8>> = (1..200_u8).map(|n| vec![n; usize::from(n) * 20]).collect();
    let script = |pieces: &[Vec<u8>]| {
        pieces
            .iter()
            .fold(Script::new(), |script, piece| script.gives(piece))
    };
    // Two at a time, so that one finds what the other has left.
    let (mut one, mut two) = (script(&pieces), script(&pieces));
    let (mut ones, mut twos) = (BytesMut::with_capacity(1 << 20), Vec::new());
    twos.reserve_exact(1 << 20);
    let mut cx = Context::from_waker(Waker::noop());
    for piece in &pieces {
        let n = poll_read_buf(&mut one, &mut cx, &mut ones).map(Result::unwrap);
        assert_eq!(n, Poll::Ready(piece.len()));
        let n = poll_read_buf(&mut two, &mut cx, &mut twos).map(Result::unwrap);
        assert_eq!(n, Poll::Ready(piece.len()));
    }
    assert!(ones == pieces.concat() && twos == pieces.concat());
}
