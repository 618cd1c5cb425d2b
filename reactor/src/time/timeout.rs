use std::{
    error, fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::Sleep;

pin_project! {
    /// A future with a limit of time; from [`Handle::timeout`](crate::Handle::timeout) and
    /// [`Handle::timeout_at`](crate::Handle::timeout_at).
    ///
    /// The timer is started when the future has to wait for the first time, so a future that is ready
    /// at once costs no timer.
    ///
    /// # Cancel safety
    ///
    /// As the future inside.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) with the source [`Elapsed`] when the time is over; an error
    /// with the source [`ReactorGone`](crate::ReactorGone) when the core is dropped before.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
    }
}

impl<F> Timeout<F> {
    pub(crate) fn new(future: F, sleep: Sleep) -> Self {
        Self { future, sleep }
    }

    /// Gives the future back.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = io::Result<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        match this.sleep.poll_over(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(Err(Elapsed.into())),
            Poll::Ready(Err(gone)) => Poll::Ready(Err(gone)),
        }
    }
}

/// The time limit of a [`Timeout`] is over; the source of an error of kind
/// [`TimedOut`](io::ErrorKind::TimedOut).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Elapsed;

impl Elapsed {
    /// Whether `error` says that the time limit is over.
    pub fn is_source_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|source| source.is::<Self>())
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time limit is over")
    }
}

impl error::Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(source: Elapsed) -> Self {
        Self::new(io::ErrorKind::TimedOut, source)
    }
}
