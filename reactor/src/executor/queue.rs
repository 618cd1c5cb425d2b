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

    /// Shows some that are going to be popped next, `most` at most, and at least one if there are any.
    pub(super) fn look_ahead(&self, most: usize, look: impl FnOnce(&[TaskId])) {
        let (front, back) = (self.front.borrow(), self.back.borrow());
        let ahead = match &front[self.next.get()..] {
            [] => &back[..],
            ahead => ahead,
        };
        look(&ahead[..most.min(ahead.len())]);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.front.borrow().len() - self.next.get() + self.back.borrow().len()
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
            if step.wrapping_mul(0x9e37_79b9) >> 30 > (step >> 10) % 2 {
                index += 1;
                let id = TaskId::from_bits(index).unwrap();
                queue.push(id);
                model.push_back(id);
            } else {
                assert_eq!(queue.pop(), model.pop_front());
            }
            assert_eq!(queue.is_empty(), model.is_empty());
            assert_eq!(queue.len(), model.len());
            queue.look_ahead(3, |ahead| {
                assert!(ahead.len() <= 3 && ahead.is_empty() == model.is_empty());
                assert!(ahead.iter().eq(model.iter().take(ahead.len())));
            });
        }
        assert!(index > 1_000);
        queue.clear();
        assert!(queue.is_empty());
        assert_eq!(queue.pop(), None);
    }
}
