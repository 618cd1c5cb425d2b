//! `BufReader` and `BufWriter`: what they hold and when, and that their buffers can be taken back.

mod common;

use std::{
    io::{self, BufRead, ErrorKind, IoSlice, Read},
    sync::{Arc, Mutex},
};

use bytes::BytesMut;
use common::{Log, drive, poll_once};
use futures::executor::block_on;
use io_traits::{
    AsyncBufRead, AsyncWrite, BufReader, BufWriter, chain, duplex,
    io::{
        copy_buf, fill_buf, flush, read, read_exact, read_to_end, shutdown, write, write_all,
        write_vectored_all,
    },
    pool, task,
    testing::Script,
};

#[test]
fn a_reader_holds_a_buffer_only_while_there_is_something_in_it() {
    let script = || {
        Script::new()
            .gives(b"ab")
            .would_block()
            .gives(b"c")
            .never_gives()
    };
    let mut readers: Vec<_> = (0..100).map(|_| BufReader::new(script())).collect();
    let lent = pool::take().as_ptr();
    for reader in &mut readers {
        // Both bytes are taken, so the one buffer of this thread goes from one to the next.
        let mut buf = [0; 2];
        block_on(fill_buf(reader)).unwrap();
        assert_eq!(reader.buffer().as_ptr(), lent);
        block_on(read_exact(reader, &mut buf)).unwrap();
        assert!(poll_once(&mut fill_buf(reader)).is_pending());
        assert!(reader.buffer().is_empty());
    }
    assert_eq!(pool::take().as_ptr(), lent);
}

#[test]
fn small_reads_are_one_read_below_and_big_ones_go_past_the_buffer() {
    let mut reader = BufReader::new(Script::new().gives([7; 100]));
    let mut buf = [0; 10];
    for _ in 0..10 {
        block_on(read_exact(&mut reader, &mut buf)).unwrap();
    }
    assert_eq!(reader.get_ref().read_calls(), 1);
    let big = vec![7; pool::CAPACITY];
    let mut reader = BufReader::new(&big[..]);
    let mut buf = vec![0; pool::CAPACITY];
    assert_eq!(block_on(read(&mut reader, &mut buf)).unwrap(), big.len());
    assert!(reader.get_ref().is_empty() && reader.buffer().is_empty());
}

#[test]
fn a_big_read_gets_what_is_buffered_first() {
    let mut reader = BufReader::new(Script::new().gives(b"first").gives(b"second"));
    block_on(fill_buf(&mut reader)).unwrap();
    let mut buf = vec![0; pool::CAPACITY];
    assert_eq!(block_on(read(&mut reader, &mut buf)).unwrap(), 5);
    assert_eq!(&buf[..5], b"first");
    assert_eq!(block_on(read(&mut reader, &mut buf)).unwrap(), 6);
}

#[test]
fn a_buffer_that_is_taken_back_starts_another_reader() {
    let mut reader = BufReader::new(&b"head body"[..]);
    let mut head = [0; 5];
    block_on(read_exact(&mut reader, &mut head)).unwrap();
    let (rest, buffered) = reader.into_parts();
    assert_eq!((rest, &buffered[..]), (&b""[..], &b"body"[..]));
    let mut again = BufReader::with_buffer(&b" and more"[..], buffered);
    let mut all = Vec::new();
    block_on(read_to_end(&mut again, &mut all, 80)).unwrap();
    assert_eq!(all, b"body and more");
}

#[test]
fn consuming_more_than_there_is_takes_what_there_is() {
    let mut reader = BufReader::new(Script::new().gives(b"abc").gives(b"d"));
    block_on(fill_buf(&mut reader)).unwrap();
    reader.consume(100);
    assert_eq!(block_on(fill_buf(&mut reader)).unwrap(), 1);
    assert_eq!(reader.buffer(), b"d");
}

#[test]
fn outside_of_a_task_it_says_so_also_when_something_is_buffered() {
    let mut reader = BufReader::new(Script::new().gives(b"abc"));
    block_on(fill_buf(&mut reader)).unwrap();
    let refused = |result: io::Result<usize>| task::NotInTask::is_source_of(&result.unwrap_err());
    assert!(refused(reader.read(&mut [0; 2])));
    assert!(refused(reader.fill_buf().map(<[u8]>::len)));
    let mut writer = BufWriter::new(Script::new());
    assert!(refused(io::Write::write(&mut writer, b"x")));
    assert!(writer.buffer().is_empty());
}

#[test]
fn a_writer_collects_small_writes_and_lets_big_ones_through() {
    let mut writer = BufWriter::new(Script::new());
    for _ in 0..100 {
        block_on(write_all(&mut writer, b"0123456789")).unwrap();
    }
    assert_eq!(
        (writer.get_ref().write_calls(), writer.buffer().len()),
        (0, 1_000)
    );
    let big = vec![b'x'; pool::CAPACITY];
    block_on(write_all(&mut writer, &big)).unwrap();
    // What was there before goes first.
    assert_eq!(writer.get_ref().write_calls(), 2);
    assert!(writer.get_ref().written().starts_with(b"0123"));
    assert_eq!(writer.get_ref().written().len(), 1_000 + big.len());
    block_on(flush(&mut writer)).unwrap();
    assert_eq!(writer.get_ref().write_calls(), 2);
}

#[test]
fn slices_are_collected_too_and_big_ones_are_passed_on_as_slices() {
    let mut writer = BufWriter::new(Script::new());
    let mut slices = [IoSlice::new(b"ab"), IoSlice::new(b"cd")];
    block_on(write_vectored_all(&mut writer, &mut &mut slices[..])).unwrap();
    assert_eq!(writer.buffer(), b"abcd");
    let big = vec![b'x'; pool::CAPACITY];
    for below in [Script::new(), Script::new().plain_writes_only()] {
        let plain = !below.writes_slices();
        let mut writer = BufWriter::new(below);
        let mut slices = [IoSlice::new(&big), IoSlice::new(b"yz")];
        block_on(write_vectored_all(&mut writer, &mut &mut slices[..])).unwrap();
        block_on(flush(&mut writer)).unwrap();
        assert_eq!(writer.get_ref().written().len(), big.len() + 2);
        assert_eq!(writer.get_ref().write_calls(), if plain { 2 } else { 1 });
    }
}

#[test]
fn a_full_writer_that_waits_loses_and_doubles_nothing() {
    let mut script = Script::new();
    for n in 0..3_000 {
        script = script.takes(n % 97 + 1).write_would_block();
    }
    let mut writer = BufWriter::new(script);
    let message: Vec<u8> = (0..3 * pool::CAPACITY as u32)
        .map(|n| (n % 251) as u8)
        .collect();
    for part in message.chunks(1_009) {
        drive(write_all(&mut writer, part)).0.unwrap();
    }
    drive(flush(&mut writer)).0.unwrap();
    assert!(writer.get_ref().written() == message);
}

#[test]
fn a_shutdown_flushes_first_and_does_not_end_what_it_could_not_flush() {
    let mut writer = BufWriter::new(Script::new().takes(2).write_would_block());
    block_on(write_all(&mut writer, b"abcd")).unwrap();
    drive(shutdown(&mut writer)).0.unwrap();
    assert_eq!(writer.get_ref().written(), b"abcd");
    assert!(writer.get_ref().is_shut_down());

    let mut writer = BufWriter::new(Script::new().write_fails(ErrorKind::BrokenPipe));
    block_on(write_all(&mut writer, b"abcd")).unwrap();
    assert!(drive(shutdown(&mut writer)).0.is_err());
    assert!(!writer.get_ref().is_shut_down());
    // It is still there for whoever has a use for it.
    assert_eq!(writer.into_parts().1, "abcd");
}

#[test]
fn a_writer_below_that_takes_nothing_is_write_zero() {
    let mut writer = BufWriter::with_buffer(Script::new().takes(0), BytesMut::from("abcd"));
    let error = block_on(flush(&mut writer)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    drop(writer.into_parts());
}

/// A question that is written, not flushed, and then waited upon must go out, or both sides wait.
#[test]
fn a_read_that_has_to_wait_lets_out_what_was_written() {
    let (one, mut two) = duplex(64);
    let mut stream = BufReader::new(BufWriter::new(one));
    block_on(async {
        let asks = async {
            write_all(&mut stream, b"question").await.unwrap();
            let mut answer = [0; 6];
            read_exact(&mut stream, &mut answer).await.unwrap();
            answer
        };
        let answers = async {
            let mut question = [0; 8];
            read_exact(&mut two, &mut question).await.unwrap();
            write_all(&mut two, b"answer").await.unwrap();
        };
        let (answer, ()) = futures::join!(asks, answers);
        assert_eq!(&answer, b"answer");
    });
    // The other way round, and with `fill_buf`.
    let script = Script::new().never_gives();
    let mut stream = BufWriter::new(BufReader::new(script));
    block_on(write_all(&mut stream, b"question")).unwrap();
    assert!(poll_once(&mut fill_buf(&mut stream)).is_pending());
    assert_eq!(stream.get_ref().get_ref().written(), b"question");
}

#[test]
fn a_writer_gives_its_buffer_back_when_it_is_flushed() {
    let lent = pool::take().as_ptr();
    let mut writers: Vec<_> = (0..10).map(|_| BufWriter::new(Vec::new())).collect();
    for writer in &mut writers {
        block_on(write_all(writer, b"x")).unwrap();
        assert_eq!(writer.buffer().as_ptr(), lent);
        block_on(flush(writer)).unwrap();
    }
    assert_eq!(pool::take().as_ptr(), lent);
}

#[test]
fn a_writer_that_is_dropped_dirty_says_so_and_only_then() {
    let log = Arc::new(Mutex::new(Vec::new()));
    tracing::subscriber::with_default(Log(log.clone()), || {
        let mut clean = BufWriter::new(Vec::new());
        block_on(write_all(&mut clean, b"abc")).unwrap();
        block_on(flush(&mut clean)).unwrap();
        drop(clean);
        let mut taken = BufWriter::new(Vec::new());
        block_on(write_all(&mut taken, b"abc")).unwrap();
        drop(taken.into_parts());
        assert_eq!(*log.lock().unwrap(), [""; 0]);
        let mut dirty = BufWriter::new(Vec::new());
        block_on(write_all(&mut dirty, b"abc")).unwrap();
        drop(dirty);
    });
    let log = log.lock().unwrap();
    if cfg!(debug_assertions) {
        assert_eq!(log.len(), 1);
        assert!(
            log[0].starts_with("WARN") && log[0].contains("unwritten=3"),
            "{}",
            log[0]
        );
    } else {
        assert!(log.is_empty());
    }
}

#[test]
fn buffered_readers_of_ours_and_of_std_are_good_for_dyn() {
    let mut readers: Vec<Box<dyn AsyncBufRead>> = vec![
        Box::new(&b"a b"[..]),
        Box::new(io::Cursor::new("a b")),
        Box::new(std::collections::VecDeque::from(b"a b".to_vec())),
        Box::new(io::BufReader::new(
            Script::new().gives(b"a").would_block().gives(b" b"),
        )),
        Box::new(BufReader::new(
            Script::new().gives(b"a").would_block().gives(b" b"),
        )),
        Box::new(chain(&b"a "[..], &b"b"[..])),
        Box::new(Read::take(&b"a bcd"[..], 3)),
        Box::new(Read::chain(&b"a "[..], &b"b"[..])),
        Box::new(io_traits::AllowStdIo::new(&b"a b"[..])),
    ];
    for reader in &mut readers {
        let mut all = Vec::new();
        assert_eq!(drive(copy_buf(reader, &mut all)).0.unwrap(), 3);
        assert_eq!(all, b"a b");
    }
    assert_eq!(block_on(write(&mut io::sink(), b"x")).unwrap(), 1);
}
