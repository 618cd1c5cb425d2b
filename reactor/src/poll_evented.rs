#[cfg(unix)]
use std::os::fd::AsFd;
use std::{
    borrow::Borrow,
    fmt, io,
    task::{Context, Poll, ready},
};

use mio::event::Source;

use crate::{
    Direction, Handle, Options, Progress, ReadWitness, Ready, RegisterError, WriteWitness,
    registration::Registration, sys,
};

mod io_impls;

/// An object that never blocks, made aware of tasks: the way to I/O objects of your own.
///
/// The object inside supplies the operations, and each of them returns at once. `PollEvented` supplies
/// the rest: it knows from the reactor whether an operation is worth trying, and sees to it that the
/// task is woken when it is.
///
/// There are two ways to use it:
///
/// * An object with `Read` or `Write` gets them here, too, together with
///   [`AsyncRead`](io_traits::AsyncRead) and [`AsyncWrite`](io_traits::AsyncWrite): on the current task, for the object and for `&` of it where the
///   object has that.
/// * For other operations there are closure forms such as
///   [`poll_read_with`](Self::poll_read_with), which know what to do about a `WouldBlock`, and
///   underneath them [`poll_read`](Self::poll_read) and [`need_read`](Self::need_read) with a witness
///   in between.
///
/// Any number of tasks may wait for either direction, on any thread and under any executor.
///
/// # What has to be true of the object
///
/// Its operations do not block: its descriptor is in non-blocking mode. Nobody else takes from it what
/// its events announce: readiness is reported when it *changes* ("edge-triggered").
///
/// # How it is registered
///
/// [`new`](Self::new) takes any [`Source`] and has both directions reported from the start.
/// [`on_demand`](Self::on_demand) has "writable" reported only once a task waits for it, which most
/// objects never need: that saves events and system calls. Both directions start as "maybe ready": the
/// first operation is tried, not waited for.
///
/// Dropping it deregisters the object and drops it.
pub struct PollEvented<E: Source> {
    /// INVARIANT: present until `into_inner` or `drop` takes it.
    io: Option<E>,
    registration: Registration,
    descriptor_of: Option<fn(&E) -> sys::Descriptor>,
}

impl<E: Source> PollEvented<E> {
    /// Registers an object for both directions.
    ///
    /// # Errors
    ///
    /// Those of the system: a regular file cannot be polled
    /// ([`PermissionDenied`](io::ErrorKind::PermissionDenied)), a descriptor can be registered once
    /// ([`AlreadyExists`](io::ErrorKind::AlreadyExists)). An error with the source
    /// [`ReactorGone`](crate::ReactorGone) if the core has been dropped. The object is in the error.
    pub fn new(io: E, handle: &Handle) -> Result<Self, RegisterError<E>> {
        Self::register(io, handle, Options::both(), None)
    }

    /// Registers an object for reading, and for writing once a task waits for that.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    #[cfg(unix)]
    pub fn on_demand(io: E, handle: &Handle) -> Result<Self, RegisterError<E>>
    where
        E: AsFd,
    {
        Self::with_options(io, handle, Options::new())
    }

    /// Registers an object as `options` say; later changes are made through its descriptor.
    ///
    /// The descriptor must stay the same: if another object is put in its place through
    /// [`get_mut`](Self::get_mut), an operation that would have to change the registration fails with
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    #[cfg(unix)]
    pub fn with_options(io: E, handle: &Handle, options: Options) -> Result<Self, RegisterError<E>>
    where
        E: AsFd,
    {
        Self::register(io, handle, options, Some(sys::descriptor_of))
    }

    /// On this platform every object is registered for both directions.
    #[cfg(not(unix))]
    pub fn on_demand(io: E, handle: &Handle) -> Result<Self, RegisterError<E>> {
        Self::new(io, handle)
    }

    /// On this platform every object is registered for both directions.
    #[cfg(not(unix))]
    pub fn with_options(
        io: E,
        handle: &Handle,
        options: Options,
    ) -> Result<Self, RegisterError<E>> {
        let both = Options {
            armed: Options::both().armed,
            ..options
        };
        Self::register(io, handle, both, None)
    }

    fn register(
        mut io: E,
        handle: &Handle,
        options: Options,
        descriptor_of: Option<fn(&E) -> sys::Descriptor>,
    ) -> Result<Self, RegisterError<E>> {
        let descriptor = descriptor_of.map(|of| of(&io));
        match Registration::new(&mut io, handle, options, descriptor) {
            Ok(registration) => Ok(Self {
                io: Some(io),
                registration,
                descriptor_of,
            }),
            Err(error) => Err(RegisterError::new(error, io)),
        }
    }

    /// Deregisters the object and gives it back.
    ///
    /// # Errors
    ///
    /// Those of the system, which are rare: somebody has closed the descriptor. The object is dropped
    /// then; the reactor has forgotten it in any case.
    pub fn into_inner(mut self) -> io::Result<E> {
        let mut io = self.io.take().expect(PRESENT);
        self.registration.deregister(&mut io)?;
        Ok(io)
    }

    /// The object. Reading from or writing to it through this reference passes readiness by: use a
    /// closure form, or a witness.
    #[inline]
    pub fn get_ref(&self) -> &E {
        self.io.as_ref().expect(PRESENT)
    }

    /// The object. It must not be exchanged for another.
    pub fn get_mut(&mut self) -> &mut E {
        self.io.as_mut().expect(PRESENT)
    }

    /// Whether a read is worth trying; otherwise the task of `cx` is woken when it is.
    ///
    /// "Ready" may turn out to be wrong; the read then says `WouldBlock`, and the witness goes to
    /// [`need_read`](Self::need_read). Without that, it stays ready: forgetting it costs a busy loop,
    /// never a hang. Errors, the peer's close and the end of the stream are "ready" as well: the read
    /// says which.
    ///
    /// # Errors
    ///
    /// An error with the source [`ReactorGone`](crate::ReactorGone), for ever, once the core has been
    /// dropped. Those of the system, if the registration has to be changed.
    #[inline]
    pub fn poll_read(&self, cx: &mut Context<'_>) -> Poll<io::Result<ReadWitness<'_>>> {
        self.poll_ready(Direction::Read, cx)
            .map_ok(|seen| ReadWitness::new(self.registration.slot(), seen))
    }

    /// Whether a write is worth trying; otherwise the task of `cx` is woken when it is.
    ///
    /// As [`poll_read`](Self::poll_read), with [`need_write`](Self::need_write).
    ///
    /// # Errors
    ///
    /// As [`poll_read`](Self::poll_read).
    #[inline]
    pub fn poll_write(&self, cx: &mut Context<'_>) -> Poll<io::Result<WriteWitness<'_>>> {
        self.poll_ready(Direction::Write, cx)
            .map_ok(|seen| WriteWitness::new(self.registration.slot(), seen))
    }

    /// A read said `WouldBlock` although the witness had said "ready": takes that readiness back, and
    /// has the task of `cx` woken when there is more.
    ///
    /// If an event has come since the witness was made, that is not lost: the task is woken at once. So
    /// is it when the call was a mistake and an event comes later; only what was there *before* the
    /// witness is forgotten by a mistaken call, until the next event.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a witness of another object. Otherwise as
    /// [`poll_read`](Self::poll_read).
    pub fn need_read(&self, cx: &mut Context<'_>, witness: ReadWitness<'_>) -> io::Result<()> {
        let seen = witness.of(self.registration.slot());
        self.need(Direction::Read, cx, seen)
    }

    /// A write said `WouldBlock` although the witness had said "ready"; as
    /// [`need_read`](Self::need_read).
    ///
    /// # Errors
    ///
    /// As [`need_read`](Self::need_read).
    pub fn need_write(&self, cx: &mut Context<'_>, witness: WriteWitness<'_>) -> io::Result<()> {
        let seen = witness.of(self.registration.slot());
        self.need(Direction::Write, cx, seen)
    }

    /// Waits until a read is worth trying.
    pub fn readable(&self) -> Ready<'_, E> {
        Ready::new(self, Direction::Read)
    }

    /// Waits until a write is worth trying.
    pub fn writable(&self) -> Ready<'_, E> {
        Ready::new(self, Direction::Write)
    }

    /// Calls a reading operation when it is worth trying, until it does not say `WouldBlock`.
    ///
    /// # Errors
    ///
    /// Those of the operation, but never `WouldBlock` nor `Interrupted`. Otherwise as
    /// [`poll_read`](Self::poll_read).
    #[inline]
    pub fn poll_read_with<T>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.poll_read_draining(cx, |io| operation(io).map(Progress::more))
    }

    /// [`poll_read_with`](Self::poll_read_with) for an operation that may know that nothing is left.
    ///
    /// That knowledge is used only where it can be relied upon: not after the peer's close or urgent
    /// data has been seen, and not on a platform whose poller reports no new data after a short read.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn poll_read_draining<T>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<Progress<T>>,
    ) -> Poll<io::Result<T>> {
        let io = self.get_ref();
        self.drive(Direction::Read, io, cx, |io| operation(io))
    }

    /// [`poll_read_with`](Self::poll_read_with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn poll_read_with_mut<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut E) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.drive_mut(Direction::Read, cx, |io| operation(io).map(Progress::more))
    }

    /// [`poll_read_draining`](Self::poll_read_draining) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn poll_read_draining_mut<T>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnMut(&mut E) -> io::Result<Progress<T>>,
    ) -> Poll<io::Result<T>> {
        self.drive_mut(Direction::Read, cx, operation)
    }

    /// Calls a writing operation when it is worth trying, until it does not say `WouldBlock`.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn poll_write_with<T>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.poll_write_draining(cx, |io| operation(io).map(Progress::more))
    }

    /// [`poll_write_with`](Self::poll_write_with) for an operation that may know that there is no more
    /// room; as [`poll_read_draining`](Self::poll_read_draining).
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn poll_write_draining<T>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<Progress<T>>,
    ) -> Poll<io::Result<T>> {
        let io = self.get_ref();
        self.drive(Direction::Write, io, cx, |io| operation(io))
    }

    /// [`poll_write_with`](Self::poll_write_with) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn poll_write_with_mut<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut E) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.drive_mut(Direction::Write, cx, |io| operation(io).map(Progress::more))
    }

    /// [`poll_write_draining`](Self::poll_write_draining) for an operation that needs `&mut`.
    ///
    /// # Errors
    ///
    /// As [`poll_read_with`](Self::poll_read_with).
    #[inline]
    pub fn poll_write_draining_mut<T>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnMut(&mut E) -> io::Result<Progress<T>>,
    ) -> Poll<io::Result<T>> {
        self.drive_mut(Direction::Write, cx, operation)
    }

    /// Calls a reading operation once, with no task to wake; a `WouldBlock` takes readiness back, so
    /// that [`readable`](Self::readable) then waits for what is new.
    ///
    /// # Errors
    ///
    /// Those of the operation, `WouldBlock` included. An error with the source
    /// [`ReactorGone`](crate::ReactorGone) once the core has been dropped.
    pub fn try_read_with<T>(&self, operation: impl FnOnce(&E) -> io::Result<T>) -> io::Result<T> {
        self.try_with(Direction::Read, operation)
    }

    /// Calls a writing operation once, with no task to wake; as
    /// [`try_read_with`](Self::try_read_with).
    ///
    /// # Errors
    ///
    /// As [`try_read_with`](Self::try_read_with).
    pub fn try_write_with<T>(&self, operation: impl FnOnce(&E) -> io::Result<T>) -> io::Result<T> {
        self.try_with(Direction::Write, operation)
    }

    #[inline]
    fn poll_ready(
        &self,
        direction: Direction,
        cx: &Context<'_>,
    ) -> Poll<io::Result<crate::readiness::Seen>> {
        self.registration
            .poll_ready(direction, cx, || Some(self.descriptor_of?(self.get_ref())))
    }

    fn need(
        &self,
        direction: Direction,
        cx: &Context<'_>,
        seen: Option<crate::readiness::Seen>,
    ) -> io::Result<()> {
        let seen = seen.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the witness is of another object",
            )
        })?;
        self.registration.would_block(direction, seen);
        if self.poll_ready(direction, cx)?.is_ready() {
            cx.waker().wake_by_ref();
        }
        Ok(())
    }

    fn try_with<T>(
        &self,
        direction: Direction,
        operation: impl FnOnce(&E) -> io::Result<T>,
    ) -> io::Result<T> {
        let seen = self.registration.seen(direction)?;
        let result = operation(self.get_ref());
        if is_would_block(&result) {
            self.registration.would_block(direction, seen);
        }
        result
    }

    #[inline(always)]
    fn drive_mut<T>(
        &mut self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut E) -> io::Result<Progress<T>>,
    ) -> Poll<io::Result<T>> {
        let io = self.io.as_mut().expect(PRESENT);
        drive(
            &self.registration,
            self.descriptor_of,
            direction,
            io,
            cx,
            |io| operation(io),
        )
    }

    #[inline(always)]
    fn drive<T>(
        &self,
        direction: Direction,
        io: &E,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&E) -> io::Result<Progress<T>>,
    ) -> Poll<io::Result<T>> {
        drive(
            &self.registration,
            self.descriptor_of,
            direction,
            io,
            cx,
            |io| operation(io),
        )
    }
}

/// The one path of every operation, for `&E` and `&mut E` alike. Always inlined: that takes a quarter off
/// the instructions of an echo (`make count`).
///
/// ```text
///   ready? ── no ──▶ wait: Pending
///     │ yes ◀──────────────────────────────── an event came while the waker was stored
///     ▼                                        ▲
///   operation ── would block ──▶ clear ────────┘
///     │
///     ├── drained ──▶ clear what was seen before the operation
///     ▼
///   Ready
/// ```
#[inline(always)]
fn drive<E, B: Borrow<E>, T>(
    registration: &Registration,
    descriptor_of: Option<fn(&E) -> sys::Descriptor>,
    direction: Direction,
    mut io: B,
    cx: &mut Context<'_>,
    mut operation: impl FnMut(&mut B) -> io::Result<Progress<T>>,
) -> Poll<io::Result<T>> {
    loop {
        let descriptor = || Some(descriptor_of?(io.borrow()));
        let seen = ready!(registration.poll_ready(direction, cx, descriptor))?;
        match operation(&mut io) {
            Ok(progress) => {
                if progress.drained {
                    registration.drained(direction, seen);
                }
                return Poll::Ready(Ok(progress.value));
            }
            Err(error) => registration.failed(direction, seen, error)?,
        }
    }
}

fn is_would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

impl<E: Source> Drop for PollEvented<E> {
    fn drop(&mut self) {
        if let Some(mut io) = self.io.take() {
            // An error: somebody has closed the descriptor, and there is nothing left to undo.
            let _ = self.registration.deregister(&mut io);
        }
    }
}

impl<E: Source + fmt::Debug> fmt::Debug for PollEvented<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollEvented")
            .field("io", self.get_ref())
            .finish_non_exhaustive()
    }
}

#[cfg(unix)]
impl<E: Source + AsFd> AsFd for PollEvented<E> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

const PRESENT: &str = "the object is there until `into_inner` or `drop` takes it";
