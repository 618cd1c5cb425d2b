use std::{
    borrow::Borrow,
    io,
    task::{Context, Poll, ready},
};

use crate::{Direction, Progress, registration::Registration, sys};

/// The one path of every operation, for `&E` and `&mut E` alike. Always inlined: that takes a quarter off
/// the instructions of an echo (`make count`).
///
/// ```text
///   ready? ── no ──▶ wait: Pending
///     │ yes ◀──────────────────────────────── an event came while the waker was stored
///     ▼                                        ▲
///   operation ── would block ──▶ clear ────────┘
///     │
///     ├── drained ──▶ clear what was seen before the operation
///     ▼
///   Ready
/// ```
#[inline(always)]
pub(super) fn drive<E, B: Borrow<E>, T>(
    registration: &Registration,
    borrow: Option<sys::Borrow<E>>,
    direction: Direction,
    mut io: B,
    cx: &mut Context<'_>,
    mut operation: impl FnMut(&mut B) -> io::Result<Progress<T>>,
) -> Poll<io::Result<T>> {
    loop {
        let borrowed = || Some(borrow?(io.borrow()));
        let seen = ready!(registration.poll_ready(direction, cx, borrowed))?;
        match operation(&mut io) {
            Ok(progress) => {
                if progress.drained {
                    registration.drained(direction, seen);
                }
                return Poll::Ready(Ok(progress.value));
            }
            Err(error) => registration.failed(direction, seen, error)?,
        }
    }
}
