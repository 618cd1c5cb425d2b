use std::{cell::Cell, future::pending, io, pin::pin, time::Duration};

use futures::future::{Either, select};
use indicatif::{ProgressBar, ProgressStyle};

use crate::crowd::Crowd;

/// Shows on a terminal how far it is, and is gone when it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Of the parts that are over.
    before: Cell<Duration>,
}

impl Progress {
    pub(crate) fn new(total: Duration) -> Self {
        let bar = ProgressBar::new(total.as_millis() as u64);
        let style =
            ProgressStyle::with_template("{wide_bar} {msg}").expect("the template is valid");
        bar.set_style(style);
        Self {
            bar,
            before: Cell::default(),
        }
    }

    /// Runs a part of the crowd, and shows meanwhile how far it is. That is, where there is a terminal.
    pub(crate) async fn show_during(
        &self,
        crowd: &Crowd,
        run: impl Future<Output = io::Result<()>>,
    ) -> io::Result<()> {
        let (run, show) = (pin!(run), pin!(self.show(crowd)));
        let (Either::Left((result, _)) | Either::Right((result, _))) = select(run, show).await;
        self.before.set(self.before.get() + crowd.duration);
        result
    }

    /// Ends only with an error.
    async fn show(&self, crowd: &Crowd) -> io::Result<()> {
        if self.bar.is_hidden() {
            pending::<()>().await;
        }
        loop {
            let elapsed = self.before.get() + crowd.tally.elapsed();
            self.bar.set_position(elapsed.as_millis() as u64);
            let megabytes = crowd.tally.bytes() / 1_000_000;
            let part = crowd.part.name();
            self.bar
                .set_message(format!("{part}: {megabytes} MB checked"));
            crowd.handle.sleep(SHOWN_EVERY).await?;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

const SHOWN_EVERY: Duration = Duration::from_millis(100);
