//! Streams of results that are over after an error.

use std::{
    io,
    task::{Poll, ready},
};

/// The next item of a stream, which `poll` makes: there is none after an error. `has_failed` finds where the stream
/// keeps whether there was one.
pub(crate) fn poll_until_error<S, T>(
    stream: &mut S,
    has_failed: fn(&mut S) -> &mut bool,
    poll: impl FnOnce(&mut S) -> Poll<io::Result<T>>,
) -> Poll<Option<io::Result<T>>> {
    if *has_failed(stream) {
        return Poll::Ready(None);
    }
    let item = ready!(poll(stream));
    *has_failed(stream) = item.is_err();
    Poll::Ready(Some(item))
}
