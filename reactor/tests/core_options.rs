//! Loops that spin before they sleep, and loops that measure their time. What a spin does is counted; no clock
//! is asked but for what must not be early.

mod common;

use std::{
    future::poll_fn,
    io::{Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use common::{HANG, block_on, child, run, udp_pair, unix_pair, within_reason};
use futures::channel::oneshot;
use io_traits::{io as async_io, task};
use reactor::{Background, Core, CoreOptions, Handle, yield_now};

const NOW: Option<Duration> = Some(Duration::ZERO);
/// No test takes so long, so a loop that spins for that never sleeps.
const FOR_EVER: Duration = HANG.saturating_mul(10);

fn spinning(time: Duration) -> Core {
    Core::with_options(CoreOptions::new().spin(time)).unwrap()
}

/// Waits until the loop has spun for a while.
#[track_caller]
fn wait_until_it_spins(handle: &Handle) {
    let spins = || handle.metrics().spins;
    let before = spins();
    wait_until(|| spins() > before + 3);
}

#[track_caller]
fn wait_until(done: impl Fn() -> bool) {
    let deadline = Instant::now() + HANG;
    while !done() {
        assert!(Instant::now() < deadline, "it has not come to that");
        thread::yield_now();
    }
}

#[test]
fn a_loop_that_spins_answers_datagrams_and_bytes_without_sleeping() {
    const ROUNDS: usize = 5;
    within_reason(|| {
        let mut core = spinning(FOR_EVER);
        let handle = core.handle();
        let (datagrams, sender) = udp_pair(&handle);
        let (bytes, mut peer) = unix_pair(&handle);
        let client = thread::spawn({
            let handle = handle.clone();
            move || {
                let mut buf = [0; 8];
                for _ in 0..ROUNDS {
                    wait_until_it_spins(&handle);
                    sender.send(b"datagram").unwrap();
                    assert_eq!(sender.recv(&mut buf).unwrap(), 8);
                    wait_until_it_spins(&handle);
                    peer.write_all(b"b").unwrap();
                    peer.read_exact(&mut buf[..1]).unwrap();
                }
            }
        });
        core.run(async {
            let (mut buf, mut byte) = ([0; 8], [0]);
            for _ in 0..ROUNDS {
                task::io(|| datagrams.read_with(|io| io.recv(&mut buf)))
                    .await
                    .unwrap();
                datagrams.get_ref().send(&buf).unwrap();
                async_io::read_exact(&mut &bytes, &mut byte).await.unwrap();
                async_io::write_all(&mut &bytes, &byte).await.unwrap();
            }
        })
        .unwrap();
        client.join().unwrap();
        assert_eq!(handle.metrics().sleeps, 0);
    });
}

#[test]
fn a_wake_from_another_thread_ends_a_spin_and_writes_to_nobody() {
    within_reason(|| {
        let mut core = spinning(FOR_EVER);
        let handle = core.handle();
        let (send, receive) = oneshot::channel();
        let other = thread::spawn({
            let handle = handle.clone();
            move || {
                wait_until_it_spins(&handle);
                let before = handle.metrics().interrupts;
                let task = handle.spawn(async { 5 });
                assert_eq!(futures::executor::block_on(task).unwrap(), 5);
                wait_until_it_spins(&handle);
                send.send(7).unwrap();
                // The loop's next sleep, if there were one, is not this one's business.
                handle.metrics().interrupts - before
            }
        });
        assert_eq!(core.run(receive).unwrap(), Ok(7));
        assert_eq!(other.join().unwrap(), 0, "writes to the poller");
        assert_eq!(handle.metrics().sleeps, 0);
    });
}

#[test]
fn a_loop_that_has_spun_for_its_time_sleeps_until_something_comes_and_then_spins_again() {
    within_reason(|| {
        let mut core = spinning(Duration::from_millis(1));
        let handle = core.handle();
        let (bytes, mut peer) = unix_pair(&handle);
        let client = thread::spawn({
            let handle = handle.clone();
            move || {
                for round in 1..=3 {
                    wait_until(|| handle.metrics().sleeps == round);
                    let asleep = handle.metrics();
                    thread::sleep(Duration::from_millis(20));
                    let later = handle.metrics();
                    assert_eq!(later.spins, asleep.spins, "it is not asleep");
                    assert_eq!(later.turns, asleep.turns);
                    peer.write_all(b"x").unwrap();
                    wait_until(|| handle.metrics().spins > asleep.spins);
                }
                // Not before the loop is asleep again, or it may end this while it spins.
                wait_until(|| handle.metrics().sleeps == 4);
                peer.write_all(b"x").unwrap();
            }
        });
        let mut buf = [0; 4];
        core.run(async_io::read_exact(&mut &bytes, &mut buf))
            .unwrap()
            .unwrap();
        client.join().unwrap();
        assert!(core.handle().metrics().spins >= 4);
    });
}

#[test]
fn a_loop_that_need_not_wait_does_not_spin() {
    let mut core = spinning(FOR_EVER);
    for _ in 0..100 {
        core.turn(NOW).unwrap();
    }
    // There is always somebody who has something to do.
    let busy = core.spawner().spawn(async {
        loop {
            yield_now().await;
        }
    });
    for _ in 0..100 {
        core.turn(Some(FOR_EVER)).unwrap();
    }
    run(&mut core, async {
        for _ in 0..100 {
            yield_now().await;
        }
    });
    drop(busy);
    let metrics = core.handle().metrics();
    assert_eq!((metrics.spins, metrics.sleeps), (0, 0));
}

#[test]
fn without_the_option_no_loop_spins() {
    let mut core = Core::new().unwrap();
    let sleep = core.handle().sleep(Duration::from_millis(5));
    run(&mut core, sleep).unwrap();
    core.turn(Some(Duration::from_millis(1))).unwrap();
    let metrics = core.handle().metrics();
    assert_eq!(metrics.spins, 0);
    assert!(metrics.sleeps > 0);
}

#[test]
fn a_limit_or_timer_within_the_spin_ends_it_and_a_timer_is_not_early() {
    within_reason(|| {
        let mut core = spinning(FOR_EVER);
        let started = Instant::now();
        core.turn(Some(Duration::from_millis(2))).unwrap();
        assert!(started.elapsed() >= Duration::from_millis(2));
        let sleep = core.handle().sleep(Duration::from_millis(5));
        let started = Instant::now();
        core.run(sleep).unwrap().unwrap();
        assert!(started.elapsed() >= Duration::from_millis(5));
        let metrics = core.handle().metrics();
        assert_eq!(metrics.sleeps, 0);
        assert!(metrics.spins > 0);
    });
}

#[test]
fn a_timer_that_another_thread_sets_ends_a_spin() {
    within_reason(|| {
        let mut core = spinning(FOR_EVER);
        let handle = core.handle();
        let (send, receive) = oneshot::channel();
        let other = thread::spawn({
            let handle = handle.clone();
            move || {
                wait_until_it_spins(&handle);
                futures::executor::block_on(handle.sleep(Duration::from_millis(2))).unwrap();
                send.send(()).unwrap();
            }
        });
        core.run(receive).unwrap().unwrap();
        other.join().unwrap();
        assert_eq!(handle.metrics().sleeps, 0);
    });
}

/// The sleep that follows a spin waits for what is left.
#[test]
#[cfg(not(mio_unsupported_force_poll_poll))]
fn the_time_of_a_spin_comes_out_of_the_wait() {
    const SPIN: u32 = 60;
    const WAIT: u32 = 100;
    let test = "the_time_of_a_spin_comes_out_of_the_wait";
    let trace = child::traced(test, &["-e", "trace=epoll_wait,statx"], || {
        let mut core = spinning(Duration::from_millis(SPIN.into()));
        let sleep = core.handle().sleep(Duration::from_millis(WAIT.into()));
        child::watched(|| core.run(sleep).unwrap().unwrap());
        assert!(core.handle().metrics().sleeps > 0);
    });
    let Some(trace) = trace else { return };
    // epoll_wait(3, [], 1024, 41) = 0
    let waits = trace.lines_of("").filter_map(|line| {
        let (_, call) = line.split_once("epoll_wait(")?;
        let milliseconds = call.split_once(')')?.0.rsplit(", ").next()?;
        milliseconds.parse::<u32>().ok()
    });
    let (looks, sleeps): (Vec<u32>, Vec<u32>) = waits.partition(|wait| *wait == 0);
    assert!(looks.len() > 1, "{} looks", looks.len());
    // About 40 ms: the system counts in whole milliseconds, and all is rounded up.
    let longest = sleeps
        .into_iter()
        .max()
        .expect("it sleeps after it has spun");
    assert!(longest < SPIN, "it sleeps for {longest} ms");
}

#[test]
fn a_background_reactor_spins_too() {
    let options = CoreOptions::new().spin(FOR_EVER);
    let background = Background::with_options("spins", options).unwrap();
    let handle = background.handle();
    let (bytes, mut peer) = unix_pair(&handle);
    wait_until_it_spins(&handle);
    let client = thread::spawn(move || peer.write_all(b"x").unwrap());
    block_on(async move {
        let mut byte = [0];
        async_io::read_exact(&mut &bytes, &mut byte).await.unwrap();
    });
    client.join().unwrap();
    assert_eq!(handle.metrics().sleeps, 0);
    background.stop().unwrap();
}

fn measuring() -> Core {
    Core::with_options(CoreOptions::new().measure_time()).unwrap()
}

#[test]
fn the_time_of_a_loop_is_what_it_waits_and_what_it_does_and_no_more() {
    let mut core = measuring();
    let handle = core.handle();
    let time = || {
        let metrics = handle.metrics();
        (metrics.wait_time, metrics.busy_time)
    };
    let begun = Instant::now();
    core.turn(Some(Duration::from_millis(20))).unwrap();
    let inside = begun.elapsed();
    let (wait, busy) = time();
    assert!(wait >= Duration::from_millis(20), "{wait:?}");
    assert!(wait + busy <= inside, "{wait:?} + {busy:?} of {inside:?}");

    // What happens outside is not the loop's.
    thread::sleep(Duration::from_millis(20));
    let begun = Instant::now();
    core.run(async { thread::sleep(Duration::from_millis(20)) })
        .unwrap();
    let inside = inside + begun.elapsed();
    let (_, busy) = time();
    assert!(busy >= Duration::from_millis(20), "{busy:?}");
    assert!(wait + busy <= inside, "{wait:?} + {busy:?} of {inside:?}");
    assert_eq!(time(), (wait, busy));
}

#[test]
fn a_spin_is_a_wait() {
    within_reason(|| {
        let options = CoreOptions::new().spin(FOR_EVER).measure_time();
        let mut core = Core::with_options(options).unwrap();
        core.turn(Some(Duration::from_millis(20))).unwrap();
        let metrics = core.handle().metrics();
        assert_eq!(metrics.sleeps, 0);
        assert!(metrics.wait_time >= Duration::from_millis(20));
    });
}

#[test]
fn a_loop_that_never_waits_is_seen_to_be_busy_while_it_is_and_a_panic_hides_nothing() {
    let mut core = measuring();
    let handle = core.handle();
    run(&mut core, async {
        let before = handle.metrics().busy_time;
        while handle.metrics().busy_time < before + Duration::from_millis(10) {
            thread::sleep(Duration::from_millis(1));
            yield_now().await;
        }
    });
    // The limit of `run` is a timer, which is asked for and not waited for.
    assert_eq!(handle.metrics().wait_time, Duration::ZERO);
    let before = handle.metrics().busy_time;
    let panics = catch_unwind(AssertUnwindSafe(|| {
        core.run(poll_fn(|_| -> Poll<()> {
            thread::sleep(Duration::from_millis(10));
            panic!("on purpose")
        }))
    }));
    assert!(panics.is_err());
    assert!(handle.metrics().busy_time >= before + Duration::from_millis(10));
}

#[test]
fn without_the_option_no_time_is_measured() {
    let mut core = Core::new().unwrap();
    let sleep = core.handle().sleep(Duration::from_millis(2));
    run(&mut core, sleep).unwrap();
    let metrics = core.handle().metrics();
    assert_eq!(metrics.wait_time + metrics.busy_time, Duration::ZERO);
}
