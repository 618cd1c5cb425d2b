//! Letting others run, and the spawn traits of futures.

mod common;

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    rc::Rc,
    time::{Duration, Instant},
};

use common::{run, settle, unix_pair};
use futures::{
    executor::{LocalPool, block_on},
    task::{LocalSpawn, LocalSpawnExt, Spawn, SpawnExt},
};
use io_traits::task;
use reactor::{Core, yield_now};

#[test]
fn tasks_that_yield_take_turns_in_the_order_of_their_coming() {
    let mut core = Core::new().unwrap();
    let order = Rc::new(RefCell::new(Vec::new()));
    for name in ["a", "b", "c"] {
        let order = order.clone();
        drop(core.spawner().spawn(async move {
            for round in 0..3 {
                order.borrow_mut().push((round, name));
                yield_now().await;
            }
        }));
    }
    for _ in 0..5 {
        core.turn(Some(Duration::ZERO)).unwrap();
    }
    let names = ["a", "b", "c"];
    let expected = (0..3).flat_map(|round| names.map(|name| (round, name)));
    assert_eq!(*order.borrow(), expected.collect::<Vec<_>>());
}

#[test]
fn who_yields_goes_on_behind_what_the_poller_has_found_meanwhile() {
    let mut core = Core::new().unwrap();
    let (mut ours, mut theirs) = unix_pair(&core.handle());
    let read = Rc::new(Cell::new(false));
    let seen = read.clone();
    drop(core.spawner().spawn(async move {
        task::io(|| ours.read(&mut [0])).await.unwrap();
        seen.set(true);
    }));
    settle(&mut core);
    core.run(async {
        theirs.write_all(b"x").unwrap();
        assert!(!read.get());
        yield_now().await;
        assert!(read.get(), "it came first");
    })
    .unwrap();
}

#[test]
fn a_task_that_yields_for_ever_keeps_the_loop_awake_but_starves_nobody() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let yields = Rc::new(Cell::new(0_u64));
    let counted = yields.clone();
    drop(core.spawner().spawn(async move {
        loop {
            counted.set(counted.get() + 1);
            yield_now().await;
        }
    }));
    let start = Instant::now();
    run(&mut core, handle.sleep(Duration::from_millis(20))).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(20));
    // One poll for each visit of the poller, which never waited.
    let metrics = handle.metrics();
    assert!(yields.get() > 1 && yields.get() <= metrics.turns + 1);
    assert_eq!(metrics.sleeps, 0);
    assert_eq!(
        core.next_deadline().map(|at| at <= Instant::now()),
        Some(true)
    );
}

#[test]
fn a_wake_from_elsewhere_while_it_yields_costs_no_second_poll() {
    let mut core = Core::new().unwrap();
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    drop(core.spawner().spawn(std::future::poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        if counted.get() > 1 {
            return std::task::Poll::Ready(());
        }
        let mut yielding = yield_now();
        let polled = std::pin::Pin::new(&mut yielding).poll(cx);
        cx.waker().wake_by_ref();
        polled
    })));
    settle(&mut core);
    assert_eq!((polls.get(), core.spawner().task_count()), (2, 0));
}

#[test]
fn under_other_executors_it_yields_as_well() {
    block_on(async {
        for _ in 0..3 {
            yield_now().await;
        }
    });
    // Of two loops, the task is the inner one's.
    let mut core = Core::new().unwrap();
    core.run(async {
        let mut pool = LocalPool::new();
        let spawner = pool.spawner();
        spawner.spawn_local(async { yield_now().await }).unwrap();
        pool.run_until_stalled();
    })
    .unwrap();
}

#[test]
fn libraries_may_spawn_through_the_traits_of_futures_until_the_core_is_gone() {
    let mut core = Core::new().unwrap();
    let (handle, spawner) = (core.handle(), core.spawner());
    let local = Rc::new(());
    let held = local.clone();
    let one = spawner
        .spawn_local_with_handle(async move { Rc::strong_count(&held) })
        .unwrap();
    let two = handle.spawn_with_handle(async { 2 }).unwrap();
    let three = spawner.spawn_with_handle(async { 3 }).unwrap();
    let all = run(&mut core, async { (one.await, two.await, three.await) });
    assert_eq!(all, (2, 2, 3));
    assert!(handle.status().is_ok() && spawner.status().is_ok() && spawner.status_local().is_ok());
    drop(core);
    assert!(handle.status().unwrap_err().is_shutdown());
    assert!(spawner.status().unwrap_err().is_shutdown());
    assert!(spawner.status_local().unwrap_err().is_shutdown());
    assert!(handle.spawn(async {}).is_finished());
    assert!(
        SpawnExt::spawn(&handle, async {})
            .unwrap_err()
            .is_shutdown()
    );
    assert!(spawner.spawn_local(async {}).unwrap_err().is_shutdown());
}
