//! Where those who ask for hosts and the threads that find them meet.
//!
//! ```text
//!                 ask              a thread is free        it has the answer
//!     (no call) ──────▶ in the queue ──────▶ being made ──────▶ (no call)
//!         ▲   the last who waits leaves │        │ ask, leave: only the list of those who
//!         └─────────────────────────────┘        └ wait changes
//! ```

use std::{
    collections::{BTreeMap, HashMap},
    fmt, io,
    net::SocketAddr,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll},
    thread,
};

use futures::task::AtomicWaker;

/// Shared by a pool, its threads and those who wait.
///
/// INVARIANT: no foreign code (a waker, the function) runs under the lock.
pub(super) struct Desk {
    resolve: Box<BlockingResolve>,
    state: Mutex<State>,
    work: Condvar,
}

pub(super) type BlockingResolve =
    dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static;

#[derive(Debug)]
struct State {
    /// What has been asked for and not been answered. A key of `queue` leads to the same host here.
    calls: HashMap<Arc<str>, Call>,
    /// By number, so the oldest comes first and any can leave.
    queue: BTreeMap<u64, Arc<str>>,
    last_number: u64,
    threads: usize,
    most_threads: usize,
    /// Threads that wait for work, whether or not they have been told that there is some.
    idle: usize,
    closed: bool,
}

#[derive(Debug)]
struct Call {
    progress: Progress,
    waiters: HashMap<u64, Arc<Waiter>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// Its number in the queue.
    Queued(u64),
    Made,
}

type Answer = Result<Arc<[SocketAddr]>, Arc<io::Error>>;

impl Desk {
    pub(super) fn new(resolve: Box<BlockingResolve>, most_threads: usize) -> Self {
        Self {
            resolve,
            state: Mutex::new(State {
                calls: HashMap::new(),
                queue: BTreeMap::new(),
                last_number: 0,
                threads: 0,
                most_threads,
                idle: 0,
                closed: false,
            }),
            work: Condvar::new(),
        }
    }

    pub(super) fn set_threads(&self, most: usize) {
        self.lock().most_threads = most;
    }

    /// Joins the call for `host`, or puts a new one into the queue.
    pub(super) fn ask(self: &Arc<Self>, host: &str) -> (Arc<str>, Arc<Waiter>) {
        let mut state = self.lock();
        let number = state.next_number();
        let waiter = Arc::new(Waiter::new(number));
        let host: Arc<str> = host.into();
        if let Some(call) = state.calls.get_mut(&host) {
            call.waiters.insert(number, waiter.clone());
            return (host, waiter);
        }
        let call = Call {
            progress: Progress::Queued(number),
            waiters: HashMap::from([(number, waiter.clone())]),
        };
        state.calls.insert(host.clone(), call);
        state.queue.insert(number, host.clone());
        if state.queue.len() <= state.idle {
            self.work.notify_one();
        } else if state.threads < state.most_threads
            && let Err(error) = self.start_thread(&mut state)
            && state.threads == 0
        {
            // Nobody would ever come to the queue.
            let waiters = state.answered(&host);
            drop(state);
            tell(waiters, Err(error));
        }
        (host, waiter)
    }

    /// Somebody who has asked does not want to know any more, or knows.
    pub(super) fn leave(&self, host: &str, waiter: &Waiter) {
        let mut state = self.lock();
        let Some(call) = state.calls.get_mut(host) else {
            return;
        };
        // The waiter itself is the caller's, and is dropped after the lock.
        let was_there = call.waiters.remove(&waiter.number).is_some();
        if was_there
            && call.waiters.is_empty()
            && let Progress::Queued(number) = call.progress
        {
            state.queue.remove(&number);
            state.calls.remove(host);
        }
    }

    /// The threads end when the queue is empty.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }

    fn start_thread(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let desk = self.clone();
        thread::Builder::new()
            .name(String::from("resolver"))
            .spawn(move || desk.work())?;
        state.threads += 1;
        Ok(())
    }

    /// What a thread does.
    fn work(&self) {
        while let Some(host) = self.next_host() {
            let resolve = AssertUnwindSafe(|| (self.resolve)(&host));
            let answer = panic::catch_unwind(resolve)
                .unwrap_or_else(|_| Err(io::Error::other("the resolver has panicked")));
            let waiters = self.lock().answered(&host);
            tell(waiters, answer);
        }
    }

    fn next_host(&self) -> Option<Arc<str>> {
        let mut state = self.lock();
        loop {
            if let Some((_, host)) = state.queue.pop_first() {
                state.call_mut(&host).progress = Progress::Made;
                return Some(host);
            }
            if state.closed {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            state = (self.work.wait(state)).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn call_mut(&mut self, host: &str) -> &mut Call {
        (self.calls.get_mut(host)).expect("a host of the queue has a call")
    }

    /// Ends a call; returns who waits for its answer.
    fn answered(&mut self, host: &str) -> Vec<Arc<Waiter>> {
        let call = self.calls.remove(host).expect("a call ends once");
        if let Progress::Queued(number) = call.progress {
            self.queue.remove(&number);
        }
        call.waiters.into_values().collect()
    }
}

/// Gives all an answer, and wakes them; a waker that panics harms neither the others nor the thread.
fn tell(waiters: Vec<Arc<Waiter>>, answer: io::Result<Vec<SocketAddr>>) {
    let answer: Answer = answer.map(Arc::from).map_err(Arc::new);
    for waiter in waiters {
        waiter.answer.get_or_init(|| answer.clone());
        if panic::catch_unwind(AssertUnwindSafe(|| waiter.waker.wake())).is_err() {
            tracing::error!("a waker has panicked");
        }
    }
}

/// One who waits for an answer.
#[derive(Debug)]
pub(super) struct Waiter {
    number: u64,
    waker: AtomicWaker,
    answer: OnceLock<Answer>,
}

impl Waiter {
    fn new(number: u64) -> Self {
        Self {
            number,
            waker: AtomicWaker::new(),
            answer: OnceLock::new(),
        }
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

/// An error for one of many who get the same. It has the kind and the code of the first.
fn copy(error: &Arc<io::Error>) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.clone()),
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Desk");
        debug.field("state", &self.state).finish_non_exhaustive()
    }
}
