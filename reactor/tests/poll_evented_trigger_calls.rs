//! What each trigger costs in system calls: the table in the docs of `Trigger`, counted.
#![cfg(all(target_os = "linux", not(mio_unsupported_force_poll_poll)))]

mod common;

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    task::{Poll, Waker},
};

use common::{CountWakes, child, fill, parks, settle, turn_until, unix_pair_with, with_cx};
use reactor::{Core, Direction, Options, PollEvented, Trigger, mio::net::UnixStream};

type Peer = std::os::unix::net::UnixStream;

/// A reactor, an object of that trigger, its peer, and what is counted: by whatever is given to `count`.
struct Case {
    core: Core,
    options: Options,
    stream: PollEvented<UnixStream>,
    peer: Peer,
    name: String,
}

impl Case {
    fn new(row: &str, trigger: Trigger) -> Self {
        let core = Core::new().unwrap();
        let options = Options::new().trigger(trigger);
        let (stream, peer) = unix_pair_with(&core.handle(), options);
        let name = name(row, trigger);
        Self {
            core,
            options,
            stream,
            peer,
            name,
        }
    }

    fn count<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        let name = self.name.clone();
        child::watched_as(&name, || f(self))
    }

    /// The object has nothing to read, and is known not to.
    fn forget(&mut self) {
        while (take(&self.stream)).is_ok() {}
    }

    /// A task waits to read, and something comes.
    fn wait_for_an_event(&mut self) {
        let (count, waker) = CountWakes::new();
        assert!(parks(&self.stream, Direction::Read, &waker));
        self.peer.write_all(b"x").unwrap();
        turn_until(&mut self.core, || count.get() > 0);
    }

    /// A task waits for room, and gets it.
    fn wait_for_room(&mut self) {
        let filled = fill(&self.stream);
        let (count, waker) = CountWakes::new();
        assert!(parks(&self.stream, Direction::Write, &waker));
        self.peer.read_exact(&mut vec![0; filled]).unwrap();
        turn_until(&mut self.core, || count.get() > 0);
    }

    /// Something comes while nobody waits, and the loop turns until nothing happens any more.
    fn be_ready_unheard(&mut self) {
        self.peer.write_all(b"x").unwrap();
        for _ in 0..6 {
            settle(&mut self.core);
        }
    }

    fn mistaken_need_read(&mut self) {
        with_cx(Waker::noop(), |cx| {
            let Poll::Ready(witness) = self.stream.poll_read(cx) else {
                panic!("it is not ready");
            };
            self.stream.need_read(cx, witness.unwrap()).unwrap();
        });
    }
}

fn take(stream: &PollEvented<UnixStream>) -> std::io::Result<usize> {
    stream.try_read_with(|mut io| io.read(&mut [0; 64]))
}

/// A row of the table, and how what it is about comes about.
type Row = (&'static str, fn(&str, Trigger));

const ROWS: [Row; 14] = [
    ("registering", |row, trigger| {
        let mut case = Case::new(row, trigger);
        drop(case.count(|case| unix_pair_with(&case.core.handle(), case.options)));
    }),
    ("deregistering", |row, trigger| {
        let mut case = Case::new(row, trigger);
        let (stream, _peer) = unix_pair_with(&case.core.handle(), case.options);
        let stream = case.count(|_| stream.into_inner().unwrap());
        drop(stream);
    }),
    ("an operation that does not wait", |row, trigger| {
        let mut case = Case::new(row, trigger);
        case.count(|case| {
            for _ in 0..3 {
                case.peer.write_all(b"x").unwrap();
                assert_eq!(take(&case.stream).unwrap(), 1);
                assert!(case.stream.try_write_with(|mut io| io.write(b"y")).is_ok());
            }
        });
    }),
    ("the first wait to read", |row, trigger| {
        let mut case = Case::new(row, trigger);
        settle(&mut case.core);
        case.forget();
        case.count(Case::wait_for_an_event);
    }),
    ("each later wait to read", |row, trigger| {
        let mut case = Case::new(row, trigger);
        settle(&mut case.core);
        for _ in 0..2 {
            case.forget();
            case.wait_for_an_event();
        }
        case.forget();
        case.count(Case::wait_for_an_event);
    }),
    ("the first wait to write", |row, trigger| {
        let mut case = Case::new(row, trigger);
        settle(&mut case.core);
        case.count(Case::wait_for_room);
    }),
    ("each later wait to write", |row, trigger| {
        let mut case = Case::new(row, trigger);
        settle(&mut case.core);
        case.wait_for_room();
        case.count(Case::wait_for_room);
    }),
    ("being ready while nobody waits", |row, trigger| {
        let mut case = Case::new(row, trigger);
        settle(&mut case.core);
        case.forget();
        case.count(Case::be_ready_unheard);
    }),
    ("the first wait after that", |row, trigger| {
        let mut case = Case::new(row, trigger);
        settle(&mut case.core);
        case.forget();
        case.be_ready_unheard();
        case.forget();
        case.count(Case::wait_for_an_event);
    }),
    ("`need_read` by mistake, after an event", |row, trigger| {
        let mut case = Case::new(row, trigger);
        settle(&mut case.core);
        case.forget();
        case.wait_for_an_event();
        case.count(Case::mistaken_need_read);
    }),
    ("a transfer that would block", |row, trigger| {
        let mut case = Case::new(row, trigger);
        let (to, _sink) = unix_pair_with(&case.core.handle(), case.options);
        let blocks = |mut from: &UnixStream, _: &UnixStream| from.read(&mut [0; 8]);
        case.count(|case| case.stream.try_transfer_with(&to, blocks).unwrap_err());
    }),
    ("`pause`", |row, trigger| {
        let mut case = Case::new(row, trigger);
        case.count(|case| case.stream.pause(Direction::Read).unwrap());
    }),
    ("`resume` while a task waits", |row, trigger| {
        let mut case = Case::new(row, trigger);
        settle(&mut case.core);
        case.stream.pause(Direction::Read).unwrap();
        case.forget();
        assert!(parks(&case.stream, Direction::Read, Waker::noop()));
        case.count(|case| case.stream.resume(Direction::Read).unwrap());
    }),
    ("`rebind`", |row, trigger| {
        let mut case = Case::new(row, trigger);
        let (stream, _peer) = unix_pair_with(&case.core.handle(), case.options);
        let other = Core::new().unwrap();
        let stream = case.count(|_| stream.rebind(&other.handle()).unwrap());
        drop(stream);
    }),
];

const TRIGGERS: [Trigger; 3] = [Trigger::Edge, Trigger::Level, Trigger::Oneshot];

/// As a part of a path.
fn name(row: &str, trigger: Trigger) -> String {
    let row = row.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    format!("{row}-{trigger:?}")
}

/// poll(2), by either of its calls.
fn asks_the_system(line: &str) -> bool {
    line.contains(" poll(") || line.contains(" ppoll(")
}

/// The calls that are not the operations' own, in the words of the table.
fn calls<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let calls: Vec<_> = lines
        .filter_map(|line| match line.split_once("EPOLL_CTL_") {
            Some((_, change)) => Some(format!("`{}`", &change[..3])),
            None => asks_the_system(line).then(|| String::from("`poll`")),
        })
        .collect();
    if calls.is_empty() {
        return String::from("–");
    }
    calls.join(", ")
}

#[test]
fn each_trigger_costs_the_system_calls_that_its_docs_say() {
    let test = "each_trigger_costs_the_system_calls_that_its_docs_say";
    let trace = child::traced(test, &[], || {
        for (row, run) in ROWS {
            TRIGGERS.into_iter().for_each(|trigger| run(row, trigger));
        }
    });
    let Some(trace) = trace else {
        return;
    };
    // A debug build asks the system whether there is a mistake.
    let asked = |row: &str, line: &str| {
        cfg!(debug_assertions) && row.contains("need_read") && asks_the_system(line)
    };
    let count = |row: &str, trigger| {
        let name = name(row, trigger);
        calls(trace.lines_of(&name).filter(|line| !asked(row, line)))
    };
    let counted = ROWS.map(|(row, _)| (row, TRIGGERS.map(|trigger| count(row, trigger))));
    let told = table(include_str!("../src/trigger.rs"));
    for (row, counted) in &counted {
        let told = told.get(row).unwrap_or_else(|| panic!("no row {row:?}"));
        assert_eq!(told[..], counted[..], "{row}\n{counted:#?}");
    }
    assert_eq!(told.len(), counted.len(), "a row that is not counted");
}

/// The rows of the table with a column for each trigger.
fn table(docs: &str) -> BTreeMap<&str, Vec<&str>> {
    let lines = docs.lines().filter_map(|line| line.strip_prefix("/// | "));
    let rows = lines.map(|line| line.trim_end_matches('|').split('|').map(str::trim));
    let rows = rows.map(|mut row| (row.next().unwrap(), row.collect::<Vec<_>>()));
    rows.filter(|(_, costs)| costs.len() == 3 && costs[0] != "`Edge`")
        .collect()
}
