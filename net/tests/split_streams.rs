//! Streams taken apart into halves and put together again.

mod common;

use std::{
    io::{ErrorKind, Read, Write},
    os::fd::{AsFd, AsRawFd},
};

use common::{pair, run, unix_streams};
use io_traits::{
    AsyncRead, AsyncWrite, BufReader, Splittable,
    io::{read_exact, read_until, shutdown, write_all},
    split,
};
use reactor::Core;

/// Both halves in two tasks; then the whole again, which is the same descriptor.
fn halves_are_the_stream<T, P>(core: &mut Core, stream: T, mut peer: P)
where
    T: Splittable + AsFd,
    for<'a> &'a T: AsyncRead + AsyncWrite,
    P: Read + Write + Send + 'static,
{
    let number = stream.as_fd().as_raw_fd();
    let echo = std::thread::spawn(move || {
        let mut buf = [0; 5];
        peer.read_exact(&mut buf).unwrap();
        peer.write_all(&buf).unwrap();
        peer
    });
    let (mut reads, mut writes) = split(stream);
    assert_eq!(reads.as_fd().as_raw_fd(), number);
    assert_eq!(writes.as_fd().as_raw_fd(), number);
    assert!(writes.writes_slices());
    let mut buf = [0; 5];
    let (read, written) = run(core, async {
        futures::join!(
            read_exact(&mut reads, &mut buf),
            write_all(&mut writes, b"hello"),
        )
    });
    read.unwrap();
    written.unwrap();
    assert_eq!(&buf, b"hello");
    let stream = reads.reunite(writes).unwrap();
    assert_eq!(stream.as_fd().as_raw_fd(), number);
    drop(echo.join().unwrap());
}

#[test]
fn halves_of_tcp_and_unix_streams_work_in_two_tasks_and_reunite() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = pair(&core.handle());
    halves_are_the_stream::<net::TcpStream, _>(&mut core, stream, peer);
    let (stream, peer) = unix_streams(&core.handle());
    halves_are_the_stream::<net::UnixStream, _>(&mut core, stream, peer);
}

#[test]
fn a_half_that_is_shut_down_ends_only_its_direction() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let (mut reads, mut writes) = split(stream);
    run(&mut core, shutdown(&mut writes)).unwrap();
    assert_eq!(peer.read(&mut [0; 8]).unwrap(), 0);
    peer.write_all(b"still").unwrap();
    let mut buf = [0; 5];
    run(&mut core, read_exact(&mut reads, &mut buf)).unwrap();
    assert_eq!(&buf, b"still");
}

#[test]
fn a_buffered_stream_is_split_and_reunited_without_losing_a_byte() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    peer.write_all(b"line\nbody").unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    run(&mut core, read_until(&mut reader, b'\n', &mut line, 80)).unwrap();
    // The body need not have come in the same segment as the line.
    run(&mut core, io_traits::io::fill_buf(&mut reader)).unwrap();
    let (reads, writes) = reader.into_split();
    let mut whole = reads.reunite(writes).unwrap();
    let mut body = [0; 4];
    run(&mut core, read_exact(&mut whole, &mut body)).unwrap();
    assert_eq!(&body, b"body");
    run(&mut core, write_all(&mut whole, b"back")).unwrap();
    let mut back = [0; 4];
    peer.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"back");
}

#[test]
fn halves_of_two_streams_do_not_reunite_and_are_given_back() {
    let core = Core::new().unwrap();
    let ((one, _p), (two, _q)) = (pair(&core.handle()), pair(&core.handle()));
    let ((read_one, write_one), (read_two, write_two)) = (split(one), split(two));
    let error = read_one.reunite(write_two).unwrap_err();
    let (read_one, write_two) = (error.read, error.write);
    assert!(read_one.reunite(write_one).is_ok());
    let error = std::io::Error::from(
        write_two
            .reunite(split(pair(&core.handle()).0).0)
            .unwrap_err(),
    );
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    drop(read_two);
}
