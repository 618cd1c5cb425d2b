//! Signals as a stream; each test is a process of its own.
#![cfg(feature = "signal")]

mod common;

use std::{
    io::{ErrorKind, Write},
    process::{Command, id},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::{assert_gone, child, open_descriptors, poll_with, run, settle, unix_pair};
use futures::{FutureExt, StreamExt, future::join, stream::FusedStream};
use io_traits::io as async_io;
use nix::sys::{
    pthread::{pthread_kill, pthread_self},
    signal::Signal,
};
use reactor::{
    Core,
    signal::{Signals, consts::*, ctrl_c},
};

/// Has another program send a signal to this process.
fn kill(signal: &str) {
    let kill = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {}", id())])
        .status();
    assert!(kill.unwrap().success());
}

#[test]
fn signals_of_another_process_come_and_wake_the_task() {
    let test = "signals_of_another_process_come_and_wake_the_task";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let mut signals = Signals::new([SIGTERM, SIGHUP], &core.handle()).unwrap();
        for (name, number) in [("TERM", SIGTERM), ("HUP", SIGHUP), ("TERM", SIGTERM)] {
            assert!(poll_with(&mut signals.next(), std::task::Waker::noop()).is_pending());
            let sender = thread::spawn(move || kill(name));
            assert_eq!(run(&mut core, signals.next()).unwrap().unwrap(), number);
            sender.join().unwrap();
        }
    });
}

#[test]
fn what_comes_before_it_is_taken_is_kept_once() {
    let test = "what_comes_before_it_is_taken_is_kept_once";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let mut signals = Signals::new([SIGUSR1, SIGUSR2], &core.handle()).unwrap();
        for name in ["USR1", "USR2", "USR1"] {
            kill(name);
        }
        settle(&mut core);
        let mut taken = [0; 2].map(|_: i32| run(&mut core, signals.next()).unwrap().unwrap());
        taken.sort_unstable();
        assert_eq!(taken, [SIGUSR1, SIGUSR2]);
        // Another thread may have been interrupted by the last one only now.
        let mut more = 0;
        let limit = Duration::from_millis(20);
        while core
            .run(core.handle().timeout(limit, signals.next()))
            .unwrap()
            .is_ok()
        {
            more += 1;
        }
        assert!(more <= 1);
    });
}

#[test]
fn everybody_who_listens_gets_a_signal_in_whatever_core() {
    let test = "everybody_who_listens_gets_a_signal_in_whatever_core";
    child::alone(test, || {
        let (mut one, mut two) = (Core::new().unwrap(), Core::new().unwrap());
        let mut here = Signals::new([SIGUSR1], &one.handle()).unwrap();
        let mut too = Signals::new([SIGUSR1], &one.handle()).unwrap();
        let mut there = Signals::new([SIGUSR1], &two.handle()).unwrap();
        kill("USR1");
        let (a, b) = run(&mut one, join(here.next(), too.next()));
        let c = run(&mut two, there.next());
        assert_eq!([a, b, c].map(|got| got.unwrap().unwrap()), [SIGUSR1; 3]);
    });
}

#[test]
fn ctrl_c_is_a_future_and_the_process_lives_on() {
    let test = "ctrl_c_is_a_future_and_the_process_lives_on";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        {
            let mut pressed = Box::pin(ctrl_c(&handle));
            assert!(poll_with(&mut pressed, std::task::Waker::noop()).is_pending());
            kill("INT");
            run(&mut core, pressed).unwrap();
        }
        // Nobody listens any more, and the default action has not come back.
        kill("INT");
        settle(&mut core);
    });
}

#[test]
fn nothing_is_left_behind_when_it_is_dropped() {
    let test = "nothing_is_left_behind_when_it_is_dropped";
    child::alone(test, || {
        let core = Core::new().unwrap();
        let handle = core.handle();
        drop(Signals::new([SIGUSR1], &handle).unwrap());
        let before = open_descriptors();
        for _ in 0..100 {
            drop(Signals::new([SIGUSR1, SIGUSR2], &handle).unwrap());
        }
        assert_eq!(open_descriptors(), before);
        assert_eq!(handle.metrics().registered, 0);
        kill("USR1");
    });
}

#[test]
fn signals_that_cannot_be_listened_for_are_errors_and_so_is_a_core_that_is_gone() {
    let test = "signals_that_cannot_be_listened_for_are_errors_and_so_is_a_core_that_is_gone";
    child::alone(test, || {
        let core = Core::new().unwrap();
        let handle = core.handle();
        for forbidden in [SIGKILL, SIGSTOP, SIGSEGV, SIGILL, SIGFPE] {
            let error = Signals::new([forbidden], &handle).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        for none in [-1, 0, 1_000] {
            assert!(Signals::new([none], &handle).is_err(), "{none}");
        }
        let mut signals = Signals::new([SIGUSR1], &handle).unwrap();
        assert!(poll_with(&mut signals.next(), std::task::Waker::noop()).is_pending());
        drop(core);
        // As a stream it ends, so that a loop over it does.
        assert!(!signals.is_terminated());
        assert_gone(signals.next().now_or_never().expect("a hang").unwrap());
        for _ in 0..2 {
            assert!(signals.next().now_or_never().expect("a hang").is_none());
            assert!(signals.is_terminated());
            let again = std::future::poll_fn(|cx| signals.poll_signal(cx));
            assert_gone(again.now_or_never().expect("a hang"));
        }
        assert_gone(Signals::new([SIGUSR1], &handle));
    });
}

/// Each ends whatever wait its thread is in: epoll_wait(2) is never restarted, signal(7).
#[test]
fn a_storm_of_signals_ends_waits_early_and_loses_nothing() {
    let test = "a_storm_of_signals_ends_waits_early_and_loses_nothing";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let mut signals = Signals::new([SIGUSR1], &handle).unwrap();
        let (mut stream, mut peer) = unix_pair(&handle);
        let calm = Arc::new(AtomicBool::new(false));
        let here = pthread_self();
        let storm = thread::spawn({
            let calm = calm.clone();
            move || {
                while !calm.load(Ordering::Relaxed) {
                    pthread_kill(here, Signal::SIGUSR1).unwrap();
                    thread::sleep(Duration::from_micros(100));
                }
            }
        });
        run(&mut core, async {
            for n in 0..100 {
                let (begun, short) = (Instant::now(), Duration::from_millis(1));
                handle.sleep(short).await.unwrap();
                assert!(begun.elapsed() >= short, "early");
                peer.write_all(&[n]).unwrap();
                let mut byte = [0];
                async_io::read_exact(&mut stream, &mut byte).await.unwrap();
                assert_eq!(byte, [n]);
                assert_eq!(signals.next().await.unwrap().unwrap(), SIGUSR1);
            }
        });
        calm.store(true, Ordering::Relaxed);
        storm.join().unwrap();
    });
}
