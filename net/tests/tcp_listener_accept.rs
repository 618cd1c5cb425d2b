//! Accepting of TCP connections: those that were reset before, and what an accept of one's own is told.

mod common;

use std::{
    cell::Cell,
    io::{ErrorKind, Write},
    net::TcpStream as StdStream,
    rc::Rc,
    time::Duration,
};

use common::{child, listen, reset, run, use_descriptors_up};
use futures::StreamExt;
use io_traits::{io as async_io, task};
use reactor::Core;
use rustix::process::{Resource, setrlimit};

#[test]
fn a_connection_that_was_reset_before_it_was_accepted_is_not_the_end_of_the_others() {
    let mut core = Core::new().unwrap();
    let (listener, addr) = listen(&core.handle());
    let mut incoming = listener.incoming();
    for _ in 0..20 {
        reset(StdStream::connect(addr).unwrap());
        let mut good = StdStream::connect(addr).unwrap();
        let good_addr = good.local_addr().unwrap();
        run(&mut core, async {
            loop {
                let (mut stream, from) = incoming.next().await.unwrap().unwrap();
                if from == good_addr {
                    good.write_all(b"x").unwrap();
                    async_io::read_exact(&mut stream, &mut [0; 1])
                        .await
                        .unwrap();
                    break;
                }
                // Linux hands the dead one out; whoever uses it hears of it, and nothing panics.
                let error = async_io::read(&mut stream, &mut [0; 1]).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                let _ = stream.peer_addr();
            }
        });
    }
}

/// Nobody's log is filled by it: a line for each pause, and the pauses get longer.
#[test]
fn without_descriptors_there_is_one_line_of_log_for_each_pause() {
    let test = "without_descriptors_there_is_one_line_of_log_for_each_pause";
    child::alone(test, || {
        let log = common::wakers::Log::default();
        let _logging = tracing::subscriber::set_default(log.clone());
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (listener, addr) = listen(&handle);
        let mut incoming = listener.incoming();
        let _peers: Vec<_> = (0..10).map(|_| StdStream::connect(addr).unwrap()).collect();
        let _ballast = use_descriptors_up(0);
        let starved = handle.timeout(Duration::from_millis(300), incoming.next());
        run(&mut core, starved).unwrap_err();
        let lines = log.0.lock().unwrap();
        let pauses = lines
            .iter()
            .filter(|line| line.contains("accepting pauses"));
        let pauses = pauses.count() as u64;
        assert_eq!(pauses, incoming.pauses());
        assert!((1..10).contains(&pauses), "{pauses}");
        let warnings = lines.iter().filter(|line| line.starts_with("WARN"));
        assert_eq!(warnings.count() as u64, pauses);
    });
}

#[test]
fn without_descriptors_a_bare_accept_is_an_error_each_time_and_works_again_later() {
    let test = "without_descriptors_a_bare_accept_is_an_error_each_time_and_works_again_later";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let (listener, addr) = listen(&core.handle());
        let _peers: Vec<_> = (0..2).map(|_| StdStream::connect(addr).unwrap()).collect();
        let (_ballast, before) = use_descriptors_up(0);
        for _ in 0..3 {
            let error = run(&mut core, task::io(|| listener.accept())).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        }
        let error = Core::new().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        setrlimit(Resource::Nofile, before).unwrap();
        // No new edge: the failed accept has taken nothing back.
        for _ in 0..2 {
            run(&mut core, task::io(|| listener.accept())).unwrap();
        }
    });
}

/// Whoever accepts without a pause between gets error after error, and still leaves others their turn: those
/// who could close what is open.
#[test]
fn without_descriptors_a_loop_of_bare_accepts_starves_nobody() {
    let test = "without_descriptors_a_loop_of_bare_accepts_starves_nobody";
    child::alone(test, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (listener, addr) = listen(&handle);
        let _peer = StdStream::connect(addr).unwrap();
        let _ballast = use_descriptors_up(0);
        let errors = Rc::new(Cell::new(0));
        let counted = errors.clone();
        drop(core.spawner().spawn(async move {
            while task::io(|| listener.accept()).await.is_err() {
                counted.set(counted.get() + 1);
            }
        }));
        for _ in 0..10 {
            run(&mut core, handle.sleep(Duration::from_millis(1))).unwrap();
        }
        assert!(errors.get() > 0);
    });
}
