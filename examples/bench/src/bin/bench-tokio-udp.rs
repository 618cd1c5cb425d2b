//! tokio, with datagrams: the current-thread runtime, a task, one datagram at a time, as it has no other
//! form.

#![forbid(unsafe_code)]

use std::io;

use bench::{BUFFER, Datagrams, MARK, PACKET, Sending, Work, announce, bind_udp};
use tokio::{net::UdpSocket, runtime};

fn main() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let socket = UdpSocket::from_std(bind_udp()?)?;
        announce(socket.local_addr()?)?;
        match Work::from_args()? {
            Work::UdpEcho(Datagrams::Single) => echo(&socket).await,
            Work::UdpReceive(Datagrams::Single) => receive(&socket).await,
            Work::UdpSend(Datagrams::Single) => send_when_told(&socket).await,
            work => Err(work.unsupported()),
        }
    })
}

async fn echo(socket: &UdpSocket) -> io::Result<()> {
    let mut buf = [0; BUFFER];
    loop {
        let (n, from) = socket.recv_from(&mut buf).await?;
        socket.send_to(&buf[..n], from).await?;
    }
}

async fn receive(socket: &UdpSocket) -> io::Result<()> {
    let mut buf = [0; BUFFER];
    let mut received = 0_u64;
    loop {
        let (n, from) = socket.recv_from(&mut buf).await?;
        received += 1;
        if buf[..n].last() == Some(&MARK) {
            socket.send_to(&received.to_be_bytes(), from).await?;
            received = 0;
        }
    }
}

async fn send_when_told(socket: &UdpSocket) -> io::Result<()> {
    let payload = [b'x'; PACKET];
    loop {
        let mut order = [0; 16];
        let (n, from) = socket.recv_from(&mut order).await?;
        let sending = Sending::from_bytes(&order[..n])?;
        for _ in 0..sending.count {
            socket.send_to(&payload, sending.to()).await?;
        }
        socket.send_to(&order[..n], from).await?;
    }
}
