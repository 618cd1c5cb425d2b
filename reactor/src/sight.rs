use std::{
    io,
    task::{Context, Poll},
};

use mio::event::Source;

use crate::{
    Direction, Interest, PollEvented,
    error::ReactorGone,
    readiness::{Seen, Told},
    registration::Registration,
};

/// What was seen of both directions of an object, as far as somebody asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight {
    read: Option<Seen>,
    write: Option<Seen>,
}

impl Sight {
    /// What there is to see of `interest` now.
    pub(crate) fn look(
        registration: &Registration,
        interest: Interest,
    ) -> Result<Self, ReactorGone> {
        let seen = |direction| {
            let seen = interest.is_of(direction);
            seen.then(|| registration.seen(direction)).transpose()
        };
        Ok(Self {
            read: seen(Direction::Read)?,
            write: seen(Direction::Write)?,
        })
    }

    /// Something of `interest` is true, or the task of `cx` will be woken when it may be.
    pub(crate) fn poll<E: Source>(
        io: &PollEvented<E>,
        interest: Interest,
        cx: &Context<'_>,
    ) -> Poll<io::Result<Self>> {
        // All of it before a task waits for any of it.
        let now = Self::look(io.registration(), interest)?;
        if now.of(interest).is_some() {
            return Poll::Ready(Ok(now));
        }
        Self::park(io, interest, cx)
    }

    /// Makes the task of `cx` wait for `interest`, of which nothing was true, and looks again.
    pub(crate) fn park<E: Source>(
        io: &PollEvented<E>,
        interest: Interest,
        cx: &Context<'_>,
    ) -> Poll<io::Result<Self>> {
        let mut is_ready = false;
        for direction in [Direction::Read, Direction::Write] {
            if let Some(told) = told(interest, direction) {
                if !told.is_readiness() {
                    io.registration().check_reports_news()?;
                }
                is_ready |= io.poll_told(direction, told, cx)?.is_ready();
            }
        }
        if is_ready {
            return Poll::Ready(Ok(Self::look(io.registration(), interest)?));
        }
        Poll::Pending
    }

    /// What of `interest` is true.
    pub(crate) fn of(self, interest: Interest) -> Option<Interest> {
        let mut all = None;
        for (one, direction, told) in TOLD {
            let seen = match direction {
                Direction::Read => self.read,
                Direction::Write => self.write,
            };
            if interest.contains(one) && seen.is_some_and(|seen| seen.has(told)) {
                all = Some(all.map_or(one, |all| all | one));
            }
        }
        all
    }

    /// An operation has been tried: if it would have blocked, what was seen is taken back.
    pub(crate) fn judge<T>(
        self,
        registration: &Registration,
        interest: Interest,
        result: &io::Result<T>,
    ) {
        if !matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            return;
        }
        let both = [(Direction::Read, self.read), (Direction::Write, self.write)];
        for (direction, seen) in both {
            if let (Some(seen), Some(told)) = (seen, told(interest, direction)) {
                registration.found_nothing(direction, seen, told);
            }
        }
    }
}

/// What tells of `interest` in that direction.
pub(crate) fn told(interest: Interest, direction: Direction) -> Option<Told> {
    let of_direction = TOLD
        .into_iter()
        .filter(|(one, of, _)| interest.contains(*one) && *of == direction);
    of_direction.fold(None, |all, (_, _, told)| Some(told.and(all)))
}

const TOLD: [(Interest, Direction, Told); 4] = [
    (Interest::READ, Direction::Read, Told::READY),
    (Interest::PRIORITY, Direction::Read, Told::PRIORITY),
    (Interest::ERROR, Direction::Read, Told::ERROR),
    (Interest::WRITE, Direction::Write, Told::READY),
];
