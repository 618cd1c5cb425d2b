//! What crates above keep beside a reactor.

mod common;

use std::sync::{
    Arc, Barrier, Weak,
    atomic::{AtomicUsize, Ordering},
};

use common::within_reason;
use reactor::Core;

#[derive(Debug, Default)]
struct One(AtomicUsize);

#[derive(Debug, Default)]
struct Two;

#[test]
fn every_handle_of_a_reactor_finds_the_same_value_of_a_type() {
    let core = Core::new().unwrap();
    let one = core.handle().extension(One::default);
    let two = core.handle().extension(Two::default);
    one.0.store(7, Ordering::Relaxed);
    let again = core.handle().extension(|| -> One { panic!("it is there") });
    assert_eq!(again.0.load(Ordering::Relaxed), 7);
    assert!(Arc::ptr_eq(&two, &core.handle().extension(Two::default)));
}

#[test]
fn two_reactors_share_nothing() {
    let (one, two) = (Core::new().unwrap(), Core::new().unwrap());
    let (one, two) = (one.handle(), two.handle());
    assert!(!Arc::ptr_eq(
        &one.extension(One::default),
        &two.extension(One::default)
    ));
}

#[test]
fn the_value_ends_with_the_last_handle_not_with_the_core() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let value: Weak<One> = Arc::downgrade(&handle.extension(One::default));
    drop(core);
    assert!(value.upgrade().is_some());
    drop(handle);
    assert!(value.upgrade().is_none());
}

#[test]
fn making_one_value_may_ask_for_another() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    within_reason(move || {
        handle.extension(|| {
            handle.extension(Two::default);
            One::default()
        })
    });
}

#[test]
fn threads_that_come_first_at_once_agree() {
    const THREADS: usize = 8;
    for _ in 0..50 {
        let core = Core::new().unwrap();
        let start = Arc::new(Barrier::new(THREADS));
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (handle, start) = (core.handle(), start.clone());
                std::thread::spawn(move || {
                    start.wait();
                    handle.extension(One::default)
                })
            })
            .collect();
        let mut values = threads.into_iter().map(|thread| thread.join().unwrap());
        let first = values.next().unwrap();
        assert!(values.all(|value| Arc::ptr_eq(&first, &value)));
    }
}
