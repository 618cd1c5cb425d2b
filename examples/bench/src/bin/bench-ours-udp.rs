//! Ours, with datagrams: a core, a task, and each of the forms that `net` has.

#![forbid(unsafe_code)]

use std::{io, net::SocketAddr};

use bench::{BUFFER, Datagrams, MARK, PACKET, SEGMENTS, Sending, Work, announce, bind_udp};
use io_traits::task;
use net::{RecvBatch, Transmit, UdpSocket};
use reactor::Core;

fn main() -> io::Result<()> {
    let mut core = Core::new()?;
    let socket = UdpSocket::from_std(bind_udp()?, &core.handle())?;
    announce(socket.local_addr()?)?;
    match Work::from_args()? {
        Work::UdpEcho(Datagrams::Single) => core.run(echo_single(&socket))?,
        Work::UdpEcho(Datagrams::Batched) => core.run(echo_batched(&socket))?,
        Work::UdpReceive(Datagrams::Single) => core.run(receive_single(&socket))?,
        Work::UdpReceive(Datagrams::Batched) => {
            core.run(receive_batched(&socket, RecvBatch::new(BATCH, 2 * PACKET)))?
        }
        Work::UdpReceive(Datagrams::Offloaded) => {
            socket.set_gro(true)?;
            core.run(receive_batched(&socket, RecvBatch::new(4, LONGEST)))?
        }
        Work::UdpSend(form) => core.run(send_when_told(&socket, form))?,
        work => Err(work.unsupported()),
    }
}

async fn echo_single(socket: &UdpSocket) -> io::Result<()> {
    let mut buf = [0; BUFFER];
    loop {
        let (n, from) = task::io(|| socket.recv_from(&mut buf)).await?;
        task::io(|| socket.send_to(&buf[..n], &from)).await?;
    }
}

async fn echo_batched(socket: &UdpSocket) -> io::Result<()> {
    let mut batch = RecvBatch::new(BATCH, BUFFER);
    loop {
        task::io(|| socket.recv_batch(&mut batch)).await?;
        let answers = batch
            .iter()
            .map(|datagram| Transmit::new(datagram.payload).to(datagram.meta.from));
        let mut answers: Vec<_> = answers.collect();
        send_all(socket, &mut answers).await?;
    }
}

async fn receive_single(socket: &UdpSocket) -> io::Result<()> {
    let mut buf = [0; BUFFER];
    let mut received = 0_u64;
    loop {
        let (n, from) = task::io(|| socket.recv_from(&mut buf)).await?;
        received += 1;
        if buf[..n].last() == Some(&MARK) {
            task::io(|| socket.send_to(&received.to_be_bytes(), &from)).await?;
            received = 0;
        }
    }
}

async fn receive_batched(socket: &UdpSocket, mut batch: RecvBatch) -> io::Result<()> {
    let mut received = 0_u64;
    loop {
        task::io(|| socket.recv_batch(&mut batch)).await?;
        for datagram in &batch {
            received += 1;
            if datagram.payload.last() == Some(&MARK) {
                let (count, from) = (received.to_be_bytes(), datagram.meta.from);
                task::io(|| socket.send_to(&count, &from)).await?;
                received = 0;
            }
        }
    }
}

async fn send_when_told(socket: &UdpSocket, form: Datagrams) -> io::Result<()> {
    let payload = vec![b'x'; PACKET * SEGMENTS];
    loop {
        let mut order = [0; 16];
        let (n, from) = task::io(|| socket.recv_from(&mut order)).await?;
        let order = &order[..n];
        let sending = Sending::from_bytes(order)?;
        let (count, to) = (sending.count as usize, sending.to());
        match form {
            Datagrams::Single => send_single(socket, &payload[..PACKET], count, to).await?,
            Datagrams::Batched => {
                send_batched(socket, BATCH, count, || {
                    Transmit::new(&payload[..PACKET]).to(to)
                })
                .await?;
            }
            Datagrams::Offloaded => {
                let segments = || Transmit::new(&payload).to(to).segments(PACKET);
                send_batched(socket, 4, count / SEGMENTS, segments).await?;
            }
        }
        task::io(|| socket.send_to(order, &from)).await?;
    }
}

async fn send_single(
    socket: &UdpSocket,
    payload: &[u8],
    count: usize,
    to: SocketAddr,
) -> io::Result<()> {
    for _ in 0..count {
        task::io(|| socket.send_to(payload, &to)).await?;
    }
    Ok(())
}

async fn send_batched<'a>(
    socket: &UdpSocket,
    at_once: usize,
    mut count: usize,
    transmit: impl Fn() -> Transmit<'a>,
) -> io::Result<()> {
    while count > 0 {
        let mut batch: Vec<_> = (0..at_once.min(count)).map(|_| transmit()).collect();
        count -= batch.len();
        send_all(socket, &mut batch).await?;
    }
    Ok(())
}

async fn send_all(socket: &UdpSocket, mut batch: &mut [Transmit<'_>]) -> io::Result<()> {
    while !batch.is_empty() {
        let sent = task::io(|| socket.send_batch(batch)).await?;
        batch = &mut batch[sent..];
    }
    Ok(())
}

const BATCH: usize = 32;

/// Bytes of the longest message.
const LONGEST: usize = 65_535;
