//! One waker is lent to all tasks that keep none: whoever keeps it wakes the task that it was lent to, and no other.

mod common;

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    io::{Read, Write},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use common::{run, settle, unix_pair};
use futures::{FutureExt, StreamExt, future::join_all, stream::FuturesUnordered};
use reactor::{Core, yield_now};

/// Which waker each poll of a task has seen: not a clone of it, which would keep it.
#[test]
fn tasks_that_keep_no_waker_share_one_and_those_that_wait_for_the_reactor_keep_none() {
    fn noted<F: Future>(
        future: F,
        seen: &Rc<RefCell<Vec<usize>>>,
    ) -> impl Future<Output = F::Output> + use<F> {
        let (mut future, seen) = (Box::pin(future), seen.clone());
        poll_fn(move |cx| {
            seen.borrow_mut().push(cx.waker().data().addr());
            future.as_mut().poll(cx)
        })
    }
    let mut core = Core::new().unwrap();
    let (handle, spawner) = (core.handle(), core.spawner());
    let (mut ours, mut theirs) = unix_pair(&handle);
    let (lent, kept) = (Rc::default(), Rc::default());
    let sleep = handle.sleep(Duration::from_millis(1));
    let long = handle.sleep(Duration::from_millis(10));
    let mut tasks = vec![
        spawner.spawn(noted(yield_now(), &lent)),
        spawner.spawn(noted(async { sleep.await.unwrap() }, &lent)),
        spawner.spawn(noted(async { long.await.unwrap() }, &lent)),
        spawner.spawn(noted(
            async move {
                io_traits::task::io(|| ours.read_exact(&mut [0]))
                    .await
                    .unwrap()
            },
            &lent,
        )),
    ];
    let (send, receive) = futures::channel::oneshot::channel();
    tasks.push(spawner.spawn(noted(async { receive.await.unwrap() }, &kept)));
    settle(&mut core);
    theirs.write_all(b"x").unwrap();
    send.send(()).unwrap();
    run(&mut core, join_all(tasks));
    let (mut lent, kept) = (lent.take(), kept.take());
    // On a busy machine, the short sleep is over at its first poll.
    assert!(lent.len() >= 7, "{}", lent.len());
    assert!(kept.len() == 2 && kept[0] == kept[1]);
    // Until it was kept, it was lent to all; then another was.
    assert!(lent[..4].iter().all(|waker| *waker == kept[0]));
    lent.drain(..4);
    assert!(
        lent.iter()
            .all(|waker| *waker == lent[0] && *waker != kept[0])
    );
}

#[test]
fn a_task_whose_poll_catches_its_own_panic_keeps_what_it_has_kept() {
    let mut core = Core::new().unwrap();
    let kept: Rc<RefCell<Option<Waker>>> = Rc::default();
    let polls = Rc::new(Cell::new([0; 2]));
    for task in 0..2 {
        let (kept, polls) = (kept.clone(), polls.clone());
        core.spawner().spawn(poll_fn(move |cx| {
            let mut counted = polls.get();
            counted[task] += 1;
            polls.set(counted);
            if task == 0 && counted[0] == 1 {
                catch_unwind(AssertUnwindSafe(|| {
                    *kept.borrow_mut() = Some(cx.waker().clone());
                    panic!("on purpose")
                }))
                .unwrap_err()
                .downcast::<&str>()
                .unwrap();
            }
            Poll::<()>::Pending
        }));
    }
    settle(&mut core);
    kept.take().unwrap().wake();
    settle(&mut core);
    assert_eq!(polls.get(), [2, 1]);
}

/// The panic's payload has the waker; the one who awaits the task wakes by it.
#[test]
fn a_waker_in_the_payload_of_a_panic_wakes_nobody() {
    let mut core = Core::new().unwrap();
    let task = core.spawner().spawn(poll_fn(|cx| -> Poll<()> {
        std::panic::panic_any(cx.waker().clone())
    }));
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    // It takes the place of the other.
    settle(&mut core);
    core.spawner().spawn(poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        if counted.get() == 1 {
            mem::forget(cx.waker().clone());
        }
        Poll::<()>::Pending
    }));
    settle(&mut core);
    let payload = run(&mut core, task).unwrap_err().try_into_panic().unwrap();
    payload.downcast::<Waker>().unwrap().wake();
    settle(&mut core);
    assert_eq!(polls.get(), 1);
}

/// Two cores in turn on one thread, whose tasks wake each other.
#[test]
fn two_cores_on_one_thread_lend_wakers_of_their_own() {
    let mut cores = [Core::new().unwrap(), Core::new().unwrap()];
    let kept: Rc<RefCell<Vec<Option<Waker>>>> = Rc::new(RefCell::new(vec![None, None, None]));
    let polls = Rc::new(RefCell::new([0; 3]));
    for task in 0..3 {
        let (kept, polls) = (kept.clone(), polls.clone());
        // The third one keeps nothing.
        cores[task % 2].spawner().spawn(poll_fn(move |cx| {
            polls.borrow_mut()[task] += 1;
            let other = kept.borrow_mut()[(task + 1) % 2].take();
            if let Some(other) = other {
                other.wake();
            }
            if task < 2 {
                kept.borrow_mut()[task] = Some(cx.waker().clone());
            }
            Poll::<()>::Pending
        }));
    }
    for _ in 0..10 {
        for core in &mut cores {
            core.turn(Some(Duration::from_millis(20))).unwrap();
        }
    }
    let polls = *polls.borrow();
    assert!(polls[0] >= 9 && polls[1] >= 9, "{polls:?}");
    assert_eq!(polls[2], 1);
}

#[test]
fn a_task_that_turns_a_core_in_its_poll_is_refused_and_keeps_its_waker() {
    let mut core = Core::new().unwrap();
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    let mut other = Core::new().unwrap();
    let _on_other = other.spawner().spawn(pending::<()>());
    core.spawner().spawn(poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        other.turn(Some(Duration::ZERO)).unwrap_err();
        other.run(async {}).unwrap_err();
        if counted.get() == 1 {
            let waker = cx.waker().clone();
            futures::executor::block_on(async { waker.wake() });
        }
        Poll::<()>::Pending
    }));
    settle(&mut core);
    assert_eq!(polls.get(), 2);
}

#[test]
fn parts_of_a_task_with_wakers_of_their_own_are_woken() {
    let mut core = Core::new().unwrap();
    let (handle, spawner) = (core.handle(), core.spawner());
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let handle = handle.clone();
            spawner.spawn(async move {
                let mut parts: FuturesUnordered<_> = (0..5)
                    .map(|k| {
                        let handle = handle.clone();
                        async move {
                            yield_now().await;
                            let inner = handle.spawn(async move {
                                yield_now().await;
                                k
                            });
                            handle.sleep(Duration::from_millis(k)).await.unwrap();
                            inner.await.unwrap()
                        }
                    })
                    .collect();
                let mut sum = n;
                while let Some(part) = parts.next().await {
                    sum += part;
                }
                sum
            })
        })
        .collect();
    let sums = run(&mut core, join_all(tasks));
    assert!(
        sums.into_iter()
            .map(Result::unwrap)
            .eq((0..20).map(|n| n + 10))
    );
}

/// A sleep, an object of the crate, that one task has polled by its number and another takes over.
#[test]
fn a_sleep_that_goes_to_another_task_wakes_that() {
    let mut core = Core::new().unwrap();
    for keeps in [false, true] {
        let slot: Rc<RefCell<Option<reactor::Sleep>>> = Rc::new(RefCell::new(Some(
            core.handle().sleep(Duration::from_millis(20)),
        )));
        let (from, polls) = (slot.clone(), Rc::new(Cell::new(0)));
        let counted = polls.clone();
        let first = core.spawner().spawn(poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            if keeps {
                mem::forget(cx.waker().clone());
            }
            if let Some(sleep) = from.borrow_mut().as_mut() {
                let _ = sleep.poll_unpin(cx);
            }
            Poll::<()>::Pending
        }));
        settle(&mut core);
        let mut sleep = slot.take().unwrap();
        let second = core.spawner().spawn(async move {
            poll_fn(|cx| sleep.poll_unpin(cx)).await.unwrap();
        });
        run(&mut core, second).unwrap();
        settle(&mut core);
        assert_eq!(polls.get(), 1);
        first.abort();
        settle(&mut core);
    }
}

#[test]
fn a_waker_wakes_its_task_and_no_other_whatever_has_been_polled_since() {
    const OTHERS: usize = 100;
    let mut core = Core::new().unwrap();
    let kept = Rc::new(RefCell::new(Vec::new()));
    let polls = Rc::new(RefCell::new([0; OTHERS]));
    for task in 0..OTHERS {
        let (kept, polls) = (kept.clone(), polls.clone());
        core.spawner().spawn(poll_fn(move |cx| {
            polls.borrow_mut()[task] += 1;
            if task % 10 == 3 {
                kept.borrow_mut().push(cx.waker().clone());
            }
            Poll::<()>::Pending
        }));
    }
    settle(&mut core);
    let mut expected = [1; OTHERS];
    assert_eq!(*polls.borrow(), expected);
    let wakers: Vec<Waker> = kept.take();
    thread::spawn(move || wakers.into_iter().for_each(Waker::wake))
        .join()
        .unwrap();
    settle(&mut core);
    (3..OTHERS).step_by(10).for_each(|task| expected[task] = 2);
    assert_eq!(*polls.borrow(), expected);
}

#[test]
fn a_wake_by_a_waker_that_is_gone_when_the_poll_is_over_leads_to_another_poll() {
    let mut core = Core::new().unwrap();
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    core.spawner().spawn(poll_fn(move |cx| {
        counted.set(counted.get() + 1);
        if counted.get() == 1 {
            let waker = cx.waker().clone();
            thread::spawn(move || waker.wake()).join().unwrap();
        }
        Poll::<()>::Pending
    }));
    settle(&mut core);
    assert_eq!(polls.get(), 2);
}

#[test]
fn a_waker_that_was_kept_by_a_task_that_has_panicked_or_ended_wakes_no_other() {
    let mut core = Core::new().unwrap();
    let kept: Rc<RefCell<Vec<Waker>>> = Rc::default();
    let polls = Rc::new(Cell::new(0));
    for task in 0..4 {
        let (kept, polls) = (kept.clone(), polls.clone());
        core.spawner().spawn(poll_fn(move |cx| {
            match task {
                0 => {
                    kept.borrow_mut().push(cx.waker().clone());
                    panic!("on purpose");
                }
                2 => {
                    kept.borrow_mut().push(cx.waker().clone());
                    return Poll::Ready(());
                }
                _ => polls.set(polls.get() + 1),
            }
            Poll::Pending
        }));
    }
    settle(&mut core);
    assert_eq!((kept.borrow().len(), polls.get()), (2, 2));
    kept.take().into_iter().for_each(Waker::wake);
    settle(&mut core);
    assert_eq!(polls.get(), 2);
}

/// In optimised code as well, where each of them has parts of the loop of its own.
#[test]
fn a_task_knows_its_waker_again_whether_it_is_polled_by_a_turn_or_by_a_run() {
    let mut core = Core::new().unwrap();
    let kept: Rc<RefCell<Option<Waker>>> = Rc::default();
    let polls = Rc::new(Cell::new(0));
    let task = poll_fn({
        let (kept, polls) = (kept.clone(), polls.clone());
        move |cx| {
            let mut kept = kept.borrow_mut();
            let first = kept.get_or_insert_with(|| cx.waker().clone());
            assert!(first.will_wake(cx.waker()));
            polls.set(polls.get() + 1);
            Poll::<()>::Pending
        }
    });
    let task = core.spawner().spawn(task);
    let wake = || kept.borrow().as_ref().unwrap().wake_by_ref();
    core.turn(Some(Duration::ZERO)).unwrap();
    wake();
    settle(&mut core);
    wake();
    let sleep = core.handle().sleep(Duration::from_millis(1));
    run(&mut core, sleep).unwrap();
    assert_eq!(polls.get(), 3);
    assert!(!task.is_finished());
}
