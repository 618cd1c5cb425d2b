use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::{
    ReadCursor,
    waiters::{Waiters, wake_all},
};

/// One way of a [`Duplex`](super::Duplex): bytes that wait to be read, and tasks that wait for them or
/// for room.
#[derive(Debug)]
pub(super) struct Pipe {
    state: Mutex<State>,
    capacity: usize,
}

#[derive(Debug)]
struct State {
    bytes: VecDeque<u8>,
    /// No byte will follow.
    ended: bool,
    /// Nobody will read.
    unread: bool,
    readers: Waiters,
    writers: Waiters,
}

impl Pipe {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State {
                bytes: VecDeque::new(),
                ended: false,
                unread: false,
                readers: Waiters::new(),
                writers: Waiters::new(),
            }),
            capacity,
        }
    }

    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(0));
        }
        self.poll(
            cx,
            |state| {
                if state.bytes.is_empty() {
                    return if state.ended { Some(Ok(0)) } else { None };
                }
                let (first, second) = state.bytes.as_slices();
                let n = buf.append(first) + buf.append(second);
                state.bytes.drain(..n);
                Some(Ok(n))
            },
            |state| &mut state.readers,
            |state| &mut state.writers,
        )
    }

    pub(super) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(
            cx,
            |state| {
                if state.unread || state.ended {
                    return Some(Err(io::ErrorKind::BrokenPipe.into()));
                }
                if bufs.iter().all(|buf| buf.is_empty()) {
                    return Some(Ok(0));
                }
                let room = self.capacity - state.bytes.len();
                if room == 0 {
                    return None;
                }
                let mut left = room;
                for buf in bufs {
                    let n = buf.len().min(left);
                    state.bytes.extend(&buf[..n]);
                    left -= n;
                }
                Some(Ok(room - left))
            },
            |state| &mut state.writers,
            |state| &mut state.readers,
        )
    }

    /// No byte will follow.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        let wakers = state.everybody();
        drop(state);
        wake_all(wakers);
    }

    /// Nobody will read: what is there is dropped, and writes fail.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.unread = true;
        state.bytes = VecDeque::new();
        let wakers = state.everybody();
        drop(state);
        wake_all(wakers);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().bytes.len()
    }

    /// Tries, waits if that gave nothing, and wakes the other side if it gave something.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut State) -> Option<io::Result<usize>>,
        own: impl Fn(&mut State) -> &mut Waiters,
        other: impl Fn(&mut State) -> &mut Waiters,
    ) -> Poll<io::Result<usize>> {
        // Cloning a waker is foreign code: it is done between two looks, not under the lock.
        let mut clone: Option<Waker> = None;
        loop {
            let mut state = self.lock();
            if let Some(result) = attempt(&mut state) {
                let wakers = match result {
                    Ok(1..) => other(&mut state).take(),
                    _ => Vec::new(),
                };
                drop(state);
                wake_all(wakers);
                return Poll::Ready(result);
            }
            if own(&mut state).contains(cx.waker()) {
                drop(state);
                return Poll::Pending;
            }
            let Some(waker) = clone.take() else {
                drop(state);
                clone = Some(cx.waker().clone());
                continue;
            };
            let displaced = own(&mut state).insert(waker);
            drop(state);
            wake_all(displaced);
            return Poll::Pending;
        }
    }

    /// Nothing that is done under the lock leaves the state half-changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn everybody(&mut self) -> Vec<Waker> {
        let mut wakers = self.readers.take();
        wakers.append(&mut self.writers.take());
        wakers
    }
}
