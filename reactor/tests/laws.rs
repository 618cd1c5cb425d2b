//! The six laws, on objects of our own making inside of `PollEvented`. `net` shows them on sockets.

mod common;

use std::{
    io::{self, ErrorKind, IoSlice, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use bytes::BytesMut;
use common::{
    CountWakes, Elsewhere, Random, assert_gone, block_on, parks, poll_with, run, settle,
    turn_until, udp_pair, unix_pair, with_cx, within_reason,
};
use futures::{
    FutureExt, StreamExt,
    executor::ThreadPool,
    future::{join_all, select},
    stream::FuturesUnordered,
};
use io_traits::{
    AsyncWrite, io as async_io, poll_read_buf,
    task::{self, NotInTask},
};
use reactor::{
    Core, Direction, NestedRun, PollEvented, ReactorGone,
    mio::{Interest, Registry, Token, event::Source, net::UnixStream, unix::pipe},
};

/// Fills the writing direction; returns how many bytes that took.
fn fill(io: &PollEvented<UnixStream>) -> usize {
    let mut filled = 0;
    loop {
        match io.try_write_with(|mut io| io.write(&[7; 4096])) {
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return filled,
            Err(error) => panic!("{error}"),
        }
    }
}

// ---- 1. non-blocking ------------------------------------------------------------------------------

#[test]
fn law_1_non_blocking_what_would_block_says_so_at_once() {
    within_reason(|| {
        let core = Core::new().unwrap();
        let handle = core.handle();
        let (stream, _peer) = unix_pair(&handle);
        let (udp, _sender) = udp_pair(&handle);
        let (_to, from) = pipe::new().unwrap();
        let mut from = PollEvented::new(from, &handle).unwrap();
        with_cx(Waker::noop(), |cx| {
            let kind = |result: io::Result<usize>| result.unwrap_err().kind();
            let mut buf = [0; 16];
            assert_eq!(
                kind(task::enter(cx, || (&stream).read(&mut buf))),
                ErrorKind::WouldBlock
            );
            assert_eq!(
                kind(task::enter(cx, || from.read(&mut buf))),
                ErrorKind::WouldBlock
            );
            assert!(
                udp.poll_read_with(cx, |udp| udp.recv(&mut buf))
                    .is_pending()
            );
            let blocked = loop {
                if let Err(error) = task::enter(cx, || (&stream).write(&[0; 65536])) {
                    break error;
                }
            };
            assert_eq!(blocked.kind(), ErrorKind::WouldBlock);
            assert!((&stream).poll_write_from(cx, b"x").is_pending());
        });
    });
}

// ---- 2. would-block registers ---------------------------------------------------------------------

#[test]
fn law_2_would_block_registers_the_task_for_reading() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_pair(&core.handle());
    let (count, waker) = CountWakes::new();
    let mut buf = [0; 16];
    let error = with_cx(&waker, |cx| task::enter(cx, || stream.read(&mut buf))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    settle(&mut core);
    assert_eq!(count.get(), 0);
    peer.write_all(b"now").unwrap();
    turn_until(&mut core, || count.get() == 1);
    let n = with_cx(&waker, |cx| task::enter(cx, || stream.read(&mut buf))).unwrap();
    assert_eq!(&buf[..n], b"now");
}

#[test]
fn law_2_would_block_registers_the_task_for_writing() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_pair(&core.handle());
    let filled = fill(&stream);
    let (count, waker) = CountWakes::new();
    let error = with_cx(&waker, |cx| task::enter(cx, || stream.write(b"x"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    settle(&mut core);
    assert_eq!(count.get(), 0);
    peer.read_exact(&mut vec![0; filled]).unwrap();
    turn_until(&mut core, || count.get() > 0);
    with_cx(&waker, |cx| task::enter(cx, || stream.write(b"x"))).unwrap();
}

/// As TLS does: a read may have to write first.
struct WritesToRead(PollEvented<UnixStream>);

impl Read for WritesToRead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.write(b"!")?;
        self.0.read(buf)
    }
}

#[test]
fn law_2_a_read_that_blocks_on_writing_is_woken_by_writability() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let filled = fill(&stream);
    let mut object = WritesToRead(stream);
    let mut buf = [0; 16];
    let (count, waker) = CountWakes::new();
    let mut future = task::io(|| object.read(&mut buf));
    assert!(poll_with(&mut future, &waker).is_pending());
    // Room to write, and nothing to read.
    peer.read_exact(&mut vec![0; filled]).unwrap();
    turn_until(&mut core, || count.get() > 0);
    assert!(poll_with(&mut future, &waker).is_pending());
    peer.write_all(b"answer").unwrap();
    assert_eq!(run(&mut core, future).unwrap(), 6);
}

#[test]
fn law_2_a_task_on_a_foreign_executor_is_woken_by_a_core_on_another_thread() {
    let core = Elsewhere::new();
    let (stream, mut peer) = unix_pair(&core.handle);
    let reader = thread::spawn(move || {
        block_on(async move {
            let mut buf = [0; 5];
            let mut stream = stream;
            async_io::read_exact(&mut stream, &mut buf).await.unwrap();
            buf
        })
    });
    for byte in b"hello" {
        peer.write_all(&[*byte]).unwrap();
        thread::yield_now();
    }
    assert_eq!(&reader.join().unwrap(), b"hello");
}

// ---- 3. no wakeup is lost -------------------------------------------------------------------------

#[test]
fn law_3_twenty_tasks_on_one_direction_are_all_woken() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let stream = Arc::new(stream);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let stream = stream.clone();
            core.spawner().spawn(async move {
                let mut byte = [0; 1];
                async_io::read_exact(&mut &*stream, &mut byte)
                    .await
                    .unwrap();
                byte[0]
            })
        })
        .collect();
    settle(&mut core);
    peer.write_all(&(0..20).collect::<Vec<u8>>()).unwrap();
    let mut bytes: Vec<_> = run(&mut core, join_all(tasks))
        .into_iter()
        .map(Result::unwrap)
        .collect();
    bytes.sort_unstable();
    assert_eq!(bytes, (0..20).collect::<Vec<u8>>());
}

#[test]
fn law_3_a_thousand_wakers_on_one_direction_are_all_woken() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    with_cx(Waker::noop(), |cx| {
        drop(task::enter(cx, || (&stream).read(&mut [0])))
    });
    let waiting: Vec<_> = (0..1_000).map(|_| CountWakes::new()).collect();
    // Some are woken for want of room while others come: whoever still waits asks again.
    loop {
        let before: usize = waiting.iter().map(|(count, _)| count.get()).sum();
        for (_, waker) in &waiting {
            assert!(parks(&stream, Direction::Read, waker));
        }
        settle(&mut core);
        let after: usize = waiting.iter().map(|(count, _)| count.get()).sum();
        if after == before {
            break;
        }
        assert!(after < 20_000, "they wake each other in circles");
    }
    let before: Vec<_> = waiting.iter().map(|(count, _)| count.get()).collect();
    peer.write_all(b"x").unwrap();
    settle(&mut core);
    for ((count, _), before) in waiting.iter().zip(before) {
        assert_eq!(count.get(), before + 1);
    }
}

/// Who waits may be forgotten by the loop when it gives up, but whoever comes next may not.
#[test]
fn law_3_tasks_that_gave_up_do_not_stand_in_the_way_of_those_that_come_after() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (stream, mut peer) = unix_pair(&handle);
    let stream = Arc::new(stream);
    let reader = |core: &Core| {
        let stream = stream.clone();
        core.spawner().spawn(async move {
            async_io::read_exact(&mut &*stream, &mut [0; 1])
                .await
                .unwrap();
        })
    };
    for _ in 0..3 {
        // A task that is aborted, a root future that ends, a waker of another executor.
        let aborted = reader(&core);
        settle(&mut core);
        aborted.abort();
        settle(&mut core);
        let mut buf = [0; 1];
        let mut half = &*stream;
        let limited = handle.timeout(Duration::from_millis(1), task::io(|| half.read(&mut buf)));
        assert!(core.run(limited).unwrap().is_err());
        let (foreign, waker) = CountWakes::new();
        assert!(parks(&stream, Direction::Read, &waker));
        // Of those that come after, one takes the aborted task's place.
        let readers = [reader(&core), reader(&core)];
        settle(&mut core);
        peer.write_all(b"xx").unwrap();
        for reader in readers {
            run(&mut core, reader).unwrap();
        }
        assert_eq!(foreign.get(), 1);
        // And the root future itself.
        peer.write_all(b"x").unwrap();
        let mut half = &*stream;
        run(&mut core, async_io::read_exact(&mut half, &mut [0; 1])).unwrap();
    }
}

/// A future is polled by one task, then by another, then by a foreign executor.
#[test]
fn law_3_a_future_that_moves_between_tasks_is_woken_where_it_is() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let mut future = Box::pin(async move {
        let mut stream = stream;
        async_io::read_exact(&mut stream, &mut [0; 1])
            .await
            .unwrap();
    });
    for _ in 0..2 {
        let polled_once = core.spawner().spawn(async move {
            assert!(futures::poll!(&mut future).is_pending());
            Some(future)
        });
        future = run(&mut core, polled_once).unwrap().unwrap();
        assert!(
            core.run(async { futures::poll!(&mut future).is_pending() })
                .unwrap()
        );
    }
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut future, &waker).is_pending());
    peer.write_all(b"x").unwrap();
    turn_until(&mut core, || count.get() == 1);
    assert!(poll_with(&mut future, &waker).is_ready());
}

#[test]
fn law_3_readers_and_writers_do_not_displace_each_other() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let filled = fill(&stream);
    let (reader, read_waker) = CountWakes::new();
    let (writer, write_waker) = CountWakes::new();
    assert!(
        with_cx(&read_waker, |cx| task::enter(cx, || (&stream)
            .read(&mut [0])))
        .is_err()
    );
    assert!(with_cx(&write_waker, |cx| task::enter(cx, || (&stream).write(b"x"))).is_err());
    peer.read_exact(&mut vec![0; filled]).unwrap();
    turn_until(&mut core, || writer.get() > 0);
    peer.write_all(b"x").unwrap();
    turn_until(&mut core, || reader.get() > 0);
}

/// Polls for reading with a fresh waker each time; `between` is called after each poll.
fn poll_with_fresh_wakers(
    stream: &PollEvented<UnixStream>,
    mut between: impl FnMut(),
) -> Vec<Arc<CountWakes>> {
    assert!(stream.try_read_with(|mut io| io.read(&mut [0; 1])).is_err());
    let mut counts = Vec::new();
    for _ in 0..10_000 {
        let (count, waker) = CountWakes::new();
        assert!(parks(stream, Direction::Read, &waker));
        counts.push(count);
        between();
    }
    counts
}

fn kept(counts: &[Arc<CountWakes>]) -> usize {
    counts
        .iter()
        .filter(|count| Arc::strong_count(count) > 1)
        .count()
}

#[test]
fn law_3_a_waker_that_changes_at_every_poll_is_woken_and_does_not_pile_up() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let counts = poll_with_fresh_wakers(&stream, || core.turn(Some(Duration::ZERO)).unwrap());
    assert!(
        kept(&counts) <= 128,
        "{} wakers of one task are kept",
        kept(&counts)
    );
    peer.write_all(b"x").unwrap();
    let last = counts.last().unwrap();
    turn_until(&mut core, || last.get() == 1);
    assert_eq!(kept(&counts), 0, "wakers are kept after the wake");
}

/// Under a foreign executor a task may be polled any number of times while the loop sleeps, which
/// then does not turn.
#[test]
fn law_3_a_waker_that_changes_at_every_poll_does_not_pile_up_while_the_loop_sleeps() {
    let core = Elsewhere::new();
    let (stream, mut peer) = unix_pair(&core.handle);
    let counts = poll_with_fresh_wakers(&stream, || ());
    let piled_up = kept(&counts);
    peer.write_all(b"x").unwrap();
    counts.last().unwrap().wait_for(1);
    assert!(piled_up <= 128, "{piled_up} wakers of one task are kept");
}

#[test]
fn law_3_a_future_that_moves_between_threads_is_woken_where_it_is() {
    let core = Elsewhere::new();
    let (stream, mut peer) = unix_pair(&core.handle);
    let stream = Arc::new(stream);
    for round in 0..50_u8 {
        let reading = stream.clone();
        let mut future = Box::pin(async move {
            let mut byte = [0; 1];
            async_io::read_exact(&mut &*reading, &mut byte)
                .await
                .map(|()| byte[0])
        });
        // Parked here under one waker, then finished over there under another.
        let (_, waker) = CountWakes::new();
        assert!(poll_with(&mut future, &waker).is_pending());
        let elsewhere = thread::spawn(move || block_on(future));
        peer.write_all(&[round]).unwrap();
        assert_eq!(elsewhere.join().unwrap().unwrap(), round);
    }
}

/// The event lands before, while and after the task stores its waker.
#[test]
fn law_3_an_event_at_any_moment_around_a_park_on_another_thread_is_not_lost() {
    let core = Elsewhere::new();
    let (stream, mut peer) = unix_pair(&core.handle);
    let (go, rounds) = std::sync::mpsc::channel();
    let writer = thread::spawn(move || {
        let mut random = Random::new(9);
        for () in rounds {
            (0..random.below(2_000)).for_each(|_| std::hint::spin_loop());
            peer.write_all(b"x").unwrap();
        }
        peer
    });
    let mut random = Random::new(10);
    for _ in 0..5_000 {
        go.send(()).unwrap();
        (0..random.below(2_000)).for_each(|_| std::hint::spin_loop());
        let (count, waker) = CountWakes::new();
        let mut woken = 0;
        let read = || stream.try_read_with(|mut io| io.read(&mut [0; 1]));
        while read().is_err() {
            if parks(&stream, Direction::Read, &waker) {
                woken += 1;
                count.wait_for(woken);
            }
        }
    }
    drop(go);
    writer.join().unwrap();
}

#[test]
fn law_3_under_a_thread_pool_no_task_of_many_objects_is_lost() {
    let core = Elsewhere::new();
    let pool = ThreadPool::builder().pool_size(3).create().unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let (all_done, waker) = CountWakes::new();
    let mut peers = Vec::new();
    for _ in 0..20 {
        let (stream, peer) = unix_pair(&core.handle);
        peer.set_read_timeout(Some(common::HANG)).unwrap();
        peers.push(peer);
        let (done, waker) = (done.clone(), waker.clone());
        pool.spawn_ok(async move {
            let mut buf = [0; 32];
            let mut stream = stream;
            loop {
                let n = async_io::read(&mut stream, &mut buf).await.unwrap();
                if n == 0 {
                    break;
                }
                async_io::write_all(&mut stream, &buf[..n]).await.unwrap();
            }
            done.fetch_add(1, Ordering::SeqCst);
            waker.wake();
        });
    }
    for round in 0..100_u8 {
        for peer in &mut peers {
            peer.write_all(&[round, 1, 2]).unwrap();
        }
        for peer in &mut peers {
            let mut echo = [0; 3];
            peer.read_exact(&mut echo).expect("an echo was lost");
            assert_eq!(echo, [round, 1, 2]);
        }
    }
    drop(peers);
    all_done.wait_for(20);
}

#[test]
fn law_3_under_futures_unordered_and_select_the_inner_waker_is_the_one_that_is_woken() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (streams, mut peers): (Vec<_>, Vec<_>) = (0..10).map(|_| unix_pair(&handle)).unzip();
    let (never, _never_peer) = unix_pair(&handle);
    let never = &never;
    let writer = thread::spawn(move || {
        // One after the other and last first, so that each is woken by itself.
        for peer in peers.iter_mut().rev() {
            peer.write_all(b"x").unwrap();
            thread::yield_now();
        }
        peers
    });
    let seen = run(&mut core, async {
        let mut children: FuturesUnordered<_> = streams
            .iter()
            .map(|mut stream| async move {
                let mut buf = [0; 1];
                let mut never_buf = [0; 1];
                let wanted = std::pin::pin!(task::io(|| stream.read(&mut buf)));
                let other = std::pin::pin!(async {
                    let mut never = never;
                    task::io(|| never.read(&mut never_buf)).await
                });
                select(other, wanted).await.factor_first().0.unwrap()
            })
            .collect();
        let mut seen = 0;
        while let Some(n) = children.next().await {
            seen += n;
        }
        seen
    });
    assert_eq!(seen, 10);
    writer.join().unwrap();
}

#[test]
fn law_3_an_event_with_nobody_waiting_is_kept_for_the_next_poll() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    let (count, waker) = CountWakes::new();
    with_cx(&waker, |cx| {
        drop(task::enter(cx, || (&stream).read(&mut [0])))
    });
    peer.write_all(b"a").unwrap();
    settle(&mut core);
    assert_eq!(count.get(), 1);
    // The task is gone; the event is not.
    let (_, other) = CountWakes::new();
    assert!(!parks(&stream, Direction::Read, &other));
}

// ---- 4. buffers are only written ------------------------------------------------------------------

#[test]
fn law_4_a_read_reports_exactly_what_it_filled_and_touches_nothing_else() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_pair(&core.handle());
    peer.write_all(b"abc").unwrap();
    let mut buf = BytesMut::with_capacity(64);
    let n = run(
        &mut core,
        std::future::poll_fn(|cx| poll_read_buf(&mut stream, cx, &mut buf)),
    );
    assert_eq!((n.unwrap(), &buf[..]), (3, &b"abc"[..]));
    let mut memory = [9; 8];
    peer.write_all(b"de").unwrap();
    let n = run(&mut core, task::io(|| stream.read(&mut memory))).unwrap();
    assert_eq!((n, memory), (2, *b"de\x09\x09\x09\x09\x09\x09"));
}

/// A source whose operations lie or stutter, on top of a socket that makes it pollable.
#[derive(Debug)]
struct Odd {
    socket: UnixStream,
    answers: Mutex<Vec<io::Result<usize>>>,
}

impl Odd {
    fn new(answers: Vec<io::Result<usize>>) -> (Self, UnixStream) {
        let (socket, peer) = UnixStream::pair().unwrap();
        let answers = Mutex::new(answers.into_iter().rev().collect());
        (Self { socket, answers }, peer)
    }

    fn next(&self) -> io::Result<usize> {
        self.answers
            .lock()
            .unwrap()
            .pop()
            .unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))
    }
}

impl Source for Odd {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.socket.register(registry, token, interest)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.socket.reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.socket.deregister(registry)
    }
}

impl AsFd for Odd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Read for Odd {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.next()
    }
}

impl Write for Odd {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        self.next()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.next().map(drop)
    }
}

#[test]
fn law_4_a_read_impl_that_lies_is_an_error_and_fills_nothing() {
    let mut core = Core::new().unwrap();
    let (odd, _peer) = Odd::new(vec![Ok(1_000_000)]);
    let mut odd = PollEvented::new(odd, &core.handle()).unwrap();
    let mut buf = BytesMut::with_capacity(16);
    let read = std::future::poll_fn(|cx| poll_read_buf(&mut odd, cx, &mut buf));
    assert_eq!(
        run(&mut core, read).unwrap_err().kind(),
        ErrorKind::InvalidData
    );
    assert!(buf.is_empty());
}

#[test]
fn law_4_a_write_impl_that_lies_skips_no_byte_and_panics_nowhere() {
    let mut core = Core::new().unwrap();
    let (odd, _peer) = Odd::new(vec![Ok(1_000_000)]);
    let mut odd = PollEvented::new(odd, &core.handle()).unwrap();
    let written = run(&mut core, async_io::write_all(&mut odd, b"abc"));
    assert_eq!(written.unwrap_err().kind(), ErrorKind::InvalidData);
}

// ---- 5. poll functions never say "would block" nor "interrupted" ----------------------------------

#[test]
fn law_5_poll_functions_never_return_would_block_or_interrupted() {
    let core = Core::new().unwrap();
    let stutter = || {
        let answers = [
            ErrorKind::Interrupted,
            ErrorKind::Interrupted,
            ErrorKind::WouldBlock,
        ];
        Odd::new(answers.map(|kind| Err(kind.into())).into())
    };
    let handle = core.handle();
    let mut cx = Context::from_waker(Waker::noop());
    let mut buf = [0; 4];

    let (odd, _peer) = stutter();
    let mut odd = PollEvented::new(odd, &handle).unwrap();
    assert!(poll_read_buf(&mut odd, &mut cx, &mut &mut buf[..]).is_pending());
    assert!(odd.get_ref().answers.lock().unwrap().is_empty());

    let (odd, _peer) = stutter();
    let mut odd = PollEvented::new(odd, &handle).unwrap();
    assert!(odd.poll_write_from(&mut cx, b"x").is_pending());

    let (odd, _peer) = stutter();
    let mut odd = PollEvented::new(odd, &handle).unwrap();
    assert!(
        odd.poll_write_slices(&mut cx, &[IoSlice::new(b"x")])
            .is_pending()
    );

    let (odd, _peer) = stutter();
    let mut odd = PollEvented::new(odd, &handle).unwrap();
    assert!(odd.poll_flush(&mut cx).is_pending());

    let (odd, _peer) = stutter();
    let mut odd = PollEvented::new(odd, &handle).unwrap();
    assert!(odd.poll_shutdown(&mut cx).is_pending());

    let (odd, _peer) = stutter();
    let mut odd = PollEvented::new(odd, &handle).unwrap();
    assert!(odd.poll_read_with(&mut cx, Odd::next).is_pending());
    assert!(odd.poll_write_with(&mut cx, Odd::next).is_pending());
    assert!(
        odd.poll_read_with_mut(&mut cx, |odd| odd.next())
            .is_pending()
    );
    assert!(
        odd.poll_write_with_mut(&mut cx, |odd| odd.next())
            .is_pending()
    );
}

#[test]
fn law_5_real_errors_pass_through_and_leave_the_object_usable() {
    let core = Core::new().unwrap();
    let (odd, _peer) = Odd::new(vec![Err(ErrorKind::ConnectionReset.into()), Ok(3)]);
    let mut odd = PollEvented::new(odd, &core.handle()).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let polled = odd.poll_read_with_mut(&mut cx, |odd| odd.next());
    assert_eq!(common::ready_err(polled).kind(), ErrorKind::ConnectionReset);
    let polled = odd.poll_read_with_mut(&mut cx, |odd| odd.next());
    assert!(matches!(polled, Poll::Ready(Ok(3))));
}

// ---- 6. no silent hang ----------------------------------------------------------------------------

#[test]
fn law_6_no_silent_hang_outside_of_a_task_the_answer_is_the_same_with_and_without_data() {
    let mut core = Core::new().unwrap();
    let (mut stream, mut peer) = unix_pair(&core.handle());
    for round in 0..4 {
        let results = [
            stream.read(&mut [0; 4]),
            (&stream).read(&mut [0; 4]),
            stream.read(&mut []),
            stream.write(b"x"),
            (&stream).write(b"x"),
            stream.write(b""),
            (&stream).write_vectored(&[IoSlice::new(b"x")]),
            stream.flush().map(|()| 0),
        ];
        for (operation, result) in results.into_iter().enumerate() {
            let error = result.unwrap_err();
            assert!(
                NotInTask::is_source_of(&error),
                "operation {operation}, round {round}"
            );
        }
        // First nothing is there, then there is data, then the reactor knows of it, then the end.
        match round {
            0 => peer.write_all(b"data").unwrap(),
            1 => settle(&mut core),
            _ => peer.shutdown(std::net::Shutdown::Write).unwrap(),
        }
    }
}

#[test]
fn law_6_run_inside_of_run_is_a_deadlock_error_every_time() {
    let mut core = Core::new().unwrap();
    let mut other = Core::new().unwrap();
    let check = |other: &mut Core| {
        for _ in 0..3 {
            let error = other.run(async {}).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Deadlock);
            assert!(error.get_ref().unwrap().is::<NestedRun>());
            let error = other.turn(Some(Duration::ZERO)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Deadlock);
        }
    };
    core.run(async { check(&mut other) }).unwrap();
    // Also from a spawned task, under `turn`.
    let (send, receive) = std::sync::mpsc::channel();
    drop(core.spawner().spawn(async move {
        check(&mut other);
        send.send(other).unwrap();
    }));
    core.turn(Some(Duration::ZERO)).unwrap();
    let mut other = receive.recv().unwrap();
    other.run(async {}).unwrap();
}

#[test]
fn law_6_after_the_core_is_gone_every_operation_says_so_for_ever() {
    let core = Core::new().unwrap();
    let handle = core.handle();
    let (mut stream, mut peer) = unix_pair(&handle);
    let (kept, _kept_peer) = unix_pair(&handle);
    peer.write_all(b"data").unwrap();
    drop(core);
    for _ in 0..3 {
        with_cx(Waker::noop(), |cx| {
            assert_gone(task::enter(cx, || stream.read(&mut [0; 4])));
            assert_gone(task::enter(cx, || (&stream).write(b"x")));
            assert_gone(task::enter(cx, || stream.flush()));
            let error = common::ready_err(stream.poll_read(cx).map_ok(drop));
            assert!(ReactorGone::is_source_of(&error));
            let error = common::ready_err(stream.poll_write(cx).map_ok(drop));
            assert!(ReactorGone::is_source_of(&error));
        });
        assert_gone(stream.try_read_with(|mut io| io.read(&mut [0; 4])));
        assert_gone(stream.try_write_with(|mut io| io.write(b"x")));
        assert_gone(stream.readable().now_or_never().expect("a hang"));
        assert_gone(stream.writable().now_or_never().expect("a hang"));
        assert_gone(
            handle
                .sleep(Duration::from_secs(60))
                .now_or_never()
                .expect("a hang"),
        );
        let late = std::time::Instant::now() + Duration::from_secs(60);
        assert_gone(handle.sleep_until(late).now_or_never().expect("a hang"));
        let mut ticks = handle.interval(Duration::from_secs(60)).unwrap();
        assert_gone(ticks.tick().now_or_never().expect("a hang"));
        let mut ticks = handle.interval_at(late, Duration::from_secs(60)).unwrap();
        assert_gone(ticks.tick().now_or_never().expect("a hang"));
        // What there was can still be asked for.
        assert_eq!(handle.metrics().timers, 0);
        assert!(
            handle
                .debug_dump()
                .to_string()
                .contains("0 timers, 0 tasks")
        );
        assert_eq!(*handle.extension(|| 7), 7);
        let pending = std::future::pending::<()>();
        let limited = handle.timeout(Duration::from_secs(60), pending);
        assert_gone(limited.now_or_never().expect("a hang"));
        let late = UnixStream::pair().unwrap().0;
        let error = PollEvented::new(late, &handle).unwrap_err();
        assert!(ReactorGone::is_source_of(error.error()));
        assert!(error.into_inner().peer_addr().is_ok());
        let cancelled = handle.spawn(async {}).now_or_never().expect("a hang");
        assert!(cancelled.unwrap_err().is_cancelled());
    }
    // Its object can still be had, and goes on living elsewhere.
    let mut other = Core::new().unwrap();
    let io = kept.into_inner().unwrap();
    let kept = PollEvented::on_demand(io, &other.handle()).unwrap();
    let written = run(&mut other, task::io(|| (&kept).write(b"x")));
    assert_eq!(written.unwrap(), 1);
}

#[test]
fn law_6_a_clear_after_the_core_is_gone_does_not_make_it_hang() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = unix_pair(&core.handle());
    peer.write_all(b"data").unwrap();
    settle(&mut core);
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(read)) = stream.poll_read(&mut cx) else {
        panic!("there is data");
    };
    let Poll::Ready(Ok(write)) = stream.poll_write(&mut cx) else {
        panic!("there is room");
    };
    drop(core);
    assert_gone(stream.need_read(&mut cx, read));
    assert_gone(stream.need_write(&mut cx, write));
    assert_gone(stream.readable().now_or_never().expect("a hang"));
    assert_gone(stream.writable().now_or_never().expect("a hang"));
}

#[test]
fn law_6_whoever_waits_or_sleeps_is_woken_when_the_core_goes() {
    let mut core = Elsewhere::new();
    let (stream, _peer) = unix_pair(&core.handle);
    fill(&stream);
    // Nothing is assumed any more: there is nothing to read, either.
    assert!(stream.try_read_with(|mut io| io.read(&mut [0; 1])).is_err());
    let stream = Arc::new(stream);
    let (ready, is_ready) = CountWakes::new();
    let mut threads = Vec::new();
    for what in 0..6 {
        let (stream, handle, is_ready) = (stream.clone(), core.handle.clone(), is_ready.clone());
        threads.push(thread::spawn(move || {
            let mut announced = Some(is_ready);
            let mut waiting = Box::pin(async move {
                match what {
                    0 => async_io::read_exact(&mut &*stream, &mut [0; 1]).await,
                    1 => async_io::write_all(&mut &*stream, b"x").await,
                    2 => stream.readable().await.map(drop),
                    3 => stream.writable().await.map(drop),
                    4 => handle.sleep(Duration::MAX).await,
                    _ => {
                        let forever = std::future::pending::<()>();
                        handle.timeout(Duration::from_secs(3_600), forever).await
                    }
                }
            });
            block_on(std::future::poll_fn(move |cx| {
                let polled = waiting.as_mut().poll(cx);
                if polled.is_pending() {
                    announced.take().into_iter().for_each(Waker::wake);
                }
                polled
            }))
        }));
    }
    ready.wait_for(6);
    core.stop();
    for thread in threads {
        assert_gone(thread.join().unwrap());
    }
}
