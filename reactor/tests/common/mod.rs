//! What the tests of `reactor` and `net` share: guards against hangs, descriptors, child processes.
#![allow(dead_code, unused_imports, reason = "each test file uses some of it")]

pub(crate) mod child;
#[path = "../../../io-traits/tests/common/mod.rs"]
pub(crate) mod wakers;

use std::{
    cell::RefCell,
    io,
    os::fd::{AsRawFd, BorrowedFd},
    sync::{Arc, mpsc},
    task::{Context, Poll},
    thread,
    time::Duration,
};

use mio::{Interest, Registry, Token, event::Source, unix::SourceFd};
use reactor::{Core, Direction, PollEvented, ReactorGone, mio};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
pub(crate) use wakers::{CountWakes, HANG, Random, drive, poll_once, poll_with};

/// Runs `f` on a thread of its own; fails if it hangs, and passes its panic on.
#[track_caller]
pub(crate) fn within_reason<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::Builder::new()
        .name(String::from("guarded"))
        .spawn(move || {
            let _ = sender.send(f());
        })
        .unwrap();
    match receiver.recv_timeout(HANG) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().unwrap_err())
        }
    }
}

/// Calls what is in it when its thread ends, as part of a thread-local variable.
pub(crate) struct AtTheEnd(Option<Box<dyn FnOnce()>>);

impl AtTheEnd {
    pub(crate) fn new(f: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(f)))
    }
}

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        (self.0.take().unwrap())();
    }
}

/// Tells when this thread ends, before others have done waiting for it.
///
/// The list of threads that the system has would not do: a thread may be in it for a little longer.
pub(crate) fn tell_end_of_thread(tell: mpsc::Sender<()>) {
    thread_local!(static END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) });
    END.set(Some(AtTheEnd::new(move || {
        // Who does not wait for it is ahead of it.
        thread::sleep(Duration::from_millis(10));
        let _ = tell.send(());
    })));
}

/// Runs a future on a core, with a time limit against hangs.
#[track_caller]
pub(crate) fn run<F: Future>(core: &mut Core, future: F) -> F::Output {
    let limit = core.handle().timeout(HANG, future);
    core.run(limit).unwrap().expect("it hangs")
}

/// Waits for a future that another thread drives.
#[track_caller]
pub(crate) fn block_on<F>(future: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    within_reason(|| futures::executor::block_on(future))
}

/// Turns a core until it is told to stop, on a thread of its own; ends and drops it when dropped.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    pub(crate) handle: reactor::Handle,
    stop: Option<futures::channel::oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Elsewhere {
    pub(crate) fn new() -> Self {
        let (send_handle, handle) = mpsc::channel();
        let (stop, stopped) = futures::channel::oneshot::channel();
        let thread = thread::spawn(move || {
            let mut core = Core::new().unwrap();
            send_handle.send(core.handle()).unwrap();
            let _ = core.run(stopped).unwrap();
        });
        Self {
            handle: handle.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Drops the core, on its thread, and waits for that.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            drop(stop);
            self.thread.take().unwrap().join().unwrap();
        }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.stop();
        }
    }
}

#[track_caller]
pub(crate) fn assert_gone<T>(result: io::Result<T>) {
    match result {
        Ok(_) => panic!("it went on although the core is gone"),
        Err(error) => assert!(ReactorGone::is_source_of(&error), "{error:?}"),
    }
}

/// `Ready`, with an error.
#[track_caller]
pub(crate) fn ready_err<T>(poll: Poll<io::Result<T>>) -> io::Error {
    match poll {
        Poll::Ready(Err(error)) => error,
        Poll::Ready(Ok(_)) => panic!("no error"),
        Poll::Pending => panic!("pending"),
    }
}

/// How many descriptors this process has open. Alone in its process, or it counts other tests'.
pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Whether poll(2) says that a descriptor is readable, within some milliseconds.
pub(crate) fn is_readable(fd: BorrowedFd<'_>, milliseconds: i64) -> bool {
    is_ready(fd, PollFlags::IN, milliseconds)
}

/// Whether poll(2) says that a descriptor is writable, within some milliseconds.
pub(crate) fn is_writable(fd: BorrowedFd<'_>, milliseconds: i64) -> bool {
    is_ready(fd, PollFlags::OUT, milliseconds)
}

fn is_ready(fd: BorrowedFd<'_>, flags: PollFlags, milliseconds: i64) -> bool {
    let mut fds = [PollFd::new(&fd, flags)];
    let limit = Timespec {
        tv_sec: milliseconds / 1_000,
        tv_nsec: milliseconds % 1_000 * 1_000_000,
    };
    poll(&mut fds, Some(&limit)).unwrap() == 1
}

/// A pair of connected Unix streams, of which one is registered.
pub(crate) fn unix_pair(
    handle: &reactor::Handle,
) -> (
    PollEvented<mio::net::UnixStream>,
    std::os::unix::net::UnixStream,
) {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let ours = mio::net::UnixStream::from_std(ours);
    (PollEvented::on_demand(ours, handle).unwrap(), theirs)
}

/// As [`unix_pair`], registered as `options` say.
pub(crate) fn unix_pair_with(
    handle: &reactor::Handle,
    options: reactor::Options,
) -> (
    PollEvented<mio::net::UnixStream>,
    std::os::unix::net::UnixStream,
) {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let ours = mio::net::UnixStream::from_std(ours);
    let ours = PollEvented::with_options(ours, handle, options).unwrap();
    (ours, theirs)
}

/// A registered UDP socket, and one of std that sends to it.
pub(crate) fn udp_pair(
    handle: &reactor::Handle,
) -> (PollEvented<mio::net::UdpSocket>, std::net::UdpSocket) {
    let ours = mio::net::UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let theirs = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    theirs.connect(ours.local_addr().unwrap()).unwrap();
    ours.connect(theirs.local_addr().unwrap()).unwrap();
    (PollEvented::new(ours, handle).unwrap(), theirs)
}

/// Has `waker` wait for a direction; false if that is ready already. It stays there, unlike that of a
/// future such as `readable()`, which goes when the future is dropped.
pub(crate) fn parks<E: Source>(
    io: &PollEvented<E>,
    direction: Direction,
    waker: &std::task::Waker,
) -> bool {
    with_cx(waker, |cx| match direction {
        Direction::Read => io.poll_read(cx).is_pending(),
        Direction::Write => io.poll_write(cx).is_pending(),
    })
}

/// A UDP socket that keeps the errors of its datagrams in a queue, connected to a port where nobody
/// listens. Alone in its process, or a process that another test starts keeps that port open.
pub(crate) fn socket_with_error_queue() -> (mio::net::UdpSocket, std::net::SocketAddr) {
    use nix::sys::socket::{setsockopt, sockopt::Ipv4RecvErr};

    let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = mio::net::UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    setsockopt(&socket, Ipv4RecvErr, &true).unwrap();
    let refusing = gone.local_addr().unwrap();
    socket.connect(refusing).unwrap();
    (socket, refusing)
}

/// Both ends of a pipe, the reading one first.
pub(crate) fn pipe() -> (std::fs::File, std::fs::File) {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    (reader.into(), writer.into())
}

/// Turns a core without waiting, until nothing happens any more.
pub(crate) fn settle(core: &mut Core) {
    for _ in 0..3 {
        core.turn(Some(Duration::ZERO)).unwrap();
    }
}

/// A waker, and whether anybody but the test keeps it.
#[derive(Debug)]
pub(crate) struct Watched(pub(crate) Arc<CountWakes>, pub(crate) std::task::Waker);

impl Watched {
    pub(crate) fn new() -> Self {
        let (count, waker) = CountWakes::new();
        Self(count, waker)
    }

    pub(crate) fn is_kept(&self) -> bool {
        // The counter itself, and the waker that is made of it.
        Arc::strong_count(&self.0) > 2
    }
}

/// Lets a core run for a tenth of a second in which there is nothing to do; fails if it is kept awake.
#[track_caller]
pub(crate) fn assert_idle(core: &mut Core) {
    let handle = core.handle();
    let before = handle.metrics();
    run(core, handle.sleep(Duration::from_millis(100))).unwrap();
    let after = handle.metrics();
    let turns = after.turns - before.turns;
    let events = after.events - before.events;
    assert!(
        turns < 20,
        "the loop turned {turns} times, for {events} events, with nothing to do"
    );
}

/// Writes until that would block; returns how many bytes it took.
pub(crate) fn fill(io: &PollEvented<mio::net::UnixStream>) -> usize {
    let mut filled = 0;
    loop {
        match io.try_write_with(|mut io| io::Write::write(&mut io, &[7; 4096])) {
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return filled,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Turns a core until `done`; fails when that takes too long.
#[track_caller]
pub(crate) fn turn_until(core: &mut Core, mut done: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + HANG;
    while !done() {
        core.turn(Some(Duration::from_millis(100))).unwrap();
        assert!(std::time::Instant::now() < deadline, "it hangs");
    }
}

/// A context for a waker, for the length of a call.
pub(crate) fn with_cx<R>(waker: &std::task::Waker, f: impl FnOnce(&mut Context<'_>) -> R) -> R {
    f(&mut Context::from_waker(waker))
}

/// The number of a descriptor.
pub(crate) fn number(io: &impl AsRawFd) -> i32 {
    io.as_raw_fd()
}

/// A descriptor that is not ours to close.
#[derive(Debug)]
pub(crate) struct Borrowed(pub(crate) i32);

impl Source for Borrowed {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.0).register(registry, token, interest)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.0).reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.0).deregister(registry)
    }
}
