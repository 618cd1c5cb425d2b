//! A child process, by fork(2), that goes on with what it has inherited: it hears where it is, and its parent
//! hears nothing of it.

mod common;

use std::{
    io::{self, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use common::{CountWakes, child, poll_with, run, settle, unix_pair, with_cx};
use futures::FutureExt;
use io_traits::task;
use reactor::{Background, Core, Forked, PollEvented, mio};

/// Runs `body` in a child process; fails if it panics there.
#[track_caller]
fn in_a_child(body: impl FnOnce()) {
    // SAFETY: in the child only this thread goes on; nothing that it calls needs another one.
    match unsafe { libc::fork() } {
        -1 => panic!("{}", io::Error::last_os_error()),
        0 => {
            let result = catch_unwind(AssertUnwindSafe(body));
            // SAFETY: it only ends the process: the parent's destructors are not run here.
            unsafe { libc::_exit(i32::from(result.is_err())) }
        }
        pid => {
            let mut status = 0;
            // SAFETY: `status` is borrowed for writing.
            assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
            assert_eq!(status, 0, "the child has failed");
        }
    }
}

#[track_caller]
fn assert_forked<T>(result: io::Result<T>) {
    match result {
        Ok(_) => panic!("it went on with the parent's reactor"),
        Err(error) => assert!(Forked::is_source_of(&error), "{error:?}"),
    }
}

#[test]
fn a_child_hears_that_the_reactor_is_its_parents_whatever_it_tries() {
    let test = "a_child_hears_that_the_reactor_is_its_parents_whatever_it_tries";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let (handle, spawner) = (core.handle(), core.spawner());
        let (ours, mut theirs) = unix_pair(&handle);
        let (other, _peer) = unix_pair(&handle);
        let mut forever = handle.spawn(std::future::pending::<()>());
        settle(&mut core);
        assert_eq!(*handle.extension(|| "the parent's"), "the parent's");
        let before = handle.metrics();
        let (mut here, mut other) = (Some((core, ours)), Some(other));
        in_a_child(|| {
            let (mut core, mut ours) = here.take().unwrap();
            for _ in 0..2 {
                assert_forked(core.turn(Some(Duration::ZERO)));
                assert_forked(core.run(async {}));
                let (one, _) = std::os::unix::net::UnixStream::pair().unwrap();
                one.set_nonblocking(true).unwrap();
                let one = mio::net::UnixStream::from_std(one);
                assert_forked(PollEvented::on_demand(one, &handle).map_err(Into::into));
                let (_, waker) = CountWakes::new();
                with_cx(&waker, |cx| {
                    assert_forked(task::enter(cx, || ours.read(&mut [0])));
                });
                assert_forked(ours.readable().now_or_never().expect("a hang"));
                let sleep = handle.sleep(Duration::from_secs(60));
                assert_forked(sleep.now_or_never().expect("a hang"));
                let task = handle.spawn(async {});
                let joined = task.now_or_never().expect("a hang");
                assert!(joined.unwrap_err().is_cancelled());
            }
            forever.abort();
            let joined = (&mut forever).now_or_never().expect("a hang");
            assert!(joined.unwrap_err().is_cancelled());
            assert_eq!(
                (handle.metrics().registered, handle.debug_dump().objects()),
                (0, 0)
            );
            drop(spawner.spawn(async {}));
            // What is kept beside the reactor belongs to the parent, and so does its lock.
            assert_eq!(*handle.extension(|| "a child's"), "a child's");
            // What needs no wait is done all the same.
            with_cx(std::task::Waker::noop(), |cx| {
                assert_eq!(
                    task::enter(cx, || ours.write(b"from the child")).unwrap(),
                    14
                );
            });
            // With a core of its own it may use the object.
            let inherited = other.take().unwrap().into_inner().unwrap();
            let mut own = Core::new().unwrap();
            let mut object = PollEvented::on_demand(inherited, &own.handle()).unwrap();
            let read = own.handle().timeout(
                Duration::from_millis(1),
                std::future::poll_fn(|cx| task::poll_io(cx, || object.read(&mut [0]))),
            );
            let nothing = own.run(read).unwrap();
            assert_eq!(nothing.unwrap_err().kind(), io::ErrorKind::TimedOut);
            drop(object);
            drop(ours);
            drop(core);
        });
        // The child has taken its copies.
        let (mut core, mut ours) = here.unwrap();
        // The parent has heard nothing of all that.
        assert_eq!(*handle.extension(|| "no longer needed"), "the parent's");
        let mut buf = [0; 32];
        let n = theirs.read(&mut buf).unwrap();
        assert_eq!(&buf[..n], b"from the child");
        let after = handle.metrics();
        assert_eq!(after.registered, before.registered);
        assert_eq!(after.interrupts, before.interrupts);
        settle(&mut core);
        assert_eq!(handle.metrics().events, before.events);
        assert_eq!(handle.metrics().stale_events, 0);
        assert!(!forever.is_finished());
        // And goes on: its object is still registered, although the child has dropped it.
        let (count, waker) = CountWakes::new();
        let mut byte = [0];
        let mut read = task::io(|| ours.read(&mut byte));
        assert!(poll_with(&mut read, &waker).is_pending());
        theirs.write_all(b"x").unwrap();
        common::turn_until(&mut core, || count.get() > 0);
        assert_eq!(run(&mut core, read).unwrap(), 1);
    });
}

#[test]
fn a_child_that_was_forked_inside_of_run_comes_out_of_it_with_an_error() {
    let test = "a_child_that_was_forked_inside_of_run_comes_out_of_it_with_an_error";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let pid = core.run(async {
            // SAFETY: as in `in_a_child`; the child returns from `run` and ends.
            let pid = unsafe { libc::fork() };
            handle.sleep(Duration::from_millis(1)).await.map(|()| pid)
        });
        match pid {
            Ok(Ok(pid)) if pid > 0 => {
                let mut status = 0;
                // SAFETY: `status` is borrowed for writing.
                assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
                assert_eq!(status, 0, "the child has failed");
            }
            in_child => {
                let heard = in_child.and_then(|slept| slept).unwrap_err();
                let code = i32::from(!Forked::is_source_of(&heard));
                // SAFETY: it only ends the process.
                unsafe { libc::_exit(code) }
            }
        }
    });
}

/// The thread is not there, and to wait for it would be for ever.
#[test]
fn a_child_cannot_wait_for_the_thread_of_a_background_reactor() {
    let test = "a_child_cannot_wait_for_the_thread_of_a_background_reactor";
    child::alone(test, || {
        for by_drop in [false, true] {
            let mut background = Some(Background::new().unwrap());
            let handle = background.as_ref().unwrap().handle();
            in_a_child(|| {
                let background = background.take().unwrap();
                if by_drop {
                    drop(background);
                } else {
                    assert_forked(background.stop());
                }
                assert_forked(handle.sleep(Duration::MAX).now_or_never().expect("a hang"));
                Background::new().unwrap().stop().unwrap();
            });
            // In the parent it turns as before.
            futures::executor::block_on(handle.sleep(Duration::from_millis(1))).unwrap();
        }
    });
}
