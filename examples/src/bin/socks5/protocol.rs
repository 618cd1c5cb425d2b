//! What client and server say before the bytes go through (RFC 1928), and who the client is (RFC 1929).
//!
//! Everything is read in the length that it has said: what the client sends behind it, without waiting for
//! the answer, is for the other server.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use io_traits::io::{read_exact, write_all};
use net::{LookupError, TcpStream};

/// Whether the client may go on.
#[derive(Debug)]
pub(crate) enum Says<T = ()> {
    Goes(T),
    /// It has been told why not.
    Stops,
}

/// The user that is let in.
#[derive(Clone)]
pub(crate) struct Login {
    user: Vec<u8>,
    password: Vec<u8>,
}

impl Login {
    /// # Errors
    ///
    /// `InvalidInput` for what does not fit into the protocol: 1 to 255 bytes each.
    pub(crate) fn new(user: &str, password: &str) -> io::Result<Self> {
        if [user, password]
            .iter()
            .any(|s| s.is_empty() || s.len() > 255)
        {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "user and password have 1 to 255 bytes each",
            ));
        }
        Ok(Self {
            user: user.into(),
            password: password.into(),
        })
    }

    fn is(&self, user: &[u8], password: &[u8]) -> bool {
        // Both are compared, and to the end: how long that takes tells nothing.
        same(&self.user, user) & same(&self.password, password)
    }
}

/// Agrees on a method, and lets the client say who it is.
///
/// # Errors
///
/// `InvalidData` for what is no SOCKS5: there is nothing to answer that it would understand.
pub(crate) async fn greet(mut client: &TcpStream, login: Option<&Login>) -> io::Result<Says> {
    let [version, count] = bytes(client).await?;
    expect(VERSION, version)?;
    let methods = counted(client, count).await?;
    let wanted = match login {
        None => NO_AUTHENTICATION,
        Some(_) => USER_AND_PASSWORD,
    };
    if !methods.contains(&wanted) {
        write_all(&mut client, &[VERSION, NO_ACCEPTABLE_METHOD]).await?;
        return Ok(Says::Stops);
    }
    write_all(&mut client, &[VERSION, wanted]).await?;
    let Some(login) = login else {
        return Ok(Says::Goes(()));
    };
    let [version, length] = bytes(client).await?;
    expect(LOGIN_VERSION, version)?;
    let user = counted(client, length).await?;
    let [length] = bytes(client).await?;
    let password = counted(client, length).await?;
    let is_right = login.is(&user, &password);
    write_all(&mut client, &[LOGIN_VERSION, u8::from(!is_right)]).await?;
    Ok(if is_right {
        Says::Goes(())
    } else {
        Says::Stops
    })
}

/// What the client wants.
#[derive(Debug)]
pub(crate) enum Request {
    /// As `host:port`.
    Connect(String),
    Refused(Reply),
}

/// # Errors
///
/// As [`greet`].
pub(crate) async fn read_request(client: &TcpStream) -> io::Result<Request> {
    let [version, command, _reserved, kind] = bytes(client).await?;
    expect(VERSION, version)?;
    let host = match kind {
        IPV4 => Some(IpAddr::from(Ipv4Addr::from(bytes::<4>(client).await?)).to_string()),
        IPV6 => Some(format!("[{}]", Ipv6Addr::from(bytes::<16>(client).await?))),
        NAME => {
            let [length] = bytes(client).await?;
            name(counted(client, length).await?)
        }
        // Nobody knows where such an address ends.
        _ => return Ok(Request::Refused(Reply::AddressTypeNotSupported)),
    };
    let port = u16::from_be_bytes(bytes(client).await?);
    Ok(match (command, host) {
        (CONNECT, Some(host)) => Request::Connect(format!("{host}:{port}")),
        (CONNECT, None) => Request::Refused(Reply::HostUnreachable),
        _ => Request::Refused(Reply::CommandNotSupported),
    })
}

/// A name and nothing else: what is put together with a port must still be one name and one port.
fn name(bytes: Vec<u8>) -> Option<String> {
    let is_of_names = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    if bytes.is_empty() || !bytes.iter().all(is_of_names) {
        return None;
    }
    String::from_utf8(bytes).ok()
}

/// What the client is told, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    Succeeded = 0,
    GeneralFailure = 1,
    NetworkUnreachable = 3,
    HostUnreachable = 4,
    ConnectionRefused = 5,
    CommandNotSupported = 7,
    AddressTypeNotSupported = 8,
}

impl Reply {
    /// What an error of connecting is called here.
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::ConnectionRefused,
            ErrorKind::NetworkUnreachable => Self::NetworkUnreachable,
            // There is no such name, or nobody there.
            ErrorKind::HostUnreachable | ErrorKind::NotFound | ErrorKind::TimedOut => {
                Self::HostUnreachable
            }
            _ if LookupError::source_of(error).is_some() => Self::HostUnreachable,
            _ => Self::GeneralFailure,
        }
    }
}

/// Answers a request. `bound` is the address that the other server sees.
pub(crate) async fn reply(
    mut client: &TcpStream,
    reply: Reply,
    bound: Option<SocketAddr>,
) -> io::Result<()> {
    let bound = bound.unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into());
    let mut answer = vec![VERSION, reply as u8, 0];
    match bound.ip() {
        IpAddr::V4(ip) => {
            answer.push(IPV4);
            answer.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            answer.push(IPV6);
            answer.extend_from_slice(&ip.octets());
        }
    }
    answer.extend_from_slice(&bound.port().to_be_bytes());
    write_all(&mut client, &answer).await
}

async fn bytes<const N: usize>(mut client: &TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    read_exact(&mut client, &mut bytes).await?;
    Ok(bytes)
}

async fn counted(mut client: &TcpStream, count: u8) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count.into()];
    read_exact(&mut client, &mut bytes).await?;
    Ok(bytes)
}

fn expect(expected: u8, version: u8) -> io::Result<()> {
    if version == expected {
        return Ok(());
    }
    let message = format!("version {version} is not {expected}");
    Err(io::Error::new(ErrorKind::InvalidData, message))
}

fn same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |seen, (a, b)| seen | (a ^ b));
    differences == 0 && one.len() == other.len()
}

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;

const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;

const CONNECT: u8 = 1;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_user_with_the_right_password_is_let_in() {
        let login = Login::new("me", "secret").unwrap();
        assert!(login.is(b"me", b"secret"));
        for (user, password) in [
            ("me", "secre"),
            ("me", "secret "),
            ("me", ""),
            ("m", "secret"),
            ("", "secret"),
            ("secret", "me"),
        ] {
            assert!(!login.is(user.as_bytes(), password.as_bytes()), "{user}");
        }
    }

    #[test]
    fn what_does_not_fit_is_no_login() {
        let long = "x".repeat(256);
        for (user, password) in [("", "p"), ("u", ""), (&*long, "p"), ("u", &*long)] {
            assert!(Login::new(user, password).is_err());
        }
    }

    #[test]
    fn a_name_is_one_name_and_nothing_else() {
        for right in ["localhost", "a.example", "127.0.0.1", "x_y-z.test."] {
            assert_eq!(name(right.into()).as_deref(), Some(right));
        }
        for wrong in ["", "a:80", "[::1]", "a b", "a\0", "ä", "a/b"] {
            assert_eq!(name(wrong.into()), None, "{wrong:?}");
        }
        assert_eq!(name(vec![0xff, b'a']), None);
    }
}
