//! Tasks that are joined and cancelled together.

mod common;

use std::{cell::Cell, future::pending, rc::Rc, thread, time::Duration};

use common::{block_on, poll_with, run, settle};
use futures::{FutureExt, StreamExt};
use reactor::{Core, TaskGroup};

#[test]
fn results_come_in_the_order_in_which_tasks_end_whichever_way_they_were_spawned() {
    let mut core = Core::new().unwrap();
    let (handle, spawner) = (core.handle(), core.spawner());
    let mut group: TaskGroup<u64> = [30, 10].map(|ms| sleeper(&core, ms)).into_iter().collect();
    group.add(handle.spawn(async { 0 }));
    assert_eq!((group.len(), group.is_empty()), (3, false));
    let done: Vec<_> = run(&mut core, group.by_ref().map(Result::unwrap).collect());
    assert_eq!(done, [0, 10, 30]);
    group.extend([spawner.spawn(async { panic!("of a task") })]);
    let result = run(&mut core, group.next()).unwrap();
    assert!(result.unwrap_err().is_panic());
    // It goes on when one more is added.
    assert!(group.is_empty());
    group.add(spawner.spawn(async { 7 }));
    assert_eq!(run(&mut core, group.next()).unwrap().unwrap(), 7);
}

fn sleeper(core: &Core, ms: u64) -> reactor::JoinHandle<u64> {
    let handle = core.handle();
    core.spawner().spawn(async move {
        handle.sleep(Duration::from_millis(ms)).await.unwrap();
        ms
    })
}

/// Counts its drops.
struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

fn waiting(core: &Core, tasks: usize) -> (TaskGroup<()>, Rc<Cell<u32>>) {
    let drops = Rc::new(Cell::new(0));
    let group = (0..tasks)
        .map(|_| {
            let counted = Counted(drops.clone());
            core.spawner().spawn(async move {
                let _counted = counted;
                pending().await
            })
        })
        .collect();
    (group, drops)
}

#[test]
fn dropping_the_group_ends_its_tasks_and_detaching_does_not() {
    for detached in [false, true] {
        let mut core = Core::new().unwrap();
        let (group, drops) = waiting(&core, 10);
        settle(&mut core);
        if detached {
            group.detach();
        } else {
            drop(group);
        }
        settle(&mut core);
        assert_eq!(drops.get(), if detached { 0 } else { 10 });
        assert_eq!(core.spawner().task_count(), if detached { 10 } else { 0 });
    }
}

#[test]
fn after_a_shutdown_every_task_is_gone() {
    let mut core = Core::new().unwrap();
    let (mut group, drops) = waiting(&core, 10);
    settle(&mut core);
    run(&mut core, group.shutdown());
    assert_eq!((drops.get(), group.len()), (10, 0));
    assert_eq!(core.spawner().task_count(), 0);
}

#[test]
fn a_shutdown_that_is_cancelled_has_ended_the_tasks_all_the_same() {
    let mut core = Core::new().unwrap();
    let (mut group, drops) = waiting(&core, 3);
    settle(&mut core);
    let mut shutdown = Box::pin(group.shutdown());
    assert!(poll_with(&mut shutdown, std::task::Waker::noop()).is_pending());
    drop(shutdown);
    settle(&mut core);
    assert_eq!(drops.get(), 3);
    let results: Vec<_> = run(&mut core, group.collect());
    assert!(
        results
            .into_iter()
            .all(|result| result.unwrap_err().is_cancelled())
    );
}

#[test]
fn a_group_is_awaited_from_another_thread_and_hears_when_the_core_goes() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let mut group: TaskGroup<()> = (0..3).map(|_| handle.spawn(pending())).collect();
    let waits = thread::spawn(move || {
        let results: Vec<_> = block_on(async move { group.by_ref().collect().await });
        results
            .into_iter()
            .all(|result| result.unwrap_err().is_cancelled())
    });
    drop(core);
    assert!(waits.join().unwrap());
    let mut empty = TaskGroup::<()>::new();
    assert!(empty.next().now_or_never().unwrap().is_none());
}
