//! Reads of sockets do not touch more memory than they fill: neither zeroed first nor looked at.

mod common;

use std::{
    env, fs,
    io::Write,
    mem::MaybeUninit,
    os::fd::AsFd,
    process::{Command, Stdio},
    task::{Context, Waker},
};

use bytes::BytesMut;
use common::{is_readable, pair, run, unix_streams};
use io_traits::{AsyncDatagram, AsyncRead, ReadCursor, read_buf, task};
use net::UnixDatagram;
use reactor::Core;

/// Reads 5 bytes into raw memory; how much of it is initialised then.
fn initialised_by(stream: &mut (impl AsyncRead + AsFd), mut peer: impl Write) -> String {
    peer.write_all(b"hello").unwrap();
    assert!(is_readable(stream.as_fd(), 10_000));
    let mut memory = [MaybeUninit::uninit(); 4_096];
    let mut cx = Context::from_waker(Waker::noop());
    let (after, filled) = ReadCursor::with(&mut memory, |buf| {
        assert!(stream.poll_read_into(&mut cx, buf).is_ready());
        assert!(!buf.is_initialized());
        format!("{buf:?}")
    });
    assert_eq!(filled, 5);
    after
}

#[test]
fn a_read_initialises_what_it_fills_and_no_more() {
    let core = Core::new().unwrap();
    let expected = "ReadCursor { filled: 5, initialized: 5, capacity: 4096 }";
    let (mut stream, peer) = pair(&core.handle());
    assert_eq!(initialised_by(&mut stream, peer), expected);
    let (mut stream, peer) = unix_streams(&core.handle());
    assert_eq!(initialised_by(&mut stream, peer), expected);
}

/// The code that parses the names of Unix sockets is std's, which asks for memory that is initialised.
#[test]
fn a_datagram_of_a_unix_socket_initialises_what_it_fills_and_no_more() {
    let core = Core::new().unwrap();
    let (mut socket, peer) = UnixDatagram::pair(&core.handle()).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    // Longer than what is lent for it at most.
    for (len, room) in [(5, 4_096), (5, 65_536), (70_000, 100_000)] {
        let sent: Vec<u8> = (0..len).map(|n| n as u8).collect();
        assert_eq!(peer.try_send(&sent).unwrap(), len);
        let mut memory = vec![MaybeUninit::uninit(); room];
        let (after, filled) = ReadCursor::with(&mut memory, |buf| {
            assert!(socket.poll_recv_datagram(&mut cx, buf).is_ready());
            format!("{buf:?}")
        });
        // SAFETY: that is what the cursor vouches for.
        let received = memory[..filled]
            .iter()
            .map(|byte| unsafe { byte.assume_init() });
        assert!(received.eq(sent));
        if room <= 65_536 {
            let expected = format!("initialized: {len}, capacity: {room}");
            assert!(after.contains(&expected), "{after}");
        }
    }
}

/// Counted by callgrind: a buffer a thousand times as large makes a read no more expensive.
#[test]
fn the_instructions_of_a_read_do_not_grow_with_the_buffer() {
    if let (Ok(room), Ok(reads)) = (env::var(ROOM), env::var(READS)) {
        return reads_into(room.parse().unwrap(), reads.parse().unwrap());
    }
    let there = |command: &mut Command| command.stdout(Stdio::null()).status().is_ok();
    if !there(Command::new("valgrind").arg("--version")) {
        assert!(env::var_os("CI").is_none(), "CI has to have valgrind");
        eprintln!("skipped, there is no valgrind here");
        return;
    }
    // What a process costs that reads nothing is taken off.
    let of_a_read = |room| (instructions(room, 220) - instructions(room, 20)) / 200;
    let (small, large) = (of_a_read(1 << 10), of_a_read(1 << 20));
    assert!(
        large < small * 3 / 2,
        "{small} instructions with 1 KiB, {large} with 1 MiB"
    );
}

fn reads_into(room: usize, reads: usize) {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = pair(&core.handle());
    let mut buf = BytesMut::with_capacity(room);
    for _ in 0..reads {
        peer.write_all(&[7; 64]).unwrap();
        buf.clear();
        let n = run(&mut core, task::io(|| read_buf(&mut stream, &mut buf))).unwrap();
        assert_eq!((n, buf.capacity()), (64, room));
    }
}

/// The instructions of a process that does so many reads.
fn instructions(room: usize, reads: usize) -> i64 {
    let out = env::temp_dir().join(format!("net-test-{}-{room}-{reads}", std::process::id()));
    let status = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe().unwrap())
        .args([
            "--exact",
            "the_instructions_of_a_read_do_not_grow_with_the_buffer",
        ])
        .env(ROOM, room.to_string())
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

const ROOM: &str = "NET_TEST_ROOM";
const READS: &str = "NET_TEST_READS";
