use std::{cell::RefCell, io, time::Instant};

use crate::{
    answer::Answer,
    cache::Cache,
    message::{By, Query, Refusal},
    upstream::Upstream,
};

/// What there is to be said to a message.
pub(crate) enum Said {
    /// It is not worth an answer, or it would be dangerous to give one.
    Nothing,
    Answer(Vec<u8>),
    AskUpstream(Query),
}

/// Answers questions out of its memory, or by asking.
pub(crate) struct Forwarder {
    upstream: Upstream,
    cache: RefCell<Cache>,
}

impl Forwarder {
    pub(crate) fn new(upstream: Upstream, cache: Cache) -> Self {
        let cache = RefCell::new(cache);
        Self { upstream, cache }
    }

    /// Without waiting for anybody.
    pub(crate) fn at_once(&self, message: &[u8], by: By) -> Said {
        let query = match Query::parse(message) {
            Ok(query) => query,
            Err(Refusal::Silence) => return Said::Nothing,
            Err(Refusal::Answer(answer)) => return Said::Answer(answer),
        };
        let cache = self.cache.borrow();
        let Some((answer, age)) = cache.get(query.key(), Instant::now()) else {
            return Said::AskUpstream(query);
        };
        Said::Answer(query.answer(answer, age, by))
    }

    /// Asks the name server; the answer is that it has failed if it does not answer.
    pub(crate) async fn ask(&self, query: &Query, by: By) -> Vec<u8> {
        let answer = match self.ask_both_ways(query, by).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(%error, "the name server has not answered");
                return query.failure();
            }
        };
        let written = query.answer(&answer, 0, by);
        if let Some(life) = answer.lifetime() {
            let now = Instant::now();
            self.cache
                .borrow_mut()
                .insert(query.key(), answer, now, life);
        }
        written
    }

    /// By UDP, and by TCP what does not fit, but only for a client that has come by TCP itself: the others
    /// are told that it does not fit.
    async fn ask_both_ways(&self, query: &Query, by: By) -> io::Result<Answer> {
        let answer = self.upstream.ask_by_udp(query).await?;
        match by {
            By::Tcp if answer.is_truncated() => self.upstream.ask_by_tcp(query).await,
            _ => Ok(answer),
        }
    }
}
