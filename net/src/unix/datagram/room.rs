use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use reactor::Handle;

use crate::wake;

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
            let handle = handle();
            let pause = handle.sleep(PAUSE);
            let woken = WokenAtTheEnd(self.waiting.clone());
            drop(handle.spawn(async move {
                let _woken = woken;
                // An error: the core is gone, which the woken will hear of as well.
                let _ = pause.await;
            }));
        }
    }
}

/// Wakes those who wait when it is dropped: when the pause is over, and also when the core goes before.
struct WokenAtTheEnd(Arc<Mutex<Vec<Waker>>>);

impl Drop for WokenAtTheEnd {
    fn drop(&mut self) {
        let woken = std::mem::take(&mut *lock(&self.0));
        for waker in woken {
            wake::quietly(|| waker.wake());
        }
    }
}

fn lock(waiting: &Mutex<Vec<Waker>>) -> MutexGuard<'_, Vec<Waker>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

const PAUSE: Duration = Duration::from_millis(5);
