use bytes::Bytes;

use super::{Answer, connection, hashes, keys, lists, messages, server, sets, strings};
use crate::session::Session;

/// A command that a client can ask for.
pub(super) struct Command {
    pub(super) name: &'static str,
    /// How many words it has with its name; negative: that many or more.
    pub(super) arity: i64,
    /// Where its keys stand among the words: the first, the last (negative: from the end), the step.
    pub(super) keys: (i64, i64, i64),
    pub(super) run: fn(&mut Session, &[Bytes]) -> Answer,
}

impl Command {
    /// Whether so many arguments are as many as it takes.
    pub(super) fn takes(&self, arguments: usize) -> bool {
        let words = arguments as i64 + 1;
        match self.arity {
            least @ ..0 => words >= -least,
            exact => words == exact,
        }
    }

    pub(super) fn is_for_subscribers(&self) -> bool {
        matches!(
            self.name,
            "ping" | "quit" | "reset" | "subscribe" | "unsubscribe"
        )
    }
}

/// The command of this name, in letters of either case.
pub(super) fn find(name: &[u8]) -> Option<&'static Command> {
    let mut lower = [0; LONGEST_NAME];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let lower: &[u8] = lower;
    let at = TABLE.binary_search_by(|command| command.name.as_bytes().cmp(lower));
    at.ok().map(|at| &TABLE[at])
}

type Run = fn(&mut Session, &[Bytes]) -> Answer;

const fn command(name: &'static str, arity: i64, keys: (i64, i64, i64), run: Run) -> Command {
    Command {
        name,
        arity,
        keys,
        run,
    }
}

const NO_KEY: (i64, i64, i64) = (0, 0, 0);
const ONE_KEY: (i64, i64, i64) = (1, 1, 1);
const ALL_KEYS: (i64, i64, i64) = (1, -1, 1);

/// In the order of the names.
pub(super) static TABLE: &[Command] = &[
    command("auth", -2, NO_KEY, connection::auth),
    command("client", -2, NO_KEY, connection::client),
    command("command", -1, NO_KEY, server::command),
    command("config", -2, NO_KEY, server::config),
    command("dbsize", 1, NO_KEY, server::dbsize),
    command("decr", 2, ONE_KEY, strings::decr),
    command("decrby", 3, ONE_KEY, strings::decrby),
    command("del", -2, ALL_KEYS, keys::del),
    command("echo", 2, NO_KEY, connection::echo),
    command("exists", -2, ALL_KEYS, keys::exists),
    command("expire", 3, ONE_KEY, keys::expire),
    command("flushall", -1, NO_KEY, server::flush),
    command("flushdb", -1, NO_KEY, server::flush),
    command("get", 2, ONE_KEY, strings::get),
    command("hdel", -3, ONE_KEY, hashes::hdel),
    command("hello", -1, NO_KEY, connection::hello),
    command("hget", 3, ONE_KEY, hashes::hget),
    command("hgetall", 2, ONE_KEY, hashes::hgetall),
    command("hincrby", 4, ONE_KEY, hashes::hincrby),
    command("hlen", 2, ONE_KEY, hashes::hlen),
    command("hset", -4, ONE_KEY, hashes::hset),
    command("incr", 2, ONE_KEY, strings::incr),
    command("incrby", 3, ONE_KEY, strings::incrby),
    command("info", -1, NO_KEY, server::info),
    command("llen", 2, ONE_KEY, lists::llen),
    command("lpop", -2, ONE_KEY, lists::lpop),
    command("lpush", -3, ONE_KEY, lists::lpush),
    command("lrange", 4, ONE_KEY, lists::lrange),
    command("mget", -2, ALL_KEYS, strings::mget),
    command("mset", -3, (1, -1, 2), strings::mset),
    command("persist", 2, ONE_KEY, keys::persist),
    command("pexpire", 3, ONE_KEY, keys::pexpire),
    command("ping", -1, NO_KEY, connection::ping),
    command("pttl", 2, ONE_KEY, keys::pttl),
    command("publish", 3, NO_KEY, messages::publish),
    command("quit", -1, NO_KEY, connection::quit),
    command("reset", 1, NO_KEY, connection::reset),
    command("rpop", -2, ONE_KEY, lists::rpop),
    command("rpush", -3, ONE_KEY, lists::rpush),
    command("sadd", -3, ONE_KEY, sets::sadd),
    command("scard", 2, ONE_KEY, sets::scard),
    command("select", 2, NO_KEY, connection::select),
    command("set", -3, ONE_KEY, strings::set),
    command("sismember", 3, ONE_KEY, sets::sismember),
    command("smembers", 2, ONE_KEY, sets::smembers),
    command("spop", -2, ONE_KEY, sets::spop),
    command("srem", -3, ONE_KEY, sets::srem),
    command("subscribe", -2, NO_KEY, messages::subscribe),
    command("ttl", 2, ONE_KEY, keys::ttl),
    command("type", 2, ONE_KEY, keys::kind),
    command("unlink", -2, ALL_KEYS, keys::del),
    command("unsubscribe", -1, NO_KEY, messages::unsubscribe),
];

/// Longer than any.
const LONGEST_NAME: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name_in_either_case() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
        for command in TABLE {
            assert!(command.name.len() < LONGEST_NAME);
            for name in [command.name.to_owned(), command.name.to_uppercase()] {
                assert_eq!(find(name.as_bytes()).unwrap().name, command.name);
            }
        }
        for name in ["", "nothing", "gett", "a name that is very long indeed"] {
            assert!(find(name.as_bytes()).is_none());
        }
    }
}
