//! `Torture` is awkward, in ways that can be repeated, and breaks no promise.

mod common;

use std::task::{Context, Poll};

use common::{CountWakes, drive, poll_once, poll_with};
use io_traits::{
    AsyncWrite, duplex,
    io::{flush, read, write, write_all},
    testing::{Script, Torture},
};

/// How each of a hundred reads of a message went.
fn reads(seed: u64) -> Vec<Option<usize>> {
    let message = [7; 1_000];
    let mut reader = Torture::new(&message[..], seed);
    let poll = |_| match poll_once(&mut read(&mut reader, &mut [0; 50])) {
        Poll::Ready(n) => Some(n.unwrap()),
        Poll::Pending => None,
    };
    (0..100).map(poll).collect()
}

#[test]
fn the_same_seed_is_the_same_torture() {
    assert_eq!(reads(1), reads(1));
    assert_ne!(reads(1), reads(2));
}

#[test]
fn it_waits_for_no_reason_and_gives_little() {
    for seed in 0..10 {
        let reads = reads(seed);
        assert!(reads.contains(&None), "never pending");
        assert!(reads.contains(&Some(1)), "never a single byte");
        assert!(
            reads.iter().any(|read| read.is_some_and(|n| n > 1)),
            "always one"
        );
    }
}

#[test]
fn whoever_waits_for_no_reason_is_woken() {
    let mut reader = Torture::new(&[7; 1_000][..], 3);
    let (count, waker) = CountWakes::new();
    for _ in 0..100 {
        let before = count.get();
        if poll_with(&mut read(&mut reader, &mut [0]), &waker).is_pending() {
            assert!(count.get() > before);
        }
    }
}

#[test]
fn what_is_written_stays_until_it_is_flushed() {
    let mut writer = Torture::new(Script::new(), 1);
    drive(write_all(&mut writer, b"held back")).0.unwrap();
    assert!(writer.get_ref().written().is_empty());
    drive(flush(&mut writer)).0.unwrap();
    assert_eq!(writer.get_ref().written(), b"held back");
    assert_eq!(writer.get_mut().flushes(), 1);
    // But it does not hold back for ever.
    drive(write_all(&mut writer, &[7; 100])).0.unwrap();
    assert!(writer.into_inner().written().len() > 50);
}

#[test]
fn the_object_inside_sees_other_wakers_and_the_task_is_woken_all_the_same() {
    for seed in 0..50 {
        let (one, mut two) = duplex(8);
        let mut reader = Torture::new(one, seed);
        let (count, waker) = CountWakes::new();
        // Until the object inside has been asked, and has nothing.
        let mut before = count.get();
        while poll_with(&mut read(&mut reader, &mut [0]), &waker).is_pending()
            && count.get() > before
        {
            before = count.get();
        }
        drop(waker);
        let before = count.get();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(two.poll_write_from(&mut cx, b"x").is_ready());
        assert!(count.get() > before, "seed {seed}");
    }
    let (_one, two) = duplex(8);
    let mut writer = Torture::new(two, 0);
    assert_eq!(drive(write(&mut writer, b"")).0.unwrap(), 0);
}
