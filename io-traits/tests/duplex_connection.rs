//! `duplex`: capacity, half-close, drops, slices, and both ends in threads of their own.

mod common;

use std::{
    io::{ErrorKind, IoSliceMut, Read},
    sync::Arc,
    task::{Poll, Wake, Waker},
    thread,
};

use common::{CountWakes, drive, poll_once, poll_with};
use futures::executor::block_on;
use io_traits::{
    BufReader, BufWriter, Duplex, ReuniteError, duplex,
    io::{copy_buf, flush, read, read_exact, read_to_end, shutdown, write, write_all},
    split, task,
};

#[test]
fn it_holds_so_many_bytes_and_no_more() {
    for capacity in [1, 2, 10] {
        let (mut one, mut two) = duplex(capacity);
        let n = block_on(write(&mut one, &[7; 100])).unwrap();
        assert_eq!(n, capacity);
        assert!(poll_once(&mut write(&mut one, &[7])).is_pending());
        assert_eq!(block_on(read(&mut two, &mut [0; 100])).unwrap(), capacity);
    }
    // Nothing could ever be written to one of 0.
    let (mut one, _two) = duplex(0);
    assert_eq!(block_on(write(&mut one, &[7; 2])).unwrap(), 1);
}

#[test]
fn an_end_that_is_shut_down_can_still_be_read_from() {
    let (mut one, mut two) = duplex(16);
    block_on(async {
        write_all(&mut one, b"last").await.unwrap();
        shutdown(&mut one).await.unwrap();
        shutdown(&mut one).await.unwrap();
        assert_eq!(
            write(&mut one, b"x").await.unwrap_err().kind(),
            ErrorKind::BrokenPipe
        );
        write_all(&mut two, b"still").await.unwrap();
        let mut buf = [0; 5];
        read_exact(&mut one, &mut buf).await.unwrap();
        assert_eq!(&buf, b"still");
        let mut all = Vec::new();
        read_to_end(&mut two, &mut all, 80).await.unwrap();
        assert_eq!(all, b"last");
    });
}

#[test]
fn a_dropped_end_wakes_whoever_waits_for_it() {
    let (mut one, two) = duplex(1);
    let (reads, read_waker) = CountWakes::new();
    let (writes, write_waker) = CountWakes::new();
    let (mut reader, mut writer) = (&one, &one);
    block_on(write_all(&mut writer, b"x")).unwrap();
    assert!(poll_with(&mut read(&mut reader, &mut [0; 4]), &read_waker).is_pending());
    assert!(poll_with(&mut write(&mut writer, b"x"), &write_waker).is_pending());
    drop(two);
    assert_eq!((reads.get(), writes.get()), (1, 1));
    assert_eq!(block_on(read(&mut one, &mut [0; 4])).unwrap(), 0);
    let error = block_on(write(&mut one, b"x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[test]
fn what_was_written_before_the_drop_is_still_read() {
    let (mut one, mut two) = duplex(16);
    block_on(write_all(&mut one, b"left")).unwrap();
    drop(one);
    let mut all = Vec::new();
    block_on(read_to_end(&mut two, &mut all, 80)).unwrap();
    assert_eq!(all, b"left");
}

#[test]
fn several_slices_are_filled_with_one_call() {
    let (mut one, mut two) = duplex(16);
    block_on(write_all(&mut one, b"abcdef")).unwrap();
    let (mut first, mut second) = ([0; 2], [0; 10]);
    let n = block_on(task::io(|| {
        two.read_vectored(&mut [
            IoSliceMut::new(&mut []),
            IoSliceMut::new(&mut first),
            IoSliceMut::new(&mut second),
        ])
    }));
    assert_eq!(n.unwrap(), 6);
    assert_eq!((&first, &second[..4]), (b"ab", &b"cdef"[..]));
    let waits = task::io(|| two.read_vectored(&mut [IoSliceMut::new(&mut first)]));
    assert!(poll_once(&mut { waits }).is_pending());
}

#[test]
fn it_does_not_show_what_it_carries() {
    let (mut one, two) = duplex(16);
    block_on(write_all(&mut one, b"secret")).unwrap();
    assert_eq!(format!("{two:?}"), "Duplex { to_read: 6, written: 0 }");
}

/// Each side in a thread of its own: every wake has to be found, or the test hangs.
#[test]
fn threads_on_both_ends_lose_no_wakeup() {
    for capacity in [1, 3, 1_000] {
        let (one, two) = duplex(capacity);
        let echo = thread::spawn(move || {
            let (reads, mut writes) = split(two);
            let mut reads = BufReader::new(reads);
            block_on(async {
                let copied = copy_buf(&mut reads, &mut writes).await.unwrap();
                shutdown(&mut writes).await.unwrap();
                copied
            })
        });
        let message: Vec<u8> = (0..20_000_u32).map(|n| (n % 251) as u8).collect();
        let sent = message.clone();
        let (mut reads, mut writes) = split(one);
        let sends = thread::spawn(move || {
            block_on(async {
                write_all(&mut writes, &sent).await.unwrap();
                shutdown(&mut writes).await.unwrap();
            });
            writes
        });
        let mut got = Vec::new();
        block_on(read_to_end(&mut reads, &mut got, 1 << 20)).unwrap();
        assert!(got == message);
        assert_eq!(echo.join().unwrap(), 20_000);
        assert!(reads.reunite(sends.join().unwrap()).is_ok());
    }
}

#[test]
fn only_halves_of_one_object_reunite_whoever_asks() {
    let ((one, _p), (two, _q)) = (duplex(8), duplex(8));
    let ((read_one, write_one), (read_two, write_two)) = (split(one), split(two));
    // Four ways to get it wrong, each of which gives both halves back.
    let ReuniteError {
        read: read_one,
        write: write_two,
    } = read_one.reunite(write_two).unwrap_err();
    let ReuniteError {
        read: read_two,
        write: write_one,
    } = read_two.reunite(write_one).unwrap_err();
    let ReuniteError {
        read: read_two,
        write: write_one,
    } = write_one.reunite(read_two).unwrap_err();
    let error = write_two.reunite(read_one).unwrap_err();
    assert!(error.to_string().contains("different objects"), "{error}");
    let ReuniteError {
        read: read_one,
        write: write_two,
    } = error;
    assert!(read_one.is_pair_of(&write_one) && !read_one.is_pair_of(&write_two));
    let one: Duplex = write_one.reunite(read_one).unwrap();
    let two: Duplex = read_two.reunite(write_two).unwrap();
    drop((one, two));
}

#[test]
fn buffered_halves_reunite_with_every_byte() {
    let (one, mut two) = duplex(64);
    block_on(async {
        write_all(&mut two, b"abcdef").await.unwrap();
        let mut reader = BufReader::new(one);
        let mut buf = [0; 2];
        read_exact(&mut reader, &mut buf).await.unwrap();
        let (reads, writes) = reader.into_split();
        assert_eq!(reads.buffer(), b"cdef");
        // A half of another object is refused, and the buffer survives that as well.
        let stranger = split(duplex(1).0).1;
        let ReuniteError { read: reads, .. } = reads.reunite(stranger).unwrap_err();
        let whole = reads.reunite(writes).unwrap();
        assert_eq!(whole.buffer(), b"cdef");

        let mut writer = BufWriter::new(whole.into_parts().0);
        write_all(&mut writer, b"unwritten").await.unwrap();
        let (reads, writes) = writer.into_split();
        let stranger = split(duplex(1).0).0;
        let ReuniteError { write: writes, .. } = writes.reunite(stranger).unwrap_err();
        let mut whole = writes.reunite(reads).unwrap();
        assert_eq!(whole.buffer(), b"unwritten");
        flush(&mut whole).await.unwrap();
        let mut buf = [0; 9];
        read_exact(&mut two, &mut buf).await.unwrap();
        assert_eq!(&buf, b"unwritten");
    });
}

#[test]
fn the_object_lives_until_both_halves_are_gone() {
    let (one, mut two) = duplex(8);
    let (reads, writes) = split(one);
    drop(writes);
    assert!(poll_once(&mut read(&mut two, &mut [0; 4])).is_pending());
    drop(reads);
    assert_eq!(drive(read(&mut two, &mut [0; 4])).0.unwrap(), 0);
}

#[test]
fn a_thousand_tasks_on_one_end_are_all_woken_and_then_forgotten() {
    let (one, mut two) = duplex(8);
    let tasks: Vec<_> = (0..1_000).map(|_| CountWakes::new()).collect();
    let (mut reader, mut buf) = (&one, [0; 1]);
    // Whoever is woken for want of room comes back, as tasks do, until all have found room.
    let mut seen = vec![None; tasks.len()];
    let mut polls = 0;
    while (0..tasks.len()).any(|n| seen[n] != Some(tasks[n].0.get())) {
        for (n, (count, waker)) in tasks.iter().enumerate() {
            if seen[n] != Some(count.get()) {
                seen[n] = Some(count.get());
                assert!(poll_with(&mut read(&mut reader, &mut buf), waker).is_pending());
                polls += 1;
            }
        }
        assert!(polls < 1_000_000, "they wake each other in circles");
    }
    assert!(poll_once(&mut write(&mut two, b"x")).is_ready());
    let woken = tasks
        .iter()
        .zip(seen)
        .filter(|((count, _), seen)| Some(count.get()) > *seen);
    assert_eq!(woken.count(), 1_000);
    assert!(matches!(
        poll_once(&mut read(&mut reader, &mut buf)),
        Poll::Ready(Ok(1))
    ));
}

/// Its panic came out of the write, which had been made, and the others were never woken.
#[test]
fn a_waker_that_panics_harms_neither_who_writes_nor_the_others_who_wait() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }
    let (one, mut two) = duplex(16);
    let (count, waker) = CountWakes::new();
    for waker in [Waker::from(Arc::new(Panics)), waker] {
        let mut reader = &one;
        assert!(poll_with(&mut read(&mut reader, &mut [0; 1]), &waker).is_pending());
    }
    assert_eq!(block_on(write(&mut two, b"x")).unwrap(), 1);
    assert_eq!(count.get(), 1);
}
