use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use reactor::{Handle, Sleep};

use crate::idle_limit::IdleLimit;

/// How long a relay may be idle, and how long one way may go on after the other has ended.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) idle: IdleLimit,
    pub(super) linger: Option<Duration>,
    linger_timer: Option<Sleep>,
}

impl Limits {
    /// Ready when the time for lingering is over; an error when the relay was idle for too long.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        lingers: bool,
        handle: impl Fn() -> Handle,
    ) -> Poll<io::Result<()>> {
        if let Some(limit) = self.linger.filter(|_| lingers) {
            let timer = self
                .linger_timer
                .get_or_insert_with(|| handle().sleep(limit));
            if Pin::new(timer).poll(cx)?.is_ready() {
                return Poll::Ready(Ok(()));
            }
        }
        self.idle.poll(cx, handle).map(Err)
    }
}
