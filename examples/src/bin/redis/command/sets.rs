use bytes::Bytes;

use super::{Answer, Failure, arguments::count};
use crate::{resp::Reply, session::Session, value::Set};

pub(super) fn sadd(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let set = store.get_or_new::<Set>(&words[0])?;
    let members = words[1..].iter();
    let added = members.filter(|&member| set.insert(member.clone())).count();
    Ok(Reply::Integer(added as i64))
}

pub(super) fn srem(session: &mut Session, words: &[Bytes]) -> Answer {
    let removed = session.server.store().change(&words[0], |set: &mut Set| {
        words[1..]
            .iter()
            .filter(|&member| set.remove(member))
            .count()
    })?;
    Ok(Reply::Integer(removed.unwrap_or(0) as i64))
}

pub(super) fn smembers(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let members = store.get::<Set>(&words[0])?.map(|set| set.iter().cloned());
    let members = members.into_iter().flatten().map(Reply::Bulk);
    Ok(Reply::Set(members.collect()))
}

pub(super) fn sismember(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let set = store.get::<Set>(&words[0])?;
    let is_member = set.is_some_and(|set| set.contains(&words[1]));
    Ok(Reply::Integer(is_member.into()))
}

pub(super) fn scard(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let len = store.get::<Set>(&words[0])?.map_or(0, |set| set.len());
    Ok(Reply::Integer(len as i64))
}

/// Some member, in no order; with a count, a set of at most so many.
pub(super) fn spop(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    match &words[1..] {
        [] => {
            let popped = store.change(&words[0], pop_one)?;
            Ok(Reply::string(popped.flatten()))
        }
        [most] => {
            let most = count(most)?;
            let popped = store.change(&words[0], |set: &mut Set| {
                let most = most.min(set.len());
                (0..most).filter_map(|_| pop_one(set)).collect::<Vec<_>>()
            })?;
            let popped = popped.unwrap_or_default().into_iter();
            Ok(Reply::Set(popped.map(Reply::Bulk).collect()))
        }
        _ => Err(Failure::Syntax),
    }
}

fn pop_one(set: &mut Set) -> Option<Bytes> {
    let member = set.iter().next()?.clone();
    set.take(&member)
}
