use std::fmt;

use crate::resp::Request;

/// Why a command was not done. The texts are those of Redis, which clients compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    WrongType,
    NotAnInteger,
    HashNotAnInteger,
    Overflow,
    Syntax,
    NegativeCount,
    WrongArity(&'static str),
    InvalidExpiry(&'static str),
    UnknownCommand(String),
    UnknownSubcommand(String),
    SubscriberOnly(&'static str),
    UnknownProtocol,
    NoSuchDatabase,
    NoPassword,
}

impl Failure {
    pub(super) fn unknown_command(request: &Request) -> Self {
        Self::UnknownCommand(shown(request.name()))
    }

    pub(super) fn unknown_subcommand(name: &[u8]) -> Self {
        Self::UnknownSubcommand(shown(name))
    }
}

/// A client's word in an error is short and readable.
fn shown(word: &[u8]) -> String {
    let word = &word[..word.len().min(128)];
    String::from_utf8_lossy(word).into_owned()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongType => {
                f.write_str("WRONGTYPE Operation against a key holding the wrong kind of value")
            }
            Self::NotAnInteger => f.write_str("ERR value is not an integer or out of range"),
            Self::HashNotAnInteger => f.write_str("ERR hash value is not an integer"),
            Self::Overflow => f.write_str("ERR increment or decrement would overflow"),
            Self::Syntax => f.write_str("ERR syntax error"),
            Self::NegativeCount => f.write_str("ERR value is out of range, must be positive"),
            Self::WrongArity(name) => {
                write!(f, "ERR wrong number of arguments for '{name}' command")
            }
            Self::InvalidExpiry(name) => write!(f, "ERR invalid expire time in '{name}' command"),
            Self::UnknownCommand(name) => write!(f, "ERR unknown command '{name}'"),
            Self::UnknownSubcommand(name) => write!(f, "ERR unknown subcommand '{name}'"),
            Self::SubscriberOnly(name) => write!(
                f,
                "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
                 RESET are allowed in this context"
            ),
            Self::UnknownProtocol => f.write_str("NOPROTO unsupported protocol version"),
            Self::NoSuchDatabase => f.write_str("ERR DB index is out of range"),
            Self::NoPassword => f.write_str(
                "ERR AUTH <password> called without any password configured for the default user",
            ),
        }
    }
}
