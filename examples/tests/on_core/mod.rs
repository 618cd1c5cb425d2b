//! A future on a core, and no wait without an end: for the tests of other people's libraries on our sockets.

use std::time::Duration;

use reactor::Core;

/// How long anything may take before it counts as a hang.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Fails when it takes too long.
#[track_caller]
pub(crate) fn run<F: Future>(core: &mut Core, future: F) -> F::Output {
    let limited = core.handle().timeout(LIMIT, future);
    core.run(limited).unwrap().expect("it does not hang")
}
