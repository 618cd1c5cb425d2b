//! tokio: the current-thread runtime, a task for each connection.

#![forbid(unsafe_code)]

use std::{io, net::Ipv4Addr, path::Path, time::Duration};

use bench::{BUFFER, Work, announce, listen};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UdpSocket, UnixListener},
    runtime, time,
};

fn main() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match Work::from_args()? {
        Work::TcpEcho => runtime.block_on(serve_tcp()),
        Work::Sleeps(count) => runtime.block_on(sleeps(count)),
        Work::UdpEcho => runtime.block_on(serve_udp()),
        Work::UnixEcho(path) => runtime.block_on(serve_unix(&path)),
        work @ Work::TcpCopy => Err(work.unsupported()),
    }
}

async fn serve_tcp() -> io::Result<()> {
    let listener = TcpListener::from_std(listen()?)?;
    announce(listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        tokio::spawn(echo(stream));
    }
}

async fn serve_unix(path: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    announce(path.display())?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(echo(stream));
    }
}

async fn serve_udp() -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    announce(socket.local_addr()?)?;
    let mut buf = [0; BUFFER];
    loop {
        let (received, peer) = socket.recv_from(&mut buf).await?;
        socket.send_to(&buf[..received], peer).await?;
    }
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut buf = [0; BUFFER];
    loop {
        let received = stream.read(&mut buf).await?;
        if received == 0 {
            return Ok(());
        }
        stream.write_all(&buf[..received]).await?;
    }
}

async fn sleeps(count: u32) -> io::Result<()> {
    for _ in 0..count {
        time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}
