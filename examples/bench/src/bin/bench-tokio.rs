//! tokio: the current-thread runtime, a task for each connection.

#![forbid(unsafe_code)]

use std::{
    future::{Future, poll_fn},
    io::{self, ErrorKind},
    net::SocketAddr,
    path::Path,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use bench::{
    BUFFER, Congestion, CpuClock, LONGEST_FRAME, Lateness, SHORT_SLEEP, Work, announce, listen,
    long_sleeps, many_sleeps,
};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::{
    io::{
        AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional,
        copy_bidirectional_with_sizes,
    },
    net::{TcpListener, TcpStream, UnixListener},
    runtime, time,
};
use tokio_util::{
    bytes::Bytes,
    codec::{Framed, LengthDelimitedCodec, LinesCodec},
};

fn main() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match Work::from_args()? {
        Work::TcpEcho => runtime.block_on(serve_tcp(Congestion::System, echo)),
        Work::TcpLean => runtime.block_on(serve_tcp(Congestion::System, echo_lean)),
        Work::TcpFrames(congestion) => runtime.block_on(serve_tcp(congestion, echo_frames)),
        Work::TcpLines => runtime.block_on(serve_tcp(Congestion::System, echo_lines)),
        Work::Sleeps(count) => runtime.block_on(sleeps(count)),
        Work::ShortSleeps(count) => runtime.block_on(short_sleeps(count)),
        Work::ManySleeps { tasks, each } => runtime.block_on(sleeps_of_tasks(tasks, each)),
        Work::CancelledSleeps { live, dropped } => {
            // Its budget of one poll would leave all but the first of the sleeps without a timer.
            runtime.block_on(tokio::task::unconstrained(cancelled_sleeps(live, dropped)))
        }
        Work::UnixEcho(path) => runtime.block_on(serve_unix(&path)),
        Work::Relay {
            to,
            buffer,
            congestion,
        } => runtime.block_on(serve_tcp(Congestion::System, move |client| {
            relay(client, to, buffer, congestion)
        })),
        work => Err(work.unsupported()),
    }
}

async fn serve_tcp<F>(congestion: Congestion, echo: impl Fn(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::from_std(listen(congestion)?)?;
    announce(listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        tokio::spawn(echo(stream));
    }
}

async fn relay(
    mut client: TcpStream,
    to: SocketAddr,
    buffer: usize,
    congestion: Congestion,
) -> io::Result<()> {
    let mut server = TcpStream::connect(to).await?;
    server.set_nodelay(true)?;
    congestion.set(&server)?;
    match buffer {
        0 => copy_bidirectional(&mut client, &mut server).await?,
        size => copy_bidirectional_with_sizes(&mut client, &mut server, size, size).await?,
    };
    Ok(())
}

async fn serve_unix(path: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    announce(path.display())?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(echo(stream));
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

/// No buffer in the task: it is on the stack of the poll that finds something to read.
async fn echo_lean(mut stream: TcpStream) -> io::Result<()> {
    loop {
        stream.readable().await?;
        match try_echo(&stream) {
            Ok(None) => return Ok(()),
            Ok(Some(unsent)) => stream.write_all(&unsent).await?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// What could not be sent at once, mostly nothing; `None` at the end.
fn try_echo(stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut buf = [0; BUFFER];
    let received = stream.try_read(&mut buf)?;
    if received == 0 {
        return Ok(None);
    }
    let sent = match stream.try_write(&buf[..received]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        result => result?,
    };
    Ok(Some(buf[sent..received].to_vec()))
}

async fn echo_frames(stream: TcpStream) -> io::Result<()> {
    let mut codec = LengthDelimitedCodec::new();
    codec.set_max_frame_length(LONGEST_FRAME);
    let mut frames = Framed::new(stream, codec);
    while let Some(frame) = frames.next().await {
        frames.feed(frame?.freeze()).await?;
        // To send each is a write for each, ten times the cost when several come at once.
        while let Some(Some(frame)) = frames.next().now_or_never() {
            frames.feed(frame?.freeze()).await?;
        }
        SinkExt::<Bytes>::flush(&mut frames).await?;
    }
    Ok(())
}

async fn echo_lines(stream: TcpStream) -> io::Result<()> {
    let codec = LinesCodec::new_with_max_length(LONGEST_FRAME);
    let mut lines = Framed::new(stream, codec);
    while let Some(line) = lines.next().await {
        let line = line.map_err(io::Error::other)?;
        lines.send(line).await.map_err(io::Error::other)?;
    }
    Ok(())
}

async fn sleeps(count: u32) -> io::Result<()> {
    for _ in 0..count {
        time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

async fn short_sleeps(count: u32) -> io::Result<()> {
    let mut lateness = Lateness::default();
    for _ in 0..count {
        let begin = Instant::now();
        time::sleep(SHORT_SLEEP).await;
        lateness.note(begin, SHORT_SLEEP);
    }
    lateness.say()
}

async fn sleeps_of_tasks(tasks: u32, each: u32) -> io::Result<()> {
    let cpu = CpuClock::start();
    let mut started = Vec::with_capacity(tasks as usize);
    for duration in many_sleeps(tasks) {
        started.push(tokio::spawn(async move {
            for _ in 0..each {
                time::sleep(duration / each).await;
            }
        }));
    }
    for task in started {
        task.await?;
    }
    cpu.say()
}

async fn cancelled_sleeps(live: u32, dropped: u32) -> io::Result<()> {
    let mut waiting: Vec<_> = long_sleeps(live)
        .map(|d| Box::pin(time::sleep(d)))
        .collect();
    poll_fn(|cx| {
        for sleep in &mut waiting {
            assert!(sleep.poll_unpin(cx).is_pending());
        }
        for duration in long_sleeps(dropped) {
            assert!(pin!(time::sleep(duration)).poll_unpin(cx).is_pending());
        }
        Poll::Ready(Ok(()))
    })
    .await
}
