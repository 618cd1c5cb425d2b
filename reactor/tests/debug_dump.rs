//! What a reactor tells of itself: the dump for "why does it hang?", and the numbers of what there is now.

mod common;

use std::{
    io::{Read, Write},
    os::fd::{AsFd, AsRawFd},
    thread,
    time::{Duration, Instant},
};

use common::{
    CountWakes, Elsewhere, child, number, parks, poll_with, run, settle, unix_pair, unix_pair_with,
    within_reason,
};
use io_traits::task;
use reactor::{Core, Direction, Options, Trigger};

#[test]
fn a_task_that_hangs_is_found_with_its_descriptor_and_direction() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let before = Instant::now();
    let (mut ours, mut theirs) = unix_pair(&handle);
    let after = Instant::now();
    let fd = ours.as_fd().as_raw_fd();
    drop(core.spawner().spawn(async move {
        let mut buf = [0; 4];
        for _ in 0..2 {
            task::io(|| ours.read(&mut buf)).await.unwrap();
        }
    }));
    settle(&mut core);
    theirs.write_all(b"once").unwrap();
    settle(&mut core);
    // The second one never comes.
    let youngest = after.elapsed().as_secs_f64();
    let dump = handle.debug_dump();
    let oldest = before.elapsed().as_secs_f64();
    assert_eq!((dump.objects(), dump.waiters()), (1, 1));
    let text = dump.to_string();
    assert!(text.starts_with("1 object, 0 timers, 1 task; "), "{text}");
    // The times of both ends are in whole tenths of a second.
    let age = age_of(fd, &text);
    assert!((youngest - 0.1..=oldest + 0.1).contains(&age), "{text}");
    let line = format!("\nfd {fd}, edge-triggered, registered {age:.1} s ago\n");
    assert!(text.contains(&line), "{text}");
    assert!(
        text.contains("\n  read:  reported, not ready after 1 event; task 0 waits\n"),
        "{text}"
    );
    assert!(
        text.contains("\n  write: not reported, ready without an event"),
        "{text}"
    );
    assert_eq!(dump.metrics().events, 1);
}

#[test]
fn it_tells_of_triggers_pauses_closes_and_of_who_waits() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (ours, theirs) = unix_pair_with(&handle, Options::new().trigger(Trigger::Level));
    let (_one, waker) = CountWakes::new();
    let (_two, other) = CountWakes::new();
    let _ = ours.try_read_with(|mut io| io.read(&mut [0]));
    assert!(parks(&ours, Direction::Read, &waker));
    assert!(parks(&ours, Direction::Read, &other));
    ours.pause(Direction::Read).unwrap();
    let text = handle.debug_dump().to_string();
    assert!(text.contains(", level-triggered, "), "{text}");
    assert!(
        text.contains("read:  paused, not ready without an event; 2 wakers wait"),
        "{text}"
    );
    ours.resume(Direction::Read).unwrap();
    drop(theirs);
    settle(&mut core);
    let text = handle.debug_dump().to_string();
    assert!(text.contains(", the peer has closed"), "{text}");
    assert!(!text.contains("wait"), "{text}");
    drop(ours);
    assert_eq!(handle.debug_dump().objects(), 0);
}

#[test]
fn it_can_be_had_from_any_thread_while_the_loop_sleeps() {
    let core = Elsewhere::new();
    let handle = core.handle.clone();
    let (mut ours, _theirs) = unix_pair(&handle);
    let hangs = handle.spawn(async move {
        task::io(|| ours.read(&mut [0])).await.unwrap();
    });
    let looks = core.handle.clone();
    let text = within_reason(move || {
        while looks.debug_dump().waiters() == 0 {
            thread::yield_now();
        }
        looks.debug_dump().to_string()
    });
    assert!(text.contains("waits"));
    hangs.abort();
}

#[test]
fn tasks_and_timers_are_counted_while_they_live() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let now = |handle: &reactor::Handle| {
        let metrics = handle.metrics();
        (metrics.tasks, metrics.timers)
    };
    assert_eq!(now(&handle), (0, 0));
    let tasks: Vec<_> = (0..5)
        .map(|_| core.spawner().spawn(std::future::pending::<()>()))
        .collect();
    let mut sleeps: Vec<_> = (0..3)
        .map(|_| handle.sleep(Duration::from_secs(60)))
        .collect();
    assert_eq!(now(&handle), (5, 0));
    for sleep in &mut sleeps {
        assert!(poll_with(sleep, std::task::Waker::noop()).is_pending());
    }
    assert_eq!(now(&handle), (5, 3));
    sleeps.pop();
    tasks[0].abort();
    settle(&mut core);
    assert_eq!(now(&handle), (4, 2));
    run(&mut core, handle.sleep(Duration::from_millis(1))).unwrap();
    assert_eq!(now(&handle), (4, 2));
    assert!(run(&mut core, core_task_that_panics(&handle)).is_err());
    assert_eq!(now(&handle), (4, 2));
    drop(core);
    assert_eq!(now(&handle), (0, 0));
}

async fn core_task_that_panics(handle: &reactor::Handle) -> Result<(), reactor::JoinError> {
    handle.spawn(async { panic!("of a task") }).await
}

/// The age is in it at no cost of memory: it fits where nothing was.
#[test]
fn an_object_is_as_old_as_its_registration() {
    let test = "an_object_is_as_old_as_its_registration";
    child::alone(test, || {
        let core = Core::new().unwrap();
        let handle = core.handle();
        let (older, _peer) = unix_pair(&handle);
        let dump = || handle.debug_dump().to_string();
        while age_of(number(older.get_ref()), &dump()) < 0.3 {
            thread::sleep(Duration::from_millis(10));
        }
        let (newer, _peer) = unix_pair(&handle);
        let (new, old) = (
            age_of(number(newer.get_ref()), &dump()),
            age_of(number(older.get_ref()), &dump()),
        );
        assert!(new <= old - 0.2, "{new} s and {old} s");
    });
}

/// In seconds, from the text of a dump.
fn age_of(descriptor: i32, text: &str) -> f64 {
    let (_, object) = text.split_once(&format!("\nfd {descriptor}, ")).unwrap();
    let (_, age) = object.split_once("registered ").unwrap();
    age.split_once(" s ago").unwrap().0.parse().unwrap()
}
