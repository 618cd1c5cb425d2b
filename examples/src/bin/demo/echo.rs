use std::{convert::Infallible, io, sync::Arc};

use io_traits::{
    io::{copy, shutdown},
    task,
};
use net::{TcpStream, UdpSocket};
use reactor::Core;

use crate::mistakes::Mistakes;

/// The handler of `echo.rs`, except for a mistake that it is to make.
pub(crate) async fn echo(stream: &TcpStream, mistakes: &Mistakes) -> io::Result<()> {
    match mistakes.of_connection(stream) {
        None => copy(&mut &*stream, &mut &*stream).await?,
        Some(mut corrupt) => copy(&mut corrupt, &mut &*stream).await?,
    };
    shutdown(&mut &*stream).await
}

/// The loop of `udp-echo.rs`, except for mistakes, as a task of `core`.
pub(crate) fn spawn_udp_echo(
    core: &Core,
    socket: std::net::UdpSocket,
    mistakes: Arc<Mistakes>,
) -> io::Result<()> {
    let socket = UdpSocket::from_std(socket, &core.handle())?;
    core.spawner().spawn(async move {
        let Err(error) = echo_datagrams(&socket, &mistakes).await;
        tracing::error!(%error, "the UDP server has failed");
    });
    Ok(())
}

async fn echo_datagrams(socket: &UdpSocket, mistakes: &Mistakes) -> io::Result<Infallible> {
    let mut buf = vec![0; LARGEST];
    loop {
        let (n, peer) = task::io(|| socket.recv_from(&mut buf)).await?;
        let datagram = &mut buf[..n];
        if mistakes.of_datagram(datagram) {
            task::io(|| socket.send_to(datagram, &peer)).await?;
        }
    }
}

/// The most that a datagram can carry.
const LARGEST: usize = 64 * 1024;
