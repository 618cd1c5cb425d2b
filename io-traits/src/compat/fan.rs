use std::{
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use crate::waiters::{Waiters, wake_all};

/// One direction of an object that remembers one task: it is shown this waker, which wakes all.
pub(super) struct Fan {
    shared: Arc<Shared>,
    waker: Waker,
}

struct Shared {
    waiters: Mutex<Waiters>,
    /// The object has woken since it was last asked. Set under the lock.
    woken: AtomicBool,
}

impl Fan {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared {
            waiters: Mutex::new(Waiters::new()),
            woken: AtomicBool::new(false),
        });
        Self {
            waker: Waker::from(shared.clone()),
            shared,
        }
    }

    /// Asks the object, with the task of `cx` as one to wake.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        // What woke before was for an earlier question.
        self.shared.woken.store(false, Ordering::SeqCst);
        match poll(&mut Context::from_waker(&self.waker)) {
            Poll::Pending => {
                self.wait(cx);
                Poll::Pending
            }
            // The others may return these; we may not. Neither has anybody registered.
            Poll::Ready(Err(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            ready => ready,
        }
    }

    fn wait(&self, cx: &Context<'_>) {
        // Cloning a waker is foreign code, not to be run under the lock.
        let waker = cx.waker().clone();
        let mut waiters = self.shared.lock();
        let displaced = if self.shared.woken.load(Ordering::SeqCst) {
            // Between the answer and this line. It will not wake again for that.
            vec![waker]
        } else if waiters.contains(&waker) {
            drop(waiters);
            return;
        } else {
            waiters.insert(waker)
        };
        drop(waiters);
        wake_all(displaced);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut waiters = self.lock();
        self.woken.store(true, Ordering::SeqCst);
        let wakers = waiters.take();
        drop(waiters);
        wake_all(wakers);
    }
}

impl fmt::Debug for Fan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fan").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_wake_between_the_answer_and_the_registration_is_not_lost() {
        struct Count(AtomicBool);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let count = Arc::new(Count(AtomicBool::new(false)));
        let waker = Waker::from(count.clone());
        let fan = Fan::new();
        let polled = fan.poll::<()>(&mut Context::from_waker(&waker), |cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        assert!(polled.is_pending());
        assert!(count.0.load(Ordering::SeqCst));
    }
}
