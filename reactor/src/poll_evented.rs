#[cfg(unix)]
use std::os::fd::AsFd;
use std::{
    fmt, io,
    panic::Location,
    sync::Arc,
    task::{Context, Poll},
};

use mio::event::Source;

use crate::{
    Direction, Handle, Interest, Options, OwnedReady, PeerClosed, ReadWitness, Ready,
    RegisterError, WriteWitness,
    readiness::{Seen, Told},
    registration::Registration,
    sys,
};

mod closures;
mod drive;
mod interests;
mod io_impls;
mod transfer;

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
    /// How the poller gets at the object's descriptor, if it knows the object by that.
    borrow: Option<sys::Borrow<E>>,
}

impl<E: Source> PollEvented<E> {
    /// Registers an object for both directions, edge-triggered.
    ///
    /// # Errors
    ///
    /// Those of the system: a regular file cannot be polled
    /// ([`PermissionDenied`](io::ErrorKind::PermissionDenied), with the source
    /// [`NotPollable`](crate::NotPollable)), a descriptor can be registered once
    /// ([`AlreadyExists`](io::ErrorKind::AlreadyExists)). An error with the source
    /// [`ReactorGone`](crate::ReactorGone) if the core has been dropped. The object is in the error.
    pub fn new(mut io: E, handle: &Handle) -> Result<Self, RegisterError<E>> {
        let registered = Registration::of_source(&mut io, handle);
        Self::from_parts(io, registered, None)
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

    /// Registers an object by its descriptor, as `options` say.
    ///
    /// The descriptor must stay the same. If another object is put in its place through
    /// [`get_mut`](Self::get_mut), whatever would have to change or end the registration fails with
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), and no other object's is touched.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    #[cfg(unix)]
    pub fn with_options(io: E, handle: &Handle, options: Options) -> Result<Self, RegisterError<E>>
    where
        E: AsFd,
    {
        let registered = Registration::of_descriptor(io.as_fd(), handle, options);
        Self::from_parts(io, registered, Some(E::as_fd))
    }

    /// On this platform every object is registered for both directions.
    #[cfg(not(unix))]
    pub fn on_demand(io: E, handle: &Handle) -> Result<Self, RegisterError<E>> {
        Self::new(io, handle)
    }

    /// On this platform every object is registered for both directions.
    #[cfg(not(unix))]
    pub fn with_options(io: E, handle: &Handle, _: Options) -> Result<Self, RegisterError<E>> {
        Self::new(io, handle)
    }

    fn from_parts(
        io: E,
        registered: io::Result<Registration>,
        borrow: Option<sys::Borrow<E>>,
    ) -> Result<Self, RegisterError<E>> {
        match registered {
            Ok(registration) => Ok(Self {
                io: Some(io),
                registration,
                borrow,
            }),
            Err(error) => Err(RegisterError::new(error, io)),
        }
    }

    /// Moves the object to another reactor.
    ///
    /// Tasks that wait for it are woken, and wait at the new one when they poll again. What was known
    /// of its readiness is forgotten: the first operations are tried. A pause goes on. The old reactor
    /// may be gone.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new). The object is in the error, and is registered nowhere.
    pub fn rebind(mut self, handle: &Handle) -> Result<Self, RegisterError<E>> {
        let mut io = self.io.take().expect(PRESENT);
        let options = self.registration.slot().options();
        let borrow = self.borrow;
        let paused = self.registration.slot().paused();
        self.registration.send_away();
        if let Err(error) = self.registration.deregister(&mut io, borrow) {
            return Err(RegisterError::new(error, io));
        }
        let registered = match borrow {
            Some(borrow) => Registration::of_descriptor(borrow(&io), handle, options),
            None => Registration::of_source(&mut io, handle),
        };
        if let Ok(registration) = &registered {
            registration.slot().stay_paused(paused);
        }
        Self::from_parts(io, registered, borrow)
    }

    /// Deregisters the object and gives it back.
    ///
    /// # Errors
    ///
    /// Those of the system, which are rare: somebody has closed the descriptor.
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the object was exchanged. It is dropped then; the
    /// reactor has forgotten it in any case.
    pub fn into_inner(mut self) -> io::Result<E> {
        let mut io = self.io.take().expect(PRESENT);
        self.registration.deregister(&mut io, self.borrow)?;
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
    /// witness is forgotten by a mistaken call, until the next event. (Not even that with
    /// [`Trigger::Level`](crate::Trigger::Level).)
    ///
    /// A debug build asks the system, if the object is known by its descriptor (not after
    /// [`new`](Self::new)): a call while there is something to read logs a warning with the place of the
    /// call. It may be a false alarm, if the data has come in this very moment.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a witness of another object. Otherwise as
    /// [`poll_read`](Self::poll_read).
    #[track_caller]
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
    #[track_caller]
    pub fn need_write(&self, cx: &mut Context<'_>, witness: WriteWitness<'_>) -> io::Result<()> {
        let seen = witness.of(self.registration.slot());
        self.need(Direction::Write, cx, seen)
    }

    /// Waits until a read is worth trying.
    pub fn readable(&self) -> Ready<'_, E> {
        self.ready(Interest::READ)
    }

    /// Waits until a write is worth trying.
    pub fn writable(&self) -> Ready<'_, E> {
        self.ready(Interest::WRITE)
    }

    /// Waits until at least one of `interest` is true; resolves to all that are.
    ///
    /// An error makes reading and writing worth trying, too. What it resolves to stays true until an
    /// operation finds nothing; for urgent data and errors that is one of
    /// [`poll_with`](Self::poll_with) or [`try_with`](Self::try_with).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for urgent data or errors without
    /// [`READ`](Interest::READ), if the object is not edge-triggered: data that nobody reads would wake
    /// the task over and over. Otherwise as [`poll_read`](Self::poll_read).
    pub fn ready(&self, interest: Interest) -> Ready<'_, E> {
        Ready::new(self, interest)
    }

    /// [`ready`](Self::ready), as a future that owns a share of the object.
    pub fn ready_owned(self: Arc<Self>, interest: Interest) -> OwnedReady<E> {
        OwnedReady::new(self, interest)
    }

    /// Waits until the peer has closed its side, without reading.
    ///
    /// Data that has not been read does not matter, and stays. An error or a hang-up is a close, too; of
    /// an object without a peer, such as a UDP socket, there is nothing else. Not while reading is
    /// [paused](Self::pause).
    ///
    /// It means that nothing more will come. So it resolves after our own `shutdown` of reading, too: the
    /// system reports that in the very same way (`EPOLLRDHUP`, shutdown(2)), although the peer may be there.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) if the object is not edge-triggered. Otherwise as
    /// [`poll_read`](Self::poll_read).
    pub fn peer_closed(&self) -> PeerClosed<'_, E> {
        PeerClosed::new(self)
    }

    /// Has the poller report nothing of `direction` until it is [resumed](Self::resume), so that what
    /// comes meanwhile costs nothing.
    ///
    /// Tasks that wait for it go on waiting. What is known already stays known, so operations can be
    /// tried until they would block. Nothing is lost: what is there at the end of the pause is reported
    /// then. Errors and hang-ups are reported in any case, once; but not where the system has poll(2) alone.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for an object that was registered by
    /// [`new`](Self::new), of which the poller knows no descriptor. Otherwise as
    /// [`poll_read`](Self::poll_read).
    pub fn pause(&self, direction: Direction) -> io::Result<()> {
        self.registration.pause(direction, self.borrowed())
    }

    /// Ends a pause.
    ///
    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub fn resume(&self, direction: Direction) -> io::Result<()> {
        self.registration.resume(direction, self.borrowed())
    }

    /// Whether an event has ever told of urgent data, which an object that
    /// [watches](Options::watch_urgent) for it does not hide: operations may stop where the urgent data is.
    #[inline]
    pub fn has_told_of_urgent_data(&self) -> bool {
        self.registration.slot().seen(Direction::Read).has_urgent()
    }

    /// The way to the reactor that it is registered with.
    pub fn handle(&self) -> Handle {
        self.registration.handle()
    }

    pub(crate) fn registration(&self) -> &Registration {
        &self.registration
    }

    #[inline]
    fn borrowed(&self) -> Option<sys::Borrowed<'_>> {
        Some(self.borrow?(self.get_ref()))
    }

    #[inline]
    fn poll_ready(&self, direction: Direction, cx: &Context<'_>) -> Poll<io::Result<Seen>> {
        self.poll_told(direction, Told::READY, cx)
    }

    #[inline]
    pub(crate) fn poll_told(
        &self,
        direction: Direction,
        told: Told,
        cx: &Context<'_>,
    ) -> Poll<io::Result<Seen>> {
        self.registration
            .poll_told(direction, told, cx, || self.borrowed())
    }

    #[track_caller]
    fn need(&self, direction: Direction, cx: &Context<'_>, seen: Option<Seen>) -> io::Result<()> {
        let seen = seen.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the witness is of another object",
            )
        })?;
        if cfg!(debug_assertions) {
            self.warn_if_ready(direction);
        }
        self.registration.would_block(direction, seen);
        if self.poll_ready(direction, cx)?.is_ready() {
            cx.waker().wake_by_ref();
        }
        Ok(())
    }

    /// The mistake that the classic documentation warns of: "could accidentally block your program
    /// forever".
    #[track_caller]
    fn warn_if_ready(&self, direction: Direction) {
        let caller = Location::caller();
        if self
            .borrowed()
            .is_some_and(|io| sys::is_ready(io, direction))
        {
            tracing::warn!(
                %caller,
                ?direction,
                "an operation is said to have blocked, but the object is ready: what is there now may \
                 not be reported again"
            );
        }
    }
}

impl<E: Source> Drop for PollEvented<E> {
    fn drop(&mut self) {
        if let Some(mut io) = self.io.take() {
            // An error: somebody has closed the descriptor, and there is nothing left to undo.
            let _ = self.registration.deregister(&mut io, self.borrow);
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
