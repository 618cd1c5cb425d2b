//! Objects that move to another reactor.

mod common;

use std::{
    cell::RefCell,
    future::poll_fn,
    io::{ErrorKind, Read, Write},
    rc::Rc,
    sync::{Arc, Mutex},
    thread,
};

use common::{
    Borrowed, CountWakes, Elsewhere, assert_gone, block_on, number, parks, poll_once, run, settle,
    turn_until, unix_pair, unix_pair_with,
};
use io_traits::{io as async_io, task};
use reactor::{Core, Direction, Options, PollEvented, ReactorGone, Trigger, mio::net::UnixStream};

fn take(stream: &PollEvented<UnixStream>) -> std::io::Result<usize> {
    stream.try_read_with(|mut io| io.read(&mut [0; 64]))
}

#[test]
fn an_object_works_at_its_new_reactor_and_the_old_one_hears_no_more() {
    for trigger in [Trigger::Edge, Trigger::Level, Trigger::Oneshot] {
        let (mut one, mut two) = (Core::new().unwrap(), Core::new().unwrap());
        let options = Options::new().trigger(trigger);
        let (stream, mut peer) = unix_pair_with(&one.handle(), options);
        let stream = stream.rebind(&two.handle()).unwrap();
        assert_eq!(one.handle().metrics().registered, 0);
        assert_eq!(two.handle().metrics().registered, 1);
        for _ in 0..3 {
            assert!(take(&stream).is_err());
            let (count, waker) = CountWakes::new();
            assert!(parks(&stream, Direction::Read, &waker));
            peer.write_all(b"x").unwrap();
            turn_until(&mut two, || count.get() > 0);
            assert_eq!(take(&stream).unwrap(), 1);
        }
        let before = one.handle().metrics().events;
        settle(&mut one);
        assert_eq!(one.handle().metrics().events, before);
    }
}

/// It is in a place of which the tasks know, and is exchanged there.
#[test]
fn tasks_that_wait_are_woken_and_wait_at_the_new_reactor() {
    let (one, mut two) = (Core::new().unwrap(), Core::new().unwrap());
    let (stream, mut peer) = unix_pair(&one.handle());
    let place = Mutex::new(Some(stream));
    let (count, waker) = CountWakes::new();
    let wait = |waker| {
        let place = place.lock().unwrap();
        let stream = place.as_ref().unwrap();
        assert!(take(stream).is_err());
        assert!(parks(stream, Direction::Read, waker));
    };
    wait(&waker);
    let stream = place.lock().unwrap().take().unwrap();
    *place.lock().unwrap() = Some(stream.rebind(&two.handle()).unwrap());
    assert_eq!(count.get(), 1, "it would wait where nothing comes any more");
    wait(&waker);
    peer.write_all(b"x").unwrap();
    turn_until(&mut two, || count.get() > 1);
    let read = place.into_inner().unwrap().unwrap();
    assert_eq!(take(&read).unwrap(), 1);
}

/// Of a task of the core its number alone is kept at the object.
#[test]
fn a_task_of_the_old_core_itself_waits_at_the_new_reactor() {
    let (mut one, mut two) = (Core::new().unwrap(), Core::new().unwrap());
    let (stream, mut peer) = unix_pair(&one.handle());
    let place = Rc::new(RefCell::new(Some(stream)));
    let task = one.spawner().spawn({
        let place = place.clone();
        poll_fn(move |cx| {
            let place = place.borrow();
            let stream = place.as_ref().expect("it is back");
            stream.poll_read_with(cx, |mut io| io.read(&mut [0; 8]))
        })
    });
    settle(&mut one);
    let polls = one.handle().metrics().polls;
    let stream = place.borrow_mut().take().unwrap();
    *place.borrow_mut() = Some(stream.rebind(&two.handle()).unwrap());
    settle(&mut one);
    assert_eq!(one.handle().metrics().polls, polls + 1);
    peer.write_all(b"x").unwrap();
    let events = two.handle().metrics().events;
    turn_until(&mut two, || has_heard(&place, events));
    assert_eq!(run(&mut one, task).unwrap().unwrap(), 1);
}

/// Whether the reactor where the object is has reported something.
fn has_heard(place: &RefCell<Option<PollEvented<UnixStream>>>, events: u64) -> bool {
    let place = place.borrow();
    place.as_ref().unwrap().handle().metrics().events > events
}

/// What had come before, or comes meanwhile, is found by trying.
#[test]
fn what_comes_before_and_during_a_move_is_not_lost() {
    let (mut one, mut two) = (Core::new().unwrap(), Core::new().unwrap());
    let (stream, mut peer) = unix_pair(&one.handle());
    peer.write_all(b"a").unwrap();
    run(&mut one, stream.readable()).unwrap();
    let stream = stream.rebind(&two.handle()).unwrap();
    peer.write_all(b"b").unwrap();
    let mut received = [0; 2];
    run(&mut two, async_io::read_exact(&mut &stream, &mut received)).unwrap();
    assert_eq!(&received, b"ab");
    let stream = stream.rebind(&one.handle()).unwrap();
    let mut read = task::io(|| (&stream).read(&mut received));
    assert!(poll_once(&mut read).is_pending());
}

#[test]
fn an_object_may_leave_a_core_that_is_gone() {
    let one = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&one.handle());
    drop(one);
    assert_gone(take(&stream));
    let mut two = Core::new().unwrap();
    let stream = stream.rebind(&two.handle()).unwrap();
    peer.write_all(b"x").unwrap();
    run(&mut two, stream.readable()).unwrap();
    assert_eq!(take(&stream).unwrap(), 1);
}

#[test]
fn a_move_that_is_refused_gives_the_object_back_registered_nowhere() {
    let (one, two) = (Core::new().unwrap(), Core::new().unwrap());
    let (stream, _peer) = unix_pair(&one.handle());
    let gone = two.handle();
    drop(two);
    let (error, stream) = stream.rebind(&gone).unwrap_err().into_parts();
    assert!(ReactorGone::is_source_of(&error));
    assert_eq!(one.handle().metrics().registered, 0);
    // By its descriptor and by mio's way.
    let stream = PollEvented::on_demand(stream, &one.handle()).unwrap();
    let copy = Borrowed(number(stream.get_ref()));
    let two = Core::new().unwrap();
    let copy = PollEvented::new(copy, &two.handle()).unwrap();
    let (error, _) = copy.rebind(&one.handle()).unwrap_err().into_parts();
    if cfg!(mio_unsupported_force_poll_poll) {
        assert!(!ReactorGone::is_source_of(&error));
    } else {
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }
    assert_eq!(two.handle().metrics().registered, 0);
    assert_eq!(one.handle().metrics().registered, 1);
}

/// From core to core and from thread to thread, in the middle of a conversation.
#[test]
fn an_object_goes_round_between_threads_and_cores_and_loses_no_byte() {
    const ROUNDS: usize = 30;
    let cores: Arc<[Elsewhere]> = (0..3).map(|_| Elsewhere::new()).collect();
    let (mut stream, mut peer) = unix_pair(&cores[0].handle);
    peer.set_read_timeout(Some(common::HANG)).unwrap();
    let echo = thread::spawn(move || {
        let mut byte = [0; 1];
        for _ in 0..ROUNDS {
            peer.read_exact(&mut byte).expect("it hangs");
            peer.write_all(&byte).unwrap();
        }
    });
    for round in 0..ROUNDS {
        let handle = cores[round % 3].handle.clone();
        stream = block_on(async move {
            let mut stream = stream.rebind(&handle).unwrap();
            let (sent, mut byte) = ([round as u8], [0; 1]);
            async_io::write_all(&mut stream, &sent).await.unwrap();
            async_io::read_exact(&mut stream, &mut byte).await.unwrap();
            assert_eq!(byte, sent);
            stream
        });
    }
    echo.join().unwrap();
}
