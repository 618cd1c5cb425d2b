//! What a protocol object holds back goes out before the task parks.

mod common;
mod layer_socket;

use std::io::{self, ErrorKind, Read, Write};

use common::{CountWakes, drive, poll_once, poll_with};
use io_traits::{
    io::{flush, read, write_all},
    layer::Layer,
    testing::Script,
};
use layer_socket::{Held, Socket};

#[test]
fn a_read_that_has_to_wait_lets_out_what_was_written() {
    let script = Script::new().would_block().gives(b"answer");
    let mut layer = Layer::new(Held::new(script, 100));
    drive(write_all(&mut layer, b"question")).0.unwrap();
    assert_eq!(layer.get_ref().stream.written(), b"");
    let mut buf = [0; 6];
    let (result, polls) = drive(read(&mut layer, &mut buf));
    assert_eq!((result.unwrap(), polls), (6, 2));
    assert_eq!(layer.get_ref().stream.written(), b"question");
}

#[test]
fn a_write_that_had_to_flush_first_is_let_out_as_well() {
    let mut layer = Layer::new(Held::new(Script::new().never_gives(), 2));
    drive(write_all(&mut layer, b"12")).0.unwrap();
    // The buffer is full: it is flushed, and holds the third byte then.
    drive(write_all(&mut layer, b"3")).0.unwrap();
    assert_eq!(layer.get_ref().held, b"3");
    assert!(poll_once(&mut read(&mut layer, &mut [0; 1])).is_pending());
    assert_eq!(layer.get_ref().stream.written(), b"123");
}

#[test]
fn a_read_that_need_not_wait_does_not_flush() {
    let script = Script::new().gives(b"early");
    let mut layer = Layer::new(Held::new(script, 100));
    drive(write_all(&mut layer, b"question")).0.unwrap();
    drive(read(&mut layer, &mut [0; 8])).0.unwrap();
    assert_eq!(layer.get_ref().flushes, 0);
}

/// A read may answer by itself (a ping, an alert) and then wait for more.
#[test]
fn what_a_read_has_put_into_the_buffer_goes_out_before_it_parks() {
    struct Answering(Held<Script>);
    impl Read for Answering {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.held.extend(b"pong");
            self.0.read(buf)
        }
    }
    impl Write for Answering {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.0.write(buf)
        }
        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }
    let mut layer = Layer::new(Answering(Held::new(Script::new().never_gives(), 100)));
    drive(flush(&mut layer)).0.unwrap();
    assert!(poll_once(&mut read(&mut layer, &mut [0; 1])).is_pending());
    let written = layer.get_ref().0.stream.written();
    assert!(written.starts_with(b"pong"), "{written:?}");
}

#[test]
fn an_operation_that_is_ready_does_not_flush() {
    let mut layer = Layer::new(Held::new(Script::new().gives(b"ab"), 100));
    drive(write_all(&mut layer, b"a")).0.unwrap();
    drive(read(&mut layer, &mut [0; 1])).0.unwrap();
    assert_eq!(layer.get_ref().flushes, 0);
}

#[test]
fn what_was_put_in_past_the_layer_goes_out_too() {
    let mut object = Held::new(Script::new().never_gives(), 100);
    object.held.extend(b"before");
    let mut layer = Layer::new(object);
    assert!(poll_once(&mut read(&mut layer, &mut [0; 1])).is_pending());
    assert_eq!(layer.get_ref().stream.written(), b"before");

    layer.get_mut().held.extend(b" between");
    assert!(poll_once(&mut read(&mut layer, &mut [0; 1])).is_pending());
    let mut verb = layer.with(|object| {
        if object.held.is_empty() && object.stream.written().len() < 20 {
            object.held.extend(b" within");
        }
        Read::read(object, &mut [0; 1])
    });
    assert!(poll_once(&mut verb).is_pending());
    assert_eq!(
        layer.into_inner().stream.written(),
        b"before between within"
    );
}

#[test]
fn a_flush_of_its_own_is_the_one_that_is_used() {
    struct Queue(Script, Vec<u8>);
    fn send(queue: &mut Queue) -> io::Result<()> {
        while !queue.1.is_empty() {
            let n = Write::write(&mut queue.0, &queue.1)?;
            queue.1.drain(..n);
        }
        Ok(())
    }
    let script = Script::new().takes(2).write_would_block().never_gives();
    let mut layer = Layer::with_flush(Queue(script, b"queued".to_vec()), send);
    let mut verb = layer.with(|queue| Read::read(&mut queue.0, &mut [0; 1]));
    assert!(poll_once(&mut verb).is_pending());
    assert!(poll_once(&mut verb).is_pending());
    assert_eq!(layer.get_ref().0.written(), b"queued");
}

#[test]
fn an_error_of_the_flush_is_that_of_the_read_that_would_have_waited() {
    let script = Script::new()
        .never_gives()
        .write_fails(ErrorKind::BrokenPipe);
    let mut layer = Layer::new(Held::new(script, 100));
    drive(write_all(&mut layer, b"lost")).0.unwrap();
    let error = drive(read(&mut layer, &mut [0; 1])).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[test]
fn a_flush_that_goes_on_by_pieces_sends_each_byte_once() {
    let socket = Socket::new();
    let mut layer = Layer::new(Held::new(socket.clone(), 100));
    drive(write_all(&mut layer, b"piece by piece")).0.unwrap();
    let (wakes, waker) = CountWakes::new();
    let mut buf = [0; 1];
    let mut reading = read(&mut layer, &mut buf);
    for sent in 0..14 {
        assert!(poll_with(&mut reading, &waker).is_pending());
        assert_eq!(socket.output(), b"piece by piece"[..sent]);
        assert_eq!(wakes.get(), sent);
        socket.make_room(1);
    }
    assert!(poll_with(&mut reading, &waker).is_pending());
    assert_eq!(socket.output(), b"piece by piece");
}
