//! What a slot tells of itself.

use std::time::Duration;

use super::Slot;
use crate::{
    Direction,
    debug_dump::{DirectionDump, ObjectDump},
    executor::TaskId,
    readiness::Told,
    sync::lock,
};

impl Slot {
    /// What is known of it. For any thread, under the lock of the slots or without it.
    pub(crate) fn dump(&self, age: Duration) -> ObjectDump {
        let arming = self.arming.load();
        let watch = self.watch_of(arming);
        let of = |direction| {
            let (side, seen) = (self.side(direction), self.seen(direction));
            DirectionDump {
                reported: DirectionDump::reported(direction, watch, arming.paused.is_in(direction)),
                is_ready: seen.has(Told::READY),
                is_closed: seen.is_closed(),
                events: seen.events(),
                own_task: side
                    .own()
                    .filter(|_| seen.is_waited_for())
                    .map(TaskId::place),
                wakers: lock(&self.waiting).set(direction).len(),
            }
        };
        ObjectDump {
            descriptor: self.descriptor,
            trigger: self.trigger,
            urgent: self.urgent,
            age,
            read: of(Direction::Read),
            write: of(Direction::Write),
        }
    }
}
