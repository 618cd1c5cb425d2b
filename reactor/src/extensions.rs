use std::{any::Any, fmt, sync::Arc};

use crate::sync::{Mutex, lock};

/// What crates above this one keep beside a reactor: at most one value of a type.
pub(crate) struct Extensions {
    values: Mutex<Vec<Value>>,
}

type Value = Arc<dyn Any + Send + Sync>;

impl Extensions {
    pub(crate) fn new() -> Self {
        Self {
            values: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn get_or_insert<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        if let Some(value) = find(&lock(&self.values)) {
            return value;
        }
        // Foreign code, so not under the lock; another thread may be first meanwhile.
        let made = Arc::new(make());
        let mut values = lock(&self.values);
        let first = find(&values);
        if first.is_none() {
            values.push(made.clone());
        }
        drop(values);
        first.unwrap_or(made)
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").finish_non_exhaustive()
    }
}

/// A handful of values at most, so they are looked through.
fn find<T: Any + Send + Sync>(values: &[Value]) -> Option<Arc<T>> {
    let value = values.iter().find(|value| value.as_ref().is::<T>())?;
    value.clone().downcast().ok()
}
