use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use reactor::Sleep;

use super::{Connector, Lookup, race::Race};
use crate::TcpStream;

/// A connection to a name that is being made; from [`connect`](crate::connect) and
/// [`Connector`].
///
/// The lookup begins with the call that makes this future, the attempts when it is polled.
///
/// # Cancel safety
///
/// Cancel safe: dropping it gives the lookup and all attempts up, and closes their sockets.
///
/// # Errors
///
/// * those of [`Lookup`], with the source [`LookupError`](crate::LookupError), of kind
///   [`TimedOut`](io::ErrorKind::TimedOut) also when the limit for everything is over in the middle of it;
/// * one with the source [`ConnectError`](crate::ConnectError), which has every attempt and says which
///   kind the error has;
/// * one with the source [`ReactorGone`](reactor::ReactorGone) when the core is dropped.
///
/// # Panics
///
/// When it is polled after it was ready.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct ConnectByName {
    state: State,
    limit: Sleep,
}

#[derive(Debug)]
enum State {
    LookingUp {
        lookup: Lookup,
        connector: Connector,
    },
    Racing(Race),
    Done,
}

impl ConnectByName {
    pub(super) fn new(connector: &Connector, lookup: Lookup, limit: Sleep) -> Self {
        let connector = connector.clone();
        Self {
            state: State::LookingUp { lookup, connector },
            limit,
        }
    }

    pub(super) fn racing(race: Race, limit: Sleep) -> Self {
        Self {
            state: State::Racing(race),
            limit,
        }
    }

    fn poll_steps(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        loop {
            self.state = match &mut self.state {
                State::LookingUp { lookup, connector } => match Pin::new(&mut *lookup).poll(cx)? {
                    Poll::Ready(addrs) => {
                        let target = Some(lookup.target().to_owned());
                        State::Racing(Race::new(connector.clone(), target, addrs))
                    }
                    Poll::Pending => return Poll::Pending,
                },
                State::Racing(race) => return race.poll(cx),
                State::Done => panic!("a ConnectByName was polled after it was ready"),
            };
        }
    }

    fn poll_limit(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        match Pin::new(&mut self.limit).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(gone)) => Poll::Ready(gone),
            Poll::Ready(Ok(())) => Poll::Ready(match &mut self.state {
                State::LookingUp { lookup, .. } => lookup.failed(late()),
                State::Racing(race) => race.give_up(),
                State::Done => unreachable!("it was polled before the limit"),
            }),
        }
    }
}

impl Future for ConnectByName {
    type Output = io::Result<TcpStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut result = self.poll_steps(cx);
        if result.is_pending() {
            result = self.poll_limit(cx).map(Err);
        }
        if result.is_ready() {
            // Ends the lookup and the attempts that are still running.
            self.state = State::Done;
        }
        result
    }
}

fn late() -> io::Error {
    let text = "the limit for the whole connection was over";
    io::Error::new(io::ErrorKind::TimedOut, text)
}
