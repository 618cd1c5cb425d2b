/// When the poller reports that an object is ready.
///
/// | | reported |
/// |---|---|
/// | `Edge` | when something is new |
/// | `Level` | for as long as it is so, and somebody waits |
/// | `Oneshot` | once; again after a task has waited |
///
/// Whoever goes through the operations of [`PollEvented`](crate::PollEvented) alone sees no difference:
/// readiness is remembered until an operation would block. The difference is for objects that are
/// also used behind its back, by a C library for example, which leaves data unread that it will not
/// be told of again, or drains what was announced.
///
/// # What it costs
///
/// System calls beyond those of the operations and of the poller, with epoll: `ADD`, `MOD` and `DEL` are
/// calls of epoll_ctl(2), `poll` is poll(2). `Level` and `Oneshot` cost nothing on objects that are
/// `Edge`. (The test `poll_evented_trigger_calls.rs` counts them and compares them with this table.)
///
/// | | `Edge` | `Level` | `Oneshot` |
/// |---|---|---|---|
/// | registering | `ADD` | `ADD` | `ADD` |
/// | an operation that does not wait | – | – | – |
/// | the first wait to read | – | – | – |
/// | each later wait to read | – | – | `MOD` |
/// | the first wait to write | `MOD` | `MOD` | `MOD` |
/// | each later wait to write | – | – | `MOD` |
/// | being ready while nobody waits | – | `MOD` | – |
/// | the first wait after that | – | `MOD` | `MOD` |
/// | `need_read` by mistake, after an event | – | – | `MOD` |
/// | a transfer that would block | `poll`, `poll` | `poll`, `poll` | `poll`, `poll` |
/// | `pause` | `MOD` | `MOD` | `MOD` |
/// | `resume` while a task waits | `MOD` | `MOD` | `MOD` |
/// | `rebind` | `DEL`, `ADD` | `DEL`, `ADD` | `DEL`, `ADD` |
/// | deregistering | `DEL` | `DEL` | `DEL` |
///
/// What is ready while nobody waits costs a turn of the loop and an event as well: one with `Edge` and
/// `Oneshot`, three with `Level`. After [`PollEvented::new`](crate::PollEvented::new) nothing is ever
/// changed, and both directions are reported. A wait while an error lasts on an object that is not
/// `Edge` asks poll(2) once.
///
/// # How it is done
///
/// With epoll, by the flags that it has for this. A `Level` object that is ready while nobody waits
/// would keep the loop from sleeping, also for errors and hang-ups, which epoll reports unasked. So
/// after three such events it is switched to `Edge` until a task waits again. Elsewhere both are `Edge`
/// and report anew when a task waits after an event, at the price of one system call for each such wait.
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
