use bytes::Bytes;

use super::{Answer, Failure, arguments::parsed};
use crate::{
    resp::{Protocol, Reply},
    session::Session,
};

pub(super) fn ping(session: &mut Session, words: &[Bytes]) -> Answer {
    let said = match words {
        [] => None,
        [said] => Some(said.clone()),
        _ => return Err(Failure::WrongArity("ping")),
    };
    // Such a client expects messages, so this looks like one.
    if session.takes_messages_only() {
        let said = Reply::Bulk(said.unwrap_or_default());
        return Ok(Reply::Array(vec!["pong".into(), said]));
    }
    Ok(said.map_or(Reply::Simple("PONG"), Reply::Bulk))
}

pub(super) fn echo(_: &mut Session, words: &[Bytes]) -> Answer {
    Ok(Reply::Bulk(words[0].clone()))
}

pub(super) fn quit(session: &mut Session, _: &[Bytes]) -> Answer {
    session.is_ending = true;
    Ok(Reply::OK)
}

pub(super) fn reset(session: &mut Session, _: &[Bytes]) -> Answer {
    for channel in session.subscriptions().to_vec() {
        session.unsubscribe(&channel);
    }
    session.name = Bytes::new();
    session.protocol = Protocol::Two;
    Ok(Reply::Simple("RESET"))
}

/// There is one database.
pub(super) fn select(_: &mut Session, words: &[Bytes]) -> Answer {
    match parsed(&words[0]) {
        Some(0) => Ok(Reply::OK),
        Some(_) => Err(Failure::NoSuchDatabase),
        None => Err(Failure::NotAnInteger),
    }
}

/// There are no passwords.
pub(super) fn auth(_: &mut Session, _: &[Bytes]) -> Answer {
    Err(Failure::NoPassword)
}

/// `HELLO [2 | 3 [SETNAME name]]`
pub(super) fn hello(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut words = words.iter();
    let protocol = match words.next().map(|word| &word[..]) {
        None => session.protocol,
        Some(b"2") => Protocol::Two,
        Some(b"3") => Protocol::Three,
        Some(_) => return Err(Failure::UnknownProtocol),
    };
    while let Some(option) = words.next() {
        match &option.to_ascii_uppercase()[..] {
            b"SETNAME" => session.name = words.next().ok_or(Failure::Syntax)?.clone(),
            b"AUTH" => return Err(Failure::NoPassword),
            _ => return Err(Failure::Syntax),
        }
    }
    session.protocol = protocol;
    let version = match protocol {
        Protocol::Two => 2,
        Protocol::Three => 3,
    };
    Ok(Reply::Map(vec![
        ("server".into(), "redis".into()),
        ("version".into(), super::server::VERSION.into()),
        ("proto".into(), Reply::Integer(version)),
        ("id".into(), Reply::Integer(session.id as i64)),
        ("mode".into(), "standalone".into()),
        ("role".into(), "master".into()),
        ("modules".into(), Reply::Array(Vec::new())),
    ]))
}

/// What clients say of themselves when they connect, and a little more.
pub(super) fn client(session: &mut Session, words: &[Bytes]) -> Answer {
    let arguments = &words[1..];
    match (&words[0].to_ascii_uppercase()[..], arguments) {
        (b"ID", []) => Ok(Reply::Integer(session.id as i64)),
        (b"GETNAME", []) => {
            let name = Some(session.name.clone()).filter(|name| !name.is_empty());
            Ok(Reply::string(name))
        }
        (b"SETNAME", [name]) => {
            session.name = name.clone();
            Ok(Reply::OK)
        }
        (b"INFO", []) => {
            let name = String::from_utf8_lossy(&session.name);
            let subscriptions = session.subscriptions().len();
            let line = format!("id={} name={name} sub={subscriptions}\n", session.id);
            Ok(Reply::Bulk(line.into()))
        }
        // Taken note of by nobody.
        (b"SETINFO", [_, _]) | (b"NO-EVICT" | b"NO-TOUCH", [_]) => Ok(Reply::OK),
        (b"ID" | b"GETNAME" | b"SETNAME" | b"INFO" | b"SETINFO" | b"NO-EVICT" | b"NO-TOUCH", _) => {
            Err(Failure::WrongArity("client"))
        }
        _ => Err(Failure::unknown_subcommand(&words[0])),
    }
}
