/// Who decides which core serves a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spread {
    /// The system: each core has a listener of its own at the same address (`SO_REUSEPORT`), and Linux
    /// spreads the connections over them by a hash of their addresses.
    ///
    /// No thread comes between, and nothing is shared. But the hash knows nothing of load: a few
    /// connections are spread unevenly, a core that is busy gets as many new ones as an idle one, and those
    /// wait in its queue.
    #[default]
    System,
    /// One more thread accepts, and hands each connection to the core that has the fewest open ones.
    ///
    /// For connections that live long and differ in what they cost. It takes two more system calls for each
    /// connection, and a wake of the core that gets it.
    HandOff,
}
