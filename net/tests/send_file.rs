//! Files to sockets: ranges, ends, slow readers, and systems that refuse.

mod common;
mod relayed;

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Seek, SeekFrom},
    ops::Range,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use common::{child, poll_once, ready_err, run};
use io_traits::task;
use net::send_file;
use reactor::{Core, Elapsed, ReactorGone};
use relayed::{Kind, Peer, Tcp, Unix, bytes, hears};

/// A file that goes away.
struct Temporary(PathBuf);

impl Temporary {
    fn new(contents: &[u8]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("send-file-{}-{next}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, contents).unwrap();
        Self(path)
    }

    fn open(&self) -> File {
        File::open(&self.0).unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// More than all buffers on the way.
const MANY: usize = 20 << 20;

#[track_caller]
fn every_byte<K: Kind>() {
    let contents = bytes(1, MANY);
    let file = Temporary::new(&contents);
    let mut core = Core::new().unwrap();
    let (stream, peer) = K::connection(&core.handle());
    let hearing = hears(&peer);
    drop(peer);
    let sent = run(&mut core, send_file(&stream, &file.open(), 0..MANY as u64));
    assert_eq!(sent.unwrap(), MANY as u64);
    drop(stream);
    assert!(hearing.join().unwrap().unwrap() == contents);
}

#[test]
fn every_byte_of_a_file_is_sent_to_a_reader_however_slow() {
    every_byte::<Tcp>();
    every_byte::<Unix>();
}

#[test]
fn on_linux_no_byte_is_read() {
    let test = "on_linux_no_byte_is_read";
    let calls = "trace=sendfile,pread64,sendto,stat,statx";
    let trace = child::traced(test, &["-e", calls], || {
        child::watched(every_byte::<Tcp>);
    });
    if let Some(trace) = trace {
        assert!(trace.calls("sendfile") > 0);
        assert_eq!(trace.calls("pread64") + trace.calls("sendto"), 0);
    }
}

#[test]
fn where_the_system_refuses_every_byte_goes_through_a_buffer() {
    let test = "where_the_system_refuses_every_byte_goes_through_a_buffer";
    // From the start, and now and then.
    let options = [
        "-e",
        "trace=sendfile",
        "-e",
        "inject=sendfile:error=EINVAL:when=1+2",
    ];
    let trace = child::traced(test, &options, || {
        every_byte::<Tcp>();
        every_byte::<Unix>();
    });
    if let Some(trace) = trace {
        assert!(trace.lines("(INJECTED)") > 0);
    }
}

#[track_caller]
fn sends(range: Range<u64>, expected: &[u8]) {
    let file = Temporary::new(b"0123456789");
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = Tcp::connection(&core.handle());
    let sent = run(&mut core, send_file(&stream, &file.open(), range.clone()));
    assert_eq!(sent.unwrap(), expected.len() as u64, "{range:?}");
    drop(stream);
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, expected, "{range:?}");
}

#[test]
fn a_range_is_sent_and_ends_with_the_file() {
    sends(0..10, b"0123456789");
    sends(3..7, b"3456");
    sends(9..10, b"9");
    sends(5..5, b"");
    sends(8..100, b"89");
    sends(10..20, b"");
    sends(1_000..2_000, b"");
    sends(2..u64::MAX, b"23456789");
}

#[test]
#[allow(clippy::reversed_empty_ranges, reason = "that is the question")]
fn a_range_that_ends_before_it_begins_is_empty() {
    sends(7..3, b"");
}

#[test]
fn the_position_of_the_file_does_not_matter_and_stays() {
    let temporary = Temporary::new(b"0123456789");
    let mut file = temporary.open();
    file.seek(SeekFrom::Start(4)).unwrap();
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = Unix::connection(&core.handle());
    let sent = run(&mut core, task::io(|| stream.send_file(&file, 1, 2)));
    assert_eq!(sent.unwrap(), 2);
    assert_eq!(file.stream_position().unwrap(), 4);
    let mut heard = [0; 2];
    peer.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"12");
}

#[test]
fn a_full_socket_would_block_and_what_was_sent_is_counted() {
    let contents = bytes(2, 100_000);
    let temporary = Temporary::new(&contents);
    let file = temporary.open();
    let mut core = Core::new().unwrap();
    let (stream, peer) = Unix::connection(&core.handle());
    let filled = common::fill_unix(&stream);
    let mut sending = send_file(&stream, &file, 0..100_000);
    assert!(poll_once(&mut sending).is_pending());
    assert_eq!(sending.sent(), 0);
    let hearing = hears(&peer);
    assert_eq!(run(&mut core, sending).unwrap(), 100_000);
    drop((peer, stream));
    assert!(hearing.join().unwrap().unwrap()[filled..] == contents);
}

#[test]
fn a_peer_that_takes_nothing_is_waited_for_no_longer_than_the_limit() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = Tcp::connection(&core.handle());
    let contents = bytes(1, MANY);
    let file = Temporary::new(&contents).open();
    let limit = Duration::from_millis(20);
    let mut sending = send_file(&stream, &file, 0..MANY as u64).idle_limit(limit);
    let error = run(&mut core, &mut sending).unwrap_err();
    assert!(Elapsed::is_source_of(&error), "{error}");
    let sent = sending.sent();
    assert!((1..MANY as u64).contains(&sent), "{sent}");
    // Nothing is lost by that: another time it goes on where it was.
    let hearing = hears(&peer);
    let rest = send_file(&stream, &file, sent..MANY as u64).idle_limit(Duration::MAX);
    assert_eq!(run(&mut core, rest).unwrap(), MANY as u64 - sent);
    drop((stream, peer));
    assert!(hearing.join().unwrap().unwrap() == contents);
}

/// All of it takes longer than the limit, and no pause does.
#[test]
fn a_peer_that_takes_something_now_and_then_is_waited_for() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = Unix::connection(&handle);
    let file = Temporary::new(&bytes(1, 4 << 20)).open();
    // Long enough for a machine that is busy with other things.
    let limit = Duration::from_millis(700);
    let sending = send_file(&stream, &file, 0..4 << 20).idle_limit(limit);
    let taking = async {
        // Half of what is in between at a time, or all of it.
        let (mut taken, mut buf) = (0, vec![0; 100_000]);
        for _ in 0..8 {
            handle.sleep(Duration::from_millis(120)).await.unwrap();
            taken += peer.read(&mut buf).unwrap();
        }
        (taken, hears(&peer))
    };
    let (sent, (taken, hearing)) = run(&mut core, async { futures::join!(sending, taking) });
    assert_eq!(sent.unwrap(), 4 << 20);
    drop((stream, peer));
    assert_eq!(taken + hearing.join().unwrap().unwrap().len(), 4 << 20);
}

#[test]
fn when_the_core_is_gone_it_says_so() {
    let file = Temporary::new(b"0123456789").open();
    let core = Core::new().unwrap();
    let (stream, _peer) = Tcp::connection(&core.handle());
    drop(core);
    for limit in [None, Some(Duration::from_secs(1))] {
        let mut sending = send_file(&stream, &file, 0..10);
        if let Some(limit) = limit {
            sending = sending.idle_limit(limit);
        }
        assert!(ReactorGone::is_source_of(&ready_err(poll_once(
            &mut sending
        ))));
    }
}

#[test]
fn outside_of_a_task_it_says_so_and_nothing_of_a_file_needs_none() {
    let temporary = Temporary::new(b"0123456789");
    let core = Core::new().unwrap();
    let (stream, _peer) = Tcp::connection(&core.handle());
    let error = stream.send_file(&temporary.open(), 0, 10).unwrap_err();
    assert!(error.get_ref().unwrap().is::<task::NotInTask>());
}

#[test]
fn what_is_no_file_to_send_is_an_error_of_the_file() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = Tcp::connection(&core.handle());
    let directory = File::open(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let error = run(&mut core, send_file(&stream, &directory, 0..10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IsADirectory);
    // The connection is as it was.
    run(&mut core, io_traits::io::write_all(&mut &stream, b"still")).unwrap();
    drop(stream);
    assert_eq!(hears(&peer).join().unwrap().unwrap(), b"still");
}

/// sendfile(2) of them is refused, or says that they are empty; they have no length.
#[test]
fn files_of_the_system_are_sent_as_well() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = Tcp::connection(&core.handle());
    let file = File::open("/proc/version").unwrap();
    let sent = run(&mut core, send_file(&stream, &file, 0..u64::MAX)).unwrap();
    drop(stream);
    let heard = hears(&peer).join().unwrap().unwrap();
    assert_eq!(heard, fs::read("/proc/version").unwrap());
    assert_eq!(sent, heard.len() as u64);
}

#[test]
fn an_interrupted_call_is_tried_again() {
    let test = "an_interrupted_call_is_tried_again";
    let options = ["-e", "inject=sendfile:error=EINTR:when=1+2"];
    let trace = child::traced(test, &options, || sends(0..10, b"0123456789"));
    assert!(trace.is_none_or(|trace| trace.lines("INJECTED") >= 1));
}

/// The disk fails in the middle.
#[test]
fn an_error_of_the_file_ends_it_and_what_was_sent_is_counted() {
    let test = "an_error_of_the_file_ends_it_and_what_was_sent_is_counted";
    let options = ["-e", "inject=sendfile:error=EIO:when=2"];
    let trace = child::traced(test, &options, || {
        let contents = bytes(3, 3 << 20);
        let file = Temporary::new(&contents).open();
        let mut core = Core::new().unwrap();
        let (stream, peer) = Tcp::connection(&core.handle());
        let hearing = hears(&peer);
        let mut sending = send_file(&stream, &file, 0..3 << 20);
        let error = run(&mut core, &mut sending).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EIO));
        let sent = sending.sent();
        assert!(sent > 0);
        drop((stream, peer));
        assert!(hearing.join().unwrap().unwrap() == contents[..usize::try_from(sent).unwrap()]);
    });
    assert!(trace.is_none_or(|trace| trace.lines("INJECTED") == 1));
}

#[test]
fn a_peer_that_has_gone_is_an_error_and_kills_nobody() {
    let test = "a_peer_that_has_gone_is_an_error_and_kills_nobody";
    child::alone(test, || {
        // SAFETY: the default is what every process starts with.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let temporary = Temporary::new(b"0123456789");
        let mut core = Core::new().unwrap();
        let (stream, peer) = Unix::connection(&core.handle());
        drop(peer);
        let error = run(&mut core, send_file(&stream, &temporary.open(), 0..10)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

/// Somebody cuts the file off while it is sent.
#[test]
fn a_file_that_gets_shorter_ends_there() {
    let temporary = Temporary::new(&bytes(3, MANY));
    let file = File::options()
        .read(true)
        .write(true)
        .open(&temporary.0)
        .unwrap();
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = Tcp::connection(&core.handle());
    let mut sending = send_file(&stream, &file, 0..MANY as u64);
    assert!(poll_once(&mut sending).is_pending());
    let so_far = sending.sent();
    file.set_len(so_far + 5).unwrap();
    let mut twin = peer.again();
    let hearing = std::thread::spawn(move || {
        let mut heard = Vec::new();
        twin.read_to_end(&mut heard).unwrap();
        heard.len() as u64
    });
    assert_eq!(run(&mut core, sending).unwrap(), so_far + 5);
    drop(stream);
    assert_eq!(hearing.join().unwrap(), so_far + 5);
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
}
