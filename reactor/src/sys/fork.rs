//! The crate's one file with unsafe code.
#![allow(unsafe_code, reason = "nothing in std tells of a fork")]

use std::{
    io,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// How many forks lie between the first process that asked to be told and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// How many forks this process has behind it, as far as [`watch_forks`] has been called before them.
#[inline]
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Has forks counted from now on; what starts another program, as `Command` does, is none.
pub(crate) fn watch_forks() -> io::Result<()> {
    static WATCHED: OnceLock<i32> = OnceLock::new();
    // SAFETY: the handler may be called at any time: it adds to an atomic and does nothing else.
    let result =
        *WATCHED.get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(in_child)) });
    match result {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

unsafe extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}
