//! How much of a task each future takes: what it was given, and what it has to remember.

use std::mem::size_of_val;

use io_traits::{
    BufReader, Duplex, duplex,
    io::{
        copy, copy_bidirectional, copy_buf, fill_buf, flush, read, read_buf, read_exact, read_lent,
        read_to_end, read_until, shutdown, skip, write, write_all, write_all_buf,
    },
};

const WORD: usize = size_of::<usize>();

/// In words: one for a reference, two for a slice, and the rest is progress.
#[test]
fn futures_are_as_large_as_what_they_were_given_and_their_progress() {
    let (mut one, mut two) = duplex(8);
    let mut buf = [0; 8];
    let mut all = Vec::new();
    let mut bytes = &b"x"[..];
    let sizes = [
        (size_of_val(&read(&mut one, &mut buf)), 3),
        (size_of_val(&read_buf(&mut one, &mut all)), 2),
        (size_of_val(&read_lent(&mut one)), 1),
        (size_of_val(&read_exact(&mut one, &mut buf)), 4),
        (size_of_val(&read_to_end(&mut one, &mut all, 8)), 4),
        (size_of_val(&skip(&mut one, 8)), 1 + 2 * 8 / WORD),
        (size_of_val(&write(&mut one, b"x")), 3),
        (size_of_val(&write_all(&mut one, b"x")), 4),
        (size_of_val(&write_all_buf(&mut one, &mut bytes)), 2),
        (size_of_val(&flush(&mut one)), 1),
        (size_of_val(&shutdown(&mut one)), 1),
        // Two objects; a piece of memory and how far it is; the count, the options, the state.
        (size_of_val(&copy(&mut one, &mut two)), 2 + 3 + 8 / WORD + 2),
    ];
    for (n, (bytes, words)) in sizes.into_iter().enumerate() {
        assert!(bytes <= words * WORD, "future {n} has {bytes} bytes");
    }
    let mut reader = BufReader::new(&b"x"[..]);
    assert!(size_of_val(&fill_buf(&mut reader)) <= WORD);
    assert!(size_of_val(&copy_buf(&mut reader, &mut two)) <= 2 * WORD + 16);
    assert!(size_of_val(&read_until(&mut reader, b'x', &mut all, 8)) <= 5 * WORD);
    let (mut three, mut four) = duplex(8);
    let both = size_of_val(&copy_bidirectional(&mut three, &mut four));
    let copy = size_of_val(&copy(&mut one, &mut two));
    assert!(both <= 2 * (copy + WORD), "{both}, a copy: {copy}");
}

/// An async block keeps what is in scope across an await: the helper adds itself, and nothing twice.
#[test]
fn a_task_that_copies_is_hardly_larger_than_the_copy() {
    async fn copies(mut from: Duplex, mut to: Duplex) -> std::io::Result<u64> {
        copy(&mut from, &mut to).await
    }
    let (one, two) = duplex(8);
    let ends = size_of_val(&one) + size_of_val(&two);
    let (mut three, mut four) = duplex(8);
    let alone = size_of_val(&copy(&mut three, &mut four));
    // Arguments of an async fn are there twice: as they came, and as they were bound.
    let task = copies(one, two);
    assert!(size_of_val(&task) <= 2 * ends + alone + 2 * WORD);
}
