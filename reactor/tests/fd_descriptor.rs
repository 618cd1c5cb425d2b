//! `Fd`: anything with a descriptor as an object of the reactor.

mod common;

use std::{
    fs::File,
    io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    task::Poll,
};

use common::{is_readable, pipe, poll_once, run};
use io_traits::{AsyncRead, AsyncWrite, io as async_io, task};
use reactor::{Core, Fd, NotPollable, Options, PollEvented};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

fn is_nonblocking(io: &impl AsFd) -> bool {
    fcntl_getfl(io).unwrap().contains(OFlags::NONBLOCK)
}

#[test]
fn a_descriptor_is_made_non_blocking_for_good() {
    let (reader, _writer) = pipe();
    assert!(!is_nonblocking(&reader));
    let reader = Fd::new(reader).unwrap();
    assert!(is_nonblocking(&reader));
    assert!(is_nonblocking(&reader.into_inner()));
}

#[test]
fn a_shared_descriptor_is_blocking_again_in_the_end_if_it_was_so_before() {
    let (reader, _writer) = pipe();
    // The mode belongs to the pipe, so whoever has a duplicate sees it.
    let other = reader.try_clone().unwrap();
    let shared = Fd::shared(reader).unwrap();
    assert!(is_nonblocking(&other));
    let reader = shared.into_inner();
    assert!(!is_nonblocking(&other));
    drop(Fd::shared(reader).unwrap());
    assert!(!is_nonblocking(&other));
    // It was not ours to change.
    fcntl_setfl(&other, fcntl_getfl(&other).unwrap() | OFlags::NONBLOCK).unwrap();
    let again = other.try_clone().unwrap();
    drop(Fd::shared(again).unwrap());
    assert!(is_nonblocking(&other));
}

/// Also when it is inside of an object that ends in one of three ways.
#[test]
fn a_shared_descriptor_is_restored_however_its_object_ends() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let (reader, _writer) = pipe();
    let other = reader.try_clone().unwrap();
    let object = PollEvented::on_demand(Fd::shared(reader).unwrap(), &handle).unwrap();
    assert!(is_nonblocking(&other));
    let reader = object.into_inner().unwrap().into_inner();
    assert!(!is_nonblocking(&other));
    drop(PollEvented::on_demand(Fd::shared(reader).unwrap(), &handle).unwrap());
    assert!(!is_nonblocking(&other));
    drop(core);
    let again = Fd::shared(other.try_clone().unwrap()).unwrap();
    drop(PollEvented::on_demand(again, &handle).unwrap_err());
    assert!(!is_nonblocking(&other));
}

/// What is handed in may block; the loop must not.
#[test]
fn a_blocking_object_does_not_block_the_loop() {
    let mut core = Core::new().unwrap();
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let ours = PollEvented::on_demand(Fd::new(ours).unwrap(), &core.handle()).unwrap();
    let mut buf = [0; 8];
    assert!(poll_once(&mut task::io(|| (&ours).read(&mut buf))).is_pending());
    peer.write_all(b"x").unwrap();
    assert_eq!(
        run(&mut core, async_io::read(&mut &ours, &mut buf)).unwrap(),
        1
    );
}

/// `ChildStdout` can be read by `&mut` alone, and has no `Write`.
#[test]
fn an_object_that_reads_by_mut_alone_reads() {
    let mut core = Core::new().unwrap();
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let handle = core.handle();
    let writer = Fd::new(stdin).unwrap();
    let mut writer = PollEvented::with_options(writer, &handle, Options::write_only()).unwrap();
    let mut reader = PollEvented::on_demand(Fd::new(stdout).unwrap(), &handle).unwrap();
    let echo = async {
        async_io::write_all(&mut writer, b"hello").await.unwrap();
        drop(writer);
        let mut echo = Vec::new();
        async_io::read_to_end(&mut reader, &mut echo, 64)
            .await
            .unwrap();
        echo
    };
    assert_eq!(run(&mut core, echo), b"hello");
    assert!(child.wait().unwrap().success());
}

/// The bounds say it, and vectored calls reach the object.
#[test]
fn reading_and_writing_pass_through_for_the_object_and_for_a_reference_to_it() {
    fn both<T: AsyncRead + AsyncWrite>(_: &T) {}
    let core = Core::new().unwrap();
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let mut fd = Fd::new(ours).unwrap();
    let mut buf = [0; 2];

    assert_eq!(fd.write(b"a").unwrap(), 1);
    assert_eq!((&fd).write(b"b").unwrap(), 1);
    let slices = [IoSlice::new(b"c"), IoSlice::new(b"d")];
    assert_eq!(fd.write_vectored(&slices).unwrap(), 2);
    assert_eq!((&fd).write_vectored(&slices).unwrap(), 2);
    fd.flush().unwrap();
    (&fd).flush().unwrap();
    let mut sent = [0; 6];
    peer.read_exact(&mut sent).unwrap();
    assert_eq!(&sent, b"abcdcd");

    peer.write_all(b"abcdef").unwrap();
    assert_eq!(fd.read(&mut buf[..1]).unwrap(), 1);
    assert_eq!((&fd).read(&mut buf[..1]).unwrap(), 1);
    let (mut one, mut two) = ([0; 1], [0; 1]);
    let mut slices = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
    assert_eq!(fd.read_vectored(&mut slices).unwrap(), 2);
    assert_eq!((&fd).read_vectored(&mut slices).unwrap(), 2);
    assert_eq!((&one, &two), (b"e", b"f"));
    assert_eq!(fd.read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);

    let object = PollEvented::on_demand(fd, &core.handle()).unwrap();
    both(&object);
    both(&&object);
}

/// No `Read` and no `Write`: a closure does the call.
#[test]
fn an_object_without_read_is_used_by_a_closure() {
    let mut core = Core::new().unwrap();
    let (reader, mut writer) = pipe();
    let reader = Fd::new(OwnedFd::from(reader)).unwrap();
    let reader = PollEvented::on_demand(reader, &core.handle()).unwrap();
    writer.write_all(b"hello").unwrap();
    let mut buf = [0; 8];
    let read = task::io(|| reader.read_with(|fd| Ok(rustix::io::read(fd, &mut buf)?)));
    assert_eq!(run(&mut core, read).unwrap(), 5);
    assert_eq!(&buf[..5], b"hello");
}

#[test]
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "poll(2) takes regular files, and says that they are ready"
)]
fn a_regular_file_a_directory_and_dev_null_are_refused_and_the_error_says_why() {
    let core = Core::new().unwrap();
    let file = std::env::current_exe().unwrap();
    let directory = file.parent().unwrap();
    for path in [&*file, directory, "/dev/null".as_ref()] {
        let fd = Fd::new(File::open(path).unwrap()).unwrap();
        let number = fd.as_fd().as_raw_fd();
        let error = PollEvented::on_demand(fd, &core.handle()).unwrap_err();
        assert_eq!(error.error().kind(), ErrorKind::PermissionDenied);
        assert!(NotPollable::is_source_of(error.error()), "{path:?}");
        assert!(error.to_string().contains("regular file"), "{error}");
        // It comes back, and can be read as it is.
        let (error, fd) = error.into_parts();
        assert!(NotPollable::is_source_of(&error));
        assert_eq!(fd.as_fd().as_raw_fd(), number);
        assert_eq!(core.handle().metrics().registered, 0);
    }
    let other = io::Error::from(ErrorKind::PermissionDenied);
    assert!(!NotPollable::is_source_of(&other));
}

#[test]
fn an_object_lends_its_descriptor() {
    let core = Core::new().unwrap();
    let (reader, mut writer) = pipe();
    let reader = PollEvented::on_demand(Fd::new(reader).unwrap(), &core.handle()).unwrap();
    assert_eq!(
        reader.as_fd().as_raw_fd(),
        reader.get_ref().as_fd().as_raw_fd()
    );
    writer.write_all(b"x").unwrap();
    assert!(is_readable(reader.as_fd(), 2_000));
    // And what is inside can be reached and changed.
    let mut reader = reader;
    assert_eq!(reader.get_mut().get_mut().read(&mut [0; 4]).unwrap(), 1);
    let polled = poll_once(&mut task::io(|| (&reader).read(&mut [0; 4])));
    assert!(matches!(polled, Poll::Pending));
}
