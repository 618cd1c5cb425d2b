use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use futures::channel::oneshot;

/// The bytes that all clients together may have under way.
///
/// A client takes a permit for all that it is about to send and gives it back when the echo of all of it
/// has come. So what lies in buffers at any one time, ours and the system's, has a limit that does not
/// depend on how many clients there are.
///
/// It is fair: permits are granted in the order in which they were asked for, and a large one is not
/// overtaken by small ones. Nobody waits while holding a permit, so nobody waits for ever.
pub(crate) struct Semaphore {
    bytes: usize,
    free: Cell<usize>,
    least_free: Cell<usize>,
    waiting: RefCell<VecDeque<Waiter>>,
}

struct Waiter {
    bytes: usize,
    granted: oneshot::Sender<Permit>,
}

impl Semaphore {
    pub(crate) fn new(bytes: usize) -> Rc<Self> {
        Rc::new(Self {
            bytes,
            free: Cell::new(bytes),
            least_free: Cell::new(bytes),
            waiting: RefCell::default(),
        })
    }

    /// Waits for a permit for `bytes`; whoever asks for more than there is gets all there is.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a future that is dropped leaves the queue, or gives back what it was granted.
    pub(crate) async fn acquire(self: &Rc<Self>, bytes: usize) -> Permit {
        let bytes = bytes.min(self.bytes);
        if self.waiting.borrow().is_empty() && bytes <= self.free.get() {
            return self.grant(bytes);
        }
        let (granted, grant) = oneshot::channel();
        let waiter = Waiter { bytes, granted };
        self.waiting.borrow_mut().push_back(waiter);
        grant
            .await
            .expect("a waiter leaves the queue only with its permit")
    }

    /// The most bytes that were under way at any time.
    pub(crate) fn most_taken(&self) -> usize {
        self.bytes - self.least_free.get()
    }

    fn grant(self: &Rc<Self>, bytes: usize) -> Permit {
        let free = self.free.get() - bytes;
        self.free.set(free);
        self.least_free.set(free.min(self.least_free.get()));
        Permit {
            semaphore: self.clone(),
            bytes,
        }
    }

    fn give_back(self: &Rc<Self>, bytes: usize) {
        self.free.set(self.free.get() + bytes);
        while let Some(waiter) = self.next_waiter() {
            // An error: it has gone this very moment, and the permit comes back here.
            let _ = waiter.granted.send(self.grant(waiter.bytes));
        }
    }

    /// The first in the queue, if there is enough for it.
    fn next_waiter(&self) -> Option<Waiter> {
        let mut waiting = self.waiting.borrow_mut();
        while waiting.front()?.granted.is_canceled() {
            waiting.pop_front();
        }
        if waiting.front()?.bytes > self.free.get() {
            return None;
        }
        waiting.pop_front()
    }
}

/// Some of a [`Semaphore`]'s bytes, until it is dropped.
pub(crate) struct Permit {
    semaphore: Rc<Semaphore>,
    bytes: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.semaphore.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll},
    };

    use examples::Random;
    use futures::{
        FutureExt, executor::block_on, future::LocalBoxFuture, poll, task::noop_waker_ref,
    };

    use super::*;

    #[test]
    fn no_more_is_out_than_there_is_and_all_of_it_comes_back() {
        let semaphore = Semaphore::new(10);
        let mut random = Random::new(1);
        let mut waiting: Vec<LocalBoxFuture<'_, Permit>> = Vec::new();
        let mut granted: Vec<Permit> = Vec::new();
        let mut cx = Context::from_waker(noop_waker_ref());
        for _ in 0..10_000 {
            match random.below(3) {
                0 => waiting.push(semaphore.acquire(random.below(15)).boxed_local()),
                1 if !granted.is_empty() => {
                    granted.swap_remove(random.below(granted.len()));
                }
                2 if !waiting.is_empty() => drop(waiting.remove(random.below(waiting.len()))),
                _ => {}
            }
            waiting.retain_mut(|acquire| match acquire.as_mut().poll(&mut cx) {
                Poll::Ready(permit) => {
                    granted.push(permit);
                    false
                }
                Poll::Pending => true,
            });
            let out: usize = granted.iter().map(|permit| permit.bytes).sum();
            assert!(out <= 10);
            assert_eq!(semaphore.free.get(), 10 - out);
        }
        drop((waiting, granted));
        assert_eq!((semaphore.free.get(), semaphore.most_taken()), (10, 10));
    }

    #[test]
    fn a_large_one_is_not_overtaken_by_small_ones() {
        let semaphore = Semaphore::new(10);
        block_on(async {
            let first = semaphore.acquire(5).await;
            let mut large = pin!(semaphore.acquire(8));
            let mut small = pin!(semaphore.acquire(1));
            assert!(poll!(large.as_mut()).is_pending());
            assert!(poll!(small.as_mut()).is_pending());
            drop(first);
            assert!(poll!(large).is_ready());
            assert!(poll!(small).is_ready());
        });
    }

    #[test]
    fn who_goes_away_holds_nobody_up_and_takes_nothing_along() {
        let semaphore = Semaphore::new(10);
        block_on(async {
            let (few, _many) = (semaphore.acquire(3).await, semaphore.acquire(7).await);
            let mut goes = Box::pin(semaphore.acquire(10));
            let mut granted = Box::pin(semaphore.acquire(2));
            let mut waits = pin!(semaphore.acquire(3));
            assert!(poll!(goes.as_mut()).is_pending());
            assert!(poll!(granted.as_mut()).is_pending());
            assert!(poll!(waits.as_mut()).is_pending());
            drop(goes);
            drop(few);
            // It has been granted its permit by now, and has not heard of it.
            drop(granted);
            assert!(waits.now_or_never().is_some());
        });
    }
}
