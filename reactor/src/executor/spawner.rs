use std::{future::Future, rc::Rc};

use futures::task::{FutureObj, LocalFutureObj, LocalSpawn, Spawn, SpawnError};

use super::{JoinHandle, Local};

/// The door for tasks that need not be `Send`; from [`Core::spawner`](crate::Core::spawner).
///
/// It is `!Send` itself and can be cloned, so tasks pass it on. Once the core is dropped, a spawned
/// future is dropped at once and its [`JoinHandle`] says that it was cancelled.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
///
/// let mut core = reactor::Core::new()?;
/// let spawner = core.spawner();
/// let shared = Rc::new(Cell::new(1));
/// let copy = shared.clone();
/// let task = spawner.spawn(async move { copy.set(2) });
/// core.run(task)?.unwrap();
/// assert_eq!(shared.get(), 2);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone)]
pub struct Spawner {
    local: Rc<Local>,
}

impl Spawner {
    pub(crate) fn new(local: Rc<Local>) -> Self {
        Self { local }
    }

    /// Spawns a task on the core's thread. It is polled when the core runs or turns next.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.local.spawn(future)
    }

    /// How many tasks there are that are not done.
    pub fn task_count(&self) -> usize {
        self.local.task_count()
    }
}

/// For libraries that spawn wherever they are told to.
impl LocalSpawn for Spawner {
    fn spawn_local_obj(&self, future: LocalFutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.status_local()?;
        drop(self.spawn(future));
        Ok(())
    }

    fn status_local(&self) -> Result<(), SpawnError> {
        if self.local.is_closed() {
            return Err(SpawnError::shutdown());
        }
        Ok(())
    }
}

impl Spawn for Spawner {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.spawn_local_obj(future.into())
    }

    fn status(&self) -> Result<(), SpawnError> {
        self.status_local()
    }
}
