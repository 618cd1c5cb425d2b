//! RFC 8305, "Happy Eyeballs": several addresses are tried, a little after each other, and the first
//! that answers wins.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use reactor::{ReactorGone, Sleep, Timeout};

use super::{ConnectError, Connector, order::interleave};
use crate::{Connect, TcpStream};

/// Attempts to connect to one of several addresses.
///
/// ```text
///   waiting ──begin──▶ running ──▶ connected: the others are dropped
///      ▲                  └──────▶ failed, or over its limit: the next one begins at once
///      └ the next one begins when the stagger is over, or nothing is running
/// ```
#[derive(Debug)]
pub(super) struct Race {
    connector: Connector,
    target: Option<String>,
    waiting: VecDeque<SocketAddr>,
    /// In the order of their beginnings.
    attempts: Vec<(SocketAddr, Attempt)>,
    /// Until the next attempt begins; `None` when none is running or waiting.
    stagger: Option<Sleep>,
}

#[derive(Debug)]
enum Attempt {
    Running(Timeout<Connect>),
    Failed(io::Error),
}

impl Race {
    pub(super) fn new(
        connector: Connector,
        target: Option<String>,
        addrs: impl IntoIterator<Item = SocketAddr>,
    ) -> Self {
        Self {
            connector,
            target,
            waiting: interleave(addrs),
            attempts: Vec::new(),
            stagger: None,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        loop {
            let before = self.running();
            if let Some(stream) = self.poll_attempts(cx)? {
                return Poll::Ready(Ok(stream));
            }
            let running = self.running();
            // RFC 8305, section 5. What has failed need not be waited for any longer.
            let turn = running < before || running == 0 || self.is_stagger_over(cx)?;
            if !turn {
                return Poll::Pending;
            }
            match self.waiting.pop_front() {
                Some(addr) => self.begin(addr),
                None if running == 0 => return Poll::Ready(Err(self.all_failed())),
                None => return Poll::Pending,
            }
        }
    }

    /// The limit for everything is over: what is running has failed, what is waiting is not tried.
    pub(super) fn give_up(&mut self) -> io::Error {
        let attempts = self
            .attempts
            .drain(..)
            .map(|(addr, attempt)| match attempt {
                Attempt::Running(_) => (addr, no_answer()),
                Attempt::Failed(error) => (addr, error),
            });
        let not_tried = self.waiting.drain(..).collect();
        ConnectError::timed_out(self.target.take(), attempts.collect(), not_tried)
    }

    fn begin(&mut self, addr: SocketAddr) {
        tracing::trace!(%addr, "an attempt to connect begins");
        let connect = self.connector.attempt(&addr);
        self.attempts.push((addr, Attempt::Running(connect)));
        self.stagger = (!self.waiting.is_empty()).then(|| self.connector.sleep_stagger());
    }

    /// Polls what is running; an error is only that the reactor is gone.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> io::Result<Option<TcpStream>> {
        for (addr, attempt) in &mut self.attempts {
            let Attempt::Running(connect) = attempt else {
                continue;
            };
            let error = match Pin::new(connect).poll(cx) {
                Poll::Pending => continue,
                Poll::Ready(Ok(Ok(stream))) => return Ok(Some(stream)),
                Poll::Ready(Ok(Err(error)) | Err(error)) => error,
            };
            if ReactorGone::is_source_of(&error) {
                return Err(error);
            }
            tracing::debug!(%addr, %error, "an attempt to connect has failed");
            // Drops the attempt, and with it the socket.
            *attempt = Attempt::Failed(error);
        }
        Ok(None)
    }

    fn is_stagger_over(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        match &mut self.stagger {
            None => Ok(false),
            Some(sleep) => match Pin::new(sleep).poll(cx) {
                Poll::Ready(over) => over.map(|()| true),
                Poll::Pending => Ok(false),
            },
        }
    }

    fn running(&self) -> usize {
        let running = |(_, attempt): &&(_, _)| matches!(attempt, Attempt::Running(_));
        self.attempts.iter().filter(running).count()
    }

    fn all_failed(&mut self) -> io::Error {
        let failed = self
            .attempts
            .drain(..)
            .filter_map(|(addr, attempt)| match attempt {
                Attempt::Failed(error) => Some((addr, error)),
                Attempt::Running(_) => None,
            });
        ConnectError::all_failed(self.target.take(), failed.collect())
    }
}

fn no_answer() -> io::Error {
    let text = "it had not answered when the limit for all attempts was over";
    io::Error::new(io::ErrorKind::TimedOut, text)
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, net::TcpListener, time::Duration};

    use reactor::Core;
    use socket2::{Domain, Socket, Type};

    use super::*;

    fn bound() -> (Socket, SocketAddr) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        let addr = socket.local_addr().unwrap().as_socket().unwrap();
        (socket, addr)
    }

    #[test]
    fn a_failure_makes_the_next_begin_at_once_although_another_is_running() {
        const NEVER: Duration = Duration::from_secs(3_600);
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        // Its queue is full, so it does not answer.
        let (silent_listener, silent) = bound();
        silent_listener.listen(0).unwrap();
        let _queued = std::net::TcpStream::connect(silent).unwrap();
        let (_nobody, refusing) = bound();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let answering = listener.local_addr().unwrap();

        let connector = Connector::new(&handle).attempt_limit(NEVER);
        let soon = connector.clone().stagger(Duration::from_millis(10));
        let mut race = Race::new(soon, None, [silent, refusing, answering]);
        let mut polled = false;
        let racing = poll_fn(|cx| {
            let result = race.poll(cx);
            // The first stagger is short. The second is never over, so only the refusal leads on.
            if !polled {
                race.connector = connector.clone().stagger(NEVER);
                polled = true;
            }
            result
        });
        let racing = handle.timeout(Duration::from_secs(20), racing);
        let stream = core.run(racing).unwrap().expect("it hangs").unwrap();
        assert_eq!(stream.peer_addr().unwrap(), answering);
        assert!(matches!(race.attempts[0].1, Attempt::Running(_)));
    }
}
