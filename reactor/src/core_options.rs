use std::time::Duration;

/// How a core works; for [`Core::with_options`](crate::Core::with_options) and
/// [`Background::with_options`](crate::Background::with_options).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use reactor::{Core, CoreOptions};
///
/// let options = CoreOptions::new().spin(Duration::from_micros(50)).measure_time();
/// let mut core = Core::with_options(options)?;
/// let handle = core.handle();
/// core.run(async { handle.sleep(Duration::from_millis(20)).await })??;
/// let metrics = handle.metrics();
/// assert!(metrics.spins > 0);
/// assert!(metrics.wait_time + metrics.busy_time >= Duration::from_millis(20));
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CoreOptions {
    pub(crate) spin: Duration,
    pub(crate) measures_time: bool,
}

impl CoreOptions {
    /// Sleeps as soon as there is nothing to do, and does not look at the clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// Before the loop sleeps, it asks the poller again and again for this long (0, the default: not at all).
    ///
    /// What comes meanwhile is answered sooner, by what it takes the system to put a thread to sleep and to
    /// wake it, some tens of microseconds. A wake from another thread ends the spin as an event does, and
    /// costs its sender no system call. Timers are as punctual as ever: the time comes out of the wait, and a
    /// timer that is due within it is spun for. A [turn](crate::Core::turn) with a wait of 0 never spins.
    ///
    /// **The cost is a processor**: the thread uses it up for this long after each event, whatever it was,
    /// and asks for it with a system call each time. With traffic that never pauses for longer than
    /// this, that is all the time. It pays where the answer comes soon and the thread
    /// has a processor to itself; where it shares one with its peer or with another spinning loop, they wait
    /// for each other and everything is slower. Once it is over, the loop sleeps and costs nothing.
    /// `make bench ONLY=spinning` compares both.
    pub fn spin(mut self, time: Duration) -> Self {
        self.spin = time;
        self
    }

    /// Measures [`wait_time`](crate::Metrics::wait_time) and [`busy_time`](crate::Metrics::busy_time).
    ///
    /// It costs two looks at the clock for each wait, one for each visit of the poller that does not wait, and
    /// two for each [`run`](crate::Core::run) or [`turn`](crate::Core::turn): too much to be always on, as a
    /// lone echo is one wait.
    pub fn measure_time(mut self) -> Self {
        self.measures_time = true;
        self
    }
}
