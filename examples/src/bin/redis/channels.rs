use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use futures::channel::mpsc;

use crate::resp::Reply;

/// Who listens to what.
///
/// A message is put into the inboxes of its subscribers and nobody waits for any of them. One whose
/// inbox is full does not keep up: it is forgotten, which its connection finds out and ends.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    /// By channel, then by client.
    subscribers: HashMap<Bytes, BTreeMap<u64, Outbox>>,
}

/// Where a client's messages are put in.
pub(crate) type Outbox = mpsc::Sender<Reply>;

/// Where a client's connection takes them out. It ends when the client was forgotten, and nowhere else.
pub(crate) type Inbox = mpsc::Receiver<Reply>;

/// A place for the messages to one client.
pub(crate) fn inbox() -> (Outbox, Inbox) {
    mpsc::channel(MESSAGES)
}

impl Channels {
    pub(crate) fn subscribe(&mut self, channel: Bytes, client: u64, outbox: Outbox) {
        let subscribers = self.subscribers.entry(channel).or_default();
        subscribers.insert(client, outbox);
    }

    pub(crate) fn unsubscribe(&mut self, channel: &Bytes, client: u64) {
        if let Some(subscribers) = self.subscribers.get_mut(channel) {
            subscribers.remove(&client);
            if subscribers.is_empty() {
                self.subscribers.remove(channel);
            }
        }
    }

    /// Puts a message into the inboxes of all who listen; returns how many they are.
    pub(crate) fn publish(&mut self, channel: &Bytes, message: &Bytes) -> usize {
        let Some(subscribers) = self.subscribers.get_mut(channel) else {
            return 0;
        };
        subscribers.retain(|client, outbox| {
            let push = vec![
                "message".into(),
                Reply::Bulk(channel.clone()),
                Reply::Bulk(message.clone()),
            ];
            let sent = outbox.try_send(Reply::Push(push));
            if sent.is_err() {
                tracing::warn!(client, "dropped: a subscriber reads too slowly");
                // The connection sees its inbox end, also if other senders are left.
                outbox.close_channel();
            }
            sent.is_ok()
        });
        subscribers.len()
    }
}

/// Messages that wait in an inbox for a task to take them.
const MESSAGES: usize = 1024;

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;

    #[test]
    fn a_subscriber_that_does_not_keep_up_is_forgotten_and_the_others_hear_on() {
        let mut channels = Channels::default();
        let (channel, message) = (Bytes::from("news"), Bytes::from("text"));
        let (slow, mut slow_inbox) = inbox();
        channels.subscribe(channel.clone(), 1, slow);
        let (quick, mut quick_inbox) = inbox();
        channels.subscribe(channel.clone(), 2, quick);
        let mut heard = 0;
        for sent in 0.. {
            assert!(sent <= 2 * MESSAGES, "the queue has no end");
            let reached = channels.publish(&channel, &message);
            quick_inbox.try_recv().expect("a message");
            heard += 1;
            if reached == 1 {
                break;
            }
        }
        futures::executor::block_on(async {
            let mut left = 0;
            while slow_inbox.next().await.is_some() {
                left += 1;
            }
            // Its end comes behind what it got.
            assert_eq!(left, heard - 1);
        });
        channels.unsubscribe(&channel, 1);
        channels.unsubscribe(&channel, 2);
        assert!(channels.subscribers.is_empty());
    }
}
