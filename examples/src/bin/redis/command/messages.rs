use bytes::Bytes;

use super::Answer;
use crate::{resp::Reply, session::Session};

pub(super) fn publish(session: &mut Session, words: &[Bytes]) -> Answer {
    let heard = session.server.channels().publish(&words[0], &words[1]);
    Ok(Reply::Integer(heard as i64))
}

pub(super) fn subscribe(session: &mut Session, words: &[Bytes]) -> Answer {
    let replies = words.iter().map(|channel| {
        session.subscribe(channel);
        session.subscription_reply("subscribe", Reply::Bulk(channel.clone()))
    });
    Ok(Reply::Several(replies.collect()))
}

/// From all channels, if none is named.
pub(super) fn unsubscribe(session: &mut Session, words: &[Bytes]) -> Answer {
    let channels = match words {
        [] => session.subscriptions().to_vec(),
        words => words.to_vec(),
    };
    if channels.is_empty() {
        return Ok(session.subscription_reply("unsubscribe", Reply::Null));
    }
    let replies = channels.into_iter().map(|channel| {
        session.unsubscribe(&channel);
        session.subscription_reply("unsubscribe", Reply::Bulk(channel))
    });
    Ok(Reply::Several(replies.collect()))
}
