use std::{
    cell::{Cell, RefCell},
    mem,
};

use super::TaskId;

/// The tasks that are to be polled, in the order of their wakes.
///
/// ```text
///   pop ◀── front[next..] ◀── swapped when front is used up ── back ◀── push
/// ```
///
/// Two lists that change places cost less than one that wraps around: a push is a store, a pop is a
/// load.
#[derive(Debug, Default)]
pub(super) struct Queue {
    front: RefCell<Vec<TaskId>>,
    /// How many of `front` have been popped.
    next: Cell<usize>,
    back: RefCell<Vec<TaskId>>,
}

impl Queue {
    #[inline]
    pub(super) fn push(&self, id: TaskId) {
        self.back.borrow_mut().push(id);
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<TaskId> {
        let next = self.next.get();
        let popped = self.front.borrow().get(next).copied();
        if popped.is_some() {
            self.next.set(next + 1);
            return popped;
        }
        self.pop_from_back()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.front.borrow().len() == self.next.get() && self.back.borrow().is_empty()
    }

    pub(super) fn clear(&self) {
        self.front.take();
        self.next.set(0);
        self.back.take();
    }

    #[cold]
    fn pop_from_back(&self) -> Option<TaskId> {
        let mut front = self.front.borrow_mut();
        front.clear();
        mem::swap(&mut *front, &mut *self.back.borrow_mut());
        self.next.set(1.min(front.len()));
        front.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Against the queue of std, with pushes and pops in all rhythms.
    #[test]
    fn first_in_is_first_out_whatever_the_rhythm() {
        let (queue, mut model) = (Queue::default(), VecDeque::new());
        let mut index = 0;
        for step in 0..10_000_u32 {
            // Some multiplicative hash: long runs of both occur.
            if step.wrapping_mul(0x9e37_79b9) >> 30 >= 1 + (step >> 10) % 2 {
                index += 1;
                let id = TaskId::from_bits(index).unwrap();
                queue.push(id);
                model.push_back(id);
            } else {
                assert_eq!(queue.pop(), model.pop_front());
            }
            assert_eq!(queue.is_empty(), model.is_empty());
        }
        assert!(index > 1_000);
        queue.clear();
        assert!(queue.is_empty());
        assert_eq!(queue.pop(), None);
    }
}
