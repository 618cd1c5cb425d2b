//! A function that blocks, on a few threads, called once for all who ask.

mod by_name;
mod common;

use std::{
    collections::HashSet,
    error::Error,
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
    task::{Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use by_name::Door;
use common::{CountWakes, HANG, block_on, child, poll_once, poll_with, within_reason};
use futures::future::join_all;
use net::{Resolve, ResolverPool};
use reactor::Core;

fn one_addr() -> Vec<SocketAddr> {
    vec!["192.0.2.1:0".parse().unwrap()]
}

/// A pool whose calls wait at a door.
fn behind(door: &Arc<Door>) -> ResolverPool {
    let door = door.clone();
    ResolverPool::new(move |_| {
        door.pass();
        Ok(one_addr())
    })
}

#[test]
fn a_thousand_lookups_of_one_host_at_one_time_are_one_call_on_one_thread() {
    let door = Door::new();
    let pool = behind(&door);
    let lookups: Vec<_> = (0..1_000).map(|_| pool.resolve("a.example")).collect();
    door.wait_for(1);
    door.open();
    for answer in block_on(join_all(lookups)) {
        assert_eq!(answer.unwrap(), one_addr());
    }
    assert_eq!(door.came(), 1);
}

#[test]
fn a_lookup_after_the_answer_is_a_new_call() {
    let door = Door::new();
    door.open();
    let pool = behind(&door);
    for calls in 1..=3 {
        block_on(pool.resolve("a.example")).unwrap();
        assert_eq!(door.came(), calls);
    }
}

#[test]
fn hosts_are_told_apart_and_each_gets_its_own_answer() {
    let pool = ResolverPool::new(|host| Ok(vec![format!("192.0.2.{host}:0").parse().unwrap()]));
    let answers = join_all((0..100).map(|host| pool.resolve(&host.to_string())));
    for (host, answer) in block_on(answers).into_iter().enumerate() {
        let addr: SocketAddr = format!("192.0.2.{host}:0").parse().unwrap();
        assert_eq!(answer.unwrap(), [addr]);
    }
}

#[test]
fn there_are_never_more_calls_at_one_time_than_threads_allowed() {
    for (threads, allowed) in [(None, 4), (Some(1), 1), (Some(3), 3), (Some(0), 1)] {
        let door = Door::new();
        let mut pool = behind(&door);
        if let Some(threads) = threads {
            pool = pool.threads(threads);
        }
        let lookups: Vec<_> = (0..20)
            .map(|host| pool.resolve(&host.to_string()))
            .collect();
        // As many as allowed come, whether or not any of them gets on.
        door.wait_for(allowed);
        door.open();
        for answer in block_on(join_all(lookups)) {
            answer.unwrap();
        }
        assert_eq!(door.came(), 20);
        assert_eq!(door.most_inside(), allowed);
    }
}

#[test]
fn a_thread_that_is_free_is_used_before_another_one_is_started() {
    let used = Arc::new(Mutex::new(HashSet::new()));
    let note = used.clone();
    let pool = ResolverPool::new(move |_| {
        note.lock().unwrap().insert(thread::current().id());
        Ok(one_addr())
    });
    let pool = pool.threads(usize::MAX);
    // The answer comes a moment before its thread is free, so it may be missed now and then.
    for host in 0..200 {
        block_on(pool.resolve(&host.to_string())).unwrap();
    }
    let used = used.lock().unwrap().len();
    assert!(used < 200, "every lookup had a thread of its own");
}

#[test]
fn a_lookup_that_is_dropped_before_its_turn_is_no_call() {
    let door = Door::new();
    let pool = behind(&door).threads(1);
    let first = pool.resolve("first");
    door.wait_for(1);
    let others: Vec<_> = (0..100)
        .map(|host| pool.resolve(&host.to_string()))
        .collect();
    let last = pool.resolve("last");
    drop(others);
    door.open();
    block_on(first).unwrap();
    block_on(last).unwrap();
    assert_eq!(door.came(), 2);
}

#[test]
fn one_of_many_who_is_dropped_takes_the_answer_from_nobody() {
    let door = Door::new();
    let pool = behind(&door).threads(1);
    let first = pool.resolve("first");
    door.wait_for(1);
    let mut queued: Vec<_> = (0..3).map(|_| pool.resolve("queued")).collect();
    drop(queued.remove(1));
    drop(queued.remove(0));
    door.open();
    block_on(queued.remove(0)).unwrap();
    block_on(first).unwrap();
    assert_eq!(door.came(), 2);
}

#[test]
fn a_host_whose_lookup_hangs_holds_one_thread_however_often_it_is_tried() {
    let door = Door::new();
    let hanging = door.clone();
    let pool = ResolverPool::new(move |host| {
        if host == "hangs" {
            hanging.pass();
        }
        Ok(one_addr())
    })
    .threads(2);
    for _ in 0..100 {
        let mut lookup = pool.resolve("hangs");
        door.wait_for(1);
        assert!(poll_once(&mut lookup).is_pending());
    }
    // The other thread does all the rest.
    for host in 0..10 {
        block_on(pool.resolve(&host.to_string())).unwrap();
    }
    let last = pool.resolve("hangs");
    door.open();
    block_on(last).unwrap();
    assert_eq!(door.came(), 1);
}

#[test]
fn an_error_is_given_to_all_with_its_kind_its_text_and_its_source() {
    #[derive(Debug)]
    struct Mine;
    impl std::fmt::Display for Mine {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("mine")
        }
    }
    impl Error for Mine {}

    let door = Door::new();
    let entered = door.clone();
    let pool = ResolverPool::new(move |_| {
        entered.pass();
        Err(io::Error::new(ErrorKind::PermissionDenied, Mine))
    });
    let lookups: Vec<_> = (0..3).map(|_| pool.resolve("a.example")).collect();
    door.open();
    for error in block_on(join_all(lookups)) {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(error.to_string(), "mine");
        let shared = error.get_ref().unwrap().downcast_ref::<Arc<io::Error>>();
        assert!(shared.unwrap().get_ref().unwrap().is::<Mine>());
    }
}

#[test]
fn an_error_of_the_system_keeps_its_code() {
    let pool = ResolverPool::new(|_| Err(io::Error::from_raw_os_error(libc::EMFILE)));
    let error = block_on(pool.resolve("a.example")).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
}

#[test]
fn a_function_that_panics_is_an_error_and_its_thread_goes_on() {
    let (threads, used) = mpsc::channel();
    let pool = ResolverPool::new(move |host| {
        threads.send(thread::current().id()).unwrap();
        assert!(host != "panics", "on purpose");
        Ok(one_addr())
    })
    .threads(1);
    let error = block_on(pool.resolve("panics")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(error.to_string().contains("panicked"));
    block_on(pool.resolve("does not")).unwrap();
    assert_eq!(used.recv().unwrap(), used.recv().unwrap());
}

/// A panic carries a value, whose drop may panic once more: that one ended the thread, and nobody got an
/// answer.
#[test]
fn a_function_whose_panic_panics_once_more_is_an_error_and_its_thread_goes_on() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("once more, on purpose");
        }
    }
    let pool = ResolverPool::new(|host| match host {
        "panics" => std::panic::panic_any(Bomb),
        _ => Ok(one_addr()),
    })
    .threads(1);
    let error = block_on(pool.resolve("panics")).unwrap_err();
    assert!(error.to_string().contains("panicked"));
    block_on(pool.resolve("does not")).unwrap();
}

#[test]
fn the_task_is_woken_once_and_the_last_of_its_wakers() {
    let door = Door::new();
    let pool = behind(&door);
    let mut lookup = pool.resolve("a.example");
    let (earlier, earlier_waker) = CountWakes::new();
    let (later, later_waker) = CountWakes::new();
    assert!(poll_with(&mut lookup, &earlier_waker).is_pending());
    assert!(poll_with(&mut lookup, &later_waker).is_pending());
    door.open();
    later.wait_for(1);
    assert!(poll_with(&mut lookup, &later_waker).is_ready());
    assert_eq!((earlier.get(), later.get()), (0, 1));
}

#[test]
fn a_waker_that_panics_harms_neither_the_others_nor_the_thread() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }
    let door = Door::new();
    let pool = behind(&door).threads(1);
    let mut lookups: Vec<_> = (0..20).map(|_| pool.resolve("a.example")).collect();
    for lookup in lookups.iter_mut().step_by(2) {
        assert!(poll_with(lookup, &Waker::from(Arc::new(Panics))).is_pending());
    }
    let mut counts = Vec::new();
    for lookup in lookups.iter_mut().skip(1).step_by(2) {
        let (count, waker) = CountWakes::new();
        assert!(poll_with(lookup, &waker).is_pending());
        counts.push(count);
    }
    door.open();
    for count in counts {
        count.wait_for(1);
    }
    block_on(pool.resolve("b.example")).unwrap();
}

/// A pool that says when its function is dropped: when nothing is left of it, threads included.
fn telling(door: &Arc<Door>) -> (ResolverPool, mpsc::Receiver<()>) {
    let (alive, ended) = mpsc::channel::<()>();
    let door = door.clone();
    let pool = ResolverPool::new(move |_| {
        let _keep = &alive;
        door.pass();
        Ok(one_addr())
    });
    (pool, ended)
}

#[test]
fn the_threads_end_with_the_pool() {
    let door = Door::new();
    door.open();
    let (pool, ended) = telling(&door);
    let lookups = join_all((0..20).map(|host| pool.resolve(&host.to_string())));
    for answer in block_on(lookups) {
        answer.unwrap();
    }
    assert_eq!(ended.try_recv(), Err(mpsc::TryRecvError::Empty));
    drop(pool);
    let end = ended.recv_timeout(HANG);
    assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn nobody_waits_for_a_call_that_hangs_when_the_pool_ends() {
    let door = Door::new();
    let (pool, ended) = telling(&door);
    let lookup = pool.resolve("hangs");
    door.wait_for(1);
    drop(lookup);
    within_reason(move || drop(pool));
    assert_eq!(ended.try_recv(), Err(mpsc::TryRecvError::Empty));
    door.open();
    let end = ended.recv_timeout(HANG);
    assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn what_was_asked_before_the_pool_ended_is_still_answered() {
    let door = Door::new();
    let (pool, ended) = telling(&door);
    let lookups: Vec<_> = (0..20)
        .map(|host| pool.resolve(&host.to_string()))
        .collect();
    drop(pool);
    door.open();
    for answer in block_on(join_all(lookups)) {
        answer.unwrap();
    }
    let end = ended.recv_timeout(HANG);
    assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected));
}

/// Asks, polls and drops from several threads at once, with answers in between: every lookup that is
/// waited for gets the answer of its own host.
#[test]
fn lookups_from_many_threads_at_once_all_get_their_answers() {
    let pool = ResolverPool::new(|host| Ok(vec![format!("192.0.2.{host}:0").parse().unwrap()]));
    let pool = Arc::new(pool.threads(2));
    let askers: Vec<_> = (0..4)
        .map(|seed| {
            let pool = pool.clone();
            thread::spawn(move || {
                let mut random = common::Random::new(seed + 1);
                for _ in 0..2_000 {
                    let host = random.below(5);
                    let mut lookup = pool.resolve(&host.to_string());
                    match random.below(3) {
                        0 => drop(lookup),
                        1 => drop(poll_once(&mut lookup)),
                        _ => {
                            let addrs = futures::executor::block_on(lookup).unwrap();
                            assert_eq!(addrs[0].to_string(), format!("192.0.2.{host}:0"));
                        }
                    }
                }
            })
        })
        .collect();
    within_reason(move || {
        for asker in askers {
            asker.join().unwrap();
        }
    });
}

#[test]
fn without_a_thread_to_be_had_it_is_an_error_and_not_a_hang() {
    let test = "without_a_thread_to_be_had_it_is_an_error_and_not_a_hang";
    let inject = [
        "-e",
        "trace=clone3,clone",
        "-e",
        "inject=clone3,clone:error=EAGAIN",
    ];
    let trace = child::traced(test, &inject, || {
        let pool = ResolverPool::system();
        for _ in 0..2 {
            let mut lookup = pool.resolve("localhost");
            match poll_once(&mut lookup) {
                Poll::Ready(Err(error)) => assert_eq!(error.raw_os_error(), Some(libc::EAGAIN)),
                other => panic!("{other:?}"),
            }
        }
    });
    if let Some(trace) = trace {
        assert!(trace.lines("INJECTED") >= 2);
    }
}

/// Threads of this process that resolve names.
fn resolver_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "resolver").count()
}

#[test]
fn the_default_pool_begins_with_the_first_name_and_ends_with_the_last_handle() {
    let test = "the_default_pool_begins_with_the_first_name_and_ends_with_the_last_handle";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        common::run(&mut core, net::lookup("127.0.0.1:80", &handle)).unwrap();
        common::run(&mut core, net::lookup("[::1]:80", &handle)).unwrap();
        assert_eq!(resolver_threads(), 0, "addresses need no thread");
        for _ in 0..100 {
            common::run(&mut core, net::lookup("localhost:80", &handle)).unwrap();
        }
        assert!((1..=4).contains(&resolver_threads()));
        drop(core);
        assert!((1..=4).contains(&resolver_threads()));
        drop(handle);
        let deadline = Instant::now() + HANG;
        while resolver_threads() > 0 {
            assert!(
                Instant::now() < deadline,
                "a thread outlives the last handle"
            );
            thread::sleep(Duration::from_millis(1));
        }
    });
}
