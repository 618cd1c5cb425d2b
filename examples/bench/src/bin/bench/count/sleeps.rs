use std::io;

use bench::Work;

use super::{Count, Counted, Counter, instructions::of_program};
use crate::contestant::Contestant;

/// User-space instructions of a sleep that is made, polled once and dropped, while others wait.
pub(crate) struct CancelledSleeps {
    pub(crate) live: u32,
}

impl CancelledSleeps {
    fn of_run(
        &self,
        dropped: u32,
        contestant: Contestant,
        counter: &Counter<'_>,
    ) -> io::Result<u64> {
        let work = Work::CancelledSleeps {
            live: self.live,
            dropped,
        };
        let name = format!("{contestant}.sleeps");
        of_program(&name, &contestant.server(&work)?, counter)
    }
}

impl Count for CancelledSleeps {
    fn name(&self) -> String {
        let Self { live } = self;
        format!("instructions of a sleep that is polled and dropped, live: {live}")
    }

    fn contestants(&self) -> Vec<Contestant> {
        vec![Contestant::OursTask, Contestant::Tokio, Contestant::Smol]
    }

    fn tool(&self) -> Option<&'static str> {
        Some("valgrind")
    }

    fn count(&self, contestant: Contestant, counter: &Counter<'_>) -> io::Result<Counted> {
        let few = self.of_run(FEW, contestant, counter)?;
        let many = self.of_run(MANY, contestant, counter)?;
        let value = (many as f64 - few as f64) / f64::from(MANY - FEW);
        let parts = Vec::new();
        Ok(Counted { value, parts })
    }
}

const FEW: u32 = 10_000;
const MANY: u32 = 110_000;
