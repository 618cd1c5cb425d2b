use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::{channels::Channels, store::Store};

/// What the connections of all threads share.
pub(crate) struct Server {
    store: Mutex<Store>,
    channels: Mutex<Channels>,
    last_client: AtomicU64,
    pub(crate) clients: AtomicU64,
    pub(crate) commands: AtomicU64,
    pub(crate) started: Instant,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self {
            store: Mutex::default(),
            channels: Mutex::default(),
            last_client: AtomicU64::new(0),
            clients: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            started: Instant::now(),
        }
    }

    /// The store, without what has expired. No lock is held while anything is waited for.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        // A panic of another connection's task leaves a dictionary that is whole.
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.remove_expired();
        store
    }

    pub(crate) fn channels(&self) -> MutexGuard<'_, Channels> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next_client(&self) -> u64 {
        self.last_client.fetch_add(1, Ordering::Relaxed) + 1
    }
}
