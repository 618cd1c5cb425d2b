use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::{Answer, Command, Failure, TABLE, find, pattern};
use crate::{resp::Reply, session::Session};

pub(super) fn dbsize(session: &mut Session, _: &[Bytes]) -> Answer {
    Ok(Reply::Integer(session.server.store().len() as i64))
}

pub(super) fn flush(session: &mut Session, _: &[Bytes]) -> Answer {
    session.server.store().clear();
    Ok(Reply::OK)
}

/// `CONFIG GET pattern …`, of what clients ask for; nothing can be set.
pub(super) fn config(_: &mut Session, words: &[Bytes]) -> Answer {
    if !words[0].eq_ignore_ascii_case(b"GET") {
        return Err(Failure::unknown_subcommand(&words[0]));
    }
    let patterns = &words[1..];
    if patterns.is_empty() {
        return Err(Failure::WrongArity("config|get"));
    }
    let is_asked_for = |name: &str| {
        let mut patterns = patterns.iter();
        patterns.any(|pattern| pattern::matches(pattern, name.as_bytes()))
    };
    let found = SETTINGS.iter().filter(|(name, _)| is_asked_for(name));
    let found = found.map(|&(name, value)| (name.into(), value.into()));
    Ok(Reply::Map(found.collect()))
}

pub(super) fn info(session: &mut Session, words: &[Bytes]) -> Answer {
    let server = &session.server;
    let (keys, expiring) = {
        let store = server.store();
        (store.len(), store.expiring())
    };
    let sections = [
        (
            "Server",
            format!(
                "redis_version:{VERSION}\r\nredis_mode:standalone\r\nuptime_in_seconds:{}\r\n",
                server.started.elapsed().as_secs()
            ),
        ),
        (
            "Clients",
            format!(
                "connected_clients:{}\r\n",
                server.clients.load(Ordering::Relaxed)
            ),
        ),
        (
            "Stats",
            format!(
                "total_commands_processed:{}\r\n",
                server.commands.load(Ordering::Relaxed)
            ),
        ),
        (
            "Replication",
            "role:master\r\nconnected_slaves:0\r\n".into(),
        ),
        (
            "Keyspace",
            match keys {
                0 => String::new(),
                _ => format!("db0:keys={keys},expires={expiring},avg_ttl=0\r\n"),
            },
        ),
    ];
    let is_asked_for = |name: &str| {
        let asked = |word: &Bytes| {
            [name, "all", "default", "everything"]
                .iter()
                .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
        };
        words.is_empty() || words.iter().any(asked)
    };
    let sections = sections.iter().filter(|(name, _)| is_asked_for(name));
    let sections: Vec<_> = sections
        .map(|(name, lines)| format!("# {name}\r\n{lines}"))
        .collect();
    Ok(Reply::Bulk(sections.join("\r\n").into()))
}

/// `COMMAND [COUNT | LIST | DOCS | INFO name …]`
pub(super) fn command(_: &mut Session, words: &[Bytes]) -> Answer {
    let Some(subcommand) = words.first() else {
        return Ok(Reply::Array(TABLE.iter().map(described).collect()));
    };
    match &subcommand.to_ascii_uppercase()[..] {
        b"COUNT" => Ok(Reply::Integer(TABLE.len() as i64)),
        b"LIST" => Ok(Reply::Array(
            TABLE.iter().map(|one| one.name.into()).collect(),
        )),
        // There are none to be shown.
        b"DOCS" => Ok(Reply::Map(Vec::new())),
        b"INFO" => {
            let described = |name: &Bytes| find(name).map_or(Reply::NullArray, described);
            Ok(Reply::Array(words[1..].iter().map(described).collect()))
        }
        _ => Err(Failure::unknown_subcommand(subcommand)),
    }
}

fn described(command: &Command) -> Reply {
    let (first, last, step) = command.keys;
    Reply::Array(vec![
        command.name.into(),
        Reply::Integer(command.arity),
        // Flags, of which none are told.
        Reply::Set(Vec::new()),
        Reply::Integer(first),
        Reply::Integer(last),
        Reply::Integer(step),
        // Categories, tips, more about the keys, subcommands: clients want them to be there.
        Reply::Set(Vec::new()),
        Reply::Array(Vec::new()),
        Reply::Array(Vec::new()),
        Reply::Array(Vec::new()),
    ])
}

/// Of the protocol that is spoken: clients look at it to know what they may ask for.
pub(super) const VERSION: &str = "7.0.0";

const SETTINGS: &[(&str, &str)] = &[
    ("appendonly", "no"),
    ("databases", "1"),
    ("maxmemory", "0"),
    ("save", ""),
];
