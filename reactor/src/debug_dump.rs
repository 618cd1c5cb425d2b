use std::{fmt, time::Duration};

use crate::{Direction, Metrics, Trigger, options::Urgent, sys};

/// What a reactor knows of each of its objects; from [`Handle::debug_dump`](crate::Handle::debug_dump).
///
/// It is made for the question "why does it hang?", and to be printed: a task that waits for something that
/// does not come is in it, with the descriptor, the direction, and how many events there have been.
///
/// ```text
/// 2 objects, 1 timer, 3 tasks; 12 turns, 7 sleeps, 5 events, 1 spurious
/// fd 7, edge-triggered, registered 12.3 s ago
///   read:  reported, not ready after 4 events; task 3 waits
///   write: not reported, ready without an event
/// fd 9, level-triggered, registered 0.2 s ago
///   read:  paused, not ready after 1 event, the peer has closed; 2 wakers wait
///   write: not reported, ready without an event
/// ```
///
/// How to read it: *ready* and *waits* at one time is a task that has been woken and not polled yet, or one
/// whose executor has lost the wake. *Not reported* while somebody waits is a [pause](crate::PollEvented::pause).
/// A task that hangs and is not in it waits for something else than this reactor.
#[derive(Debug, Clone)]
pub struct DebugDump {
    pub(crate) metrics: Metrics,
    pub(crate) objects: Vec<ObjectDump>,
}

/// One registered object.
#[derive(Debug, Clone)]
pub(crate) struct ObjectDump {
    pub(crate) descriptor: Option<sys::Descriptor>,
    pub(crate) trigger: Trigger,
    pub(crate) urgent: Urgent,
    pub(crate) age: Duration,
    pub(crate) read: DirectionDump,
    pub(crate) write: DirectionDump,
}

/// One direction of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DirectionDump {
    pub(crate) reported: Reported,
    pub(crate) is_ready: bool,
    pub(crate) is_closed: bool,
    pub(crate) events: u64,
    /// The number of a waiting task of the core itself.
    pub(crate) own_task: Option<usize>,
    /// Of everybody else who waits.
    pub(crate) wakers: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reported {
    Yes,
    No,
    Paused,
}

impl DebugDump {
    /// How many objects are in it.
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    /// How many tasks wait for an object; one that waits for several counts as several.
    pub fn waiters(&self) -> usize {
        let of = |dump: &DirectionDump| dump.wakers + usize::from(dump.own_task.is_some());
        let objects = self.objects.iter();
        objects
            .map(|object| of(&object.read) + of(&object.write))
            .sum()
    }

    /// The metrics of the same moment.
    pub fn metrics(&self) -> Metrics {
        self.metrics
    }
}

impl fmt::Display for DebugDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metrics = &self.metrics;
        write!(
            f,
            "{}, {}, {}; {}, {}, {}, {} spurious",
            counted(self.objects.len() as u64, "object"),
            counted(metrics.timers, "timer"),
            counted(metrics.tasks, "task"),
            counted(metrics.turns, "turn"),
            counted(metrics.sleeps, "sleep"),
            counted(metrics.events, "event"),
            metrics.spurious,
        )?;
        self.objects
            .iter()
            .try_for_each(|object| write!(f, "\n{object}"))
    }
}

impl fmt::Display for ObjectDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.descriptor {
            Some(descriptor) => write!(f, "fd {}", sys::number(descriptor))?,
            None => f.write_str("an object without a descriptor")?,
        }
        let trigger = match self.trigger {
            Trigger::Edge => "edge-triggered",
            Trigger::Level => "level-triggered",
            Trigger::Oneshot => "oneshot",
        };
        let urgent = match self.urgent {
            Urgent::Ignored => "",
            Urgent::Watched => ", urgent data as well",
            Urgent::Alone => ", urgent data alone",
        };
        let age = self.age.as_secs_f64();
        writeln!(f, ", {trigger}{urgent}, registered {age:.1} s ago")?;
        writeln!(f, "  read:  {}", self.read)?;
        write!(f, "  write: {}", self.write)
    }
}

impl fmt::Display for DirectionDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reported {
            Reported::Yes => "reported",
            Reported::No => "not reported",
            Reported::Paused => "paused",
        })?;
        f.write_str(if self.is_ready {
            ", ready"
        } else {
            ", not ready"
        })?;
        match self.events {
            0 => f.write_str(" without an event")?,
            events => write!(f, " after {}", counted(events, "event"))?,
        }
        if self.is_closed {
            f.write_str(", the peer has closed")?;
        }
        let task = self.own_task.map(|task| format!("task {task}"));
        let wakers = (self.wakers > 0).then(|| counted(self.wakers as u64, "waker"));
        match (task, wakers) {
            (None, None) => Ok(()),
            (Some(one), None) => write!(f, "; {one} waits"),
            (None, Some(wakers)) if self.wakers == 1 => write!(f, "; {wakers} waits"),
            (None, Some(wakers)) => write!(f, "; {wakers} wait"),
            (Some(one), Some(wakers)) => write!(f, "; {one} and {wakers} wait"),
        }
    }
}

impl DirectionDump {
    pub(crate) fn reported(direction: Direction, watch: sys::Watch, paused: bool) -> Reported {
        match (paused, watch.armed.is_in(direction)) {
            (true, _) => Reported::Paused,
            (false, true) => Reported::Yes,
            (false, false) => Reported::No,
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}
