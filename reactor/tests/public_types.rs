//! What can be sent, shared, moved and printed.

mod common;

use std::{
    fmt::Debug,
    future::{Pending, pending},
    net::UdpSocket,
    time::Duration,
};

use common::unix_pair;
use reactor::{
    Background, Core, CoreOptions, DebugDump, Elapsed, Fd, Handle, Interest, Interval, JoinError,
    JoinHandle, Metrics, NestedRun, NotPollable, Options, OwnedReady, PeerClosed, PollEvented,
    Progress, ReactorGone, ReadWitness, Ready, RegisterError, Sleep, Spawner, TaskGroup, Timeout,
    Trigger, WriteWitness, mio::net::UnixStream,
};

type Object = PollEvented<UnixStream>;

fn everywhere<T: Send + Sync>() {}
fn movable<T: Unpin>() {}
fn printed<T: Debug>() {}

#[test]
fn what_other_threads_may_have_can_be_sent_and_shared() {
    everywhere::<Handle>();
    everywhere::<Object>();
    everywhere::<PollEvented<Fd<UdpSocket>>>();
    everywhere::<Ready<'_, UnixStream>>();
    everywhere::<OwnedReady<UnixStream>>();
    everywhere::<PeerClosed<'_, UnixStream>>();
    everywhere::<ReadWitness<'_>>();
    everywhere::<WriteWitness<'_>>();
    everywhere::<JoinHandle<u32>>();
    everywhere::<Sleep>();
    everywhere::<Timeout<Pending<()>>>();
    everywhere::<Interval>();
    everywhere::<Background>();
    everywhere::<CoreOptions>();
    everywhere::<DebugDump>();
    everywhere::<RegisterError<UnixStream>>();
    everywhere::<Metrics>();
}

/// A call that is ambiguous, and so does not compile, if the type is `Send`.
macro_rules! stays_on_its_thread {
    ($type:ty) => {{
        trait Ambiguous<A> {
            fn name() {}
        }
        struct Sent;
        impl<T: ?Sized> Ambiguous<()> for T {}
        impl<T: ?Sized + Send> Ambiguous<Sent> for T {}
        <$type as Ambiguous<_>>::name();
    }};
}

/// Tasks that are not `Send` are polled and dropped by it.
#[test]
fn a_core_and_the_door_for_tasks_that_are_not_send_stay_on_their_thread() {
    stays_on_its_thread!(Core);
    stays_on_its_thread!(Spawner);
}

#[test]
fn futures_need_not_be_pinned_unless_what_is_inside_does() {
    movable::<Ready<'_, UnixStream>>();
    movable::<OwnedReady<UnixStream>>();
    movable::<PeerClosed<'_, UnixStream>>();
    movable::<JoinHandle<u32>>();
    movable::<Sleep>();
    movable::<Timeout<Pending<()>>>();
    movable::<Interval>();
    movable::<TaskGroup<u32>>();
    movable::<Object>();
}

#[test]
fn everything_can_be_printed() {
    printed::<(Options, Trigger, Interest, Progress<u32>, Metrics)>();
    printed::<(Elapsed, JoinError, NestedRun, NotPollable, ReactorGone)>();
    printed::<(Background, CoreOptions, DebugDump, Interval, TaskGroup<u32>)>();
    printed::<(ReadWitness<'_>, WriteWitness<'_>)>();
    let core = Core::new().unwrap();
    let handle = core.handle();
    let (object, _peer) = unix_pair(&handle);
    let fd = Fd::new(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    let texts: [(&str, &dyn Debug); 9] = [
        ("Core {", &core),
        ("Handle", &handle),
        ("Spawner", &core.spawner()),
        ("PollEvented { io: UnixStream", &object),
        ("Ready(", &object.readable()),
        ("PeerClosed", &object.peer_closed()),
        ("Fd(UdpSocket", &fd),
        ("Sleep", &handle.sleep(Duration::ZERO)),
        ("Timeout", &handle.timeout(Duration::ZERO, pending::<()>())),
    ];
    for (begin, value) in texts {
        let text = format!("{value:?}");
        assert!(text.starts_with(begin), "{begin}: {text}");
    }
}
