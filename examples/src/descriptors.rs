use std::io;

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises this process's soft limit of open descriptors to its hard one; returns the limit then.
///
/// The soft limit is low (often 1024) for the sake of programs that use `select(2)`, which none of
/// ours does. Each connection takes one descriptor. `u64::MAX` says that there is no limit.
///
/// # Errors
///
/// Those of `setrlimit(2)`.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(limit.current.unwrap_or(u64::MAX))
}
