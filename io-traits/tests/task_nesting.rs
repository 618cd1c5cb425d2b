//! Entered tasks nest; whatever happens inside, the outer one is current again afterwards.

mod common;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use common::{CountWakes, Random};
use io_traits::task::{self, NotInTask};

/// Wakes whoever is current, and says who that should be.
fn wake_current() {
    let result = task::poll::<()>(|cx| {
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

struct Tasks {
    wakers: Vec<(Arc<CountWakes>, Waker)>,
    expected: Vec<usize>,
    random: Random,
}

impl Tasks {
    fn check(&mut self, current: usize) {
        wake_current();
        self.expected[current] += 1;
    }

    /// A random tree of nested scopes; some of its branches panic.
    fn tree(&mut self, current: usize, depth: u32) {
        self.check(current);
        for _ in 0..self.random.below(4) {
            if depth == 0 {
                break;
            }
            let inner = self.random.below(self.wakers.len() as u64) as usize;
            let waker = self.wakers[inner].1.clone();
            let mut cx = Context::from_waker(&waker);
            let fails = self.random.below(4) == 0;
            let unwound = catch_unwind(AssertUnwindSafe(|| {
                task::enter(&mut cx, || {
                    self.tree(inner, depth - 1);
                    if fails {
                        resume_unwind(Box::new("on purpose"));
                    }
                });
            }));
            assert_eq!(unwound.is_err(), fails);
            self.check(current);
        }
    }
}

#[test]
fn in_any_tree_of_scopes_the_innermost_is_current_and_the_outer_one_comes_back() {
    for seed in 0..300 {
        let mut tasks = Tasks {
            wakers: (0..5).map(|_| CountWakes::new()).collect(),
            expected: vec![0; 5],
            random: Random::new(seed),
        };
        let root = tasks.wakers[0].1.clone();
        task::enter(&mut Context::from_waker(&root), || tasks.tree(0, 5));
        for ((count, _), expected) in tasks.wakers.iter().zip(&tasks.expected) {
            assert_eq!(count.get(), *expected, "seed {seed}");
        }
        let outside = task::poll(|_| Poll::Ready(Ok(())));
        assert!(NotInTask::is_source_of(&outside.unwrap_err()));
    }
}

#[test]
fn the_bridge_can_be_crossed_inside_of_itself() {
    let (outer, outer_waker) = CountWakes::new();
    let (inner, inner_waker) = CountWakes::new();
    task::enter(&mut Context::from_waker(&outer_waker), || {
        let result: std::io::Result<()> = task::poll(|cx| {
            task::enter(&mut Context::from_waker(&inner_waker), wake_current);
            task::enter(cx, wake_current);
            Poll::Ready(Ok(()))
        });
        result.unwrap();
    });
    assert_eq!((outer.get(), inner.get()), (1, 1));
}

#[test]
fn a_task_entered_on_one_thread_is_not_current_on_another() {
    let (_, waker) = CountWakes::new();
    task::enter(&mut Context::from_waker(&waker), || {
        let error = std::thread::spawn(|| task::poll(|_| Poll::Ready(Ok(()))).unwrap_err());
        assert!(NotInTask::is_source_of(&error.join().unwrap()));
    });
}

#[test]
fn block_on_inside_of_a_scope_gives_the_outer_task_back() {
    let (count, waker) = CountWakes::new();
    task::enter(&mut Context::from_waker(&waker), || {
        futures::executor::block_on(task::io(|| task::poll(|_| Poll::Ready(Ok(()))))).unwrap();
        wake_current();
    });
    assert_eq!(count.get(), 1);
}
