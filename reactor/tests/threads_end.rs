//! The ends of threads and of the process, and threads with little room.

mod common;

use std::{
    cell::RefCell,
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    task::Waker,
    thread,
    time::Duration,
};

use common::{AtTheEnd, Elsewhere, HANG, block_on, child, poll_with, run, unix_pair};
use futures::{FutureExt, channel::oneshot};
use io_traits::{io as async_io, task::NotInTask};
use reactor::{Background, Core, PollEvented, mio::net::UnixStream};

thread_local! {
    static LAST: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
}

/// Has a thread call `prepare`, and what that returns when it ends: after the reactor's own thread-local
/// variables, which are younger, are gone.
#[track_caller]
fn at_the_end_of_a_thread<F: FnOnce() + 'static>(prepare: impl FnOnce() -> F + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        LAST.with(|_| ());
        let last = prepare();
        LAST.set(Some(AtTheEnd::new(move || {
            last();
            done.send(()).unwrap();
        })));
    });
    thread.join().unwrap();
    is_done.recv_timeout(HANG).expect("it has panicked");
}

/// A panic there ends the process.
#[test]
fn a_core_runs_in_a_destructor_of_an_ending_thread_as_anywhere_else() {
    let test = "a_core_runs_in_a_destructor_of_an_ending_thread_as_anywhere_else";
    child::alone(test, || {
        at_the_end_of_a_thread(|| {
            let mut core = Core::new().unwrap();
            let (mut stream, mut peer) = unix_pair(&core.handle());
            core.run(async {}).unwrap();
            move || {
                let (handle, spawner) = (core.handle(), core.spawner());
                for _ in 0..2 {
                    peer.write_all(b"x").unwrap();
                    let task = spawner.spawn(handle.sleep(Duration::from_millis(1)));
                    let read = run(&mut core, async {
                        task.await.unwrap().unwrap();
                        async_io::read(&mut stream, &mut [0]).await
                    });
                    assert_eq!(read.unwrap(), 1);
                    core.turn(Some(Duration::ZERO)).unwrap();
                }
                let mut second = Core::new().unwrap();
                run(&mut second, core.handle().sleep(Duration::ZERO).map(drop));
                // A task that keeps its waker, by which another thread wakes it.
                let (send, receive) = oneshot::channel();
                let woken = spawner.spawn(receive);
                core.turn(Some(Duration::ZERO)).unwrap();
                thread::spawn(move || send.send(7).unwrap());
                assert_eq!(run(&mut core, woken).unwrap(), Ok(7));
                // Nor is its end another one.
                let task = spawner.spawn(async {});
                let other = handle.spawn(async {});
                let mut sleep = handle.sleep(Duration::from_secs(60));
                assert!(poll_with(&mut sleep, Waker::noop()).is_pending());
                let error = stream.read(&mut [0]).unwrap_err();
                assert!(NotInTask::is_source_of(&error));
                drop((core, second));
                for task in [task, other] {
                    assert!(task.now_or_never().unwrap().unwrap_err().is_cancelled());
                }
                common::assert_gone(sleep.now_or_never().expect("a hang"));
            }
        });
    });
}

#[test]
fn what_lives_elsewhere_can_be_used_in_a_destructor_of_an_ending_thread() {
    let test = "what_lives_elsewhere_can_be_used_in_a_destructor_of_an_ending_thread";
    child::alone(test, || {
        let core = Elsewhere::new();
        let handle = core.handle.clone();
        let ran = Arc::new(AtomicU32::new(0));
        let counts = ran.clone();
        at_the_end_of_a_thread(move || {
            let (stream, peer) = unix_pair(&handle);
            let mut here = Core::new().unwrap();
            here.run(async {}).unwrap();
            let (mut stream, mut peer): (PollEvented<UnixStream>, _) = (stream, peer);
            move || {
                peer.write_all(b"bye").unwrap();
                let mut buf = [0; 3];
                futures::executor::block_on(async {
                    async_io::read_exact(&mut stream, &mut buf).await.unwrap();
                    handle.sleep(Duration::from_millis(1)).await.unwrap();
                    let counted = counts.clone();
                    let task = handle.spawn(async move {
                        counted.fetch_add(1, Ordering::SeqCst);
                    });
                    task.await.unwrap();
                });
                assert_eq!(&buf, b"bye");
                drop((stream, peer, here));
            }
        });
        assert_eq!(ran.load(Ordering::SeqCst), 1);
        assert_eq!(core.handle.metrics().registered, 0);
    });
}

#[test]
fn a_process_may_end_while_threads_use_its_reactors() {
    let test = "a_process_may_end_while_threads_use_its_reactors";
    child::alone(test, || {
        let background = Background::new().unwrap();
        let (busy, are_busy) = mpsc::channel();
        for _ in 0..3 {
            let (handle, busy) = (background.handle(), busy.clone());
            thread::spawn(move || {
                loop {
                    let (stream, mut peer) = unix_pair(&handle);
                    let mut stream = stream;
                    peer.write_all(b"x").unwrap();
                    futures::executor::block_on(async {
                        async_io::read_exact(&mut stream, &mut [0]).await.unwrap();
                        handle.sleep(Duration::from_micros(50)).await.unwrap();
                        handle.spawn(async {}).await.unwrap();
                    });
                    let _ = busy.send(());
                }
            });
        }
        for _ in 0..30 {
            are_busy.recv_timeout(HANG).unwrap();
        }
        // Nobody is waited for, and nothing is dropped: the process just ends.
        std::mem::forget(background);
    });
}

/// An embedded program may give its thread no more; the large things are on the heap.
#[test]
fn a_loop_needs_no_more_than_64_kib_of_stack() {
    let small = thread::Builder::new().stack_size(64 * 1024);
    let thread = small.spawn(|| {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (stream, mut peer) = unix_pair(&handle);
        let echo = core.spawner().spawn(async move {
            let (mut reader, mut writer) = (&stream, &stream);
            async_io::copy(&mut reader, &mut writer).await.unwrap()
        });
        let client = thread::spawn(move || {
            let mut byte = [0];
            for n in 0..50 {
                peer.write_all(&[n]).unwrap();
                peer.read_exact(&mut byte).unwrap();
            }
        });
        let panics = core.spawner().spawn(async { panic!("of a task") });
        let copied = run(&mut core, async {
            handle.sleep(Duration::from_millis(1)).await.unwrap();
            assert!(panics.await.unwrap_err().is_panic());
            echo.await.unwrap()
        });
        client.join().unwrap();
        copied
    });
    assert_eq!(block_on(async move { thread.unwrap().join().unwrap() }), 50);
}
