//! From `"host:port"` to addresses.

mod by_name;
mod common;

use std::{
    error::Error,
    future::{pending, ready},
    io::{self, ErrorKind},
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};

use by_name::{Always, Door, NEVER, Scripted};
use common::{CountWakes, assert_gone, poll_once, poll_with, ready_err, run};
use futures::FutureExt;
use net::{Connector, LookupError, ResolverPool};
use reactor::Core;

fn addrs(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// What the error of a lookup says, and that it is one.
#[track_caller]
fn lookup_error(error: &io::Error) -> &LookupError {
    LookupError::source_of(error).unwrap_or_else(|| panic!("{error:?}"))
}

#[test]
fn the_resolver_is_given_the_host_as_it_was_written() {
    let mut core = Core::new().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let record = asked.clone();
    let connector = Connector::new(&core.handle()).resolve_with(Scripted(move |host: &str| {
        record.lock().unwrap().push(host.to_owned());
        ready(Ok(addrs(&["192.0.2.1:0"])))
    }));
    for target in ["A.Example.:1", "[fe80::1%eth0]:1", "127.1:1"] {
        run(&mut core, connector.lookup(target)).unwrap();
    }
    let expected = ["A.Example.", "fe80::1%eth0", "127.1"];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[test]
fn an_address_is_its_own_answer_and_the_resolver_is_not_asked() {
    let mut core = Core::new().unwrap();
    let connector =
        Connector::new(&core.handle()).resolve_with(Scripted(|_: &str| -> std::future::Ready<_> {
            panic!("asked")
        }));
    for text in ["192.0.2.1:80", "[2001:db8::1]:0", "[fe80::1%7]:65535"] {
        let found = run(&mut core, connector.lookup(text)).unwrap();
        assert_eq!(found, addrs(&[text]));
    }
}

#[test]
fn the_addresses_keep_their_order_and_scope_and_get_the_port() {
    let mut core = Core::new().unwrap();
    let answer = addrs(&["192.0.2.2:0", "[fe80::1%7]:9", "192.0.2.1:1"]);
    let connector = Connector::new(&core.handle()).resolve_with(Always(answer));
    let found = run(&mut core, connector.lookup("a.example:80")).unwrap();
    let expected = addrs(&["192.0.2.2:80", "[fe80::1%7]:80", "192.0.2.1:80"]);
    assert_eq!(found, expected);
}

#[test]
fn what_is_not_host_and_port_is_invalid_input_from_the_future() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    for target in ["", "localhost", "localhost:http", "::1:80", ":80"] {
        let error = run(&mut core, net::lookup(target, &handle)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{target:?}");
        assert_eq!(lookup_error(&error).target(), target);
        let error = run(&mut core, net::connect(target, &handle)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{target:?}");
        assert_eq!(lookup_error(&error).target(), target);
    }
}

#[test]
fn a_host_without_an_address_is_not_found() {
    let mut core = Core::new().unwrap();
    let connector = Connector::new(&core.handle()).resolve_with(Always(Vec::new()));
    for error in [
        run(&mut core, connector.lookup("a.example:80")).unwrap_err(),
        run(&mut core, connector.connect("a.example:80")).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("a.example:80"), "{error}");
        assert_eq!(lookup_error(&error).target(), "a.example:80");
    }
}

#[test]
fn an_error_of_the_resolver_is_the_source_and_keeps_its_kind() {
    let mut core = Core::new().unwrap();
    let connector = Connector::new(&core.handle()).resolve_with(Scripted(|_: &str| {
        ready(Err(io::Error::new(ErrorKind::HostUnreachable, "no server")))
    }));
    let error = run(&mut core, connector.lookup("a.example:80")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostUnreachable);
    let source = lookup_error(&error).source().unwrap();
    assert_eq!(source.to_string(), "no server");
    // From the outside the chain is whole, too.
    assert_eq!(error.source().unwrap().to_string(), "no server");
}

#[test]
fn a_resolver_that_never_answers_ends_with_the_limit_of_the_lookup() {
    let mut core = Core::new().unwrap();
    let connector = Connector::new(&core.handle())
        .limit(NEVER)
        .lookup_limit(Duration::from_millis(20))
        .resolve_with(Scripted(|_: &str| pending()));
    for error in [
        run(&mut core, connector.lookup("a.example:80")).unwrap_err(),
        run(&mut core, connector.connect("a.example:80")).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        lookup_error(&error);
    }
}

#[test]
fn a_resolver_that_never_answers_ends_with_the_limit_for_everything() {
    let mut core = Core::new().unwrap();
    let connector = Connector::new(&core.handle())
        .limit(Duration::from_millis(20))
        .lookup_limit(NEVER)
        .resolve_with(Scripted(|_: &str| pending()));
    let error = run(&mut core, connector.connect("a.example:80")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    lookup_error(&error);
}

#[test]
fn a_resolver_that_blocks_its_threads_blocks_nothing_else() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let door = Door::new();
    let blocking = door.clone();
    let pool = Arc::new(ResolverPool::new(move |_| {
        blocking.pass();
        Ok(addrs(&["192.0.2.1:0"]))
    }));
    let connector = Connector::new(&handle)
        .lookup_limit(Duration::from_millis(20))
        .resolve_with(pool);
    // More than there are threads: the last ones wait in the queue, and end there.
    for host in 0..10 {
        let target = format!("{host}.example:80");
        let error = run(&mut core, connector.lookup(&target)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
    assert!(door.came() <= 4);
    // The pool of the reactor is another one.
    run(&mut core, net::lookup("localhost:80", &handle)).unwrap();
    door.open();
    let patient = connector.lookup_limit(NEVER);
    run(&mut core, patient.lookup("0.example:80")).unwrap();
}

#[test]
fn a_panic_of_a_resolver_of_ones_own_reaches_who_polls() {
    let core = Core::new().unwrap();
    let connector = Connector::new(&core.handle()).resolve_with(Scripted(|_: &str| async {
        panic!("on purpose");
    }));
    let mut lookup = connector.lookup("a.example:80");
    let panic = catch_unwind(AssertUnwindSafe(|| poll_once(&mut lookup)));
    let text = *panic.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(text, "on purpose");
}

#[test]
fn dropping_a_lookup_drops_what_the_resolver_is_doing() {
    let core = Core::new().unwrap();
    let work = Arc::new(());
    let kept = work.clone();
    let connector = Connector::new(&core.handle()).resolve_with(Scripted(move |_: &str| {
        let kept = kept.clone();
        async move {
            let _kept = kept;
            pending().await
        }
    }));
    let mut lookup = connector.lookup("a.example:80");
    let mut connecting = connector.connect("a.example:80");
    assert!(poll_once(&mut lookup).is_pending());
    assert!(poll_once(&mut connecting).is_pending());
    assert_eq!(Arc::strong_count(&work), 4);
    drop(lookup);
    drop(connecting);
    assert_eq!(Arc::strong_count(&work), 2);
}

#[test]
fn a_finished_lookup_has_let_go_of_what_the_resolver_did() {
    let mut core = Core::new().unwrap();
    let work = Arc::new(());
    let kept = work.clone();
    let connector = Connector::new(&core.handle())
        .lookup_limit(Duration::from_millis(1))
        .resolve_with(Scripted(move |_: &str| {
            let kept = kept.clone();
            async move {
                let _kept = kept;
                pending().await
            }
        }));
    let mut lookup = connector.lookup("a.example:80");
    run(&mut core, &mut lookup).unwrap_err();
    assert_eq!(Arc::strong_count(&work), 2);
    let again = catch_unwind(AssertUnwindSafe(|| (&mut lookup).now_or_never()));
    let text = *again.unwrap_err().downcast::<&str>().unwrap();
    assert!(text.contains("Lookup"));
}

#[test]
fn a_lookup_whose_core_is_dropped_says_so() {
    let core = Core::new().unwrap();
    let connector = Connector::new(&core.handle()).resolve_with(Scripted(|_: &str| pending()));
    let mut lookup = connector.lookup("a.example:80");
    let mut connecting = connector.connect("a.example:80");
    let (count, waker) = CountWakes::new();
    assert!(poll_with(&mut lookup, &waker).is_pending());
    assert!(poll_with(&mut connecting, &waker).is_pending());
    drop(core);
    count.wait_for(2);
    assert_gone::<()>(Err(ready_err(poll_with(&mut lookup, &waker))));
    assert_gone::<()>(Err(ready_err(poll_with(&mut connecting, &waker))));
}

/// The call holds who waits for it, and a waker may hold its reactor.
#[test]
fn a_call_that_hangs_keeps_no_reactor_alive() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let reactor = Arc::downgrade(&handle.extension(|| ()));
    let door = Door::new();
    let hanging = door.clone();
    let pool = Arc::new(ResolverPool::new(move |_| {
        hanging.pass();
        Ok(Vec::new())
    }));
    let connector = Connector::new(&handle).resolve_with(pool.clone());
    core.spawner().spawn(connector.lookup("a.example:80"));
    core.spawner().spawn(connector.connect("a.example:80"));
    core.turn(Some(Duration::ZERO)).unwrap();
    door.wait_for(1);
    drop((core, handle, connector));
    assert!(reactor.upgrade().is_none());
    door.open();
}

#[test]
fn the_system_knows_localhost() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let found = run(&mut core, net::lookup("localhost:80", &handle)).unwrap();
    assert!(!found.is_empty());
    for addr in found {
        assert!(addr.ip().is_loopback(), "{addr}");
        assert_eq!(addr.port(), 80);
    }
}

#[test]
fn the_system_knows_zones_by_name() {
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let found = run(&mut core, net::lookup("[fe80::1%lo]:80", &handle)).unwrap();
    assert_eq!(found, addrs(&["[fe80::1%1]:80"]));
}

/// RFC 1035 allows 63 bytes between two dots, so no server is asked.
#[test]
fn a_host_that_cannot_be_is_an_error_of_the_system_with_its_text() {
    let mut core = Core::new().unwrap();
    let target = format!("{}.example:80", "a".repeat(64));
    let handle = core.handle();
    let error = run(&mut core, net::lookup(&target, &handle)).unwrap_err();
    assert_eq!(lookup_error(&error).target(), target);
    assert!(!error.source().unwrap().to_string().is_empty());
    assert_ne!(error.kind(), ErrorKind::InvalidInput);
    assert_ne!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn futures_of_names_are_send() {
    fn is_send(_: impl Send) {}
    let core = Core::new().unwrap();
    let connector = Connector::new(&core.handle());
    is_send(connector.lookup("127.0.0.1:80"));
    is_send(connector.connect("127.0.0.1:80"));
    is_send(connector);
}
