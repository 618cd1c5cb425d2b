//! Readiness futures: any number of them, on any executor, and nothing left behind.

mod common;

use std::{
    cell::{Cell, RefCell},
    fmt,
    io::{self, ErrorKind, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use common::{
    CountWakes, Elsewhere, Random, Watched, assert_idle, block_on, fill, parks, poll_with, run,
    settle, turn_until, unix_pair, within_reason,
};
use futures::{
    executor::{LocalPool, ThreadPool},
    future::{Either, join, join_all, select},
    stream::{FuturesUnordered, StreamExt},
    task::{LocalSpawnExt, SpawnExt},
};
use reactor::{
    Core, Direction, Interest, Options, PollEvented,
    mio::{Interest as MioInterest, Registry, Token, event::Source, net::UnixStream},
};

type Object = PollEvented<UnixStream>;

/// Takes back what is known or assumed.
fn forget(io: &Object) {
    let everything = Interest::READ | Interest::WRITE;
    let blocks = |_: &UnixStream| Err::<(), _>(ErrorKind::WouldBlock.into());
    assert!(io.try_with(everything, blocks).is_err());
}

fn interest_of(n: usize) -> Interest {
    [
        Interest::READ,
        Interest::WRITE,
        Interest::READ | Interest::WRITE,
        Interest::READ | Interest::ERROR,
    ][n % 4]
}

// ---- any number, anywhere -------------------------------------------------------------------------

#[test]
fn a_hundred_futures_of_one_task_wait_for_one_object() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let filled = fill(&stream);
    forget(&stream);
    let stream = &stream;
    let all = join_all((0..100).map(|n| stream.ready(interest_of(n))));
    let act = async {
        peer.write_all(b"x").unwrap();
        peer.read_exact(&mut vec![0; filled]).unwrap();
    };
    let (seen, ()) = run(&mut core, join(all, act));
    for (n, seen) in seen.into_iter().enumerate() {
        assert!(seen.unwrap().intersection(interest_of(n)).is_some());
    }
}

#[test]
fn a_hundred_tasks_wait_for_one_object_of_which_each_owns_a_share() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let filled = fill(&stream);
    forget(&stream);
    let stream = Arc::new(stream);
    let spawner = core.spawner();
    let tasks: Vec<_> = (0..100)
        .map(|n| spawner.spawn(stream.clone().ready_owned(interest_of(n))))
        .collect();
    for _ in 0..4 {
        settle(&mut core);
    }
    assert!(tasks.iter().all(|task| !task.is_finished()));
    peer.write_all(b"x").unwrap();
    peer.read_exact(&mut vec![0; filled]).unwrap();
    for task in tasks {
        run(&mut core, task).unwrap().unwrap();
    }
    assert_eq!(Arc::strong_count(&stream), 1);
}

#[test]
fn a_hundred_tasks_of_foreign_executors_wait_for_one_object() {
    let core = Elsewhere::new();
    let (stream, mut peer) = unix_pair(&core.handle);
    let filled = fill(&stream);
    forget(&stream);
    let stream = Arc::new(stream);
    let pool = ThreadPool::builder().pool_size(3).create().unwrap();
    let waits: Vec<_> = (0..50)
        .map(|n| pool.spawn_with_handle(stream.clone().ready_owned(interest_of(n))))
        .map(Result::unwrap)
        .collect();
    let local = thread::spawn({
        let stream = stream.clone();
        move || {
            within_reason(move || {
                let mut pool = LocalPool::new();
                let spawner = pool.spawner();
                let waits: Vec<_> = (0..50)
                    .map(|n| {
                        spawner.spawn_local_with_handle(stream.clone().ready_owned(interest_of(n)))
                    })
                    .map(Result::unwrap)
                    .collect();
                pool.run_until(join_all(waits)).len()
            })
        }
    });
    peer.write_all(b"x").unwrap();
    peer.read_exact(&mut vec![0; filled]).unwrap();
    let seen = block_on(join_all(waits));
    assert!(seen.into_iter().all(|seen| seen.is_ok()));
    assert_eq!(local.join().unwrap(), 50);
}

#[test]
fn a_future_resolves_again_and_again_until_an_operation_finds_nothing() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    forget(&stream);
    peer.write_all(b"x").unwrap();
    for _ in 0..3 {
        assert_eq!(run(&mut core, stream.readable()).unwrap(), Interest::READ);
    }
    let read = || stream.try_read_with(|mut io| io.read(&mut [0; 8]));
    assert_eq!(read().unwrap(), 1);
    assert_eq!(read().unwrap_err().kind(), ErrorKind::WouldBlock);
    let (_, waker) = CountWakes::new();
    assert!(poll_with(&mut stream.readable(), &waker).is_pending());
}

// ---- several in one task --------------------------------------------------------------------------

/// The first one to be ready ends the wait, and the other is dropped: ten rounds on one object.
#[test]
fn a_select_of_two_futures_of_one_object_loses_nothing() {
    async fn rounds(stream: &Object, mut peer: std::os::unix::net::UnixStream) {
        let mut random = Random::new(3);
        for _ in 0..200 {
            let filled = fill(stream);
            forget(stream);
            let reads = random.below(2) == 0;
            let selected = select(stream.readable(), stream.writable());
            let act = async {
                match reads {
                    true => peer.write_all(b"x").unwrap(),
                    false => peer.read_exact(&mut vec![0; filled]).unwrap(),
                }
            };
            let (selected, ()) = join(selected, act).await;
            match selected {
                Either::Left((seen, _)) => assert_eq!(seen.unwrap(), Interest::READ),
                Either::Right((seen, _)) => assert_eq!(seen.unwrap(), Interest::WRITE),
            }
            if reads {
                let read = stream.try_read_with(|mut io| io.read(&mut [0; 8]));
                assert_eq!(read.unwrap(), 1);
                peer.read_exact(&mut vec![0; filled]).unwrap();
            }
        }
    }
    let mut core = Core::new().unwrap();
    let (stream, peer) = unix_pair(&core.handle());
    run(&mut core, rounds(&stream, peer));
    let core = Elsewhere::new();
    let (stream, peer) = unix_pair(&core.handle);
    block_on(async move { rounds(&stream, peer).await });
}

/// Two futures of one task look the same to the object: the one that goes takes no wake along.
#[test]
fn a_future_that_goes_costs_another_one_of_its_task_nothing() {
    for event_first in [false, true] {
        let mut core = Core::new().unwrap();
        let (stream, mut peer) = unix_pair(&core.handle());
        forget(&stream);
        let (count, waker) = CountWakes::new();
        let (mut goes, mut stays) = (stream.readable(), stream.readable());
        assert!(poll_with(&mut goes, &waker).is_pending());
        assert!(poll_with(&mut stays, &waker).is_pending());
        if event_first {
            peer.write_all(b"x").unwrap();
            settle(&mut core);
            drop(goes);
        } else {
            drop(goes);
            // As every task does that is woken.
            if count.get() > 0 {
                assert!(poll_with(&mut stays, &waker).is_pending());
            }
            let before = count.get();
            peer.write_all(b"x").unwrap();
            turn_until(&mut core, || count.get() > before);
        }
        assert!(count.get() > 0);
        assert!(poll_with(&mut stays, &waker).is_ready());
    }
}

#[test]
fn a_future_that_gives_up_leaves_the_loop_asleep() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, _peer) = unix_pair(&handle);
    forget(&stream);
    for _ in 0..3 {
        let wait = handle.timeout(Duration::from_millis(1), stream.readable());
        assert!(run(&mut core, wait).is_err());
        assert_idle(&mut core);
    }
    // On a foreign waker the wake that may be one too many comes once.
    let (count, waker) = CountWakes::new();
    let mut readable = stream.readable();
    assert!(poll_with(&mut readable, &waker).is_pending());
    drop(readable);
    assert!(count.get() <= 1);
    settle(&mut core);
    assert!(count.get() <= 1);
}

#[test]
fn futures_in_a_set_are_woken_one_by_one() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (streams, mut peers): (Vec<_>, Vec<_>) = (0..50).map(|_| unix_pair(&handle)).unzip();
    streams.iter().for_each(forget);
    run(&mut core, async {
        let waits = streams.iter().enumerate();
        let mut waits: FuturesUnordered<_> = waits
            .map(|(n, stream)| async move { stream.readable().await.map(|_| n) })
            .collect();
        for n in (0..50).rev() {
            assert!(futures::poll!(waits.next()).is_pending());
            peers[n].write_all(b"x").unwrap();
            assert_eq!(waits.next().await.unwrap().unwrap(), n);
        }
    });
}

// ---- what is left behind --------------------------------------------------------------------------

#[test]
fn a_future_that_is_dropped_leaves_no_waker_behind() {
    let core = Core::new().unwrap();
    let (stream, _peer) = unix_pair(&core.handle());
    fill(&stream);
    forget(&stream);
    for n in 0..4 {
        let watched = Watched::new();
        let mut future = stream.ready(interest_of(n));
        for _ in 0..2 {
            assert!(poll_with(&mut future, &watched.1).is_pending());
        }
        assert!(watched.is_kept());
        drop(future);
        assert!(!watched.is_kept());
    }
}

/// More than the object has room for, so that it wakes some and remembers a few of them.
#[test]
fn a_thousand_futures_that_are_dropped_leave_no_waker_behind() {
    let core = Core::new().unwrap();
    let (stream, _peer) = unix_pair(&core.handle());
    forget(&stream);
    let all: Vec<_> = (0..1_000).map(|_| Watched::new()).collect();
    let mut futures: Vec<_> = all.iter().map(|_| stream.readable()).collect();
    for _ in 0..3 {
        for (future, watched) in futures.iter_mut().zip(&all) {
            assert!(poll_with(future, &watched.1).is_pending());
        }
    }
    assert!(all.iter().filter(|watched| watched.is_kept()).count() > 100);
    drop(futures);
    assert!(!all.iter().any(Watched::is_kept));
}

#[test]
fn a_future_that_ends_leaves_no_waker_behind() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    fill(&stream);
    forget(&stream);
    // It waits in both directions, and is woken in one.
    let watched = Watched::new();
    let mut both = stream.ready(Interest::READ | Interest::WRITE);
    assert!(poll_with(&mut both, &watched.1).is_pending());
    peer.write_all(b"x").unwrap();
    turn_until(&mut core, || watched.0.get() > 0);
    assert!(watched.is_kept(), "it still waits for room");
    assert!(poll_with(&mut both, &watched.1).is_ready());
    assert!(!watched.is_kept());
}

#[test]
fn a_future_that_moves_to_another_task_takes_its_waker_along() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    forget(&stream);
    let (here, there) = (Watched::new(), Watched::new());
    let mut future = stream.readable();
    assert!(poll_with(&mut future, &here.1).is_pending());
    assert!(poll_with(&mut future, &there.1).is_pending());
    assert!(!here.is_kept());
    let before = here.0.get();
    peer.write_all(b"x").unwrap();
    turn_until(&mut core, || there.0.get() > 0);
    assert_eq!(here.0.get(), before);
    assert!(poll_with(&mut future, &there.1).is_ready());
}

#[test]
fn an_object_that_is_dropped_and_a_core_that_goes_leave_no_waker_behind() {
    for core_first in [false, true] {
        let core = Core::new().unwrap();
        let (stream, _peer) = unix_pair(&core.handle());
        fill(&stream);
        forget(&stream);
        let stream = Arc::new(stream);
        let watched = Watched::new();
        assert!(parks(&stream, Direction::Read, &watched.1));
        assert!(parks(&stream, Direction::Write, &watched.1));
        let mut future = stream.clone().ready_owned(Interest::READ);
        let other = Watched::new();
        assert!(poll_with(&mut future, &other.1).is_pending());
        if core_first {
            drop(core);
            assert!(poll_with(&mut future, &other.1).is_ready());
        }
        drop(stream);
        drop(future);
        assert!(!watched.is_kept() && !other.is_kept());
    }
}

/// Futures come and go on several threads while events come; in the end nothing is there.
#[test]
fn futures_that_come_and_go_on_many_threads_leave_nothing_behind() {
    let core = Elsewhere::new();
    let (stream, mut peer) = unix_pair(&core.handle);
    forget(&stream);
    let stream = Arc::new(stream);
    let threads: Vec<_> = (0..4)
        .map(|seed| {
            let stream = stream.clone();
            thread::spawn(move || {
                let mut random = Random::new(seed);
                let all: Vec<_> = (0..5).map(|_| Watched::new()).collect();
                for _ in 0..2_000 {
                    let mut futures: Vec<_> = (0..5).map(|_| stream.readable()).collect();
                    for _ in 0..random.below(8) {
                        let (future, waker) = (random.below(5), random.below(5));
                        let waker = &all[waker as usize].1;
                        let _ = poll_with(&mut futures[future as usize], waker);
                    }
                    let _ = stream.try_read_with(|mut io| io.read(&mut [0; 8]));
                }
                all
            })
        })
        .collect();
    // Nobody reads any more once they are done.
    peer.set_nonblocking(true).unwrap();
    for _ in 0..2_000 {
        let _ = peer.write(b"x");
        thread::yield_now();
    }
    for thread in threads {
        let all = thread.join().unwrap();
        // The loop may be about to wake some of them.
        let deadline = std::time::Instant::now() + common::HANG;
        while all.iter().any(Watched::is_kept) {
            assert!(std::time::Instant::now() < deadline, "a waker is kept");
            thread::yield_now();
        }
    }
}

/// An object that does something when it is asked for its descriptor: in the middle of a park.
struct Hooked {
    socket: UnixStream,
    hook: Rc<Hook>,
}

type Hook = Cell<Option<Box<dyn FnOnce()>>>;

impl AsFd for Hooked {
    fn as_fd(&self) -> BorrowedFd<'_> {
        if let Some(hook) = self.hook.take() {
            hook();
        }
        self.socket.as_fd()
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked").finish_non_exhaustive()
    }
}

impl Source for Hooked {
    fn register(&mut self, _: &Registry, _: Token, _: MioInterest) -> io::Result<()> {
        unreachable!("it is registered by its descriptor")
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: MioInterest) -> io::Result<()> {
        unreachable!("it is registered by its descriptor")
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        unreachable!("it is registered by its descriptor")
    }
}

/// Room comes between the moment when the future waits for reading and that when it waits for writing.
#[test]
fn a_future_that_is_ready_while_it_parks_leaves_no_waker_behind() {
    let core = Rc::new(RefCell::new(Core::new().unwrap()));
    let (ours, mut peer) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let hook = Rc::new(Cell::new(None));
    let io = Hooked {
        socket: UnixStream::from_std(ours),
        hook: hook.clone(),
    };
    // Reading is not reported before somebody parks on it, writing is.
    let io = PollEvented::with_options(io, &core.borrow().handle(), Options::write_only()).unwrap();
    let mut filled = 0;
    while let Ok(n) = io.try_write_with(|io| (&io.socket).write(&[0; 4096])) {
        filled += n;
    }
    assert!(parks(&io, Direction::Write, Waker::noop()));
    settle(&mut core.borrow_mut());
    let everything = Interest::READ | Interest::WRITE;
    let blocks = |_: &Hooked| Err::<(), _>(ErrorKind::WouldBlock.into());
    assert!(io.try_with(everything, blocks).is_err());
    let turned = core.clone();
    hook.set(Some(Box::new(move || {
        peer.read_exact(&mut vec![0; filled]).unwrap();
        settle(&mut turned.borrow_mut());
    })));
    let watched = Watched::new();
    let mut future = pin!(io.ready(everything));
    let Poll::Ready(Ok(seen)) = poll_with(&mut future, &watched.1) else {
        panic!("there is room");
    };
    assert_eq!(seen, Interest::WRITE);
    assert!(!watched.is_kept());
}
