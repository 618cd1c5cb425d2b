use std::time::Instant;

use bytes::Bytes;

use super::{
    Answer, Failure,
    arguments::{integer, pairs, time_from_now},
};
use crate::{resp::Reply, session::Session};

pub(super) fn get(session: &mut Session, words: &[Bytes]) -> Answer {
    let value = session.server.store().get::<Bytes>(&words[0])?.cloned();
    Ok(Reply::string(value))
}

/// Keys of other kinds have no string.
pub(super) fn mget(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let mut string = |key| store.get::<Bytes>(key).ok().flatten().cloned();
    let strings = words.iter().map(|key| Reply::string(string(key)));
    Ok(Reply::Array(strings.collect()))
}

pub(super) fn mset(session: &mut Session, words: &[Bytes]) -> Answer {
    let pairs = pairs(words, "mset")?;
    let mut store = session.server.store();
    for (key, value) in pairs {
        store.set(key.clone(), value.clone(), None);
    }
    Ok(Reply::OK)
}

/// `SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL]`
pub(super) fn set(session: &mut Session, words: &[Bytes]) -> Answer {
    let (key, value) = (&words[0], &words[1]);
    let options = SetOptions::parse(&words[2..])?;
    let mut store = session.server.store();
    let before = match options.gets {
        true => store.get::<Bytes>(key)?.cloned(),
        false => None,
    };
    let is_done = match options.condition {
        Condition::None => true,
        Condition::IfMissing => !store.contains(key),
        Condition::IfThere => store.contains(key),
    };
    if is_done {
        let expires = match options.expiry {
            Expiry::Never => None,
            Expiry::Keep => store.expiry(key).flatten(),
            Expiry::At(when) => Some(when),
        };
        store.set(key.clone(), value.clone(), expires);
    }
    Ok(match (options.gets, is_done) {
        (true, _) => Reply::string(before),
        (false, true) => Reply::OK,
        (false, false) => Reply::Null,
    })
}

pub(super) fn incr(session: &mut Session, words: &[Bytes]) -> Answer {
    add(session, &words[0], 1)
}

pub(super) fn decr(session: &mut Session, words: &[Bytes]) -> Answer {
    add(session, &words[0], -1)
}

pub(super) fn incrby(session: &mut Session, words: &[Bytes]) -> Answer {
    add(session, &words[0], integer(&words[1])?)
}

pub(super) fn decrby(session: &mut Session, words: &[Bytes]) -> Answer {
    let by = integer(&words[1])?.checked_neg().ok_or(Failure::Overflow)?;
    add(session, &words[0], by)
}

/// Its expiry stays.
fn add(session: &Session, key: &Bytes, by: i64) -> Answer {
    let mut store = session.server.store();
    let before = match store.get::<Bytes>(key)? {
        Some(value) => integer(value)?,
        None => 0,
    };
    let sum = before.checked_add(by).ok_or(Failure::Overflow)?;
    *store.get_or_new::<Bytes>(key)? = sum.to_string().into();
    Ok(Reply::Integer(sum))
}

struct SetOptions {
    condition: Condition,
    expiry: Expiry,
    /// Whether the reply is what was there.
    gets: bool,
}

#[derive(PartialEq, Eq)]
enum Condition {
    None,
    IfMissing,
    IfThere,
}

#[derive(PartialEq, Eq)]
enum Expiry {
    Never,
    Keep,
    At(Instant),
}

impl SetOptions {
    fn parse(words: &[Bytes]) -> Result<Self, Failure> {
        let mut options = Self {
            condition: Condition::None,
            expiry: Expiry::Never,
            gets: false,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let word = word.to_ascii_uppercase();
            match &word[..] {
                b"GET" => options.gets = true,
                b"NX" | b"XX" if options.condition == Condition::None => {
                    options.condition = match &word[..] {
                        b"NX" => Condition::IfMissing,
                        _ => Condition::IfThere,
                    };
                }
                b"KEEPTTL" if options.expiry == Expiry::Never => options.expiry = Expiry::Keep,
                b"EX" | b"PX" if options.expiry == Expiry::Never => {
                    let number = integer(words.next().ok_or(Failure::Syntax)?)?;
                    let milliseconds_each = if word == b"EX" { 1000 } else { 1 };
                    if number <= 0 {
                        return Err(Failure::InvalidExpiry("set"));
                    }
                    let when = time_from_now(number, milliseconds_each, "set")?;
                    options.expiry = Expiry::At(when);
                }
                _ => return Err(Failure::Syntax),
            }
        }
        Ok(options)
    }
}
