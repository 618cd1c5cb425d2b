//! Write your own I/O object.
//!
//! An I/O object promises two things: no operation blocks, and when one would have to, the current task has
//! been scheduled for a wakeup. The first is about your object, and the second about the event loop.
//! [`PollEvented`] keeps the second for you. What is left to do is to bring a descriptor that does not
//! block, and to say which operations read and which write.
//!
//! # From a descriptor to an `AsyncRead`
//!
//! Here is a reader made of the descriptor of a pipe, an eventfd, a terminal or whatever else the system can
//! poll:
//!
//! ```
//! use std::{io::{self, Read}, os::fd::OwnedFd};
//! use io_traits::AsyncRead;
//! use reactor::{Fd, Handle, PollEvented};
//!
//! struct Reader { io: PollEvented<Fd<OwnedFd>> }
//!
//! impl Reader {
//!     fn new(fd: OwnedFd, handle: &Handle) -> io::Result<Self> {
//!         Ok(Self { io: PollEvented::on_demand(Fd::new(fd)?, handle)? })
//!     }
//! }
//!
//! impl Read for Reader {
//!     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
//!         self.io.read_with(|fd| Ok(rustix::io::read(fd, &mut *buf)?))
//!     }
//! }
//!
//! impl AsyncRead for Reader {}
//!
//! // And that is all. It reads like every other one:
//! let (pipe, mut other_end) = std::io::pipe()?;
//! let mut core = reactor::Core::new()?;
//! let mut reader = Reader::new(pipe.into(), &core.handle())?;
//! let mut buf = [0; 5];
//! core.run(async {
//!     io::Write::write_all(&mut other_end, b"hello")?;
//!     io_traits::io::read_exact(&mut reader, &mut buf).await
//! })??;
//! assert_eq!(&buf, b"hello");
//! # io::Result::Ok(())
//! ```
//!
//! Three lines of it do the work:
//!
//! * [`Fd::new`] sets the descriptor to non-blocking mode. This is the first promise. Whoever shares what was
//!   opened (a `dup`, the shell that gave its terminal away) gets that mode, too; where it matters there is
//!   [`Fd::shared`], which sets it back.
//! * [`PollEvented::on_demand`] registers it. A regular file is refused, with an error that says why
//!   ([`NotPollable`](crate::NotPollable)). The object is in the error: [`RegisterError`](crate::RegisterError).
//! * [`read_with`](PollEvented::read_with) calls the system when that is worth trying. If the answer is "would
//!   block", it has the current task woken when something comes, and returns
//!   [`WouldBlock`](std::io::ErrorKind::WouldBlock). This is the second promise.
//!
//! A descriptor that comes as a number from a C library becomes an [`OwnedFd`](std::os::fd::OwnedFd) first.
//! That is the one step that the compiler cannot check, so it takes `unsafe`: from then on it is closed
//! once, after it was deregistered, and by nobody else.
//!
//! # Without a line of your own
//!
//! If the object has `Read` or `Write` already, so does its `PollEvented`, together with `AsyncRead` and
//! `AsyncWrite`. If `&` of it has them, so has `&PollEvented`, and several tasks can share one:
//!
//! ```
//! use reactor::{Core, Fd, Options, PollEvented};
//!
//! let mut core = Core::new()?;
//! let (reader, writer) = std::io::pipe()?;
//! let reader = PollEvented::on_demand(Fd::new(reader)?, &core.handle())?;
//! let writer = PollEvented::with_options(Fd::new(writer)?, &core.handle(), Options::write_only())?;
//! let mut buf = [0; 5];
//! core.run(async {
//!     io_traits::io::write_all(&mut &writer, b"hello").await?;
//!     io_traits::io::read_exact(&mut &reader, &mut buf).await
//! })??;
//! assert_eq!(&buf, b"hello");
//! # std::io::Result::Ok(())
//! ```
//!
//! # Verbs of your own
//!
//! Most objects do more than read and write bytes. Give each verb two forms, one for the current task and
//! one for whoever holds a [`Context`](std::task::Context). The async form comes by itself:
//! [`task::io`](io_traits::task::io()) makes a future of anything that uses the current task.
//!
//! ```
//! use std::{io, net::UdpSocket, task::{Context, Poll}};
//! use io_traits::task;
//! use reactor::{Fd, Handle, PollEvented};
//!
//! struct Datagrams { io: PollEvented<Fd<UdpSocket>> }
//!
//! impl Datagrams {
//!     fn new(socket: UdpSocket, handle: &Handle) -> io::Result<Self> {
//!         Ok(Self { io: PollEvented::on_demand(Fd::new(socket)?, handle)? })
//!     }
//!
//!     fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
//!         task::poll(|cx| self.poll_peek(cx, buf))
//!     }
//!
//!     fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
//!         self.io.poll_read_with(cx, |fd| fd.get_ref().peek(buf))
//!     }
//! }
//!
//! let mut core = reactor::Core::new()?;
//! let datagrams = Datagrams::new(UdpSocket::bind("127.0.0.1:0")?, &core.handle())?;
//! let addr = datagrams.io.get_ref().get_ref().local_addr()?;
//! let send = UdpSocket::bind("127.0.0.1:0")?.send_to(b"hello", addr)?;
//! let mut buf = [0; 16];
//! assert_eq!(core.run(task::io(|| datagrams.peek(&mut buf)))??, send);
//! # io::Result::Ok(())
//! ```
//!
//! Which of the closure forms is it?
//!
//! | the operation | is called by |
//! |---|---|
//! | takes something in: read, accept, recv | [`poll_read_with`](PollEvented::poll_read_with) |
//! | gives something away: write, send, connect | [`poll_write_with`](PollEvented::poll_write_with) |
//! | needs `&mut` of the object | the same with `_mut` |
//! | knows when nothing is left (a short read of a TCP socket) | [`poll_read_draining`](PollEvented::poll_read_draining) |
//! | is to be tried once, and nobody waits | [`try_read_with`](PollEvented::try_read_with) |
//! | is about urgent data, an error queue, or either direction | [`poll_with`](PollEvented::poll_with) and an [`Interest`](crate::Interest) |
//! | reads from one object and writes to another: splice | [`poll_transfer_with`](PollEvented::poll_transfer_with) |
//! | is no call at all, only a wait | [`readable`](PollEvented::readable), [`ready`](PollEvented::ready), [`peer_closed`](PollEvented::peer_closed) |
//!
//! And whose task waits?
//!
//! | | the task of `cx` | the current task | nobody |
//! |---|---|---|---|
//! | reading, `&E` | `poll_read_with`, `poll_read_draining` | `read_with` | `try_read_with` |
//! | reading, `&mut E` | `poll_read_with_mut`, `poll_read_draining_mut` | `read_with_mut` | `try_read_with_mut` |
//! | writing | the same with `write` | | |
//! | any interest, `&E` | `poll_with` | `with` | `try_with` |
//! | any interest, `&mut E` | `poll_with_mut` | `with_mut` | `try_with_mut` |
//! | from one object to another | `poll_transfer_with` | `transfer_with` | `try_transfer_with` |
//!
//! What has no form for the current task gets one by
//! [`task::poll`](io_traits::task::poll): `task::poll(|cx| io.poll_read_draining(cx, …))`.
//!
//! The closure may be called more than once, and each call is a try: what it takes away before it says
//! "would block" is lost. Underneath are [`poll_read`](PollEvented::poll_read) and
//! [`need_read`](PollEvented::need_read), for code in which a closure does not fit;
//! [the other chapter](super::wakeup_semantics) is about them.
//!
//! # How it is registered
//!
//! [`Options`](crate::Options) say it, by [`with_options`](PollEvented::with_options):
//!
//! * [`new`](crate::Options::new): can be read and written at once; "writable" is reported once a task waits.
//! * [`connecting`](crate::Options::connecting): becomes writable first.
//! * [`write_only`](crate::Options::write_only): one end of a pipe.
//! * [`trigger`](crate::Options::trigger): if somebody else uses the descriptor as well, a C library or another
//!   process, choose [`Trigger::Level`](crate::Trigger::Level). The table [there](crate::Trigger) says what it
//!   costs.
//!
//! An object that is no descriptor, or is several, implements mio's [`Source`](mio::event::Source) and goes to
//! [`PollEvented::new`]. All that reaches the poller is then yours: both directions are reported for good,
//! and there is no [`pause`](PollEvented::pause).
//!
//! # Sharing, moving, ending
//!
//! Any number of tasks may wait for either direction, on any thread and under any executor, by way of `&` or
//! an `Arc`. [`rebind`](PollEvented::rebind) moves an object to another reactor.
//! [`into_inner`](PollEvented::into_inner) deregisters it and gives it back; dropping deregisters it, too.
//! Objects may outlive their core: every operation then fails with the source
//! [`ReactorGone`](crate::ReactorGone).
//!
//! # Is it right?
//!
//! Run the conformance suite of io-traits on it (feature `testing`): it checks the six laws on an object and
//! its peer, and tells the story of what it finds. Here it is for the `Reader` above, with a pipe's other end:
//!
//! ```
//! # use std::{io::{self, Read, Write}, os::fd::OwnedFd, task::{Context, Poll}};
//! # use io_traits::{AsyncRead, AsyncWrite, task};
//! # use reactor::{Core, Fd, Handle, Options, PollEvented};
//! # struct Reader { io: PollEvented<Fd<OwnedFd>> }
//! # impl Reader {
//! #     fn new(fd: OwnedFd, handle: &Handle) -> io::Result<Self> {
//! #         Ok(Self { io: PollEvented::on_demand(Fd::new(fd)?, handle)? })
//! #     }
//! # }
//! # impl Read for Reader {
//! #     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
//! #         self.io.read_with(|fd| Ok(rustix::io::read(fd, &mut *buf)?))
//! #     }
//! # }
//! # impl AsyncRead for Reader {}
//! # // A pipe is told of its end by being closed.
//! # struct OtherEnd(Option<PollEvented<Fd<io::PipeWriter>>>);
//! # impl Write for OtherEnd {
//! #     fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
//! #         task::poll(|_| Poll::Ready(Ok(())))?;
//! #         self.0.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(buf)
//! #     }
//! #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
//! # }
//! # impl AsyncWrite for OtherEnd {
//! #     fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
//! #         self.0 = None;
//! #         Poll::Ready(Ok(()))
//! #     }
//! # }
//! # fn reader_and_other_end(handle: &Handle) -> (Reader, OtherEnd) {
//! #     let (reader, writer) = io::pipe().unwrap();
//! #     let writer = Fd::new(writer).unwrap();
//! #     let writer = PollEvented::with_options(writer, handle, Options::write_only()).unwrap();
//! #     (Reader::new(reader.into(), handle).unwrap(), OtherEnd(Some(writer)))
//! # }
//! use io_traits::testing::conformance;
//!
//! let mut core = Core::new()?;
//! let handle = core.handle();
//! conformance::reader(|| reader_and_other_end(&handle))
//!     .drive(|time| core.turn(Some(time)).unwrap())
//!     .run();
//! # io::Result::Ok(())
//! ```
//!
//! And know what these mistakes look like:
//!
//! | mistake | what you see |
//! |---|---|
//! | the descriptor blocks, because nobody made it an [`Fd`] | the whole loop stands still |
//! | an operation goes past the object: `io.get_ref().read(…)` in `task::io` | a warning with the line in a debug build, then the error [`Stalled`](io_traits::task::Stalled) |
//! | an operation outside of a task | the error [`NotInTask`](io_traits::task::NotInTask), each time |
//! | `need_read` although there is something to read | a warning with the line in a debug build; a wait until more comes, but with `Trigger::Level` |
//! | `need_read` forgotten | a busy task, then `Stalled` |
//! | the object was exchanged through [`get_mut`](PollEvented::get_mut) | [`InvalidInput`](std::io::ErrorKind::InvalidInput) as soon as it matters |
//! | the descriptor was closed behind its back | an error of the next operation, or of `into_inner` |
//!
//! Whole objects of each kind that Linux has are in the gallery of the `examples`: pipe, eventfd, signalfd,
//! pidfd, inotify, a pseudo-terminal, raw ICMP, timerfd and standard input.

#[cfg(doc)]
use crate::{Fd, PollEvented};
