//! A connection that the administrator ends: whoever uses it hears of it, in either direction.

mod common;

use std::{
    io::{self, ErrorKind},
    process::Command,
    rc::Rc,
};

use common::{child, fill, pair, run, settle};
use io_traits::io::{read, write_all};
use net::relay;
use reactor::Core;

/// Ends the sockets of this port; false if this kernel does not do so.
fn kill(port: u16) -> bool {
    let filter = format!("sport = :{port}");
    let killed = Command::new("ss")
        .args(["-H", "-K", "-t", &filter])
        .output();
    let killed = killed.unwrap();
    assert!(killed.status.success(), "{killed:?}");
    let did = !killed.stdout.is_empty();
    if !did {
        eprintln!("skipped: this kernel does not end sockets for others");
    }
    did
}

/// One task reads, another one writes, and both wait. The error is there once: one of them gets it, and
/// the other one ends all the same.
#[test]
fn a_reader_and_a_writer_of_a_killed_connection_both_end() {
    let test = "a_reader_and_a_writer_of_a_killed_connection_both_end";
    child::in_namespaces(test, &["ss"], "", || {
        let mut core = Core::new().unwrap();
        let (stream, _peer) = pair(&core.handle());
        let port = stream.local_addr().unwrap().port();
        let stream = Rc::new(stream);
        fill(&stream);
        let (reader, writer) = (stream.clone(), stream.clone());
        let reading = core
            .spawner()
            .spawn(async move { read(&mut &*reader, &mut [0]).await });
        let writing = core
            .spawner()
            .spawn(async move { write_all(&mut &*writer, b"no room").await });
        settle(&mut core);
        assert!(!reading.is_finished() && !writing.is_finished());
        if !kill(port) {
            return;
        }
        let read = run(&mut core, reading).unwrap();
        let written = run(&mut core, writing).unwrap();
        let kinds = [read.map(drop), written].map(|ended| match ended {
            Ok(()) => None,
            Err(error) => Some(error.kind()),
        });
        // What the one does not get, the other one does; the end is an end, too.
        assert!(
            kinds.contains(&Some(ErrorKind::ConnectionAborted)),
            "{kinds:?}"
        );
        assert_ne!(kinds[1], None, "{kinds:?}");
    });
}

#[test]
fn a_relay_of_a_killed_connection_ends_and_says_which() {
    let test = "a_relay_of_a_killed_connection_ends_and_says_which";
    child::in_namespaces(test, &["ss"], "", || {
        let mut core = Core::new().unwrap();
        let (a, _client) = pair(&core.handle());
        let (b, _server) = pair(&core.handle());
        let port = b.local_addr().unwrap().port();
        let relaying = core
            .spawner()
            .spawn(async move { relay(&a, &b).await.map(drop) });
        settle(&mut core);
        if !kill(port) {
            return;
        }
        let error: io::Error = run(&mut core, relaying).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        let place = net::RelayError::source_of(&error).unwrap();
        assert_eq!(place.way(), io_traits::io::Way::BToA);
    });
}
