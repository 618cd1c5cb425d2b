//! Ours: a core, a task for each connection.

#![forbid(unsafe_code)]

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    path::Path,
    task::Poll,
    time::{Duration, Instant},
};

use bench::{
    BUFFER, Congestion, CpuClock, LONGEST_FRAME, Lateness, SHORT_SLEEP, SPIN, Work, announce,
    listen, long_sleeps, many_sleeps,
};
use codec::{Framed, LengthDelimitedCodec, LinesCodec};
use futures::{FutureExt, StreamExt};
use io_traits::{
    AsyncRead, AsyncWrite,
    io::{copy, read, write_all},
};
use net::{TcpListener, TcpStream, UnixListener, relay};
use reactor::{Core, CoreOptions, Handle, Spawner};

fn main() -> io::Result<()> {
    let work = Work::from_args()?;
    let options = match work {
        Work::TcpSpin => CoreOptions::new().spin(SPIN),
        _ => CoreOptions::new(),
    };
    let mut core = Core::with_options(options)?;
    let (handle, spawner) = (core.handle(), core.spawner());
    match work {
        Work::TcpEcho | Work::TcpSpin => {
            core.run(serve_tcp(&handle, &spawner, Congestion::System, echo))?
        }
        Work::TcpCopy => core.run(serve_tcp(
            &handle,
            &spawner,
            Congestion::System,
            echo_by_copy,
        ))?,
        Work::TcpFrames(congestion) => {
            core.run(serve_tcp(&handle, &spawner, congestion, echo_frames))?
        }
        Work::TcpLines => core.run(serve_tcp(&handle, &spawner, Congestion::System, echo_lines))?,
        Work::Relay { to, congestion, .. } => {
            core.run(serve_relay(&handle, &spawner, to, congestion))?
        }
        Work::Sleeps(count) => core.run(sleeps(&handle, count))?,
        Work::ShortSleeps(count) => core.run(short_sleeps(&handle, count))?,
        Work::ManySleeps { tasks, each } => {
            core.run(sleeps_of_tasks(&handle, &spawner, tasks, each))?
        }
        Work::CancelledSleeps { live, dropped } => {
            core.run(cancelled_sleeps(&handle, live, dropped))?
        }
        Work::UnixEcho(path) => core.run(serve_unix(&handle, &spawner, &path))?,
        work => Err(work.unsupported()),
    }
}

async fn serve_tcp<F>(
    handle: &Handle,
    spawner: &Spawner,
    congestion: Congestion,
    echo: impl Fn(TcpStream) -> F,
) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + 'static,
{
    let listener = TcpListener::from_std(listen(congestion)?, handle)?;
    announce(listener.local_addr()?)?;
    let mut incoming = listener.incoming();
    while let Some(accepted) = incoming.next().await {
        let (stream, _) = accepted?;
        let _ = stream.set_nodelay(true);
        spawner.spawn(echo(stream));
    }
    Ok(())
}

async fn serve_relay(
    handle: &Handle,
    spawner: &Spawner,
    to: SocketAddr,
    congestion: Congestion,
) -> io::Result<()> {
    serve_tcp(handle, spawner, Congestion::System, |client| {
        let handle = handle.clone();
        async move {
            let server = TcpStream::connect(&to, &handle).await?;
            server.set_nodelay(true)?;
            congestion.set(&server)?;
            relay(&client, &server).await?;
            Ok(())
        }
    })
    .await
}

async fn serve_unix(handle: &Handle, spawner: &Spawner, path: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(path, handle)?;
    announce(path.display())?;
    let mut incoming = listener.incoming();
    while let Some(accepted) = incoming.next().await {
        let (stream, _) = accepted?;
        spawner.spawn(echo(stream));
    }
    Ok(())
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite) -> io::Result<()> {
    let mut buf = [0; BUFFER];
    loop {
        let received = read(&mut stream, &mut buf).await?;
        if received == 0 {
            return Ok(());
        }
        write_all(&mut stream, &buf[..received]).await?;
    }
}

async fn echo_by_copy(stream: TcpStream) -> io::Result<()> {
    copy(&mut &stream, &mut &stream).await?;
    Ok(())
}

async fn echo_frames(stream: TcpStream) -> io::Result<()> {
    let codec = LengthDelimitedCodec::new(LONGEST_FRAME).with_shared_items();
    let mut frames = Framed::new(stream, codec);
    while let Some(frame) = frames.next().await {
        let frame = frame?;
        frames.feed(frame).await?;
    }
    Ok(())
}

async fn echo_lines(stream: TcpStream) -> io::Result<()> {
    let mut lines = Framed::new(stream, LinesCodec::new(LONGEST_FRAME));
    while let Some(line) = lines.next().await {
        lines.send(line?).await?;
    }
    Ok(())
}

async fn sleeps(handle: &Handle, count: u32) -> io::Result<()> {
    for _ in 0..count {
        handle.sleep(Duration::from_millis(2)).await?;
    }
    Ok(())
}

async fn short_sleeps(handle: &Handle, count: u32) -> io::Result<()> {
    let mut lateness = Lateness::default();
    for _ in 0..count {
        let begin = Instant::now();
        handle.sleep(SHORT_SLEEP).await?;
        lateness.note(begin, SHORT_SLEEP);
    }
    lateness.say()
}

async fn sleeps_of_tasks(
    handle: &Handle,
    spawner: &Spawner,
    tasks: u32,
    each: u32,
) -> io::Result<()> {
    let cpu = CpuClock::start();
    let mut started = Vec::with_capacity(tasks as usize);
    for duration in many_sleeps(tasks) {
        let handle = handle.clone();
        started.push(spawner.spawn(async move {
            for _ in 0..each {
                handle.sleep(duration / each).await?;
            }
            io::Result::Ok(())
        }));
    }
    for task in started {
        task.await.map_err(io::Error::from)??;
    }
    cpu.say()
}

async fn cancelled_sleeps(handle: &Handle, live: u32, dropped: u32) -> io::Result<()> {
    let mut waiting: Vec<_> = long_sleeps(live).map(|d| handle.sleep(d)).collect();
    poll_fn(|cx| {
        for sleep in &mut waiting {
            assert!(matches!(sleep.poll_unpin(cx), Poll::Pending));
        }
        for duration in long_sleeps(dropped) {
            let mut sleep = handle.sleep(duration);
            match sleep.poll_unpin(cx) {
                Poll::Pending => drop(sleep),
                Poll::Ready(over) => return Poll::Ready(over),
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}
