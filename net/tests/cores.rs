//! One server on many cores: who serves what, and how it ends.

mod common;

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream},
    num::NonZeroUsize,
    sync::{Arc, Barrier, Mutex, mpsc},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use common::{HANG, any_port, child, open_descriptors, tell_end_of_thread, within_reason};
use futures::StreamExt;
use io_traits::io::{read_exact, write_all};
use net::{Activity, Cores, CoresBuilder, OnCore, Spread, TcpBuilder, TcpStream};
use reactor::Core;
use rustix::process::{Resource, setrlimit};
use socket2::{Domain, Socket, Type};

const BOTH: [Spread; 2] = [Spread::System, Spread::HandOff];

/// Longer than the tests run.
const NEVER: Duration = Duration::from_secs(3_600);

fn builder(threads: usize, spread: Spread) -> CoresBuilder {
    let threads = NonZeroUsize::new(threads).unwrap();
    CoresBuilder::new().threads(threads).spread(spread)
}

/// Answers each byte with the number of the core. After a `?` it is busy until the next byte.
fn numbers(threads: usize, spread: Spread) -> Cores {
    let number = |core: &OnCore| {
        let index = u8::try_from(core.index()).unwrap();
        async move |mut stream: TcpStream, _: SocketAddr, activity: Activity| -> io::Result<()> {
            let mut byte = [0];
            loop {
                read_exact(&mut stream, &mut byte).await?;
                let _busy = activity.busy();
                write_all(&mut stream, &[index]).await?;
                if byte == *b"?" {
                    read_exact(&mut stream, &mut byte).await?;
                    write_all(&mut stream, b"!").await?;
                }
            }
        }
    };
    builder(threads, spread)
        .listen(&any_port(), number)
        .unwrap()
}

/// A client, and the core that serves it.
fn client(cores: &Cores) -> (StdStream, usize) {
    let mut client = connect(cores.local_addr());
    let core = ask(&mut client, b"1");
    (client, core)
}

fn connect(addr: SocketAddr) -> StdStream {
    let client = StdStream::connect(addr).unwrap();
    client.set_read_timeout(Some(HANG)).unwrap();
    client
}

fn ask(client: &mut StdStream, question: &[u8; 1]) -> usize {
    let mut answer = [0];
    client.write_all(question).unwrap();
    client.read_exact(&mut answer).unwrap();
    answer[0].into()
}

fn open(cores: &Cores) -> Vec<usize> {
    cores.loads().iter().map(|load| load.open).collect()
}

/// The server hears of an end a moment later.
#[track_caller]
fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + HANG;
    while !done() {
        assert!(Instant::now() < deadline, "it hangs");
        thread::yield_now();
    }
}

#[test]
fn every_core_serves_and_a_connection_stays_where_it_is() {
    for spread in BOTH {
        let cores = numbers(3, spread);
        let mut seen = [0; 3];
        let mut clients = Vec::new();
        // By a hash, some core could be left out of a few; of so many it is not.
        while seen.contains(&0) || clients.len() < 60 {
            assert!(
                clients.len() < 1_000,
                "{spread:?} leaves a core out: {seen:?}"
            );
            let (client, core) = client(&cores);
            seen[core] += 1;
            clients.push((client, core));
        }
        for (client, core) in &mut clients {
            assert_eq!(ask(client, b"2"), *core);
        }
        let loads = cores.loads();
        for (load, seen) in loads.iter().zip(seen) {
            assert_eq!((load.open, load.accepted), (seen, seen as u64));
            assert!(load.metrics.polls > 0);
        }
        drop(clients);
        wait_until(|| open(&cores) == [0; 3]);
    }
}

#[test]
fn handed_off_connections_are_as_many_on_each_core() {
    let cores = numbers(4, Spread::HandOff);
    let clients: Vec<_> = (0..40).map(|_| client(&cores)).collect();
    assert_eq!(open(&cores), [10; 4]);
    drop(clients);
}

/// What has ended makes room: the next connections go where the fewest are.
#[test]
fn a_connection_is_handed_to_the_core_that_has_the_fewest() {
    let cores = numbers(3, Spread::HandOff);
    let clients: Vec<_> = (0..30).map(|_| client(&cores)).collect();
    let (rest, ended): (Vec<_>, Vec<_>) = clients.into_iter().partition(|(_, core)| *core != 1);
    drop(ended);
    wait_until(|| open(&cores) == [10, 0, 10]);
    let more: Vec<_> = (0..10).map(|_| client(&cores)).collect();
    assert!(more.iter().all(|(_, core)| *core == 1));
    drop(rest);
}

/// Handlers are made on the threads that use them, and need not be `Send`.
#[test]
fn a_handler_is_made_once_on_each_thread_and_used_there() {
    for spread in BOTH {
        let made = Arc::new(Mutex::new(Vec::<(usize, ThreadId)>::new()));
        let making = made.clone();
        let make = move |core: &OnCore| {
            making
                .lock()
                .unwrap()
                .push((core.index(), thread::current().id()));
            let not_send = std::rc::Rc::new(thread::current().id());
            async move |mut stream: TcpStream, _: SocketAddr, _: Activity| {
                assert_eq!(*not_send, thread::current().id());
                write_all(&mut stream, b"x").await
            }
        };
        let cores = builder(3, spread).listen(&any_port(), make).unwrap();
        for _ in 0..20 {
            connect(cores.local_addr()).read_exact(&mut [0]).unwrap();
        }
        let made = made.lock().unwrap();
        let indices: Vec<_> = made.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, [0, 1, 2]);
        assert!(made.iter().all(|(_, id)| *id != thread::current().id()));
    }
}

#[test]
fn at_the_end_idle_connections_are_closed_and_busy_ones_finish() {
    for spread in BOTH {
        let cores = numbers(2, spread);
        let (mut idle, _) = client(&cores);
        let mut fresh = connect(cores.local_addr());
        let (mut busy, _) = client(&cores);
        ask(&mut busy, b"?");
        // Somebody else ends it.
        let shutdown = cores.shutdown().clone();
        thread::spawn(move || shutdown.begin(NEVER));
        assert_eq!(idle.read(&mut [0]).unwrap(), 0);
        // It was accepted, or it is reset with the queue.
        match fresh.read(&mut [0]) {
            Ok(n) => assert_eq!(n, 0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        assert!(cores.shutdown().has_begun());
        wait_until(|| StdStream::connect(cores.local_addr()).is_err());
        assert_eq!(ask(&mut busy, b"!"), usize::from(b'!'));
        assert_eq!(busy.read(&mut [0]).unwrap(), 0);
        assert_eq!(within_reason(move || cores.wait()).unwrap(), 0);
    }
}

#[test]
fn when_the_limit_is_over_busy_connections_are_cut_off_and_counted() {
    for spread in BOTH {
        let cores = numbers(2, spread);
        let mut busy: Vec<_> = (0..5).map(|_| client(&cores).0).collect();
        for one in &mut busy {
            ask(one, b"?");
        }
        cores.shutdown().begin(Duration::from_millis(20));
        // A later one changes nothing.
        cores.shutdown().begin(NEVER);
        assert_eq!(within_reason(move || cores.wait()).unwrap(), 5);
        for mut one in busy {
            assert_eq!(one.read(&mut [0]).unwrap(), 0);
        }
    }
}

#[test]
fn a_server_that_nobody_has_connected_to_ends_at_once() {
    for spread in BOTH {
        let cores = numbers(2, spread);
        cores.shutdown().begin(NEVER);
        assert_eq!(within_reason(move || cores.wait()).unwrap(), 0);
    }
}

/// The tracker is one that others can use as well.
#[test]
fn the_tracker_knows_the_connections_of_all_cores() {
    let cores = numbers(2, Spread::HandOff);
    let mut clients: Vec<_> = (0..6).map(|_| client(&cores).0).collect();
    ask(&mut clients[0], b"?");
    let tracker = cores.shutdown().tracker().clone();
    assert_eq!(tracker.connections(), 6);
    wait_until(|| tracker.busy() == 1);
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let cut = common::run(&mut core, tracker.stop(Duration::from_millis(20), &handle));
    assert_eq!(cut.unwrap(), 1);
    within_reason(move || cores.wait()).unwrap();
}

#[test]
fn dropping_the_server_ends_it() {
    for spread in BOTH {
        let cores = numbers(2, spread);
        let (mut idle, _) = client(&cores);
        drop(cores);
        assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn an_address_that_is_taken_is_an_error_and_leaves_no_thread() {
    let test = "an_address_that_is_taken_is_an_error_and_leaves_no_thread";
    child::alone(test, || {
        let taken = StdListener::bind(any_port()).unwrap();
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let before = (open_descriptors(), threads());
        for spread in BOTH {
            let handler = |_: &OnCore| async |_: TcpStream, _: SocketAddr, _: Activity| Ok(());
            let listening = builder(2, spread).listen(&taken.local_addr().unwrap(), handler);
            assert_eq!(listening.unwrap_err().kind(), ErrorKind::AddrInUse);
        }
        assert_eq!((open_descriptors(), threads()), before);
    });
}

/// The third core cannot be made; the first two have been.
#[test]
fn a_core_that_cannot_be_started_ends_the_others() {
    let test = "a_core_that_cannot_be_started_ends_the_others";
    child::alone(test, || {
        let before = open_descriptors();
        for spread in BOTH {
            let (tell, ended) = mpsc::channel();
            let handler = move |core: &OnCore| {
                tell_end_of_thread(tell.clone());
                assert!(core.index() < 2, "this one fails");
                async |_: TcpStream, _: SocketAddr, _: Activity| Ok(())
            };
            let error = builder(4, spread).listen(&any_port(), handler).unwrap_err();
            assert!(error.to_string().contains("panicked"), "{error}");
            assert_eq!(ended.try_iter().count(), 3);
        }
        assert_eq!(open_descriptors(), before);
    });
}

/// A listener is of no use any more, as strace has it, when the first client comes to it; the other cores have
/// theirs still.
#[test]
fn a_core_that_fails_ends_all_and_says_why() {
    let test = "a_core_that_fails_ends_all_and_says_why";
    let options = ["-e", "inject=accept4:error=EINVAL:when=2"];
    let trace = child::traced(test, &options, || {
        for spread in BOTH {
            let cores = numbers(3, spread);
            let _client = connect(cores.local_addr());
            let error = within_reason(move || cores.wait()).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        }
    });
    assert!(trace.is_none_or(|trace| trace.lines("INJECTED") == 2));
}

#[test]
fn a_handler_that_panics_harms_its_connection_alone() {
    let handler = |_: &OnCore| {
        async |mut stream: TcpStream, _: SocketAddr, _: Activity| {
            let mut byte = [0];
            read_exact(&mut stream, &mut byte).await?;
            assert_ne!(&byte, b"p", "as the client wished");
            write_all(&mut stream, &byte).await
        }
    };
    let cores = builder(1, Spread::System)
        .listen(&any_port(), handler)
        .unwrap();
    let mut other = connect(cores.local_addr());
    let mut panics = connect(cores.local_addr());
    panics.write_all(b"p").unwrap();
    assert_eq!(panics.read(&mut [0]).unwrap(), 0);
    assert_eq!(ask(&mut other, b"x"), usize::from(b'x'));
    wait_until(|| open(&cores) == [0]);
    cores.shutdown().begin(NEVER);
    within_reason(move || cores.wait()).unwrap();
}

#[test]
fn the_options_of_the_builder_are_those_of_the_connections() {
    for spread in BOTH {
        let handler = |_: &OnCore| {
            async |mut stream: TcpStream, _: SocketAddr, _: Activity| {
                let nodelay = stream.nodelay()?;
                write_all(&mut stream, &[u8::from(nodelay)]).await
            }
        };
        let options = TcpBuilder::new().nodelay(true);
        let cores = builder(2, spread).tcp(options).listen(&any_port(), handler);
        let mut answer = [0];
        connect(cores.unwrap().local_addr())
            .read_exact(&mut answer)
            .unwrap();
        assert_eq!(answer, [1]);
    }
}

/// Thirty clients and five descriptors: accepting pauses, and whenever a client has been served and leaves,
/// others get their turn.
#[test]
fn a_storm_of_clients_is_served_in_the_end_although_there_are_few_descriptors() {
    let test = "a_storm_of_clients_is_served_in_the_end_although_there_are_few_descriptors";
    child::alone(test, || {
        for spread in BOTH {
            let cores = numbers(2, spread);
            // Their descriptors are there before the others have gone.
            let sockets: Vec<_> = (0..30)
                .map(|_| Socket::new(Domain::IPV4, Type::STREAM, None).unwrap())
                .collect();
            let (ballast, before) = common::use_descriptors_up(5);
            let mut waiting: Vec<StdStream> = sockets
                .into_iter()
                .map(|socket| {
                    socket.connect(&cores.local_addr().into()).unwrap();
                    StdStream::from(socket)
                })
                .collect();
            for client in &mut waiting {
                client.write_all(b"1").unwrap();
                client
                    .set_read_timeout(Some(Duration::from_millis(5)))
                    .unwrap();
            }
            let deadline = Instant::now() + HANG;
            while !waiting.is_empty() {
                assert!(Instant::now() < deadline, "{} wait", waiting.len());
                waiting.retain_mut(|client| match client.read(&mut [0]) {
                    Ok(1) => false,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => true,
                    other => panic!("{other:?}"),
                });
            }
            let accepted: u64 = cores.loads().iter().map(|load| load.accepted).sum();
            assert_eq!(accepted, 30);
            wait_until(|| open(&cores) == [0, 0]);
            drop(ballast);
            setrlimit(Resource::Nofile, before).unwrap();
        }
    });
}

/// Several reactors, each with a listener of its own at one port, under load, and one of them dies: the
/// others go on, and only connections that were its own are lost.
#[test]
fn when_one_of_several_listeners_of_a_port_dies_the_others_go_on() {
    const CORES: usize = 3;
    const CONNECTIONS: usize = 3_000;

    let shared = TcpBuilder::new().reuse_port(true);
    let ready = Arc::new(Barrier::new(CORES + 1));
    let (send_addr, addr) = mpsc::channel();
    let mut stops = Vec::new();
    let mut first = any_port();
    let mut threads = Vec::new();
    for _ in 0..CORES {
        let (stop, stopped) = futures::channel::oneshot::channel::<()>();
        stops.push(stop);
        let (shared, ready, send_addr) = (shared.clone(), ready.clone(), send_addr.clone());
        let at = first;
        threads.push(thread::spawn(move || {
            let mut core = Core::new().unwrap();
            let listener = shared.listen(&at, &core.handle()).unwrap();
            send_addr.send(listener.local_addr().unwrap()).unwrap();
            ready.wait();
            let spawner = core.spawner();
            let accepting = async {
                let mut incoming = listener.incoming();
                while let Some(accepted) = incoming.next().await {
                    let (mut stream, _) = accepted.unwrap();
                    drop(spawner.spawn(async move { write_all(&mut stream, b"x").await }));
                }
            };
            core.run(futures::future::select(Box::pin(accepting), stopped))
                .unwrap();
            // The core dies with whatever it has.
        }));
        first = addr.recv().unwrap();
    }
    ready.wait();
    let mut lost = 0;
    for number in 0..CONNECTIONS {
        if number == CONNECTIONS / 3 {
            drop(stops.remove(0));
        }
        // Linux may still take it for the one that is dying.
        let served = StdStream::connect(first).and_then(|mut client| {
            client.set_read_timeout(Some(HANG))?;
            client.read_exact(&mut [0])
        });
        match served.map_err(|error| error.kind()) {
            Ok(()) => {}
            Err(
                ErrorKind::ConnectionReset
                | ErrorKind::ConnectionRefused
                | ErrorKind::UnexpectedEof,
            ) => lost += 1,
            Err(kind) => panic!("{kind}"),
        }
    }
    // One after the other: no more than were in its queue at that moment.
    assert!(lost <= 2, "{lost} connections were lost");
    drop(stops);
    for thread in threads {
        within_reason(move || thread.join().unwrap());
    }
}
