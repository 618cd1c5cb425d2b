//! Wakers are foreign code: whatever one does in its `wake`, nobody else suffers.

mod common;

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use common::{
    CountWakes, Elsewhere, parks, poll_with, run, settle, turn_until, unix_pair, within_reason,
};
use io_traits::io as async_io;
use reactor::{Core, Direction, Handle, JoinHandle, PollEvented, mio::net::UnixStream};

/// A waker that does something once.
struct Does<F>(Mutex<Option<F>>);

impl<F: FnOnce() + Send + 'static> Does<F> {
    fn waker(f: F) -> Waker {
        Waker::from(Arc::new(Self(Mutex::new(Some(f)))))
    }
}

impl<F: FnOnce() + Send + 'static> Wake for Does<F> {
    fn wake(self: Arc<Self>) {
        let f = self.0.lock().unwrap().take();
        if let Some(f) = f {
            f();
        }
    }
}

/// A stream with nothing to read, known to be so.
fn idle(handle: &Handle) -> (PollEvented<UnixStream>, std::os::unix::net::UnixStream) {
    let (stream, peer) = unix_pair(handle);
    assert!(stream.try_read_with(|mut io| io.read(&mut [0; 1])).is_err());
    (stream, peer)
}

#[track_caller]
fn park(stream: &PollEvented<UnixStream>, waker: &Waker) {
    assert!(parks(stream, Direction::Read, waker));
}

#[test]
fn a_waker_may_drop_its_object_and_others_of_the_batch() {
    within_reason(|| {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let objects = Arc::new(Mutex::new(Vec::new()));
        let mut peers = Vec::new();
        for _ in 0..10 {
            let (stream, peer) = idle(&handle);
            let all = objects.clone();
            park(
                &stream,
                &Does::waker(move || drop(std::mem::take(&mut *all.lock().unwrap()))),
            );
            objects.lock().unwrap().push(stream);
            peers.push(peer);
        }
        for peer in &mut peers {
            peer.write_all(b"x").unwrap();
        }
        settle(&mut core);
        assert!(objects.lock().unwrap().is_empty());
        assert_eq!(handle.metrics().registered, 0);
    });
}

#[test]
fn a_waker_may_use_its_object_the_handle_timers_and_spawn() {
    within_reason(|| {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (stream, mut peer) = idle(&handle);
        let stream = Arc::new(stream);
        let (done, done_waker) = CountWakes::new();
        let inside = stream.clone();
        park(
            &stream,
            &Does::waker(move || {
                assert!(!parks(&inside, Direction::Read, Waker::noop()));
                assert_eq!(
                    inside.try_read_with(|mut io| io.read(&mut [0; 4])).unwrap(),
                    1
                );
                assert!(inside.try_read_with(|mut io| io.read(&mut [0; 4])).is_err());
                park(&inside, Waker::noop());
                let mut sleep = handle.sleep(Duration::ZERO);
                let _ = poll_with(&mut sleep, Waker::noop());
                let _ = handle.metrics();
                let (other, _peer) = unix_pair(&handle);
                drop(other);
                drop(handle.spawn(async move { done_waker.wake() }));
            }),
        );
        peer.write_all(b"x").unwrap();
        turn_until(&mut core, || done.get() == 1);
    });
}

#[test]
fn a_waker_that_panics_keeps_no_other_of_its_batch_from_being_woken() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    for _ in 0..2 {
        let pairs: Vec<_> = (0..10).map(|_| idle(&handle)).collect();
        let counts: Vec<_> = pairs
            .iter()
            .enumerate()
            .map(|(n, (stream, _))| {
                if n % 3 == 0 {
                    park(stream, &Does::waker(|| panic!("on purpose")));
                }
                let (count, waker) = CountWakes::new();
                park(stream, &waker);
                count
            })
            .collect();
        for (_, peer) in &pairs {
            let mut peer = peer;
            peer.write_all(b"x").unwrap();
        }
        settle(&mut core);
        assert!(counts.iter().all(|count| count.get() == 1));
    }
}

#[test]
fn a_timer_waker_that_panics_keeps_no_other_from_firing() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let mut bad = handle.sleep(Duration::from_millis(30));
    assert!(poll_with(&mut bad, &Does::waker(|| panic!("on purpose"))).is_pending());
    let mut sleeps: Vec<_> = (0..10)
        .map(|_| handle.sleep(Duration::from_millis(30)))
        .collect();
    let (count, waker) = CountWakes::new();
    for sleep in &mut sleeps {
        assert!(poll_with(sleep, &waker).is_pending());
    }
    turn_until(&mut core, || count.get() == 10);
}

#[test]
fn a_waker_that_panics_when_the_core_goes_keeps_nobody_from_hearing_of_it() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, _peer) = idle(&handle);
    park(&stream, &Does::waker(|| panic!("on purpose")));
    let (count, waker) = CountWakes::new();
    park(&stream, &waker);
    let mut sleep = handle.sleep(Duration::from_secs(60));
    assert!(poll_with(&mut sleep, &waker).is_pending());
    drop(core);
    assert_eq!(count.get(), 2);
}

/// A full set of waiters wakes all of them for want of room, on the thread and in the poll of whoever
/// comes next.
#[test]
fn a_waker_that_panics_when_it_is_displaced_harms_neither_who_displaces_nor_the_displaced() {
    let core = Core::new().unwrap();
    let (stream, _peer) = idle(&core.handle());
    park(&stream, &Does::waker(|| panic!("on purpose")));
    let (count, waker) = CountWakes::new();
    let mut parked = 0;
    let innocent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        while count.get() == 0 && parked < 1_000 {
            // Each is a waker of its own, and all wake the one that counts.
            let waker = waker.clone();
            park(&stream, &Does::waker(move || waker.wake()));
            parked += 1;
        }
    }));
    assert!(
        innocent.is_ok(),
        "the panic came out of another task's poll"
    );
    assert!(
        count.get() + 1 >= parked,
        "{} of {parked} were woken",
        count.get()
    );
}

/// A task has panicked; whoever waits for it has a waker that panics as well.
#[test]
fn a_join_waker_that_panics_harms_neither_the_loop_nor_other_tasks() {
    let mut core = Core::new().unwrap();
    let spawner = core.spawner();
    let ends: [fn(); 2] = [|| (), || panic!("on purpose")];
    for end in ends {
        let mut task: JoinHandle<()> = spawner.spawn(async move { end() });
        let aborted: JoinHandle<()> = spawner.spawn(std::future::pending());
        let mut aborted = aborted;
        let waker = Does::waker(|| panic!("on purpose"));
        assert!(poll_with(&mut task, &waker).is_pending());
        let waker = Does::waker(|| panic!("on purpose"));
        assert!(poll_with(&mut aborted, &waker).is_pending());
        aborted.abort();
        let (count, waker) = CountWakes::new();
        drop(spawner.spawn(async move { waker.wake() }));
        let turned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| settle(&mut core)));
        assert!(
            turned.is_ok(),
            "the panic of a foreign waker came out of the loop"
        );
        assert_eq!(count.get(), 1);
        assert!(poll_with(&mut task, Waker::noop()).is_ready());
        assert!(poll_with(&mut aborted, Waker::noop()).is_ready());
        assert_eq!(
            spawner.task_count(),
            0,
            "a task that is done is still counted"
        );
    }
}

#[test]
fn a_waker_that_owns_its_object_is_freed_by_the_event_and_by_the_end_of_the_core() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let cycle = |handle: &Handle| {
        let (stream, peer) = idle(handle);
        let stream = Arc::new(stream);
        let inside = stream.clone();
        park(&stream, &Does::waker(move || drop(inside)));
        (Arc::downgrade(&stream), peer)
    };
    let (weak, mut peer) = cycle(&handle);
    peer.write_all(b"x").unwrap();
    settle(&mut core);
    assert!(weak.upgrade().is_none(), "freed by its event");
    let (weak, _peer) = cycle(&handle);
    drop(core);
    assert!(weak.upgrade().is_none(), "freed by the end of the core");
}

#[test]
fn wakers_that_outlive_the_core_do_nothing_and_free_their_task() {
    struct Dropped(Waker);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.wake_by_ref();
        }
    }
    let mut core = Core::new().unwrap();
    let (stolen, thief) = std::sync::mpsc::channel();
    let (dropped, waker) = CountWakes::new();
    for _ in 0..1_000 {
        let stolen = stolen.clone();
        let guard = Dropped(waker.clone());
        let steal = std::future::poll_fn(move |cx: &mut Context<'_>| {
            let _ = &guard;
            let _ = stolen.send(cx.waker().clone());
            Poll::<()>::Pending
        });
        drop(core.spawner().spawn(steal));
    }
    while core.next_deadline().is_some() {
        settle(&mut core);
    }
    drop(core);
    assert_eq!(dropped.get(), 1_000);
    let wakers: Vec<_> = thief.try_iter().collect();
    assert_eq!(wakers.len(), 1_000);
    let elsewhere = std::thread::spawn(move || {
        wakers.iter().for_each(Waker::wake_by_ref);
        wakers.into_iter().for_each(Waker::wake);
    });
    elsewhere.join().unwrap();
}

#[test]
fn a_wake_of_a_finished_task_does_not_reach_the_next_one_in_its_place() {
    let mut core = Core::new().unwrap();
    let spawner = core.spawner();
    let (send, stolen) = std::sync::mpsc::channel();
    let first = spawner.spawn(std::future::poll_fn(move |cx| {
        send.send(cx.waker().clone()).unwrap();
        Poll::Ready(())
    }));
    run(&mut core, first).unwrap();
    let (count, counted) = CountWakes::new();
    drop(spawner.spawn(std::future::poll_fn(move |_| {
        counted.wake_by_ref();
        Poll::<()>::Pending
    })));
    settle(&mut core);
    assert_eq!(count.get(), 1);
    stolen.recv().unwrap().wake();
    settle(&mut core);
    assert_eq!(count.get(), 1);
}

#[test]
fn an_object_dropped_by_one_thread_while_another_is_woken_loses_nobody() {
    let core = Elsewhere::new();
    for _ in 0..200 {
        let (stream, mut peer) = idle(&core.handle);
        let stream = Arc::new(stream);
        let reading = stream.clone();
        let (count, waker) = CountWakes::new();
        park(&stream, &waker);
        let writer = std::thread::spawn(move || peer.write_all(b"x").map(|()| peer));
        drop(stream);
        count.wait_for(1);
        drop(writer.join().unwrap().unwrap());
        futures::executor::block_on(async_io::read_exact(&mut &*reading, &mut [0; 1])).unwrap();
    }
}

/// With poll(2), mio takes an object whose peer has gone out by its number, and may take out the next one that has it.
#[test]
fn an_object_in_the_place_of_one_whose_peer_has_gone_is_heard_of() {
    let core = Elsewhere::new();
    for _ in 0..5_000 {
        let (stream, mut peer) = idle(&core.handle);
        let (count, waker) = CountWakes::new();
        park(&stream, &waker);
        peer.write_all(b"x").unwrap();
        count.wait_for(1);
        // Now, and not after the stream: the loop is told of it while the number is used again.
        drop(peer);
        drop(stream);
    }
}

/// A panic carries a value, and the drop of that may panic once more.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("once more, on purpose");
    }
}

#[test]
fn a_waker_whose_panic_panics_once_more_does_not_end_the_loop() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = idle(&core.handle());
    park(&stream, &Does::waker(|| std::panic::panic_any(Bomb)));
    let (count, waker) = CountWakes::new();
    park(&stream, &waker);
    peer.write_all(b"x").unwrap();
    settle(&mut core);
    assert_eq!(count.get(), 1);
}

/// The last of a waker runs what its task had owned.
#[test]
fn a_waker_that_panics_when_it_is_dropped_keeps_no_other_from_being_woken() {
    /// Panics at the end, unless that has been called off.
    struct Ends(Arc<Mutex<bool>>);
    impl Wake for Ends {
        fn wake(self: Arc<Self>) {}
        fn wake_by_ref(self: &Arc<Self>) {}
    }
    impl Drop for Ends {
        fn drop(&mut self) {
            let armed = std::mem::replace(&mut *self.0.lock().unwrap(), false);
            assert!(!armed, "on purpose");
        }
    }
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let bomb = || {
        let armed = Arc::new(Mutex::new(true));
        (armed.clone(), Waker::from(Arc::new(Ends(armed))))
    };
    for gone in [false, true] {
        let (stream, mut peer) = idle(&handle);
        let mut sleep = handle.sleep(Duration::from_millis(5));
        let (armed, waker) = bomb();
        park(&stream, &waker);
        let (also_armed, at_the_timer) = bomb();
        assert!(poll_with(&mut sleep, &at_the_timer).is_pending());
        drop((waker, at_the_timer));
        let (count, waker) = CountWakes::new();
        park(&stream, &waker);
        let mut other = handle.sleep(Duration::from_millis(5));
        assert!(poll_with(&mut other, &waker).is_pending());
        if gone {
            drop(core);
            assert_eq!(count.get(), 2);
            assert!(!*armed.lock().unwrap() && !*also_armed.lock().unwrap());
            return;
        }
        peer.write_all(b"x").unwrap();
        turn_until(&mut core, || count.get() == 2);
        assert!(!*armed.lock().unwrap() && !*also_armed.lock().unwrap());
    }
}
