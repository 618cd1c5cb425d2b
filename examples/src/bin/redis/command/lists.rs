use bytes::Bytes;

use super::{
    Answer,
    arguments::{count, integer, range},
};
use crate::{resp::Reply, session::Session, value::List};

pub(super) fn lpush(session: &mut Session, words: &[Bytes]) -> Answer {
    push(session, words, List::push_front)
}

pub(super) fn rpush(session: &mut Session, words: &[Bytes]) -> Answer {
    push(session, words, List::push_back)
}

fn push(session: &Session, words: &[Bytes], one: impl Fn(&mut List, Bytes)) -> Answer {
    let mut store = session.server.store();
    let list = store.get_or_new::<List>(&words[0])?;
    for element in &words[1..] {
        one(list, element.clone());
    }
    Ok(Reply::Integer(list.len() as i64))
}

pub(super) fn lpop(session: &mut Session, words: &[Bytes]) -> Answer {
    pop(session, words, "lpop", List::pop_front)
}

pub(super) fn rpop(session: &mut Session, words: &[Bytes]) -> Answer {
    pop(session, words, "rpop", List::pop_back)
}

/// One element; with a count, an array of at most so many.
fn pop(
    session: &Session,
    words: &[Bytes],
    command: &'static str,
    one: impl Fn(&mut List) -> Option<Bytes>,
) -> Answer {
    let mut store = session.server.store();
    let most = match &words[1..] {
        [] => return Ok(Reply::string(store.change(&words[0], one)?.flatten())),
        [most] => count(most)?,
        _ => return Err(super::Failure::WrongArity(command)),
    };
    let popped = store.change(&words[0], |list: &mut List| {
        let most = most.min(list.len());
        (0..most).filter_map(|_| one(list)).collect::<Vec<_>>()
    })?;
    Ok(popped.map_or(Reply::NullArray, Reply::strings))
}

pub(super) fn llen(session: &mut Session, words: &[Bytes]) -> Answer {
    let mut store = session.server.store();
    let len = store.get::<List>(&words[0])?.map_or(0, |list| list.len());
    Ok(Reply::Integer(len as i64))
}

pub(super) fn lrange(session: &mut Session, words: &[Bytes]) -> Answer {
    let (start, stop) = (integer(&words[1])?, integer(&words[2])?);
    let mut store = session.server.store();
    let Some(list) = store.get::<List>(&words[0])? else {
        return Ok(Reply::Array(Vec::new()));
    };
    let range = range(start, stop, list.len());
    Ok(Reply::strings(list.range(range).cloned()))
}
