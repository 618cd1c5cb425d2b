//! A crowd of connections on one loop: those that are quiet cost nothing, whoever else talks.

mod common;
mod crowd;

use std::{
    cell::Cell,
    fs,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    time::{Duration, Instant},
};

use common::{HANG, listen, run, settle, turn_until};
use crowd::{ACTIVE, Clients, ECHO, MESSAGE, ONE, Process, ROUNDS, active_of, allowed};
use futures::StreamExt;
use io_traits::{io as async_io, task};
use net::{TcpListener, TcpStream};
use reactor::{Core, Metrics, Spawner};
use rustix::time::{ClockId, clock_gettime};

/// The clients are a process of their own: so is their limit of descriptors.
#[test]
fn ten_thousand_idle_connections_cost_no_cpu_and_a_hundred_active_ones_wake_none_of_them() {
    if let Some(server) = Process::server() {
        return Clients::gather(server).obey();
    }
    let test =
        "ten_thousand_idle_connections_cost_no_cpu_and_a_hundred_active_ones_wake_none_of_them";
    let mut crowd = Crowd::gather(test);
    crowd.is_idle();
    crowd.echoes_on_the_active_ones_alone();
    crowd.is_idle();
    crowd.wakes_one_alone(crowd.len() / 2 + 1);
    crowd.leaves();
}

/// The server, and what it knows of its connections, in the order in which they came.
struct Crowd {
    core: Core,
    connections: Rc<[Connection]>,
    control: TcpStream,
    clients: Process,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Connection {
    /// Of its task.
    polls: Cell<u64>,
    echoed: Cell<u64>,
}

impl Crowd {
    /// `test` is what this test is called: the clients' process is to run it, too.
    fn gather(test: &str) -> Self {
        let len = allowed() + ACTIVE;
        let connections: Rc<[_]> = vec![Connection::default(); len].into();
        let mut core = Core::new().unwrap();
        let (listener, addr) = listen(&core.handle());
        let clients = Process::start(test, addr);
        let (mut control, _) = run(&mut core, task::io(|| listener.accept())).unwrap();
        drop(
            core.spawner()
                .spawn(serve(listener, core.spawner(), connections.clone())),
        );
        let all_are_there = async {
            let number = u32::try_from(len).unwrap().to_be_bytes();
            async_io::write_all(&mut control, &number).await.unwrap();
            async_io::read_exact(&mut control, &mut [0]).await.unwrap();
        };
        let limit = core.handle().timeout(3 * HANG, all_are_there);
        core.run(limit).unwrap().expect("they do not come");
        // The control connection and the listener are two more.
        assert_eq!(core.handle().metrics().registered, len as u64 + 2);
        assert!(
            connections
                .iter()
                .all(|one| one.echoed.get() == MESSAGE as u64)
        );
        Self {
            core,
            connections,
            control,
            clients,
        }
    }

    fn len(&self) -> usize {
        self.connections.len()
    }

    /// The loop sleeps once, for as long as it may, and does nothing before or after.
    fn is_idle(&mut self) {
        settle(&mut self.core);
        let (start, cpu, sleeps) = (Instant::now(), cpu_time(), sleeps_of_thread());
        let (mut expected, connections) = (self.metrics(), self.connections.to_vec());
        self.core.turn(Some(QUIET)).unwrap();
        let (cpu, sleeps) = (cpu_time() - cpu, sleeps_of_thread() - sleeps);
        assert!(start.elapsed() >= QUIET, "something has ended the sleep");
        (expected.turns, expected.sleeps) = (expected.turns + 1, expected.sleeps + 1);
        assert_eq!(self.metrics(), expected);
        assert_eq!(self.connections[..], connections);
        assert!(sleeps <= 5, "the thread has slept {sleeps} times, not once");
        // Reading the clocks is in it as well; a loop that spins would have used all of the time.
        assert!(cpu < QUIET / 20, "idle for {QUIET:?}, it has used {cpu:?}");
        eprintln!(
            "{} connections, idle for {QUIET:?}: {cpu:?} of CPU",
            self.len()
        );
    }

    fn echoes_on_the_active_ones_alone(&mut self) {
        let (before, connections) = (self.metrics(), self.connections.to_vec());
        self.tell(&[ECHO]);
        let events = self.metrics().events - before.events;
        let wakeups = self.metrics().wakeups - before.wakeups;
        let active: Vec<_> = active_of(self.len()).collect();
        for (index, (now, before)) in self.connections.iter().zip(&connections).enumerate() {
            if active.contains(&index) {
                let echoed = now.echoed.get() - before.echoed.get();
                assert_eq!(echoed, (ROUNDS * MESSAGE) as u64);
                assert!(now.polls > before.polls);
            } else {
                assert_eq!(now, before, "connection {index} was woken");
            }
        }
        let messages = (ACTIVE * ROUNDS) as u64;
        for count in [events, wakeups] {
            // The control connection has a few, too.
            assert!(
                (messages..messages + 5).contains(&count),
                "{events} events and {wakeups} wakeups for {messages} messages"
            );
        }
    }

    /// An idle connection that is heard of at last.
    fn wakes_one_alone(&mut self, index: usize) {
        let before = self.connections.to_vec();
        let [_, a, b, c] = u32::try_from(index).unwrap().to_be_bytes();
        self.tell(&[ONE, a, b, c]);
        for (other, (now, before)) in self.connections.iter().zip(&before).enumerate() {
            if other == index {
                assert_eq!(now.echoed.get(), before.echoed.get() + MESSAGE as u64);
                assert_eq!(now.polls.get(), before.polls.get() + 1);
            } else {
                assert_eq!(now, before, "connection {other} was woken");
            }
        }
    }

    fn leaves(self) {
        let Self {
            mut core,
            control,
            clients,
            ..
        } = self;
        drop(control);
        let handle = core.handle();
        turn_until(&mut core, || handle.metrics().registered == 1);
        clients.end();
    }

    /// Has the clients do something, and waits until they have.
    fn tell(&mut self, command: &[u8]) {
        let Self { core, control, .. } = self;
        run(core, async {
            async_io::write_all(control, command).await.unwrap();
            async_io::read_exact(control, &mut [0]).await.unwrap();
        });
        settle(core);
    }

    fn metrics(&self) -> Metrics {
        self.core.handle().metrics()
    }
}

async fn serve(listener: TcpListener, spawner: Spawner, connections: Rc<[Connection]>) {
    let mut incoming = listener.incoming();
    for index in 0..connections.len() {
        let (stream, _) = incoming.next().await.unwrap().unwrap();
        let connections = connections.clone();
        drop(spawner.spawn(async move { echo(stream, &connections[index]).await }));
    }
    // The listener stays.
    let nobody = incoming.next().await;
    panic!("one too many: {nobody:?}");
}

async fn echo(mut stream: TcpStream, connection: &Connection) {
    let mut echo = pin!(async {
        let mut buf = [0; 4 * MESSAGE];
        loop {
            let n = async_io::read(&mut stream, &mut buf).await.unwrap();
            if n == 0 {
                return;
            }
            async_io::write_all(&mut stream, &buf[..n]).await.unwrap();
            add(&connection.echoed, n as u64);
        }
    });
    poll_fn(|cx| {
        add(&connection.polls, 1);
        echo.as_mut().poll(cx)
    })
    .await;
}

fn add(counter: &Cell<u64>, n: u64) {
    counter.set(counter.get() + n);
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.try_into().expect("it is not negative")
}

/// How often the kernel has taken the CPU from this thread because it had nothing to do.
fn sleeps_of_thread() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.expect("Linux tells").trim().parse().unwrap()
}

const QUIET: Duration = Duration::from_secs(1);
