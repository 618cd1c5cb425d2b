use std::{cmp::min, time::Duration};

use clap::{Parser, value_parser};

use crate::part::{Kind, Part};

/// Echo random data of a thousand clients in one process, and check every byte
#[derive(Parser)]
#[command(version)]
pub(crate) struct Args {
    /// How many clients there are at once, over TCP
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = value_parser!(u32).range(1..))]
    clients: u32,

    /// What the data comes from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How long it takes in all, about
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u64).range(1..))]
    seconds: u64,

    /// What the clients send
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_enum, default_values_t = Kind::ALL)]
    kinds: Vec<Kind>,

    /// Have the server flip one bit in this part, to see the check fail
    #[arg(long, value_name = "PART", hide = true, num_args = 0..=1, default_missing_value = "direct")]
    pub(crate) corrupt: Option<Part>,

    /// Have the server drop the first datagrams, to see them counted
    #[arg(long, value_name = "N", hide = true, default_value_t = 0)]
    pub(crate) drop_datagrams: u64,
}

impl Args {
    /// The parts that there are, for the kinds of clients that are wanted.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part> {
        let has_clients = |part: &Part| !part.kinds(&self.kinds).is_empty();
        Part::ALL.into_iter().filter(has_clients)
    }

    pub(crate) fn kinds(&self, part: Part) -> Vec<Kind> {
        part.kinds(&self.kinds)
    }

    pub(crate) fn duration(&self, part: Part) -> Duration {
        part.share(Duration::from_secs(self.seconds))
    }

    /// As many clients as were asked for, or as many as `descriptors` allow, which is said then.
    ///
    /// Each part has the same clients, so that one can be compared with the other; the hungriest
    /// decides.
    pub(crate) fn affordable_clients(&self, descriptors: u64) -> usize {
        let wanted = self.clients as usize;
        let each = self.parts().map(Part::descriptors).max().unwrap_or(1);
        let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let most = (descriptors.saturating_sub(OTHER_DESCRIPTORS) / each).max(1);
        if most < wanted {
            eprintln!(
                "{most} clients instead of {wanted}: the limit is {descriptors} descriptors, \
                 and each client takes up to {each}"
            );
        }
        min(most, wanted)
    }
}

/// Descriptors that are not connections: standard streams, listeners, pollers.
const OTHER_DESCRIPTORS: usize = 32;
