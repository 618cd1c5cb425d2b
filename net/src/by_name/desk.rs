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
    fmt, io, mem,
    net::SocketAddr,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use super::waiter::{Waiter, tell};

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
        let was_there = call.waiters.remove(&waiter.number()).is_some();
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
            let answer = panic::catch_unwind(resolve).unwrap_or_else(|payload| {
                // Its drop may panic once more.
                mem::forget(payload);
                Err(io::Error::other("the resolver has panicked"))
            });
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

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Desk");
        debug.field("state", &self.state).finish_non_exhaustive()
    }
}
