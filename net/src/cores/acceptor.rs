use std::{
    io,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use futures::{StreamExt, channel::mpsc::UnboundedSender};
use reactor::Core;

use super::{
    core_load::{Counters, Place},
    cores_shutdown::CoresShutdown,
    worker::Given,
};
use crate::{TcpListener, tcp::Unregistered};

/// Accepts, and hands each connection to the core that has the fewest.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) core: Core,
    pub(super) listener: std::net::TcpListener,
    pub(super) cores: Vec<(UnboundedSender<Given>, Arc<Counters>)>,
    pub(super) shutdown: CoresShutdown,
}

impl Acceptor {
    pub(super) fn serve(self) -> io::Result<()> {
        let Self {
            mut core,
            listener,
            cores,
            shutdown,
        } = self;
        let handle = core.handle();
        core.run(async {
            let listener = TcpListener::from_std(listener, &handle)?;
            let incoming = Unregistered::incoming(listener);
            let mut incoming = shutdown.tracker().until_stopped(incoming);
            let mut first = 0;
            while let Some(accepted) = incoming.next().await {
                let (stream, peer) = accepted?;
                let index = least_loaded(&cores, first);
                // Among those that have equally few, each has its turn.
                first = (index + 1) % cores.len();
                let (sender, counters) = &cores[index];
                // An error: the core has ended, and so will we.
                let _ = sender.unbounded_send((stream, peer, Place::new(counters)));
            }
            Ok(())
        })?
    }
}

/// The first that has the fewest, counted from `first` on.
fn least_loaded<S>(cores: &[(S, Arc<Counters>)], first: usize) -> usize {
    let order = (first..cores.len()).chain(0..first);
    order
        .min_by_key(|&index| cores[index].1.open.load(Relaxed))
        .expect("there is at least one core")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_with_the_fewest_is_taken_and_equals_have_their_turns() {
        let cores: Vec<_> = [2, 1, 1, 3]
            .map(|open: usize| {
                let counters = Counters::default();
                counters.open.store(open, Relaxed);
                ((), Arc::new(counters))
            })
            .into();
        assert_eq!(least_loaded(&cores, 0), 1);
        assert_eq!(least_loaded(&cores, 2), 2);
        assert_eq!(least_loaded(&cores, 3), 1);
    }
}
