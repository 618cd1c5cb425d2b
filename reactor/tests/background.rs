//! A reactor on a thread of its own, under other executors.

mod common;

use std::{
    fs,
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{self, TryRecvError},
    },
    thread,
    time::Duration,
};

use common::{CountWakes, HANG, assert_gone, block_on, poll_with, tell_end_of_thread, unix_pair};
use futures::FutureExt;
use io_traits::{io as async_io, task};
use reactor::Background;

#[test]
fn objects_and_timers_work_under_any_executor_while_it_turns() {
    let background = Background::new().unwrap();
    let handle = background.handle();
    let (mut ours, mut theirs) = unix_pair(&handle);
    let peer = thread::spawn(move || {
        for round in 0..100 {
            let mut byte = [0];
            theirs.read_exact(&mut byte).unwrap();
            assert_eq!(byte, [round]);
            theirs.write_all(&byte).unwrap();
        }
    });
    block_on(async move {
        for round in 0..100 {
            async_io::write_all(&mut ours, &[round]).await.unwrap();
            let mut byte = [0];
            async_io::read_exact(&mut ours, &mut byte).await.unwrap();
            assert_eq!(byte, [round]);
        }
        handle.sleep(Duration::from_millis(1)).await.unwrap();
    });
    peer.join().unwrap();
}

#[test]
fn several_turn_at_once_and_each_thread_has_its_name_and_ends_with_its_owner() {
    let backgrounds = ["turns-one", "turns-two"].map(|name| Background::named(name).unwrap());
    let [one, two] = backgrounds.each_ref().map(|background| {
        let (tell, ended) = mpsc::channel();
        let handle = background.handle();
        let name = block_on(async move {
            handle.sleep(Duration::from_millis(1)).await.unwrap();
            let task = handle.spawn(async {
                tell_end_of_thread(tell);
                let listed = fs::read_to_string("/proc/thread-self/comm").unwrap();
                let name = thread::current().name().map(String::from);
                (name.unwrap(), listed.trim_end().to_owned())
            });
            task.await.unwrap()
        });
        (name, ended)
    });
    for ((name, _), expected) in [&one, &two].into_iter().zip(["turns-one", "turns-two"]) {
        assert_eq!(*name, (expected.to_owned(), expected.to_owned()));
    }
    let ((_, one_ended), (_, two_ended)) = (one, two);
    let [one, two] = backgrounds;
    assert_eq!(one_ended.try_recv(), Err(TryRecvError::Empty));
    one.stop().unwrap();
    assert_eq!(one_ended.try_recv(), Ok(()));
    assert_eq!(two_ended.try_recv(), Err(TryRecvError::Empty));
    drop(two);
    assert_eq!(two_ended.try_recv(), Ok(()));
}

#[test]
fn tasks_that_can_be_sent_run_on_its_thread() {
    let background = Background::named("runs-tasks").unwrap();
    let task = background.handle().spawn(async {
        let name = thread::current().name().map(String::from);
        name.unwrap()
    });
    assert_eq!(block_on(task).unwrap(), "runs-tasks");
    let panics = background.handle().spawn(async { panic!("of a task") });
    assert!(block_on(panics).unwrap_err().is_panic());
    assert!(!background.is_finished());
    background.stop().unwrap();
}

#[test]
fn whoever_waits_when_it_ends_is_woken_and_hears_that_the_reactor_is_gone() {
    for by_drop in [false, true] {
        let background = Background::new().unwrap();
        let handle = background.handle();
        let (mut ours, _theirs) = unix_pair(&handle);
        let dropped = Arc::new(());
        let held = dropped.clone();
        let forever = handle.spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        let mut sleep = handle.sleep(Duration::MAX);
        let (count, waker) = CountWakes::new();
        let mut buf = [0];
        let mut read = task::io(|| ours.read(&mut buf));
        assert!(poll_with(&mut read, &waker).is_pending());
        assert!(poll_with(&mut sleep, &waker).is_pending());
        if by_drop {
            drop(background);
        } else {
            background.stop().unwrap();
        }
        // Its end was waited for, so all that is already so.
        assert!(count.get() >= 2);
        assert_eq!(Arc::strong_count(&dropped), 1);
        assert_gone(read.now_or_never().expect("a hang"));
        assert_gone(sleep.now_or_never().expect("a hang"));
        assert!(block_on(forever).unwrap_err().is_cancelled());
        let late = handle.spawn(async {});
        assert!(block_on(late).unwrap_err().is_cancelled());
    }
}

/// It would wait for itself.
#[test]
fn a_drop_in_a_task_of_its_own_thread_does_not_wait_and_the_thread_ends() {
    for by_drop in [false, true] {
        let background = Background::new().unwrap();
        let handle = background.handle();
        let (send, receive) = mpsc::channel();
        drop(handle.spawn(async move {
            if by_drop {
                drop(background);
            } else {
                let error = background.stop().unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::Deadlock);
            }
            send.send(()).unwrap();
        }));
        receive.recv_timeout(HANG).unwrap();
        // The handle's core goes when the thread does.
        assert_gone(block_on(handle.sleep(Duration::MAX)));
    }
}

#[test]
fn a_name_that_no_thread_can_have_is_an_error_and_no_panic() {
    let error = Background::named("a\0b").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

/// A loop that the system fails ends, and tells everybody why.
#[cfg_attr(
    mio_unsupported_force_poll_poll,
    ignore = "the call that is made to fail is epoll's"
)]
#[test]
fn an_error_of_the_poller_ends_the_thread_and_is_what_stop_says() {
    let test = "an_error_of_the_poller_ends_the_thread_and_is_what_stop_says";
    let inject = "inject=epoll_wait:error=EBADF:when=2+";
    common::child::traced(test, &["-e", inject], || {
        let background = Background::new().unwrap();
        let handle = background.handle();
        // Whoever waits hears of it, and so does whoever comes later.
        for _ in 0..2 {
            assert_gone(block_on(handle.sleep(Duration::MAX)));
        }
        while !background.is_finished() {
            thread::yield_now();
        }
        let error = background.stop().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(9));
    });
}

/// The news of the end used to come first, so that another thread could go on while the task's destructors were
/// still running.
#[test]
fn a_join_from_another_thread_comes_after_the_tasks_last_destructor() {
    struct Slow(Arc<AtomicU32>);
    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(5));
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let background = Background::new().unwrap();
    let ended = Arc::new(AtomicU32::new(0));
    for (expected, how) in (1..).zip(["aborted", "panicked", "done"]) {
        let slow = Slow(ended.clone());
        let task = background.handle().spawn(async move {
            let _slow = slow;
            match how {
                "aborted" => std::future::pending().await,
                "panicked" => panic!("of a task"),
                _ => {}
            }
        });
        if how == "aborted" {
            task.abort();
        }
        let _ = block_on(task);
        assert_eq!(ended.load(Ordering::SeqCst), expected, "{how}");
    }
}
