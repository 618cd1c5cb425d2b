//! What the tests of this crate share: connections, and what `reactor`'s tests have.
#![allow(dead_code, unused_imports, reason = "each test file uses some of it")]

#[path = "../../../reactor/tests/common/mod.rs"]
mod of_reactor;

use std::{
    fs::File,
    future::poll_fn,
    io::{self, ErrorKind, IoSliceMut, Read, Write},
    net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream, UdpSocket as StdUdp},
    os::{fd::AsFd, unix::net::UnixStream as StdUnix},
    path::PathBuf,
    pin::pin,
    sync::atomic::{AtomicU32, Ordering},
    task::Waker,
    thread,
};

use bytes::BytesMut;
use futures::{StreamExt, future::select, stream::FuturesUnordered};
use io_traits::{AsyncRead, read_buf, task};
use net::{TcpListener, TcpStream, UdpSocket, UnixStream};
pub(crate) use of_reactor::*;
use reactor::Handle;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A connection of std, both ends blocking; reads of it fail instead of hanging.
pub(crate) fn std_pair() -> (StdStream, StdStream) {
    let listener = StdListener::bind(any_port()).unwrap();
    let one = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    let two = listener.accept().unwrap().0;
    for stream in [&one, &two] {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
    }
    (one, two)
}

/// A connection with one end of ours, registered, and one of std.
pub(crate) fn pair(handle: &Handle) -> (TcpStream, StdStream) {
    let (ours, theirs) = std_pair();
    (TcpStream::from_std(ours, handle).unwrap(), theirs)
}

pub(crate) fn listen(handle: &Handle) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(&any_port(), handle).unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// A socket of ours and one of std, blocking, connected to each other; receives of the latter fail
/// instead of hanging.
pub(crate) fn datagrams(handle: &Handle) -> (UdpSocket, StdUdp) {
    let ours = UdpSocket::bind(&any_port(), handle).unwrap();
    let theirs = StdUdp::bind(any_port()).unwrap();
    theirs.set_read_timeout(Some(HANG)).unwrap();
    theirs.connect(ours.local_addr().unwrap()).unwrap();
    ours.connect(&theirs.local_addr().unwrap()).unwrap();
    (ours, theirs)
}

/// A Unix connection with one end of ours and one of std, blocking; reads of the latter fail instead
/// of hanging.
pub(crate) fn unix_streams(handle: &Handle) -> (UnixStream, StdUnix) {
    let (ours, theirs) = StdUnix::pair().unwrap();
    theirs.set_read_timeout(Some(HANG)).unwrap();
    theirs.set_write_timeout(Some(HANG)).unwrap();
    (UnixStream::from_std(ours, handle).unwrap(), theirs)
}

/// A path for a Unix socket; its file is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketPath(PathBuf);

impl SocketPath {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("net-test-{}-{next}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl AsRef<std::path::Path> for SocketPath {
    fn as_ref(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes until the Unix socket is full; returns how many bytes that took.
pub(crate) fn fill_unix(stream: &UnixStream) -> usize {
    let mut stream = stream;
    let mut filled = 0;
    loop {
        match with_cx(Waker::noop(), |cx| {
            task::enter(cx, || stream.write(&[7; 65_536]))
        }) {
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return filled,
            Err(error) => panic!("{error}"),
        }
    }
}

/// One read of a stream, into much more memory than there is data.
pub(crate) type ReadOnce<S> = fn(&S) -> io::Result<usize>;

/// All the ways to read.
pub(crate) fn ways_to_read<S>() -> [ReadOnce<S>; 3]
where
    for<'a> &'a S: AsyncRead,
{
    [
        |mut stream| stream.read(&mut [0; 4096]),
        |mut stream| read_buf(&mut stream, &mut BytesMut::with_capacity(4096)),
        |mut stream| {
            let (mut a, mut b) = ([0; 4], [0; 4096]);
            stream.read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)])
        },
    ]
}

pub(crate) async fn read_to_the_end<S>(stream: &S, read: ReadOnce<S>) -> usize {
    let mut all = 0;
    loop {
        match task::io(|| read(stream)).await.unwrap() {
            0 => return all,
            n => all += n,
        }
    }
}

/// Uses all descriptors up but `free`; gives back what is to be dropped, and the old limit.
pub(crate) fn use_descriptors_up(free: usize) -> (Vec<File>, Rlimit) {
    let before = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: Some(open_descriptors() as u64 + 10),
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut ballast = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        ballast.push(file);
    }
    ballast.truncate(ballast.len().checked_sub(free).unwrap());
    (ballast, before)
}

/// Writes until the socket is full and stays so; returns how many bytes that took.
pub(crate) fn fill(stream: &TcpStream) -> usize {
    let socket = socket2::SockRef::from(stream);
    let mut filled = 0;
    let mut full = false;
    loop {
        match socket.send(&[7; 65_536]) {
            Ok(n) => {
                filled += n;
                full = false;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if full {
                    break;
                }
                // What is under way to the peer's buffer makes room a moment later.
                full = !is_writable(stream.as_fd(), 20);
            }
            Err(error) => panic!("{error}"),
        }
    }
    // The stream is to know it, too.
    let mut stream = stream;
    let error = with_cx(Waker::noop(), |cx| {
        task::enter(cx, || stream.write(&[7; 65_536]))
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::WouldBlock);
    filled
}

/// Closes a connection with a reset.
pub(crate) fn reset(stream: StdStream) {
    let stream = socket2::Socket::from(stream);
    stream.set_linger(Some(std::time::Duration::ZERO)).unwrap();
}

/// What the harness calls a test; `module` is its `module_path!()`.
pub(crate) fn path_of(module: &str, test: &str) -> String {
    let (_crate, module) = module.split_once("::").unwrap();
    format!("{module}::{test}")
}

/// Drives futures as the children of one task, each polled only when it was woken itself, and each beside
/// another that is never ready; returns the sum of what they give.
pub(crate) async fn sum_beside_others<N, F>(pairs: impl IntoIterator<Item = (N, F)>) -> usize
where
    N: Future<Output = io::Result<usize>>,
    F: Future<Output = io::Result<usize>>,
{
    let mut children: FuturesUnordered<_> = pairs
        .into_iter()
        .map(|(never, wanted)| async move {
            let (never, wanted) = (pin!(never), pin!(wanted));
            select(never, wanted).await.factor_first().0.unwrap()
        })
        .collect();
    let mut sum = 0;
    while let Some(n) = children.next().await {
        sum += n;
    }
    sum
}

/// Drives a future in a thread of its own, and wakes `parked` when it waits for the first time.
pub(crate) fn drive_in_thread<F>(future: F, parked: Waker) -> thread::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (mut future, mut parked) = (Box::pin(future), Some(parked));
    thread::spawn(move || {
        block_on(poll_fn(move |cx| {
            let polled = future.as_mut().poll(cx);
            if polled.is_pending() {
                parked.take().into_iter().for_each(Waker::wake);
            }
            polled
        }))
    })
}
