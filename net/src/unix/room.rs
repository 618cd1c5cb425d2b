use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use reactor::Handle;

/// Tasks that wait for room in the queue of a socket that theirs is not connected to.
///
/// Nobody tells when there is: Linux wakes a sender that polls if it is connected to the receiver, or if
/// the receiver takes a datagram of its own (unix_dgram_poll in the kernel's net/unix/af_unix.c). So they
/// are woken after a while, all together, to try again.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// LOCK: a waker's clone, wake and drop are foreign code, and run outside.
    waiting: Arc<Mutex<Vec<Waker>>>,
}

impl Room {
    pub(super) fn wait(&self, waker: &Waker, handle: impl FnOnce() -> Handle) {
        let clone = waker.clone();
        let is_first = {
            let mut waiting = lock(&self.waiting);
            if waiting.iter().any(|other| other.will_wake(waker)) {
                return;
            }
            waiting.push(clone);
            waiting.len() == 1
        };
        if is_first {
            let (handle, waiting) = (handle(), self.waiting.clone());
            let pause = handle.sleep(PAUSE);
            drop(handle.spawn(async move {
                // An error: the core is gone, which the woken will hear of as well.
                let _ = pause.await;
                let woken = std::mem::take(&mut *lock(&waiting));
                woken.into_iter().for_each(Waker::wake);
            }));
        }
    }
}

fn lock(waiting: &Mutex<Vec<Waker>>) -> MutexGuard<'_, Vec<Waker>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

const PAUSE: Duration = Duration::from_millis(5);
