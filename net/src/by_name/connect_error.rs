use std::{error, fmt, io, net::SocketAddr};

/// No address has given a connection; the source of an [`io::Error`].
///
/// It has every attempt with its own error, in the order in which they were begun. The kind of the
/// [`io::Error`] is
///
/// * [`TimedOut`](io::ErrorKind::TimedOut) if the limit for everything was over;
/// * [`InvalidInput`](io::ErrorKind::InvalidInput) if there was no address to try;
/// * or else that of the attempt that came furthest: one that was refused or reset comes before one that
///   timed out, and that before the rest, such as an unreachable network. Among equals the first counts.
///
/// Its own source is the error of the attempt that came furthest.
///
/// # Examples
///
/// ```
/// use net::{ConnectError, reactor::Core};
///
/// let mut core = Core::new()?;
/// # let nobody = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
/// # nobody.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into())?;
/// # let target = nobody.local_addr()?.as_socket().unwrap().to_string();
/// let error = core.run(net::connect(&target, &core.handle()))?.unwrap_err();
/// let attempts = ConnectError::source_of(&error).unwrap();
/// for (addr, error) in attempts.attempts() {
///     eprintln!("{addr}: {error}");
/// }
/// # assert_eq!(attempts.attempts().count(), 1);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct ConnectError {
    target: Option<String>,
    attempts: Vec<(SocketAddr, io::Error)>,
    not_tried: Vec<SocketAddr>,
}

impl ConnectError {
    /// Looks into an error of [`connect`](crate::connect).
    pub fn source_of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// The name, as it was written; `None` if only addresses were given.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// What was tried, in the order of the beginnings, and how each attempt ended.
    pub fn attempts(&self) -> impl ExactSizeIterator<Item = (SocketAddr, &io::Error)> {
        self.attempts.iter().map(|(addr, error)| (*addr, error))
    }

    /// The addresses whose turn did not come before the limit for everything.
    pub fn not_tried(&self) -> &[SocketAddr] {
        &self.not_tried
    }

    /// All attempts have failed.
    pub(super) fn all_failed(
        target: Option<String>,
        attempts: Vec<(SocketAddr, io::Error)>,
    ) -> io::Error {
        let error = Self {
            target,
            attempts,
            not_tried: Vec::new(),
        };
        let furthest = error.furthest().map(io::Error::kind);
        io::Error::new(furthest.unwrap_or(io::ErrorKind::InvalidInput), error)
    }

    /// The limit for everything is over.
    pub(super) fn timed_out(
        target: Option<String>,
        attempts: Vec<(SocketAddr, io::Error)>,
        not_tried: Vec<SocketAddr>,
    ) -> io::Error {
        let error = Self {
            target,
            attempts,
            not_tried,
        };
        io::Error::new(io::ErrorKind::TimedOut, error)
    }

    fn furthest(&self) -> Option<&io::Error> {
        let errors = self.attempts.iter().map(|(_, error)| error);
        errors.min_by_key(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted => 0,
            io::ErrorKind::TimedOut => 1,
            _ => 2,
        })
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("could not connect")?;
        if let Some(target) = &self.target {
            write!(f, " to {target:?}")?;
        }
        let mut separator = ": ";
        for (addr, error) in &self.attempts {
            write!(f, "{separator}{addr}: {error}")?;
            separator = "; ";
        }
        if self.attempts.is_empty() {
            write!(f, "{separator}there is no address to try")?;
        }
        match self.not_tried.len() {
            0 => Ok(()),
            1 => write!(f, "; 1 address was not tried"),
            n => write!(f, "; {n} addresses were not tried"),
        }
    }
}

impl error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        let furthest = self.furthest()?;
        Some(furthest)
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error, io::ErrorKind};

    use super::*;

    fn failed(kinds: &[ErrorKind]) -> io::Error {
        let attempts = kinds
            .iter()
            .zip(1..)
            .map(|(kind, port)| (SocketAddr::from(([192, 0, 2, 1], port)), (*kind).into()));
        ConnectError::all_failed(None, attempts.collect())
    }

    #[test]
    fn the_attempt_that_came_furthest_gives_the_kind_and_the_source() {
        use ErrorKind::{ConnectionRefused, ConnectionReset, NetworkUnreachable, Other, TimedOut};
        for (kinds, kind) in [
            (&[NetworkUnreachable][..], NetworkUnreachable),
            (&[NetworkUnreachable, ConnectionRefused], ConnectionRefused),
            (&[ConnectionRefused, NetworkUnreachable], ConnectionRefused),
            (&[TimedOut, ConnectionRefused, TimedOut], ConnectionRefused),
            (&[Other, TimedOut, NetworkUnreachable], TimedOut),
            (&[Other, NetworkUnreachable], Other),
            (&[ConnectionReset, ConnectionRefused], ConnectionReset),
        ] {
            let error = failed(kinds);
            assert_eq!(error.kind(), kind, "{kinds:?}");
            let source = error.source().unwrap().downcast_ref::<io::Error>();
            assert_eq!(source.unwrap().kind(), kind, "{kinds:?}");
        }
    }

    #[test]
    fn without_an_address_it_is_invalid_input_without_a_source() {
        let error = failed(&[]);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.source().is_none());
        let text = "could not connect: there is no address to try";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn its_text_has_the_name_and_every_attempt_and_what_was_left_out() {
        let one: SocketAddr = "192.0.2.1:80".parse().unwrap();
        let two: SocketAddr = "[2001:db8::1]:80".parse().unwrap();
        let attempts = vec![
            (two, io::Error::other("first")),
            (one, io::Error::other("second")),
        ];
        let target = Some(String::from("a.example:80"));
        let error = ConnectError::timed_out(target, attempts, vec![one, two]);
        assert_eq!(
            error.to_string(),
            "could not connect to \"a.example:80\": [2001:db8::1]:80: first; \
             192.0.2.1:80: second; 2 addresses were not tried"
        );
    }
}
