//! `read_to_end`, `read_until`, `read_line`, `lines`, `skip`: limits, ends, and text that comes in pieces.

mod common;

use std::{io::ErrorKind, task::Poll};

use common::{drive, poll_once};
use futures::{StreamExt, executor::block_on};
use io_traits::{
    BufReader,
    io::{Lines, TooLong, lines, read_line, read_to_end, read_until, skip},
    pool,
    testing::{Script, Torture},
};

/// The bytes one by one, with a wait before each.
fn drops(bytes: &[u8]) -> BufReader<Script> {
    let script = bytes.chunks(1).fold(Script::new(), |script, byte| {
        script.would_block().gives(byte)
    });
    BufReader::new(script)
}

fn all_lines(bytes: &[u8], limit: usize) -> Vec<Result<String, ErrorKind>> {
    let mut reader = drops(bytes);
    let lines: Lines<'_, _> = lines(&mut reader, limit);
    let all = drive(
        lines
            .map(|line| line.map_err(|error| error.kind()))
            .collect::<Vec<_>>(),
    )
    .0;
    // However the bytes come, the lines are the same.
    let mut whole = bytes;
    let at_once = block_on(
        io_traits::io::lines(&mut whole, limit)
            .map(|line| line.map_err(|error| error.kind()))
            .collect::<Vec<_>>(),
    );
    assert_eq!(all, at_once);
    all
}

fn texts(texts: &[&str]) -> Vec<Result<String, ErrorKind>> {
    texts.iter().map(|text| Ok(String::from(*text))).collect()
}

/// tokio-io's `lines` lost such a character: a would-block in its middle was "not UTF-8".
#[test]
fn a_character_of_several_bytes_may_come_in_pieces() {
    for text in ["a\u{e9}\n", "\u{20ac}\u{1f600}\nnext", "\u{1f600}"] {
        let expected: Vec<_> = text.lines().collect();
        assert_eq!(all_lines(text.as_bytes(), 80), texts(&expected));
    }
    let mut line = String::new();
    let n = drive(read_line(
        &mut drops("\u{1f600}\n".as_bytes()),
        &mut line,
        80,
    ))
    .0;
    assert_eq!((n.unwrap(), line.as_str()), (5, "\u{1f600}\n"));
}

#[test]
fn both_line_ends_are_stripped_and_a_lone_carriage_return_is_not() {
    assert_eq!(
        all_lines(b"a\nb\r\nc\r\r\n\n\r\nd\re", 80),
        texts(&["a", "b", "c\r", "", "", "d\re"])
    );
    assert_eq!(all_lines(b"last\r", 80), texts(&["last\r"]));
    assert_eq!(all_lines(b"", 80), []);
}

#[test]
fn the_line_end_does_not_count_towards_the_limit() {
    for bytes in [&b"hello\n"[..], b"hello\r\n", b"hello"] {
        assert_eq!(all_lines(bytes, 5), texts(&["hello"]));
        assert_eq!(all_lines(bytes, 4), [Err(ErrorKind::InvalidData)]);
    }
    assert_eq!(all_lines(b"\n\r\n", 0), texts(&["", ""]));
}

#[test]
fn after_a_bad_line_the_next_one_follows() {
    let bad = Err(ErrorKind::InvalidData);
    let ok = |text: &str| Ok(String::from(text));
    assert_eq!(
        all_lines(b"ok\n\xff\xfe\nok\n", 80),
        [ok("ok"), bad.clone(), ok("ok")]
    );
    let long = b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nok\nbbbbbbbbbbbbb";
    assert_eq!(all_lines(long, 4), [bad.clone(), ok("ok"), bad]);
}

#[test]
fn an_error_of_the_reader_in_a_line_loses_nothing_of_it() {
    let script = Script::new()
        .gives(b"ab")
        .fails(ErrorKind::TimedOut)
        .gives(b"c\n");
    let mut reader = BufReader::new(script);
    let mut lines = lines(&mut reader, 80);
    let error = block_on(lines.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(block_on(lines.next()).unwrap().unwrap(), "abc");
}

#[test]
fn a_line_that_is_wrong_leaves_the_text_as_it_was_and_can_be_seen() {
    let mut line = String::from("kept");
    for (bytes, limit) in [(&b"\xff\n"[..], 80), (b"toolong\n", 3)] {
        let mut reader = drops(bytes);
        let mut future = read_line(&mut reader, &mut line, limit);
        let error = drive(&mut future).0.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(TooLong::is_source_of(&error), limit == 3);
        assert!(bytes.starts_with(future.bytes()) && !future.bytes().is_empty());
        assert_eq!(line, "kept");
    }
    assert_eq!(
        block_on(read_line(&mut &b""[..], &mut line, 80)).unwrap(),
        0
    );
}

#[test]
fn read_until_ends_at_the_delimiter_the_end_or_the_limit() {
    let until = |bytes: &[u8], limit| {
        let mut reader = drops(bytes);
        let mut buf = Vec::new();
        let result = drive(read_until(&mut reader, b',', &mut buf, limit)).0;
        let mut rest = Vec::new();
        drive(read_to_end(&mut reader, &mut rest, 80)).0.unwrap();
        // Nothing is lost in any case.
        assert_eq!([buf.clone(), rest].concat(), bytes);
        (result.map_err(|error| TooLong::is_source_of(&error)), buf)
    };
    assert_eq!(until(b"ab,cd", 80), (Ok(3), b"ab,".to_vec()));
    assert_eq!(until(b"ab", 80), (Ok(2), b"ab".to_vec()));
    assert_eq!(until(b"", 80), (Ok(0), b"".to_vec()));
    assert_eq!(until(b"ab,cd", 3), (Ok(3), b"ab,".to_vec()));
    assert_eq!(until(b"ab,cd", 2), (Err(true), b"ab".to_vec()));
    // Just enough is not too much.
    assert_eq!(until(b"ab", 2), (Ok(2), b"ab".to_vec()));
    assert_eq!(until(b"ab", 0), (Err(true), b"".to_vec()));
}

#[test]
fn read_to_end_has_a_limit_and_just_enough_is_not_too_much() {
    for limit in 0..10_usize {
        let mut buf = b"> ".to_vec();
        let mut reader = drops(b"12345");
        let mut future = read_to_end(&mut reader, &mut buf, limit);
        let result = drive(&mut future).0;
        let appended = future.appended();
        if limit >= 5 {
            assert_eq!(
                (result.unwrap(), appended, &buf[..]),
                (5, 5, &b"> 12345"[..])
            );
        } else {
            let error = result.unwrap_err();
            assert!(TooLong::is_source_of(&error));
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            // Those that were allowed and one more, so that nothing is lost.
            assert_eq!((appended, &buf[2..]), (limit + 1, &b"12345"[..limit + 1]));
        }
    }
}

#[test]
fn an_endless_peer_does_not_fill_the_memory() {
    let mut buf = Vec::new();
    let result = block_on(read_to_end(&mut std::io::repeat(b'x'), &mut buf, 1_000_000));
    assert!(TooLong::is_source_of(&result.unwrap_err()));
    assert!(buf.capacity() <= 4_000_000, "{}", buf.capacity());
}

#[test]
fn a_read_of_little_does_not_reserve_its_limit() {
    let mut buf = Vec::new();
    block_on(read_to_end(&mut &b"little"[..], &mut buf, usize::MAX)).unwrap();
    assert!(buf.capacity() <= 1_024, "{}", buf.capacity());
}

#[test]
fn skip_drops_exactly_so_many_bytes() {
    let message: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
    for n in [0, 1, 65_535, 65_536, 65_537, 150_000] {
        let mut reader = &message[..];
        block_on(skip(&mut reader, n)).unwrap();
        assert_eq!(reader, &message[n as usize..]);
    }
    let mut reader = Torture::new(&message[..500], 1);
    let mut future = skip(&mut reader, 501);
    let error = drive(&mut future).0.unwrap_err();
    assert_eq!(
        (error.kind(), future.skipped()),
        (ErrorKind::UnexpectedEof, 500)
    );
}

#[test]
fn a_skip_that_waits_holds_no_buffer() {
    let mut reader = Script::new().gives(b"x").never_gives();
    let mut future = skip(&mut reader, 10);
    let before = pool::take().as_ptr();
    assert!(poll_once(&mut future).is_pending());
    // It is in the pool again although the future is alive.
    assert_eq!(pool::take().as_ptr(), before);
}

#[test]
fn a_line_that_is_skipped_takes_no_memory() {
    let mut script = Script::new();
    for _ in 0..100 {
        script = script.gives([b'a'; 1_000]).would_block();
    }
    let mut reader = BufReader::new(script.gives(b"\nok\n"));
    let mut lines = lines(&mut reader, 10);
    assert!(block_on(lines.next()).unwrap().is_err());
    let mut pieces = 0;
    let next = loop {
        match poll_once(&mut lines.next()) {
            Poll::Ready(line) => break line.unwrap().unwrap(),
            Poll::Pending => pieces += 1,
        }
        assert!(lines.bytes().len() <= 1_000, "it keeps what it skips");
    };
    assert_eq!((next.as_str(), pieces), ("ok", 100));
}
