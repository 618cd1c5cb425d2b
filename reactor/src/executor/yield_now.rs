use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::defer_current;

/// Lets others run; from [`yield_now`].
///
/// # Cancel safety
///
/// Cancel safe: it has no effect but the wait.
#[derive(Debug, Default)]
#[must_use = "futures do nothing unless they are polled"]
pub struct YieldNow {
    yielded: bool,
}

/// Lets everybody else run who is ready, and goes on after the poller has been asked once more.
///
/// For tasks that compute for long: I/O and timers that came meanwhile are served first. A task that wakes
/// itself is polled up to 64 times between two visits of the poller; this one is polled once.
///
/// That is so where the [`Core`](crate::Core)'s own waker comes through: in a task, and in futures that pass it
/// on, as `join!` does. Under another executor, and in a collection with wakers of its own such as
/// `FuturesUnordered`, it wakes its task and leaves the order to whoever polls that. Another wake of the same
/// task ends the wait earlier.
///
/// # Examples
///
/// ```
/// let mut core = reactor::Core::new()?;
/// let sum = core.run(async {
///     let mut sum = 0_u64;
///     for n in 0..10_000 {
///         sum += n;
///         if n % 1_000 == 0 {
///             reactor::yield_now().await;
///         }
///     }
///     sum
/// })?;
/// assert_eq!(sum, 49_995_000);
/// # std::io::Result::Ok(())
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow::default()
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        if !defer_current(cx.waker()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
