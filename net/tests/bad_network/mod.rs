//! Two network namespaces, and between them a program that loses, doubles, delays and breaks packets
//! (`tools/tunem.py`).

use std::{fs::File, os::fd::AsFd};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::common::child;

/// Runs `body` where the namespaces `a`, 10.77.0.1, and `b`, 10.77.0.2, are.
#[track_caller]
pub(crate) fn between(test: &str, faults: &str, body: impl FnOnce()) {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/tunem.py");
    let setup = format!(
        "test -e /dev/net/tun
mount -t tmpfs tmpfs /run
python3 '{tool}' a b {faults} > /run/tunem.log 2>&1 &
tries=0
until grep -q ready /run/tunem.log; do
    tries=$((tries + 1))
    test $tries -lt 200 || {{ cat /run/tunem.log; exit 1; }}
    sleep 0.05
done"
    );
    child::in_namespaces(test, &["python3", "mount"], &setup, body);
}

/// This thread is on that side from now on; so are the sockets that it makes.
pub(crate) fn enter(side: &str) {
    let side = File::open(format!("/run/netns/{side}")).unwrap();
    move_into_link_name_space(side.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
}
