//! `UdpSocket` as the datagram trait that codecs are generic over.

mod common;

use std::{future::poll_fn, io, net::SocketAddr};

use common::{any_port, run};
use io_traits::{AsyncDatagram, ReadCursor};
use net::UdpSocket;
use reactor::Core;

type Datagrams<'a> = dyn AsyncDatagram<Addr = SocketAddr> + 'a;

/// What came, in memory that was 7s, and how much of it the cursor counts.
async fn receive<const ROOM: usize>(
    socket: &mut Datagrams<'_>,
) -> io::Result<([u8; ROOM], usize, SocketAddr)> {
    poll_fn(|cx| {
        let mut memory = [7; ROOM];
        let (polled, filled) =
            ReadCursor::with_initialized(&mut memory, |buf| socket.poll_recv_datagram(cx, buf));
        polled.map_ok(|from| (memory, filled, from))
    })
    .await
}

async fn send(socket: &mut Datagrams<'_>, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
    poll_fn(|cx| socket.poll_send_datagram(cx, bytes, &to)).await
}

fn sockets(core: &Core) -> (UdpSocket, UdpSocket) {
    let bind = || UdpSocket::bind(&any_port(), &core.handle()).unwrap();
    (bind(), bind())
}

#[test]
fn datagrams_come_whole_in_order_and_from_their_sender() {
    let mut core = Core::new().unwrap();
    let (mut here, mut there) = sockets(&core);
    let (from, to) = (here.local_addr().unwrap(), there.local_addr().unwrap());
    run(&mut core, async {
        // An empty one is a datagram, too.
        for bytes in [&b"one"[..], b"", b"three"] {
            send(&mut here, bytes, to).await.unwrap();
            let (memory, filled, sender) = receive::<16>(&mut there).await.unwrap();
            assert_eq!((&memory[..filled], sender), (bytes, from));
            assert!(memory[filled..].iter().all(|&byte| byte == 7));
        }
    });
}

#[test]
fn a_receive_waits_and_a_reference_and_a_box_are_as_good_as_the_socket() {
    let mut core = Core::new().unwrap();
    let (here, there) = sockets(&core);
    let to = there.local_addr().unwrap();
    let mut boxed: Box<Datagrams<'_>> = Box::new(&there);
    let received = run(&mut core, async {
        let receives = receive::<8>(&mut boxed);
        // The receive is polled first, finds nothing, and is woken.
        let mut sender = &here;
        let sends = send(&mut sender, b"late", to);
        let (received, sent) = futures::join!(receives, sends);
        sent.unwrap();
        received.unwrap()
    });
    assert_eq!(&received.0[..received.1], b"late");
}

#[test]
fn what_there_is_no_room_for_is_cut_off_and_the_next_one_is_whole() {
    let mut core = Core::new().unwrap();
    let (mut here, mut there) = sockets(&core);
    let to = there.local_addr().unwrap();
    run(&mut core, async {
        send(&mut here, b"too long", to).await.unwrap();
        send(&mut here, b"ok", to).await.unwrap();
        let (memory, filled, _) = receive::<4>(&mut there).await.unwrap();
        assert_eq!((&memory, filled), (b"too ", 4));
        let (memory, filled, _) = receive::<4>(&mut there).await.unwrap();
        assert_eq!(&memory[..filled], b"ok");
    });
}

#[test]
fn a_datagram_that_cannot_be_sent_is_an_error_of_that_one() {
    let mut core = Core::new().unwrap();
    let (mut here, mut there) = sockets(&core);
    let to = there.local_addr().unwrap();
    run(&mut core, async {
        let error = send(&mut here, &[0; 70_000], to).await.unwrap_err();
        assert!(error.raw_os_error().is_some(), "{error}");
        send(&mut here, b"fine", to).await.unwrap();
        assert_eq!(receive::<8>(&mut there).await.unwrap().1, 4);
    });
}
