//! Wakeup semantics: when a task is woken, by what, and what cannot get lost on the way.
//!
//! # The promise
//!
//! After a `WouldBlock` or a `Pending` of an object, the current task is woken when the operation may make
//! progress. That holds with any number of tasks, whatever thread they run on, whenever the event comes, and
//! if the task has another waker at each poll. A wake for nothing is allowed; no wake is lost.
//!
//! Progress itself is not promised: a woken task tries again, and may hear "would block" once more.
//!
//! # How a wakeup travels
//!
//! ```text
//!   system ── event ──▶ loop ── marks the slot, takes its waiters ──▶ queue of tasks ──▶ poll
//!                               READY, a new tick, each direction by itself
//! ```
//!
//! Between the loop and the tasks is one slot for each object, with a word for each direction. An event marks
//! that direction as ready and counts: that is its tick. Then all who wait for the direction are woken. A task
//! that is about to wait stores its waker first and looks at the word then. So an event at any moment is seen
//! by the one or by the other.
//!
//! What was written before a wake is seen in the poll that follows.
//!
//! # Ready stays ready
//!
//! Readiness is remembered: it is there for the next operation even if nobody waited, and it stays until an
//! operation finds nothing. [`poll_read`](PollEvented::poll_read) says "ready" any number of times. A new
//! object counts as "maybe ready" in both directions, so its first operation is tried, not waited for.
//!
//! Errors, the peer's close and the end of a stream are "ready", too: the operation says which. They mark a
//! direction once, like any other event, and are no permission to try for ever: after a "would block" the
//! task waits. An error wakes both directions. A close can be waited for by itself
//! ([`peer_closed`](PollEvented::peer_closed)), and so can an error ([`Interest::ERROR`](crate::Interest::ERROR)).
//!
//! # Taking it back: `need_read`
//!
//! In the classic reactor a mistaken call of `need_read` "could accidentally block your program forever": it
//! erased whatever was known, at any time. Here it takes a [witness](crate::ReadWitness), which
//! [`poll_read`](PollEvented::poll_read) hands out and which remembers the tick:
//!
//! ```
//! use std::{io::ErrorKind, net::UdpSocket, task::{Poll, ready}};
//! use io_traits::task;
//! use reactor::{Core, Fd, PollEvented};
//!
//! let mut core = Core::new()?;
//! let socket = Fd::new(UdpSocket::bind("127.0.0.1:0")?)?;
//! let io = PollEvented::on_demand(socket, &core.handle())?;
//! let recv = |buf: &mut [u8]| task::poll(|cx| {
//!     let witness = ready!(io.poll_read(cx))?;
//!     match io.get_ref().get_ref().recv(buf) {
//!         Err(e) if e.kind() == ErrorKind::WouldBlock => {
//!             io.need_read(cx, witness)?;
//!             Poll::Pending
//!         }
//!         result => Poll::Ready(result),
//!     }
//! });
//! let addr = io.get_ref().get_ref().local_addr()?;
//! let mut buf = [0; 16];
//! let received = core.run(async {
//!     let send = async { UdpSocket::bind("127.0.0.1:0")?.send_to(b"hello", addr) };
//!     futures::future::join(task::io(|| recv(&mut buf)), send).await
//! })?;
//! assert_eq!((received.0?, received.1?), (5, 5));
//! # std::io::Result::Ok(())
//! ```
//!
//! | | the classic reactor | here |
//! |---|---|---|
//! | `need_read` without a look before | a hang, or a busy loop | does not compile: it takes a witness |
//! | an event comes between the operation and `need_read` | saved by a second level of readiness | the tick differs: nothing is erased, the task is woken at once |
//! | `need_read` although there is something to read | a hang until something new comes | the same with [`Trigger::Edge`](crate::Trigger::Edge), and a debug build warns with the line; woken all the same with [`Trigger::Level`](crate::Trigger::Level) and [`Trigger::Oneshot`](crate::Trigger::Oneshot) |
//! | `need_read` forgotten | a busy loop | a busy task; the async forms end it with [`Stalled`](io_traits::task::Stalled) |
//! | the witness of another object | – | an error, and nothing is erased |
//! | two tasks on one direction | the second one took the place of the first | both are woken |
//! | the core is gone | a hang | the error [`ReactorGone`](crate::ReactorGone), for whoever waits and whoever comes, for ever |
//!
//! Whoever uses the closure forms, such as [`poll_read_with`](PollEvented::poll_read_with), or `Read` and
//! `Write`, has none of these to think of: they take readiness back if, and only if, the operation said
//! "would block".
//!
//! # Edges and levels
//!
//! The classic documentation ends: level semantics are "not currently implemented". They are now, by
//! [`Options::trigger`](crate::Options::trigger):
//!
//! * [`Edge`](crate::Trigger::Edge), the default: an event comes when something is *new*. New data is an event
//!   even if old data is unread. Data that was left unread, without a "would block", is remembered as "ready"
//!   and costs nothing.
//! * [`Level`](crate::Trigger::Level): events come for as long as the object is ready *and somebody waits*.
//!   Nothing spins when nobody does.
//! * [`Oneshot`](crate::Trigger::Oneshot): one event; the next one after a task has waited.
//!
//! The difference shows when somebody makes a mistake, or when somebody else drains what was announced:
//!
//! ```
//! use std::{future::poll_fn, io::Write, os::unix::net::UnixStream, task::Poll};
//! use reactor::{Core, Fd, Options, PollEvented, Trigger};
//!
//! let mut core = Core::new()?;
//! let (ours, mut theirs) = UnixStream::pair()?;
//! let level = Options::new().trigger(Trigger::Level);
//! let ours = PollEvented::with_options(Fd::new(ours)?, &core.handle(), level)?;
//! theirs.write_all(b"unread")?;
//! let mut polls = 0;
//! core.run(poll_fn(|cx| {
//!     polls += 1;
//!     let Poll::Ready(witness) = ours.poll_read(cx) else {
//!         return Poll::Pending;
//!     };
//!     if polls > 10 {
//!         return Poll::Ready(());
//!     }
//!     // Nothing was read. With `Trigger::Edge` this task would sleep for ever now.
//!     ours.need_read(cx, witness.unwrap()).unwrap();
//!     Poll::Pending
//! }))?;
//! # std::io::Result::Ok(())
//! ```
//!
//! # Drained
//!
//! An operation that knows that it has taken everything may say so ([`Progress`](crate::Progress)), which
//! spares the call that would only hear "would block". It is judged by what was seen *before* the operation,
//! and believed only where it can be: not after the peer's close or urgent data, and not with a poller that
//! reports nothing after a short read. Nothing here concludes it from a short read by itself: for Unix
//! sockets that carry descriptors, for packet pipes and for terminals that is wrong.
//!
//! # Who is woken
//!
//! * All who wait for the direction; nobody displaces anybody.
//! * Each task by the waker of its latest poll. One that moves to another task or thread is woken there.
//! * Of several futures in one task each by the waker that it was polled with: under `select!` or
//!   `FuturesUnordered` the inner one, if the operation was entered with that
//!   ([`io_traits::task`]).
//! * The directions are independent: an event of one neither wakes nor delays the other.
//! * A read that blocks on *writing*, as with TLS, is woken by writability: what counts is the operation
//!   that was really tried.
//!
//! A future such as [`readable`](PollEvented::readable) that is dropped takes its waker along. The poll
//! functions cannot know when a task gives up: their wakers stay until the next event or until the object is
//! dropped, and there are never more of them than a small multiple of the tasks that really wait.
//!
//! # Wakes for nothing
//!
//! They are bounded, and counted in [`Metrics`](crate::Metrics) (`spurious`). They come when several tasks wait
//! and one gets all; when a crowd outgrows the place it waits in; when a future goes while another one of the
//! same task waits for the same object; when an object moves to another reactor; when the shot of a
//! [`Oneshot`](crate::Trigger::Oneshot) object was about the other direction; and whenever the system says
//! "ready" and then "would block".
//!
//! # Not now: pause
//!
//! [`pause`](PollEvented::pause) has a direction not reported until [`resume`](PollEvented::resume). Tasks that
//! wait go on waiting, what comes meanwhile costs nothing, and all of it is reported at the end of the pause.
//!
//! # Shown by
//!
//! The tests `laws.rs`, `classic_failures.rs`, `poll_evented_witness.rs` and `poll_evented_trigger.rs`, and the
//! models in `src/model`, which try every order of a few steps (`make model`).

#[cfg(doc)]
use crate::PollEvented;
