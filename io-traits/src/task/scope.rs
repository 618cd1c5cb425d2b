//! The thread-local that holds the entered task. One of the crate's two files with unsafe code.
#![allow(
    unsafe_code,
    reason = "a thread-local can hold no reference with a lifetime"
)]

use std::{
    cell::Cell,
    io,
    ptr::{self, NonNull},
    task::{Context, Poll, Waker},
};

use super::NotInTask;

/// Makes the task of `cx` the current one for the length of `f`.
///
/// Scopes nest: the innermost wins, and the outer one is current again when `f` returns or unwinds.
/// What `f` registers counts for the outer scope too, if both wake the same task.
///
/// # Examples
///
/// ```
/// use std::{io::Read, task::{Context, Poll}};
/// use io_traits::task;
///
/// fn poll_first_byte(
///     reader: &mut impl Read,
///     cx: &mut Context<'_>,
/// ) -> Poll<std::io::Result<u8>> {
///     let mut byte = [0];
///     match task::enter(cx, || reader.read(&mut byte)) {
///         Ok(_) => Poll::Ready(Ok(byte[0])),
///         Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => Poll::Pending,
///         Err(e) => Poll::Ready(Err(e)),
///     }
/// }
/// ```
#[inline]
pub fn enter<R>(cx: &mut Context<'_>, f: impl FnOnce() -> R) -> R {
    enter_counted(cx, f).0
}

/// [`enter`], and how many times `f` registered the task for a wakeup.
#[inline]
pub(super) fn enter_counted<R>(cx: &mut Context<'_>, f: impl FnOnce() -> R) -> (R, u32) {
    let scope = Scope {
        waker: NonNull::from(cx.waker()),
        outer: CURRENT.get(),
        registrations: Cell::new(0),
    };
    let entered = Entered::new(&scope);
    let result = f();
    drop(entered);
    (result, scope.registrations.get())
}

/// Runs a poll function as an implicit operation of the current task.
///
/// `Pending` becomes [`WouldBlock`](io::ErrorKind::WouldBlock) and marks the scope as registered: the
/// caller of [`poll`] states that whoever returned `Pending` will wake the task. This is the one way
/// from an implicit operation to a `Context`; a channel or a timer that is to be used from inside
/// `Read::read` goes through it as well.
///
/// # Errors
///
/// An error with the source [`NotInTask`] where no task is current; `f` has not been called then.
/// `WouldBlock` when `f` returned `Pending`. Otherwise whatever `f` returned.
#[inline]
pub fn poll<T>(f: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<T>>) -> io::Result<T> {
    let Some(scope) = NonNull::new(CURRENT.get().cast_mut()) else {
        return Err(NotInTask.into());
    };
    // SAFETY: `Entered::new` put the pointer there and `Entered::drop` takes it away before the frame
    // of `enter_counted`, which owns the scope, ends. That frame is below this one on the same stack.
    let scope = unsafe { scope.as_ref() };
    // SAFETY: the waker is borrowed from the `&mut Context` that the same frame of `enter_counted`
    // holds for as long as the scope is current.
    let waker = unsafe { scope.waker.as_ref() };
    match f(&mut Context::from_waker(waker)) {
        Poll::Ready(result) => result,
        Poll::Pending => {
            scope.count(1);
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
}

/// One call of [`enter`], on the stack of that call.
struct Scope {
    waker: NonNull<Waker>,
    outer: *const Self,
    registrations: Cell<u32>,
}

impl Scope {
    fn count(&self, registrations: u32) {
        self.registrations
            .set(self.registrations.get().saturating_add(registrations));
    }
}

/// Keeps a scope current until it is dropped, which unwinding does too.
struct Entered<'a>(&'a Scope);

impl<'a> Entered<'a> {
    #[inline]
    fn new(scope: &'a Scope) -> Self {
        CURRENT.set(scope);
        Self(scope)
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        let scope = self.0;
        CURRENT.set(scope.outer);
        if scope.registrations.get() == 0 {
            return;
        }
        // SAFETY: a scope that was current when this one was entered belongs to a frame further down
        // the same stack, which has not ended.
        let Some(outer) = (unsafe { scope.outer.as_ref() }) else {
            return;
        };
        // SAFETY: as in `poll`: both wakers are borrowed by frames that have not ended.
        let same_task = unsafe { scope.waker.as_ref().will_wake(outer.waker.as_ref()) };
        if same_task {
            outer.count(scope.registrations.get());
        }
    }
}

thread_local! {
    // INVARIANT: null, or the innermost `Scope` whose `enter_counted` is running on this thread.
    static CURRENT: Cell<*const Scope> = const { Cell::new(ptr::null()) };
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn pending() -> io::Result<()> {
        poll(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    fn two_tasks() -> ([Arc<Count>; 2], [Waker; 2]) {
        let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
        let wakers = counts.clone().map(Waker::from);
        (counts, wakers)
    }

    #[test]
    fn outside_a_task_an_operation_says_so_every_time() {
        for _ in 0..3 {
            let error = poll(|_| Poll::Ready(Ok(()))).unwrap_err();
            assert!(NotInTask::is_source_of(&error));
        }
    }

    #[test]
    fn the_innermost_task_is_woken_and_the_outer_one_is_restored() {
        let (counts, [outer, inner]) = two_tasks();
        enter(&mut Context::from_waker(&outer), || {
            enter(&mut Context::from_waker(&inner), || pending().unwrap_err());
            assert_eq!(counts[1].0.load(Ordering::Relaxed), 1);
            pending().unwrap_err();
            assert_eq!(counts[0].0.load(Ordering::Relaxed), 1);
        });
        assert!(NotInTask::is_source_of(&pending().unwrap_err()));
    }

    #[test]
    fn unwinding_restores_the_outer_task() {
        let (counts, [outer, inner]) = two_tasks();
        enter(&mut Context::from_waker(&outer), || {
            catch_unwind(AssertUnwindSafe(|| {
                enter(&mut Context::from_waker(&inner), || panic!("on purpose"))
            }))
            .unwrap_err();
            pending().unwrap_err();
        });
        assert_eq!(counts[0].0.load(Ordering::Relaxed), 1);
        assert_eq!(counts[1].0.load(Ordering::Relaxed), 0);
        assert!(NotInTask::is_source_of(&pending().unwrap_err()));
    }

    #[test]
    fn a_registration_counts_outside_only_for_the_same_task() {
        let (_, [outer, inner]) = two_tasks();
        let ((), same) = enter_counted(&mut Context::from_waker(&outer), || {
            enter(&mut Context::from_waker(&outer), || {
                pending().unwrap_err();
            });
        });
        assert_eq!(same, 1);
        let ((), other) = enter_counted(&mut Context::from_waker(&outer), || {
            enter(&mut Context::from_waker(&inner), || {
                pending().unwrap_err();
            });
        });
        assert_eq!(other, 0);
    }
}
