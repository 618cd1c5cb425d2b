use std::time::Instant;

use bytes::Bytes;

use super::{
    Answer,
    arguments::{integer, time_from_now},
};
use crate::{resp::Reply, session::Session};

pub(super) fn del(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let removed = words.iter().filter(|key| store.remove(key)).count();
    Ok(Reply::Integer(removed as i64))
}

/// A key that is named twice counts twice.
pub(super) fn exists(session: &mut Session, words: &[Bytes]) -> Answer {
    let store = session.server.store();
    let found = words.iter().filter(|key| store.contains(key)).count();
    Ok(Reply::Integer(found as i64))
}

pub(super) fn kind(session: &mut Session, words: &[Bytes]) -> Answer {
    let kind = session.server.store().kind(&words[0]);
    Ok(Reply::Simple(kind.unwrap_or("none")))
}

pub(super) fn expire(session: &mut Session, words: &[Bytes]) -> Answer {
    expire_in(session, words, 1000, "expire")
}

pub(super) fn pexpire(session: &mut Session, words: &[Bytes]) -> Answer {
    expire_in(session, words, 1, "pexpire")
}

/// A time that has passed already removes the key.
fn expire_in(
    session: &Session,
    words: &[Bytes],
    milliseconds_each: u64,
    command: &'static str,
) -> Answer {
    let number = integer(&words[1])?;
    let mut store = session.server.store();
    let was_there = if number <= 0 {
        store.remove(&words[0])
    } else {
        let when = time_from_now(number, milliseconds_each, command)?;
        store.set_expiry(&words[0], Some(when))
    };
    Ok(Reply::Integer(was_there.into()))
}

pub(super) fn persist(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let expired = store.expiry(&words[0]).flatten().is_some();
    store.set_expiry(&words[0], None);
    Ok(Reply::Integer(expired.into()))
}

pub(super) fn ttl(session: &mut Session, words: &[Bytes]) -> Answer {
    // To the nearest second: what was just set to 10 has 10.
    Ok(left(session, &words[0], |milliseconds| {
        milliseconds.saturating_add(500) / 1000
    }))
}

pub(super) fn pttl(session: &mut Session, words: &[Bytes]) -> Answer {
    Ok(left(session, &words[0], |milliseconds| milliseconds))
}

/// −2 if there is no such key, −1 if it does not expire.
fn left(session: &Session, key: &Bytes, unit: impl Fn(i64) -> i64) -> Reply {
    let expiry = session.server.store().expiry(key);
    Reply::Integer(match expiry {
        None => -2,
        Some(None) => -1,
        Some(Some(when)) => {
            let left = when.saturating_duration_since(Instant::now());
            unit(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))
        }
    })
}
