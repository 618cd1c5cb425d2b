use bytes::Bytes;

use super::{
    Answer, Failure,
    arguments::{integer, pairs, parsed},
};
use crate::{resp::Reply, session::Session, value::Hash};

pub(super) fn hset(session: &mut Session, words: &[Bytes]) -> Answer {
    let fields = pairs(&words[1..], "hset")?;
    let mut store = session.server.store();
    let hash = store.get_or_new::<Hash>(&words[0])?;
    let mut added = 0;
    for (field, value) in fields {
        added += i64::from(hash.insert(field.clone(), value.clone()).is_none());
    }
    Ok(Reply::Integer(added))
}

pub(super) fn hget(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let hash = store.get::<Hash>(&words[0])?;
    Ok(Reply::string(
        hash.and_then(|hash| hash.get(&words[1]).cloned()),
    ))
}

pub(super) fn hgetall(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let hash = store.get::<Hash>(&words[0])?.map(|hash| hash.iter());
    let pair =
        |(field, value): (&Bytes, &Bytes)| (Reply::Bulk(field.clone()), Reply::Bulk(value.clone()));
    Ok(Reply::Map(hash.into_iter().flatten().map(pair).collect()))
}

pub(super) fn hdel(session: &mut Session, words: &[Bytes]) -> Answer {
    let removed = session
        .server
        .store()
        .change(&words[0], |hash: &mut Hash| {
            let fields = words[1..].iter();
            fields.filter(|&field| hash.remove(field).is_some()).count()
        })?;
    Ok(Reply::Integer(removed.unwrap_or(0) as i64))
}

pub(super) fn hlen(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let len = store.get::<Hash>(&words[0])?.map_or(0, |hash| hash.len());
    Ok(Reply::Integer(len as i64))
}

pub(super) fn hincrby(session: &mut Session, words: &[Bytes]) -> Answer {
    let by = integer(&words[2])?;
    let mut store = session.server.store();
    let before = match store
        .get::<Hash>(&words[0])?
        .and_then(|hash| hash.get(&words[1]))
    {
        Some(value) => parsed(value).ok_or(Failure::HashNotAnInteger)?,
        None => 0,
    };
    let sum = before.checked_add(by).ok_or(Failure::Overflow)?;
    let hash = store.get_or_new::<Hash>(&words[0])?;
    hash.insert(words[1].clone(), sum.to_string().into());
    Ok(Reply::Integer(sum))
}
