//! Networks in which one family is a black hole, or missing, or cut off, and name servers that are
//! silent: each in namespaces of its own.
//!
//! That the other family is tried in time is shown by the order of events: the limits are longer than the
//! tests may take, and the first attempt is still there when the second begins.

mod by_name;
mod common;

use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener as StdListener},
    time::Duration,
};

use by_name::{Always, Begun, NEVER, answering, v4, v6};
use common::{child, run};
use net::{ConnectError, Connector, LookupError, TcpStream};
use reactor::Core;

/// Listeners of both families at one port.
fn both() -> ([StdListener; 2], SocketAddr, SocketAddr) {
    loop {
        let (one, six) = answering(v6());
        let mut four = v4();
        four.set_port(six.port());
        if let Ok(two) = StdListener::bind(four) {
            return ([one, two], six, four);
        }
    }
}

/// A connector that knows the addresses of `a.example`, without limits.
fn knowing(core: &Core, addrs: &[SocketAddr]) -> (Connector, Begun) {
    let (connector, begun) = Begun::connector(&core.handle());
    (connector.resolve_with(Always(addrs.to_vec())), begun)
}

fn target(addr: SocketAddr) -> String {
    format!("a.example:{}", addr.port())
}

#[track_caller]
fn kinds(error: &io::Error) -> Vec<ErrorKind> {
    let error = ConnectError::source_of(error).unwrap_or_else(|| panic!("{error:?}"));
    error.attempts().map(|(_, error)| error.kind()).collect()
}

/// Nothing of a family gets out, and nothing says so.
fn black_hole(family: &str) -> String {
    format!(
        "nft -f - <<end
table {family} hole {{
    chain output {{
        type filter hook output priority 0
        drop
    }}
}}
end"
    )
}

/// What comes to a TCP port of a family is reset.
fn resetting(family: &str) -> String {
    format!(
        "nft -f - <<end
table {family} wall {{
    chain input {{
        type filter hook input priority 0
        tcp flags & (syn | ack) == syn reject with tcp reset
    }}
}}
end"
    )
}

/// The preferred family swallows everything; the connection is made with the other one, whose attempt
/// begins while the first is still running.
#[track_caller]
fn the_other_begins_meanwhile(swallowed: SocketAddr, other: SocketAddr) {
    let mut core = Core::new().unwrap();
    let (connector, begun) = knowing(&core, &[swallowed, other]);
    let stream: TcpStream = run(&mut core, connector.connect(&target(other))).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), other);
    assert_eq!(begun.addrs(), [swallowed, other]);
    let others: Vec<_> = begun.all().iter().map(|began| began.others).collect();
    assert_eq!(others, [0, 1]);
    assert_eq!(core.handle().metrics().registered, 1);
}

#[test]
fn when_ipv6_is_a_black_hole_ipv4_begins_before_the_limit_of_ipv6() {
    let test = "when_ipv6_is_a_black_hole_ipv4_begins_before_the_limit_of_ipv6";
    child::in_namespaces(test, &["nft"], &black_hole("ip6"), || {
        let (_listeners, six, four) = both();
        the_other_begins_meanwhile(six, four);
    });
}

#[test]
fn when_ipv4_is_a_black_hole_ipv6_begins_before_the_limit_of_ipv4() {
    let test = "when_ipv4_is_a_black_hole_ipv6_begins_before_the_limit_of_ipv4";
    child::in_namespaces(test, &["nft"], &black_hole("ip"), || {
        let (_listeners, six, four) = both();
        the_other_begins_meanwhile(four, six);
    });
}

/// As above, without nft.
#[test]
fn when_the_way_of_ipv6_leads_nowhere_ipv4_begins_before_its_limit() {
    let test = "when_the_way_of_ipv6_leads_nowhere_ipv4_begins_before_its_limit";
    child::in_namespaces(test, &[], NOWHERE, || {
        let (_listener, four) = answering(v4());
        let nowhere = SocketAddr::new("fd99::2".parse().unwrap(), four.port());
        the_other_begins_meanwhile(nowhere, four);
    });
}

/// A cable whose other end is not for us. No neighbour is looked for, so none is found missing.
const NOWHERE: &str = "ip link add nowhere type veth peer name void
ip link set nowhere arp off
ip address add 10.99.0.1/24 dev nowhere
ip address add fd99::1/64 dev nowhere nodad
ip link set void up
ip link set nowhere up";

#[test]
fn when_both_families_are_black_holes_both_attempts_are_told() {
    let test = "when_both_families_are_black_holes_both_attempts_are_told";
    child::in_namespaces(test, &[], NOWHERE, || {
        let mut core = Core::new().unwrap();
        let addrs = [
            "[fd99::2]:80",
            "10.99.0.2:80",
            "[fd99::3]:80",
            "10.99.0.3:80",
        ];
        let addrs = addrs.map(|addr| addr.parse().unwrap());
        let (connector, begun) = knowing(&core, &addrs);
        let connector = connector
            .stagger(Duration::from_millis(10))
            .attempt_limit(Duration::from_millis(200));
        let error = run(&mut core, connector.connect("a.example:80")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(kinds(&error), [ErrorKind::TimedOut; 4]);
        assert_eq!(begun.addrs(), addrs);
        assert_eq!(core.handle().metrics().registered, 0);
    });
}

/// With a stagger that is never over, only the reset can have led on to the next.
#[test]
fn when_ipv6_is_reset_ipv4_begins_at_once() {
    let test = "when_ipv6_is_reset_ipv4_begins_at_once";
    child::in_namespaces(test, &["nft"], &resetting("ip6"), || {
        let (_listeners, six, four) = both();
        let mut core = Core::new().unwrap();
        let (connector, begun) = knowing(&core, &[six, four]);
        let connector = connector.stagger(NEVER);
        let stream = run(&mut core, connector.connect(&target(six))).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), four);
        let others: Vec<_> = begun.all().iter().map(|began| began.others).collect();
        assert_eq!(others, [0, 0]);
    });
}

#[test]
fn where_there_is_no_ipv6_ipv4_begins_at_once() {
    let test = "where_there_is_no_ipv6_ipv4_begins_at_once";
    let setup = "ip -6 address flush dev lo";
    child::in_namespaces(test, &[], setup, || {
        let mut core = Core::new().unwrap();
        let (_listener, four) = answering(v4());
        let six = "[2001:db8::1]:80".parse().unwrap();
        let (connector, begun) = knowing(&core, &[six, four]);
        let connector = connector.stagger(NEVER);
        let stream = run(&mut core, connector.connect(&target(four))).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), four);
        assert_eq!(begun.len(), 2);
    });
}

/// The refusal says more than the missing way, so it is the kind.
#[test]
fn where_there_is_no_ipv4_an_ipv6_host_that_refuses_is_refused() {
    let test = "where_there_is_no_ipv4_an_ipv6_host_that_refuses_is_refused";
    child::in_namespaces(test, &[], "", || {
        let mut core = Core::new().unwrap();
        let four = "192.0.2.1:80".parse().unwrap();
        let six = "[::1]:80".parse().unwrap();
        let (connector, _) = knowing(&core, &[four, six]);
        let connector = connector.stagger(NEVER);
        let error = run(&mut core, connector.connect("a.example:80")).unwrap_err();
        let refused = ErrorKind::ConnectionRefused;
        assert_eq!(kinds(&error), [ErrorKind::NetworkUnreachable, refused]);
        assert_eq!(error.kind(), refused);
    });
}

#[test]
fn a_link_that_goes_down_in_the_middle_does_not_hang_it() {
    let test = "a_link_that_goes_down_in_the_middle_does_not_hang_it";
    child::in_namespaces(test, &[], NOWHERE, || {
        let mut core = Core::new().unwrap();
        let addr = "10.99.0.2:80".parse().unwrap();
        let (connector, begun) = knowing(&core, &[addr]);
        let connector = connector.attempt_limit(Duration::from_secs(1));
        let connecting = core.spawner().spawn(connector.connect("a.example:80"));
        common::turn_until(&mut core, || begun.len() == 1);
        let down = std::process::Command::new("ip")
            .args(["link", "set", "nowhere", "down"])
            .status();
        assert!(down.unwrap().success());
        let error = run(&mut core, connecting).unwrap().unwrap_err();
        assert_eq!(kinds(&error).len(), 1);
        assert_eq!(core.handle().metrics().registered, 0);
    });
}

/// Puts another file in the place of one of the system's, for this mount namespace alone. The file is
/// known by its contents only.
fn instead_of(path: &str, contents: &str) -> String {
    format!(
        "file=$(mktemp)
printf '{contents}' > \"$file\"
mount --bind \"$file\" {path}
rm \"$file\""
    )
}

/// The resolver of the system, the families in its order, and one of them is a black hole.
#[test]
fn a_name_of_the_hosts_file_with_a_black_hole_in_it_is_connected_to() {
    let test = "a_name_of_the_hosts_file_with_a_black_hole_in_it_is_connected_to";
    let hosts = instead_of("/etc/hosts", "fd99::2 both.test\\n127.0.0.1 both.test\\n");
    child::in_namespaces(test, &["mount"], &format!("{NOWHERE}\n{hosts}"), || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let (_listener, four) = answering(v4());
        let target = format!("both.test:{}", four.port());
        let found = run(&mut core, net::lookup(&target, &handle)).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        let (connector, begun) = Begun::connector(&handle);
        let stream = run(&mut core, connector.connect(&target)).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), four);
        assert_eq!(begun.addrs()[..], found[..begun.len()]);
    });
}

#[test]
fn a_silent_name_server_stalls_neither_other_lookups_nor_the_end() {
    let test = "a_silent_name_server_stalls_neither_other_lookups_nor_the_end";
    let hosts = instead_of("/etc/hosts", "127.0.0.7 known.test\\n");
    let servers = instead_of("/etc/resolv.conf", "nameserver 10.99.0.53\\n");
    let setup = format!("{NOWHERE}\n{hosts}\n{servers}");
    child::in_namespaces(test, &["mount"], &setup, || {
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let connector = Connector::new(&handle).lookup_limit(Duration::from_millis(100));
        for _ in 0..5 {
            let error = run(&mut core, connector.lookup("silent.test:80")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert!(LookupError::source_of(&error).is_some());
        }
        let patient = connector.clone().lookup_limit(NEVER);
        let found = run(&mut core, patient.lookup("known.test:80")).unwrap();
        assert_eq!(found, ["127.0.0.7:80".parse().unwrap()]);
        drop(core);
        common::within_reason(move || drop((handle, connector, patient)));
        // The process ends here, with a thread in the middle of a call.
    });
}
