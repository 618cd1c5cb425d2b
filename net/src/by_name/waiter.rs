use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use futures::task::AtomicWaker;

use crate::wake;

/// One who waits for an answer.
#[derive(Debug)]
pub(super) struct Waiter {
    number: u64,
    waker: AtomicWaker,
    answer: OnceLock<Answer>,
}

impl Waiter {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            waker: AtomicWaker::new(),
            answer: OnceLock::new(),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn poll_answer(&self, cx: &Context<'_>) -> Poll<io::Result<Vec<SocketAddr>>> {
        // Before the look: an answer that comes between the two wakes the task.
        self.waker.register(cx.waker());
        match self.answer.get() {
            None => Poll::Pending,
            Some(Ok(addrs)) => Poll::Ready(Ok(addrs.to_vec())),
            Some(Err(error)) => Poll::Ready(Err(copy(error))),
        }
    }
}

type Answer = Result<Arc<[SocketAddr]>, Arc<io::Error>>;

/// Gives all an answer, and wakes them; a waker that panics harms neither the others nor the thread.
pub(super) fn tell(waiters: Vec<Arc<Waiter>>, answer: io::Result<Vec<SocketAddr>>) {
    let answer: Answer = answer.map(Arc::from).map_err(Arc::new);
    for waiter in waiters {
        waiter.answer.get_or_init(|| answer.clone());
        wake::quietly(|| waiter.waker.wake());
    }
}

/// An error for one of many who get the same. It has the kind and the code of the first.
fn copy(error: &Arc<io::Error>) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.clone()),
    }
}
