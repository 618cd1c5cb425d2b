/// When the poller reports that an object is ready.
///
/// | | reported | system calls beyond those of the operations |
/// |---|---|---|
/// | `Edge` | when something is new | none, but one when write interest is added |
/// | `Level` | for as long as it is so, and somebody waits | none while somebody waits; two when three events in a row have found nobody |
/// | `Oneshot` | once; again after a task has waited | one for each wait after an event |
///
/// Whoever goes through the operations of [`PollEvented`](crate::PollEvented) alone sees no difference:
/// readiness is remembered until an operation would block. The difference is for objects that are
/// also used behind its back, by a C library for example, which leaves data unread that it will not
/// be told of again, or drains what was announced.
///
/// `Level` and `Oneshot` cost nothing on objects that are `Edge`.
///
/// # How it is done
///
/// With epoll, by the flags that it has for this. A `Level` object that is ready while nobody waits
/// would keep the loop from sleeping, also for errors and hang-ups, which epoll reports unasked. So
/// after three such events it is switched to `Edge` until a task waits again. Elsewhere both are `Edge` and report anew when a
/// task waits after an event, at the price of one system call for each such wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Trigger {
    /// What is new is reported once.
    #[default]
    Edge,
    /// Readiness is reported for as long as it lasts, while somebody waits for it.
    Level,
    /// One event, and the next one only after a task has waited again.
    Oneshot,
}
