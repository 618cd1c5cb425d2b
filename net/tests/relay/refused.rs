//! Relays where the system splices, where it does not, and where it refuses in the middle.

use net::relay;
use reactor::Core;

use crate::{
    common::{child, path_of, run, use_descriptors_up},
    relayed::{Kind, Peer, Tcp, Unix, bytes, every_byte, hears, sends},
};

/// The sockets have no copy of the bytes made: what is read with recv(2) is the end.
#[test]
fn on_linux_the_bytes_are_spliced() {
    let test = path_of(module_path!(), "on_linux_the_bytes_are_spliced");
    let trace = child::traced(
        &test,
        &["-e", "trace=splice,recvfrom,recvmsg,sendto,stat,statx"],
        || {
            let mut core = Core::new().unwrap();
            let (a, client) = Tcp::connection(&core.handle());
            let (b, server) = Unix::connection(&core.handle());
            let sent = bytes(3, 1 << 20);
            let (sending, hearing) = (sends(&client, sent.clone()), hears(&server));
            server.end();
            let carried = child::watched(|| run(&mut core, relay(&a, &b))).unwrap();
            assert_eq!(carried.a_to_b, 1 << 20);
            sending.join().unwrap();
            assert!(hearing.join().unwrap().unwrap() == sent);
        },
    );
    if let Some(trace) = trace {
        assert_eq!(trace.calls("sendto"), 0);
        // Each way asks once more whether that is really the end.
        assert_eq!(trace.calls("recvfrom") + trace.calls("recvmsg"), 2);
        assert!(trace.calls("splice") >= 4);
    }
}

/// `calls` are those that fail, as strace counts them: the first of a thread is number 1.
fn refused(test: &str, calls: &str) {
    let inject = format!("inject=splice:error=EINVAL:when={calls}");
    let options = ["-e", "trace=splice", "-e", &inject];
    let trace = child::traced(test, &options, || {
        every_byte::<Tcp, Tcp>();
        every_byte::<Tcp, Unix>();
        every_byte::<Unix, Tcp>();
    });
    if let Some(trace) = trace {
        assert!(trace.lines("(INJECTED)") >= 1);
    }
}

#[test]
fn where_the_system_refuses_from_the_start_every_byte_goes_through_buffers() {
    let test = path_of(
        module_path!(),
        "where_the_system_refuses_from_the_start_every_byte_goes_through_buffers",
    );
    refused(&test, "1+");
}

/// The second call is the one that gives what the first has taken: the bytes are in the pipe.
#[test]
fn where_the_system_refuses_with_bytes_in_the_pipe_none_is_lost() {
    let test = path_of(
        module_path!(),
        "where_the_system_refuses_with_bytes_in_the_pipe_none_is_lost",
    );
    refused(&test, "2+");
}

#[test]
fn where_the_system_refuses_now_and_then_no_byte_is_lost() {
    let test = path_of(
        module_path!(),
        "where_the_system_refuses_now_and_then_no_byte_is_lost",
    );
    refused(&test, "7+5");
}

#[test]
fn interrupted_splices_are_tried_again() {
    let test = path_of(module_path!(), "interrupted_splices_are_tried_again");
    let options = [
        "-e",
        "trace=splice",
        "-e",
        "inject=splice:error=EINTR:when=1+3",
    ];
    let trace = child::traced(&test, &options, every_byte::<Tcp, Tcp>);
    if let Some(trace) = trace {
        assert!(trace.lines("(INJECTED)") >= 1);
    }
}

/// There is no descriptor for a pipe. With the next bytes there may be one again.
#[test]
fn without_descriptors_for_a_pipe_it_carries_all_the_same() {
    let test = path_of(
        module_path!(),
        "without_descriptors_for_a_pipe_it_carries_all_the_same",
    );
    child::alone(&test, || {
        let mut core = Core::new().unwrap();
        let (a, client) = Tcp::connection(&core.handle());
        let (b, server) = Tcp::connection(&core.handle());
        let sent = bytes(5, 1 << 20);
        let (sending, hearing) = (sends(&client, sent.clone()), hears(&server));
        server.end();
        let (ballast, _) = use_descriptors_up(0);
        let carried = run(&mut core, relay(&a, &b)).unwrap();
        drop(ballast);
        assert_eq!(carried.a_to_b, 1 << 20);
        sending.join().unwrap();
        assert!(hearing.join().unwrap().unwrap() == sent);
    });
}
