use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst},
    },
    task::Waker,
};

use futures::task::AtomicWaker;

use crate::wake;

/// Who has to hear of the end of a server, and how far that is.
///
/// LOCK: wakers are foreign code, so none is woken under the lock.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// One of the three below. It only grows.
    stage: AtomicU8,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    next: u64,
    members: BTreeMap<u64, Arc<Member>>,
    connections: usize,
}

/// The server serves.
const SERVING: u8 = 0;
/// There are no more connections, and idle ones end.
const STOPPING: u8 = 1;
/// All connections end.
const OVER: u8 = 2;

#[derive(Debug)]
pub(super) struct Member {
    role: Role,
    /// How many [`Busy`](super::Busy) there are.
    busy: AtomicUsize,
    waker: AtomicWaker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Connection,
    /// Somebody who wants to know of changes.
    Watcher,
}

impl Members {
    pub(super) fn stop(&self) {
        self.advance(STOPPING);
    }

    pub(super) fn end(&self) {
        self.advance(OVER);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stage.load(SeqCst) >= STOPPING
    }

    pub(super) fn connections(&self) -> usize {
        self.list().connections
    }

    pub(super) fn busy(&self) -> usize {
        let list = self.list();
        let busy = |member: &&Arc<Member>| member.is_busy();
        list.members.values().filter(busy).count()
    }

    fn advance(&self, stage: u8) {
        if self.stage.fetch_max(stage, SeqCst) < stage {
            self.wake(|_| true);
        }
    }

    fn wake(&self, which: impl Fn(&Member) -> bool) {
        let members: Vec<_> = self
            .list()
            .members
            .values()
            .filter(|member| which(member))
            .cloned()
            .collect();
        for member in members {
            wake::quietly(|| member.waker.wake());
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        // Nothing that panics runs under the lock.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    fn is_busy(&self) -> bool {
        self.busy.load(SeqCst) > 0
    }
}

/// A place among the members, until it is dropped.
#[derive(Debug)]
pub(super) struct Membership {
    members: Arc<Members>,
    member: Arc<Member>,
    key: u64,
}

impl Membership {
    pub(super) fn new(members: &Arc<Members>, role: Role) -> Self {
        let member = Arc::new(Member {
            role,
            busy: AtomicUsize::new(0),
            waker: AtomicWaker::new(),
        });
        let mut list = members.list();
        let key = list.next;
        list.next += 1;
        list.members.insert(key, member.clone());
        list.connections += usize::from(role == Role::Connection);
        drop(list);
        Self {
            members: members.clone(),
            member,
            key,
        }
    }

    /// Whoever asks next finds out what has changed before; of what changes later, the waker is told.
    pub(super) fn watch(&self, waker: &Waker) {
        self.member.waker.register(waker);
    }

    /// Whether a connection has to end now.
    pub(super) fn has_to_end(&self) -> bool {
        match self.members.stage.load(SeqCst) {
            SERVING => false,
            STOPPING => !self.member.is_busy(),
            _ => true,
        }
    }

    pub(super) fn members(&self) -> &Arc<Members> {
        &self.members
    }

    pub(super) fn member(&self) -> &Arc<Member> {
        &self.member
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut list = self.members.list();
        let member = list.members.remove(&self.key);
        list.connections -= usize::from(self.member.role == Role::Connection);
        let is_last = list.connections == 0;
        drop(list);
        drop(member);
        if is_last && self.member.role == Role::Connection && self.members.is_stopping() {
            self.members.wake(|member| member.role == Role::Watcher);
        }
    }
}

/// One reason for a connection to be busy.
pub(super) fn begin(member: &Member) {
    member.busy.fetch_add(1, SeqCst);
}

/// One reason less; the connection may have to end now.
pub(super) fn finish(members: &Members, member: &Member) {
    if member.busy.fetch_sub(1, SeqCst) == 1 && members.is_stopping() {
        wake::quietly(|| member.waker.wake());
    }
}
