//! What `tracing` hears of tasks and objects at the level `trace`.

mod common;

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
};

use common::{Borrowed, number, settle, unix_pair};
use io_traits::task;
use reactor::{Core, PollEvented};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// Keeps everything in the order of its coming: spans as they are entered and left, events with their fields.
#[derive(Debug, Clone, Default)]
struct Hears(Arc<Mutex<Vec<String>>>);

/// Wants no spans.
#[derive(Debug, Clone, Default)]
struct HearsEvents(Hears);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

impl Hears {
    fn add(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    /// How many objects are spans, or have been.
    fn spans(&self) -> usize {
        self.count("span object token=")
    }

    fn closed(&self) -> usize {
        self.count("close ")
    }

    fn count(&self, begin: &str) -> usize {
        let heard = self.0.lock().unwrap();
        heard.iter().filter(|line| line.starts_with(begin)).count()
    }
}

impl Subscriber for Hears {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut text = Text(format!("span {}", attributes.metadata().name()));
        attributes.record(&mut text);
        let mut heard = self.0.lock().unwrap();
        let spans = heard
            .iter()
            .filter(|line| line.starts_with("span "))
            .count();
        heard.push(text.0);
        Id::from_u64(1 + spans as u64)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::from("event"));
        event.record(&mut text);
        self.add(text.0);
    }
    fn enter(&self, _: &Id) {
        self.add(String::from("enter"));
    }
    fn exit(&self, _: &Id) {
        self.add(String::from("exit"));
    }
    fn try_close(&self, id: Id) -> bool {
        self.add(format!("close {}", id.into_u64()));
        true
    }
}

impl Subscriber for HearsEvents {
    fn enabled(&self, what: &Metadata<'_>) -> bool {
        what.is_event()
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        panic!("{attributes:?} is not wanted");
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.0.event(event);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn each_poll_of_a_task_is_a_span_and_its_waits_are_events_in_it() {
    let hears = Hears::default();
    tracing::subscriber::with_default(hears.clone(), || {
        let mut core = Core::new().unwrap();
        let (mut ours, mut theirs) = unix_pair(&core.handle());
        drop(core.spawner().spawn(async move {
            task::io(|| ours.read(&mut [0])).await.unwrap();
        }));
        settle(&mut core);
        theirs.write_all(b"x").unwrap();
        settle(&mut core);
    });
    let heard = hears.0.lock().unwrap().join("\n");
    let inside = heard
        .split("span task number=0\nenter\n")
        .collect::<Vec<_>>();
    assert_eq!(inside.len(), 3, "two polls: {heard}");
    let waits = inside[1].split("exit").next().unwrap();
    assert!(waits.contains("event message=waits token="), "{heard}");
    assert!(waits.contains("direction=Read"), "{heard}");
    let between = inside[1].split("exit").nth(1).unwrap();
    assert!(
        between.contains("message=dispatched events=1 stale=0 wakeups=1"),
        "{heard}"
    );
    for event in ["registered", "deregistered"] {
        let inside = format!("enter\nevent message={event} token=");
        assert!(heard.contains(&inside), "{heard}");
    }
}

#[test]
fn an_object_is_a_span_from_its_registration_to_its_end_wherever_that_comes() {
    let hears = Hears::default();
    tracing::subscriber::with_default(hears.clone(), || {
        let (core, other) = (Core::new().unwrap(), Core::new().unwrap());
        let (one, _peer) = unix_pair(&core.handle());
        let (two, _peer) = unix_pair(&core.handle());
        let (late, _peer) = unix_pair(&core.handle());
        assert_eq!(hears.spans(), 3);
        assert_eq!(hears.closed(), 0);
        drop(one);
        assert_eq!(hears.closed(), 1);
        // One more where it goes.
        let two = two.rebind(&other.handle()).unwrap();
        assert_eq!((hears.spans(), hears.closed()), (4, 2));
        drop((core, two, late));
        assert_eq!(hears.closed(), 4);
        // One that is refused, because its descriptor is registered already, is over at once.
        let (object, _peer) = unix_pair(&other.handle());
        let twice = PollEvented::new(Borrowed(number(object.get_ref())), &other.handle());
        assert!(twice.is_err());
        assert_eq!((hears.spans(), hears.closed()), (6, 5));
    });
}

#[test]
fn whoever_wants_events_and_no_spans_hears_of_registrations_and_their_ends() {
    let hears = HearsEvents::default();
    tracing::subscriber::with_default(hears.clone(), || {
        let core = Core::new().unwrap();
        let (one, _peer) = unix_pair(&core.handle());
        drop(one);
    });
    for event in ["registered", "deregistered"] {
        let begin = format!("event message={event} token=");
        assert_eq!(hears.0.count(&begin), 1, "{event}");
    }
}
