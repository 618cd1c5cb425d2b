use std::sync::{Arc, atomic::Ordering};

use bytes::Bytes;

use crate::{
    channels::{Inbox, Outbox, inbox},
    resp::{Protocol, Reply},
    server::Server,
};

/// What a server knows of one client.
pub(crate) struct Session {
    pub(crate) server: Arc<Server>,
    pub(crate) id: u64,
    pub(crate) name: Bytes,
    pub(crate) protocol: Protocol,
    /// Whether the connection ends after the reply.
    pub(crate) is_ending: bool,
    /// What the channels are given at a subscription.
    outbox: Outbox,
    subscriptions: Vec<Bytes>,
}

impl Session {
    pub(crate) fn new(server: Arc<Server>) -> (Self, Inbox) {
        let (outbox, inbox) = inbox();
        server.clients.fetch_add(1, Ordering::Relaxed);
        let session = Self {
            id: server.next_client(),
            server,
            name: Bytes::new(),
            protocol: Protocol::Two,
            is_ending: false,
            outbox,
            subscriptions: Vec::new(),
        };
        (session, inbox)
    }

    pub(crate) fn subscribe(&mut self, channel: &Bytes) {
        if !self.subscriptions.contains(channel) {
            self.subscriptions.push(channel.clone());
            let mut channels = self.server.channels();
            channels.subscribe(channel.clone(), self.id, self.outbox.clone());
        }
    }

    pub(crate) fn unsubscribe(&mut self, channel: &Bytes) {
        self.subscriptions.retain(|one| one != channel);
        self.server.channels().unsubscribe(channel, self.id);
    }

    pub(crate) fn subscriptions(&self) -> &[Bytes] {
        &self.subscriptions
    }

    /// In version 2 of the protocol a client that has subscribed could not tell a reply from a message.
    pub(crate) fn takes_messages_only(&self) -> bool {
        self.protocol == Protocol::Two && !self.subscriptions.is_empty()
    }

    /// `kind`, the channel, and how many subscriptions there are.
    pub(crate) fn subscription_reply(&self, kind: &'static str, channel: Reply) -> Reply {
        let count = self.subscriptions.len() as i64;
        Reply::Push(vec![kind.into(), channel, Reply::Integer(count)])
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.server.clients.fetch_sub(1, Ordering::Relaxed);
        let mut channels = self.server.channels();
        for channel in &self.subscriptions {
            channels.unsubscribe(channel, self.id);
        }
    }
}
