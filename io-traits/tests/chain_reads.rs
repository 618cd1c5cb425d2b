//! `Chain`: one reader after the other, in every form in which one can be read.

mod common;

use std::io::{ErrorKind, IoSliceMut, Read};

use common::drive;
use futures::{StreamExt, executor::block_on};
use io_traits::{
    BufReader, chain, duplex,
    io::{copy_buf, lines, read_exact, read_to_end, write_all},
    task,
    testing::Torture,
};

#[test]
fn a_chain_reads_one_after_the_other_in_every_form() {
    let parts = || {
        let first = BufReader::new(Torture::new(&b"one\ntw"[..], 1));
        (first, BufReader::new(Torture::new(&b"o\nthree"[..], 2)))
    };
    let joined = || {
        let (first, second) = parts();
        chain(first, second)
    };
    let mut all = Vec::new();
    drive(read_to_end(&mut joined(), &mut all, 80)).0.unwrap();
    assert_eq!(all, b"one\ntwo\nthree");
    let mut all = Vec::new();
    drive(copy_buf(&mut joined(), &mut all)).0.unwrap();
    assert_eq!(all, b"one\ntwo\nthree");
    let mut chained = joined();
    let got: Vec<_> = drive(lines(&mut chained, 80).collect::<Vec<_>>()).0;
    let got: Vec<_> = got.into_iter().map(Result::unwrap).collect();
    assert_eq!(got, ["one", "two", "three"]);
    let mut plain = [0; 20];
    let mut chained = joined();
    let mut n = 0;
    drive(async {
        loop {
            match task::io(|| chained.read(&mut plain[n..])).await.unwrap() {
                0 => break,
                more => n += more,
            }
        }
    });
    assert_eq!(&plain[..n], b"one\ntwo\nthree");
    // A read of nothing is no end of the first.
    let mut chained = chain(&b"a"[..], &b"b"[..]);
    assert_eq!(block_on(task::io(|| chained.read(&mut []))).unwrap(), 0);
    assert_eq!(chained.get_ref(), (&&b"a"[..], &&b"b"[..]));
    let mut buf = [0; 2];
    block_on(read_exact(&mut chained, &mut buf)).unwrap();
    assert_eq!(&buf, b"ab");
}

#[test]
fn a_vectored_read_fills_several_buffers_of_either_reader() {
    let (mut one, first) = duplex(64);
    let (mut two, second) = duplex(64);
    block_on(async {
        write_all(&mut one, b"abcde").await.unwrap();
        write_all(&mut two, b"fghij").await.unwrap();
    });
    drop(one);
    let mut chained = chain(first, second);
    let (mut front, mut back) = ([0; 3], [0; 4]);
    for expected in ["abcde", "fghij"] {
        let n = block_on(task::io(|| {
            let mut bufs = [IoSliceMut::new(&mut front), IoSliceMut::new(&mut back)];
            chained.read_vectored(&mut bufs)
        }));
        assert_eq!(n.unwrap(), 5);
        let got = [&front[..], &back[..2]].concat();
        assert_eq!(got, expected.as_bytes());
    }
    // The second is there, and waits.
    let said = block_on(task::io(|| {
        let mut bufs = [IoSliceMut::new(&mut front)];
        Ok(chained
            .read_vectored(&mut bufs)
            .map_err(|error| error.kind()))
    }));
    assert_eq!(said.unwrap(), Err(ErrorKind::WouldBlock));
}

#[test]
fn a_vectored_read_of_nothing_is_no_end_of_the_first() {
    let mut chained = chain(&b"a"[..], &b"b"[..]);
    for mut bufs in [vec![], vec![IoSliceMut::new(&mut [])]] {
        assert_eq!(chained.read_vectored(&mut bufs).unwrap(), 0);
    }
    let mut all = Vec::new();
    assert_eq!(chained.read_to_end(&mut all).unwrap(), 2);
    assert_eq!(all, b"ab");
    assert_eq!(chained.read_to_end(&mut all).unwrap(), 0);
}

/// std's `read_to_end` keeps what came before a would-block, so calling it again goes on.
#[test]
fn std_read_to_end_goes_on_after_a_would_block_in_either_reader() {
    let script = |text: &str| {
        let (one, two) = text.split_at(2);
        io_traits::testing::Script::new()
            .gives(one)
            .would_block()
            .gives(two)
    };
    let mut chained = chain(script("abcd"), script("efgh"));
    let mut all = Vec::new();
    drive(task::io(|| chained.read_to_end(&mut all))).0.unwrap();
    assert_eq!(all, b"abcdefgh");
}
