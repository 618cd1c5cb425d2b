//! Counted, not timed: system calls and allocations of an echo.

mod common;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::{Read, Write},
    net::TcpStream as StdStream,
    thread,
};

use common::{child, listen, pair, run};
use io_traits::{io as async_io, task};
use net::TcpStream;
use reactor::Core;

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // An error: the thread is going away.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is passed on to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Sends a message and waits for its echo, so many times.
fn ping(peer: &mut StdStream, rounds: usize) {
    let mut answer = [0; 64];
    for round in 0..rounds {
        peer.write_all(&[round as u8; 64]).unwrap();
        peer.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [round as u8; 64]);
    }
}

/// Echoes at the lowest level: std's own `read` and `write`, in a task.
async fn echo_by_hand(mut stream: TcpStream) {
    let mut buf = [0; 1024];
    loop {
        let n = task::io(|| stream.read(&mut buf)).await.unwrap();
        if n == 0 {
            return;
        }
        let mut written = 0;
        while written < n {
            written += task::io(|| stream.write(&buf[written..n])).await.unwrap();
        }
    }
}

async fn echo_by_copy(stream: TcpStream) {
    async_io::copy(&mut &stream, &mut &stream).await.unwrap();
}

const ROUNDS: usize = 500;

/// Runs an echo, and calls `watch` with what runs it through a number of rounds in steady state.
fn steady<F>(echo: fn(TcpStream) -> F, watch: impl FnOnce(&mut dyn FnMut()))
where
    F: Future<Output = ()> + 'static,
{
    let mut core = Core::new().unwrap();
    let (stream, mut peer) = pair(&core.handle());
    let echo = core.spawner().spawn(echo(stream));
    let (begin, begun) = futures::channel::mpsc::unbounded();
    let (next, go_on) = std::sync::mpsc::channel();
    let client = thread::spawn(move || {
        for rounds in go_on {
            ping(&mut peer, rounds);
            begin.unbounded_send(()).unwrap();
        }
    });
    let mut done = begun;
    let mut rounds = |n: usize| {
        next.send(n).unwrap();
        core.run(futures::StreamExt::next(&mut done))
            .unwrap()
            .unwrap();
    };
    rounds(100);
    watch(&mut || rounds(ROUNDS));
    drop(next);
    client.join().unwrap();
    run(&mut core, echo).unwrap();
}

fn allocations_of_an_echo<F: Future<Output = ()> + 'static>(echo: fn(TcpStream) -> F) -> u64 {
    let mut allocated = 0;
    steady(echo, |rounds| {
        let before = ALLOCATIONS.get();
        rounds();
        allocated = ALLOCATIONS.get() - before;
    });
    allocated
}

#[test]
fn an_echo_by_hand_allocates_nothing_per_message() {
    // A few for the command to go on and the answer, none for the messages.
    assert!(allocations_of_an_echo(echo_by_hand) < 10);
}

#[test]
fn an_echo_by_copy_allocates_nothing_per_message() {
    assert!(allocations_of_an_echo(echo_by_copy) < 10);
}

/// Three system calls a message: wait, receive, send.
fn assert_three_calls(trace: &child::Trace) {
    let near = |calls: usize| (ROUNDS..ROUNDS + 5).contains(&calls);
    assert!(
        near(trace.calls("recvfrom")),
        "{} recvfrom",
        trace.calls("recvfrom")
    );
    assert!(
        near(trace.calls("sendto")),
        "{} sendto",
        trace.calls("sendto")
    );
    assert!(
        near(trace.calls("epoll_wait")),
        "{} epoll_wait",
        trace.calls("epoll_wait")
    );
    let all = trace.all_calls().len();
    assert!(all <= 3 * ROUNDS + 8, "{all} calls for {ROUNDS} messages");
}

#[test]
fn a_lone_echo_by_hand_costs_three_system_calls_a_message() {
    let test = "a_lone_echo_by_hand_costs_three_system_calls_a_message";
    let trace = child::traced(test, &[], || {
        steady(echo_by_hand, |rounds| child::watched(rounds))
    });
    trace.iter().for_each(assert_three_calls);
}

#[test]
fn a_lone_echo_by_copy_costs_three_system_calls_a_message() {
    let test = "a_lone_echo_by_copy_costs_three_system_calls_a_message";
    let trace = child::traced(test, &[], || {
        steady(echo_by_copy, |rounds| child::watched(rounds))
    });
    trace.iter().for_each(assert_three_calls);
}

/// The whole life of a short connection, on the side that accepts.
#[test]
fn a_short_connection_costs_no_call_that_it_does_not_need() {
    let test = "a_short_connection_costs_no_call_that_it_does_not_need";
    const CONNECTIONS: usize = 50;
    let trace = child::traced(test, &[], || {
        let mut core = Core::new().unwrap();
        let (listener, addr) = listen(&core.handle());
        let client = thread::spawn(move || {
            for _ in 0..CONNECTIONS {
                let mut peer = StdStream::connect(addr).unwrap();
                ping(&mut peer, 1);
            }
        });
        child::watched(|| {
            core.run(async {
                for _ in 0..CONNECTIONS {
                    let (stream, _) = task::io(|| listener.accept()).await.unwrap();
                    echo_by_hand(stream).await;
                }
            })
            .unwrap();
        });
        client.join().unwrap();
    });
    if let Some(trace) = trace {
        assert_eq!(trace.calls("close"), CONNECTIONS);
        // Registered and deregistered. The listener is changed once in a while, as with Unix sockets.
        let changes = trace.calls("epoll_ctl") - 2 * CONNECTIONS;
        assert!(changes <= CONNECTIONS / 10, "{changes} changes");
        assert_eq!(trace.calls("sendto"), CONNECTIONS);
        // The message and the end.
        assert!(trace.calls("recvfrom") <= 3 * CONNECTIONS);
        let all = trace.all_calls().len();
        assert!(
            all <= 12 * CONNECTIONS,
            "{all} calls for {CONNECTIONS} connections"
        );
    }
}
