//! What the commands do. One file a group; `table.rs` lists them all.

mod arguments;
mod connection;
mod failure;
mod hashes;
mod keys;
mod lists;
mod messages;
mod pattern;
mod server;
mod sets;
mod strings;
mod table;

use crate::{
    resp::{Reply, Request},
    session::Session,
};

pub(crate) use failure::Failure;
use table::{Command, TABLE, find};

/// What a command answers, or why it cannot.
type Answer = Result<Reply, Failure>;

/// Does what a client asks for.
pub(crate) fn execute(session: &mut Session, request: &Request) -> Reply {
    run(session, request).unwrap_or_else(|failure| Reply::error(failure.to_string()))
}

fn run(session: &mut Session, request: &Request) -> Answer {
    let Some(command) = find(request.name()) else {
        return Err(Failure::unknown_command(request));
    };
    if !command.takes(request.arguments().len()) {
        return Err(Failure::WrongArity(command.name));
    }
    if session.takes_messages_only() && !command.is_for_subscribers() {
        return Err(Failure::SubscriberOnly(command.name));
    }
    (command.run)(session, request.arguments())
}
