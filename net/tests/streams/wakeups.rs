//! The third law: no wakeup is lost, with any number of tasks, under any executor, on any thread.

use std::{
    io::{self, Read, Write},
    sync::Arc,
    thread,
};

use futures::{StreamExt, executor::ThreadPool, future::join_all};
use io_traits::{io as async_io, task};
use reactor::Core;

use super::{Stream, assert_is_from, connect, connect_std, listen, pair};
use crate::common::{
    CountWakes, Elsewhere, block_on, poll_with, run, settle, sum_beside_others, turn_until,
};

#[test]
fn law_3_twenty_tasks_on_one_stream_in_one_direction_are_all_woken() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let stream = Arc::new(stream);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let stream = stream.clone();
            core.spawner().spawn(async move {
                let mut byte = [0; 1];
                let mut stream = &*stream;
                task::io(|| stream.read(&mut byte)).await.unwrap();
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
fn law_3_fifty_tasks_accept_from_one_listener_and_each_connection_goes_to_one() {
    let mut core = Core::new().unwrap();
    let (listener, at) = listen(&core.handle());
    let listener = Arc::new(listener);
    let before = core.handle().metrics().polls;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let listener = listener.clone();
            core.spawner().spawn(async move {
                let (mut stream, from) = task::io(|| listener.accept()).await.unwrap();
                let mut byte = [0; 1];
                async_io::read_exact(&mut stream, &mut byte).await.unwrap();
                (byte[0], from)
            })
        })
        .collect();
    settle(&mut core);
    let peers: Vec<_> = (0..50_u8)
        .map(|n| {
            let mut peer = connect_std(&at);
            peer.write_all(&[n]).unwrap();
            peer
        })
        .collect();
    let mut accepted: Vec<_> = run(&mut core, join_all(tasks))
        .into_iter()
        .map(Result::unwrap)
        .collect();
    accepted.sort_unstable_by_key(|(n, _)| *n);
    assert!(accepted.iter().map(|(n, _)| *n).eq(0..50));
    for ((_, from), peer) in accepted.iter().zip(&peers) {
        assert_is_from(from, peer);
    }
    let polls = core.handle().metrics().polls - before;
    // Once to wait, once for a connection, and a few times for one that somebody else had: were all that wait woken
    // for each connection, it would be more than a thousand.
    assert!(polls < 8 * 50, "{polls} polls");
}

async fn read_byte(mut stream: &Stream) -> io::Result<usize> {
    task::io(|| stream.read(&mut [0])).await
}

#[test]
fn law_3_under_futures_unordered_and_select_the_inner_waker_is_the_one_that_is_woken() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (streams, mut peers): (Vec<_>, Vec<_>) = (0..10).map(|_| pair(&handle)).unzip();
    let (never, _never_peer) = pair(&handle);
    let writer = thread::spawn(move || {
        for peer in peers.iter_mut().rev() {
            peer.write_all(b"x").unwrap();
            thread::yield_now();
        }
        peers
    });
    let pairs = streams
        .iter()
        .map(|stream| (read_byte(&never), read_byte(stream)));
    assert_eq!(run(&mut core, sum_beside_others(pairs)), 10);
    writer.join().unwrap();
}

#[test]
fn law_3_under_a_foreign_executor_echoes_go_on_while_a_core_turns_elsewhere() {
    let core = Elsewhere::new();
    let pool = ThreadPool::builder().pool_size(2).create().unwrap();
    let (listener, at) = listen(&core.handle);
    let at = Arc::new(at);
    let server = pool.clone();
    pool.spawn_ok(async move {
        let mut incoming = listener.incoming();
        while let Some(Ok((stream, _))) = incoming.next().await {
            server.spawn_ok(async move {
                async_io::copy(&mut &stream, &mut &stream).await.unwrap();
            });
        }
    });
    let clients: Vec<_> = (0..8)
        .map(|n| {
            let (handle, at) = (core.handle.clone(), at.clone());
            thread::spawn(move || {
                block_on(async move {
                    let mut stream = connect(&at, &handle).await.unwrap();
                    for round in 0..50_u8 {
                        let mut answer = [0; 2];
                        async_io::write_all(&mut stream, &[n, round]).await.unwrap();
                        async_io::read_exact(&mut stream, &mut answer)
                            .await
                            .unwrap();
                        assert_eq!(answer, [n, round]);
                    }
                });
            })
        })
        .collect();
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
}

#[test]
fn law_3_no_task_is_lost_when_it_moves_between_threads() {
    let core = Elsewhere::new();
    let (stream, mut peer) = pair(&core.handle);
    let stream = Arc::new(stream);
    for round in 0..50_u8 {
        let reading = stream.clone();
        let mut future = Box::pin(async move {
            let mut byte = [0; 1];
            async_io::read_exact(&mut &*reading, &mut byte)
                .await
                .map(|()| byte[0])
        });
        assert!(poll_with(&mut future, &CountWakes::new().1).is_pending());
        let elsewhere = thread::spawn(move || block_on(future));
        peer.write_all(&[round]).unwrap();
        assert_eq!(elsewhere.join().unwrap().unwrap(), round);
    }
}

#[test]
fn law_3_wakers_that_change_between_polls_are_woken() {
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let mut buf = [0; 8];
    let mut stream = &stream;
    let mut future = task::io(|| stream.read(&mut buf));
    let wakers: Vec<_> = (0..10).map(|_| CountWakes::new()).collect();
    for (_, waker) in &wakers {
        assert!(poll_with(&mut future, waker).is_pending());
    }
    peer.write_all(b"x").unwrap();
    let (last, last_waker) = &wakers[9];
    turn_until(&mut core, || last.get() > 0);
    assert!(poll_with(&mut future, last_waker).is_ready());
}
