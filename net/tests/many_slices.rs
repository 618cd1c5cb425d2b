//! Vectored operations with more slices than the system takes at a time (`IOV_MAX`).
#![cfg(unix)]

mod common;

use std::io::{IoSlice, IoSliceMut, Read, Write};

use common::{pair, run, settle, unix_streams};
use io_traits::{AsyncRead, AsyncWrite, io as async_io, task};
use reactor::Core;

const SLICES: usize = 3_000;

/// The system filled the first 1024 slices, and that was taken for a socket without more bytes: what was
/// left is no news to an edge-triggered poller, so the next read waited for ever.
fn read_all(core: &mut Core, stream: &mut impl AsyncRead, mut peer: impl Write) {
    peer.write_all(&[7; 2 * SLICES]).unwrap();
    // Its event is over, so that no other one covers the mistake.
    settle(core);
    let mut memory = [[0; 1]; SLICES];
    let mut left = 2 * SLICES;
    while left > 0 {
        let mut slices: Vec<_> = memory
            .iter_mut()
            .map(|byte| IoSliceMut::new(byte))
            .collect();
        let n = run(core, task::io(|| stream.read_vectored(&mut slices))).unwrap();
        assert!(n > 0);
        left -= n;
    }
}

/// The system refuses such a call (`EMSGSIZE`), where a writer of std takes what it can.
fn write_all(core: &mut Core, stream: &mut impl AsyncWrite, mut peer: impl Read) {
    let mut slices = vec![IoSlice::new(b"x"); SLICES];
    let first = run(core, task::io(|| stream.write_vectored(&slices))).unwrap();
    assert!(0 < first && first <= SLICES);
    let mut rest = &mut slices[first..];
    // The same mistake on this side: the socket is not full.
    run(core, async_io::write_vectored_all(stream, &mut rest)).unwrap();
    peer.read_exact(&mut [0; SLICES]).unwrap();
}

#[test]
fn a_tcp_read_into_more_slices_than_the_system_takes_leaves_nothing_behind() {
    let mut core = Core::new().unwrap();
    let (mut stream, peer) = pair(&core.handle());
    read_all(&mut core, &mut stream, peer);
}

#[test]
fn a_unix_read_into_more_slices_than_the_system_takes_leaves_nothing_behind() {
    let mut core = Core::new().unwrap();
    let (mut stream, peer) = unix_streams(&core.handle());
    read_all(&mut core, &mut stream, peer);
}

#[test]
fn a_tcp_write_of_more_slices_than_the_system_takes_takes_some() {
    let mut core = Core::new().unwrap();
    let (mut stream, peer) = pair(&core.handle());
    write_all(&mut core, &mut stream, peer);
}

#[test]
fn a_unix_write_of_more_slices_than_the_system_takes_takes_some() {
    let mut core = Core::new().unwrap();
    let (mut stream, peer) = unix_streams(&core.handle());
    write_all(&mut core, &mut stream, peer);
}

/// The system saw 1024 slices of nothing, and answered 0: the end, or a writer that takes no more.
#[test]
fn any_number_of_empty_slices_before_the_others_is_skipped() {
    let mut core = Core::new().unwrap();
    let (mut tcp, mut tcp_peer) = pair(&core.handle());
    let (mut unix, mut unix_peer) = unix_streams(&core.handle());
    skips_empty(&mut core, &mut tcp, &mut tcp_peer);
    skips_empty(&mut core, &mut unix, &mut unix_peer);
}

fn skips_empty(core: &mut Core, stream: &mut (impl Read + Write), peer: &mut (impl Read + Write)) {
    let mut slices = vec![IoSlice::new(b""); SLICES];
    slices.push(IoSlice::new(b"x"));
    assert_eq!(
        run(core, task::io(|| stream.write_vectored(&slices))).unwrap(),
        1
    );
    peer.read_exact(&mut [0]).unwrap();
    peer.write_all(b"y").unwrap();
    let mut byte = [0];
    let mut read = task::io(|| {
        let mut slices: Vec<_> = (0..SLICES).map(|_| IoSliceMut::new(&mut [])).collect();
        slices.push(IoSliceMut::new(&mut byte));
        stream.read_vectored(&mut slices)
    });
    assert_eq!(run(core, &mut read).unwrap(), 1);
    drop(read);
    assert_eq!(byte, *b"y");
}
