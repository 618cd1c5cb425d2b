//! Would-blocks, interrupts and errors of a protocol object, whoever has made them.

mod common;
mod layer_socket;

use std::{
    error::Error,
    fmt,
    io::{self, ErrorKind, Read, Write},
    task::{Context, Poll, Waker},
};

use common::{drive, poll_once};
use io_traits::{
    AsyncRead, AsyncWrite,
    io::{flush, read, write_all},
    layer::Layer,
    task::{NotInTask, Stalled},
    testing::Script,
};
use layer_socket::{Held, Socket};

/// Says "would block" so many times without having asked the socket; then it does as it is told.
struct Idle {
    excuses: usize,
    calls: usize,
}

impl Idle {
    fn new(excuses: usize) -> Self {
        Self { excuses, calls: 0 }
    }

    fn excuse(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls > self.excuses {
            return Ok(());
        }
        Err(ErrorKind::WouldBlock.into())
    }
}

impl Read for Idle {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.excuse().map(|()| buf.len())
    }
}

impl Write for Idle {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.excuse().map(|()| buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.excuse()
    }
}

#[test]
fn a_would_block_of_its_own_making_ends_as_stalled_and_is_no_spin() {
    let excuses = usize::MAX;
    let mut layer = Layer::with_flush(Idle::new(excuses), |_| Ok(()));
    for _ in 0..3 {
        let error = drive(read(&mut layer, &mut [0; 1])).0.unwrap_err();
        assert!(Stalled::is_source_of(&error));
        let error = drive(write_all(&mut layer, b"data")).0.unwrap_err();
        assert!(Stalled::is_source_of(&error));
        let error = drive(layer.with(Idle::excuse)).0.unwrap_err();
        assert!(Stalled::is_source_of(&error));
    }
    assert!(layer.get_ref().calls <= 9 * 48, "{}", layer.get_ref().calls);

    // The flush before parking and the flush itself are no better.
    let mut layer = Layer::new(Idle::new(excuses));
    let (result, polls) = drive(flush(&mut layer));
    assert!(Stalled::is_source_of(&result.unwrap_err()));
    assert!(polls <= 16);
    let (result, polls) = drive(read(&mut layer, &mut [0; 1]));
    assert!(Stalled::is_source_of(&result.unwrap_err()));
    assert!(polls <= 16);
}

#[test]
fn one_that_makes_up_its_mind_in_time_is_not_stalled() {
    for excuses in 0..40 {
        let mut layer = Layer::with_flush(Idle::new(excuses), |_| Ok(()));
        let (result, _) = drive(read(&mut layer, &mut [0; 2]));
        assert_eq!(result.unwrap(), 2, "{excuses}");
        assert_eq!(layer.get_ref().calls, excuses + 1);
    }
}

#[test]
fn a_flush_that_waits_is_reason_enough_for_a_would_block() {
    /// Reads nothing before everything has been written, and does not say so to the socket.
    struct InTurn(Held<Socket>);
    impl Read for InTurn {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            if !self.0.held.is_empty() {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.0.read(buf)
        }
    }
    let socket = Socket::new();
    socket.receive(b"answer");
    let mut object = InTurn(Held::new(socket.clone(), 100));
    object.0.held.extend(b"question");
    let mut layer = Layer::with_flush(object, |object| object.0.flush());
    let mut buf = [0; 6];
    let mut reading = read(&mut layer, &mut buf);
    for _ in 0..1_000 {
        assert!(poll_once(&mut reading).is_pending());
    }
    socket.make_room(100);
    // The flush has changed the state, so the read is called again.
    let (result, _) = drive(&mut reading);
    assert_eq!(result.unwrap(), 6);
}

#[test]
fn outside_of_a_task_the_answer_is_the_same_with_and_without_data() {
    for script in [
        Script::new(),
        Script::new().gives(b"data"),
        Script::new().never_gives().never_takes(),
    ] {
        let mut layer = Layer::new(Held::new(script, 100));
        for _ in 0..3 {
            let errors = [
                layer.read(&mut [0; 4]).unwrap_err(),
                layer.write(b"data").unwrap_err(),
                layer.write(b"").unwrap_err(),
                layer.flush().unwrap_err(),
            ];
            assert!(errors.iter().all(NotInTask::is_source_of), "{errors:?}");
        }
        // And nothing has happened.
        let object = layer.into_inner();
        assert_eq!((object.held.len(), object.flushes), (0, 0));
        assert_eq!(
            (object.stream.read_calls(), object.stream.write_calls()),
            (0, 0)
        );
    }
}

#[test]
fn interrupted_is_tried_again_wherever_it_comes_from() {
    let interrupted = ErrorKind::Interrupted;
    let script = Script::new()
        .fails(interrupted)
        .would_block()
        .fails(interrupted)
        .gives(b"data")
        .write_fails(interrupted)
        .takes(2)
        .write_fails(interrupted)
        .write_fails(interrupted);
    let mut layer = Layer::new(Held::new(script, 4));
    drive(write_all(&mut layer, b"12345678")).0.unwrap();
    assert_eq!(drive(read(&mut layer, &mut [0; 4])).0.unwrap(), 4);
    drive(flush(&mut layer)).0.unwrap();
    assert_eq!(layer.get_ref().stream.written(), b"12345678");

    // A thousand of them are no stall either.
    let mut calls = 0;
    let result = drive(layer.with(|_| {
        calls += 1;
        if calls < 1_000 {
            return Err(Protocol::Deep(Cause(interrupted.into())));
        }
        Ok(calls)
    }));
    assert_eq!(result.0.unwrap(), 1_000);
}

#[test]
fn other_errors_of_the_object_pass_as_they_are() {
    for kind in [
        ErrorKind::UnexpectedEof,
        ErrorKind::InvalidData,
        ErrorKind::Other,
    ] {
        let script = Script::new().fails(kind).write_fails(kind);
        let mut layer = Layer::new(Held::new(script, 1));
        let (result, polls) = drive(read(&mut layer, &mut [0; 1]));
        assert_eq!((result.unwrap_err().kind(), polls), (kind, 1));
        let (result, polls) = drive(write_all(&mut layer, b"ab"));
        assert_eq!((result.unwrap_err().kind(), polls), (kind, 1));
    }
}

/// The error of a library that is not an I/O error, but may have one behind it.
#[derive(Debug)]
enum Protocol {
    Io(io::Error),
    Deep(Cause),
    Closed,
}

/// An error between the library's own and the I/O error.
#[derive(Debug)]
struct Cause(io::Error);

impl From<io::Error> for Protocol {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the protocol has failed")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("for a reason")
    }
}

impl Error for Protocol {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Deep(cause) => Some(cause),
            Self::Closed => None,
        }
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

const WRAPPERS: [fn(io::Error) -> Protocol; 4] = [
    Protocol::Io,
    |error| Protocol::Deep(Cause(error)),
    |error| Protocol::Io(io::Error::other(Protocol::Io(error))),
    |error| Protocol::Deep(Cause(io::Error::other(io::Error::other(error)))),
];

#[test]
fn a_would_block_deep_in_an_error_is_one() {
    for (number, wrap) in WRAPPERS.iter().enumerate() {
        let script = Script::new().would_block().would_block().gives(b"late");
        let mut layer = Layer::new(Held::new(script, 1));
        let mut buf = [0; 4];
        let (result, polls) = drive(layer.with(|object| object.read(&mut buf).map_err(wrap)));
        assert_eq!((result.unwrap(), polls), (4, 3), "wrapper {number}");
    }
}

#[test]
fn another_error_deep_in_an_error_passes_with_all_of_it() {
    for wrap in WRAPPERS {
        let script = Script::new().fails(ErrorKind::ConnectionReset);
        let mut layer = Layer::new(Held::new(script, 1));
        let mut verb = layer.with(|object| object.read(&mut [0; 4]).map_err(wrap));
        let (result, polls) = drive(&mut verb);
        let expected = wrap(ErrorKind::ConnectionReset.into());
        assert_eq!(
            format!("{:?}", result.unwrap_err()),
            format!("{expected:?}")
        );
        assert_eq!(polls, 1);
    }
    let mut layer = Layer::new(Held::new(Script::new(), 1));
    let (result, _) = drive(layer.with(|_| Err::<(), _>(Protocol::Closed)));
    assert!(matches!(result, Err(Protocol::Closed)));
}

#[test]
fn an_error_that_means_something_itself_hides_what_caused_it() {
    let aborted = || {
        io::Error::new(
            ErrorKind::ConnectionAborted,
            Cause(ErrorKind::WouldBlock.into()),
        )
    };
    let mut layer = Layer::new(Held::new(Script::new(), 1));
    let (result, _) = drive(layer.with(|_| Err::<(), _>(aborted())));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionAborted);
}

#[test]
fn a_stall_of_a_verb_is_an_error_of_its_own_type() {
    let mut layer = Layer::new(Held::new(Script::new(), 1));
    let (result, polls) =
        drive(layer.with(|_| Err::<(), _>(Protocol::Deep(Cause(ErrorKind::WouldBlock.into())))));
    match result {
        Err(Protocol::Io(error)) => assert!(Stalled::is_source_of(&error)),
        other => panic!("{other:?}"),
    }
    assert!(polls <= 16);
}

/// The docs say: the error may be any I/O error; one with the library's error as its source will do.
#[test]
fn a_flush_may_wrap_the_librarys_error_in_any_io_error() {
    let script = Script::new()
        .never_gives()
        .write_would_block()
        .takes(2)
        .write_would_block();
    let mut object = Held::new(script, 100);
    object.held.extend(b"data");
    let mut layer = Layer::with_flush(object, |object| {
        object
            .flush()
            .map_err(Protocol::Io)
            .map_err(io::Error::other)
    });
    let (result, polls) = drive(flush_of(&mut layer));
    result.unwrap();
    assert_eq!((layer.get_ref().stream.written(), polls), (&b"data"[..], 3));
}

fn flush_of<S: Write>(layer: &mut Layer<S>) -> impl Future<Output = io::Result<()>> {
    std::future::poll_fn(|cx| layer.poll_flush(cx))
}

/// A reader that wraps its socket's errors, as decoders do.
#[test]
fn a_read_and_a_write_may_wrap_the_librarys_error_in_an_io_error_too() {
    struct Wraps(Script);
    impl Read for Wraps {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.read(buf).map_err(io::Error::other)
        }
    }
    impl Write for Wraps {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.0.write(buf).map_err(io::Error::other)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let script = Script::new()
        .would_block()
        .gives(b"late")
        .write_would_block();
    let mut layer = Layer::new(Wraps(script));
    assert_eq!(drive(read(&mut layer, &mut [0; 4])).0.unwrap(), 4);
    drive(write_all(&mut layer, b"data")).0.unwrap();
}

#[test]
fn a_layer_over_a_layer_is_a_layer() {
    let script = Script::new()
        .would_block()
        .gives(b"deep")
        .write_would_block()
        .takes(1)
        .write_would_block();
    let inner = Layer::new(Held::new(script, 3));
    let mut outer = Layer::new(Held::new(inner, 2));
    drive(write_all(&mut outer, b"question")).0.unwrap();
    assert_eq!(drive(read(&mut outer, &mut [0; 4])).0.unwrap(), 4);
    drive(flush(&mut outer)).0.unwrap();
    assert_eq!(
        outer.get_ref().stream.get_ref().stream.written(),
        b"question"
    );
}

#[test]
fn a_layer_is_a_reader_and_writer_behind_a_pointer() {
    fn polls(object: &mut dyn AsyncRead, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        io_traits::poll_read_buf(object, cx, &mut &mut [0; 4][..])
    }
    let mut layer: Box<Layer<_>> = Box::new(Layer::new(Held::new(Script::new().gives(b"data"), 1)));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(polls(&mut *layer, &mut cx), Poll::Ready(Ok(4))));
}
