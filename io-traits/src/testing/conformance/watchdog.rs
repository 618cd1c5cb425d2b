use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Tells on the standard error what a check was doing when it does not come back.
///
/// An object that blocks the thread for good cannot be reported by that thread.
pub(super) struct Watchdog {
    shared: Arc<Shared>,
}

struct Shared {
    watched: Mutex<Watched>,
    over: Condvar,
}

struct Watched {
    story: Vec<String>,
    since: Instant,
    patience: Duration,
    told: bool,
    over: bool,
}

impl Watchdog {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared {
            watched: Mutex::new(Watched {
                story: Vec::new(),
                since: Instant::now(),
                patience: Duration::MAX,
                told: false,
                over: false,
            }),
            over: Condvar::new(),
        });
        let watching = shared.clone();
        thread::spawn(move || watching.watch());
        Self { shared }
    }

    pub(super) fn set_patience(&self, patience: Duration) {
        self.shared.lock().patience = patience;
    }

    /// What is being done from now on.
    pub(super) fn now(&self, story: &[String]) {
        let mut watched = self.shared.lock();
        watched.story = story.to_vec();
        watched.since = Instant::now();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.over.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self) {
        let mut watched = self.lock();
        while !watched.over {
            if !watched.told && watched.since.elapsed() > watched.patience {
                watched.told = true;
                let story = watched.story.join("\n  - ");
                eprintln!("conformance: this does not come back:\n  - {story}");
            }
            watched = self
                .over
                .wait_timeout(watched, LOOK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

const LOOK: Duration = Duration::from_millis(500);
