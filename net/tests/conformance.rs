//! The conformance suite of io-traits on sockets, their halves, what is put around them, and a pipe
//! through `PollEvented`.

mod common;

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener as StdListener, TcpStream as StdTcp},
    os::unix::net::UnixStream as StdUnix,
    task::{Context, Poll},
    time::Duration,
};

use common::any_port;
use io_traits::{
    AsyncRead, AsyncWrite, BufReader, BufWriter, ReadHalf, WriteHalf,
    layer::Layer,
    split, task,
    testing::{
        Torture,
        conformance::{self, Suite},
    },
};
use net::{Deadline, TcpStream, UnixStream};
use reactor::{Core, Handle, PollEvented, mio::unix::pipe};

/// Two ends of one connection, both ours. Small buffers, so that they are soon full.
fn tcp(handle: &Handle) -> (TcpStream, TcpStream) {
    let listener = StdListener::bind(any_port()).unwrap();
    let small = |stream: StdTcp| {
        let socket = socket2::SockRef::from(&stream);
        socket.set_send_buffer_size(8_192).unwrap();
        socket.set_tcp_nodelay(true).unwrap();
        TcpStream::from_std(stream, handle).unwrap()
    };
    let one = StdTcp::connect(listener.local_addr().unwrap()).unwrap();
    let two = listener.accept().unwrap().0;
    (small(one), small(two))
}

fn unix(handle: &Handle) -> (UnixStream, UnixStream) {
    let (one, two) = StdUnix::pair().unwrap();
    let ours = |stream| UnixStream::from_std(stream, handle).unwrap();
    (ours(one), ours(two))
}

/// Runs a suite on objects of a new core, which is turned while the suite waits.
fn run<T, P>(suite: impl for<'a> FnOnce(&'a Handle) -> Suite<'a, T, P>) {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    suite(&handle)
        .drive(move |time: Duration| core.turn(Some(time)).unwrap())
        .run();
}

#[test]
fn a_tcp_stream_keeps_the_laws() {
    run(|handle| conformance::stream(|| tcp(handle)));
}

#[test]
fn a_unix_stream_keeps_the_laws() {
    run(|handle| conformance::stream(|| unix(handle)));
}

#[test]
fn a_tcp_stream_behind_a_box_keeps_the_laws() {
    trait Stream: AsyncRead + AsyncWrite {}
    impl Stream for TcpStream {}
    run(|handle| {
        conformance::stream(|| {
            let (one, two) = tcp(handle);
            (Box::new(one) as Box<dyn Stream>, two)
        })
    });
}

#[test]
fn halves_of_a_tcp_stream_keep_the_laws() {
    // The other half is kept, so that dropping one does not close the socket.
    run(|handle| {
        let mut kept: Vec<WriteHalf<TcpStream>> = Vec::new();
        conformance::reader(move || {
            let (one, two) = tcp(handle);
            let (read, write) = split(one);
            kept.push(write);
            (read, two)
        })
    });
    run(|handle| {
        let mut kept: Vec<ReadHalf<TcpStream>> = Vec::new();
        conformance::writer(move || {
            let (one, two) = tcp(handle);
            let (read, write) = split(one);
            kept.push(read);
            (write, two)
        })
    });
}

#[test]
fn a_half_that_ends_its_direction_when_it_is_dropped_keeps_the_laws() {
    run(|handle| {
        let mut kept: Vec<ReadHalf<TcpStream>> = Vec::new();
        conformance::writer(move || {
            let (one, two) = tcp(handle);
            let (read, write) = one.into_split();
            kept.push(read);
            (write, two)
        })
    });
}

#[test]
fn a_deadline_around_a_tcp_stream_keeps_the_laws() {
    run(|handle| {
        conformance::stream(|| {
            let (one, two) = tcp(handle);
            let limit = Duration::from_secs(60);
            let one = Deadline::new(one, handle);
            (one.read_limit(limit).write_limit(limit), two)
        })
    });
}

#[test]
fn buffers_around_a_tcp_stream_keep_the_laws() {
    run(|handle| {
        conformance::stream(|| {
            let (one, two) = tcp(handle);
            (BufReader::new(one), two)
        })
    });
    run(|handle| {
        conformance::stream(|| {
            let (one, two) = tcp(handle);
            (BufWriter::new(one), two)
        })
    });
}

#[test]
fn a_layer_over_a_tcp_stream_keeps_the_laws() {
    run(|handle| {
        conformance::stream(|| {
            let (one, two) = tcp(handle);
            let layer = Layer::new(one).takes_slices();
            (
                layer.on_shutdown(|stream| stream.shutdown(Shutdown::Write)),
                two,
            )
        })
    });
}

#[test]
fn a_tortured_tcp_stream_keeps_the_laws() {
    run(|handle| {
        conformance::stream(|| {
            let (one, two) = tcp(handle);
            (Torture::new(one, 5), two)
        })
    });
}

/// A pipe has nobody to tell of its end but by being closed.
struct Sender(Option<PollEvented<pipe::Sender>>);

impl Sender {
    fn open(&mut self) -> io::Result<&mut PollEvented<pipe::Sender>> {
        self.0.as_mut().ok_or(io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Sender {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // As the real objects: outside of a task always the same answer.
        task::poll(|_| Poll::Ready(Ok(())))?;
        self.open()?.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.open()?.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for Sender {
    fn writes_slices(&self) -> bool {
        true
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}

fn pipe_pair(handle: &Handle) -> (Sender, PollEvented<pipe::Receiver>) {
    let (sender, receiver) = pipe::new().unwrap();
    (
        Sender(Some(PollEvented::on_demand(sender, handle).unwrap())),
        PollEvented::on_demand(receiver, handle).unwrap(),
    )
}

#[test]
fn a_pipe_through_poll_evented_keeps_the_laws() {
    run(|handle| conformance::writer(|| pipe_pair(handle)));
    run(|handle| {
        conformance::reader(|| {
            let (sender, receiver) = pipe_pair(handle);
            (receiver, sender)
        })
    });
}

/// The suite wants to be shown an object that reads: a socket that was written for blocking is none.
#[test]
fn a_socket_of_std_does_not_pass() {
    struct Plain(StdTcp);
    impl Read for Plain {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.read(buf)
        }
    }
    impl AsyncRead for Plain {}

    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let broken = conformance::reader(|| {
        let (one, two) = tcp(&handle);
        (Plain(one.into_std().unwrap()), two)
    })
    .patience(Duration::from_millis(300))
    .drive(move |time| core.turn(Some(time)).unwrap())
    .check()
    .unwrap_err();
    assert_eq!(broken.law(), conformance::Law::WouldBlockRegisters);
}
