//! smol: a local executor, a task for each connection.

#![forbid(unsafe_code)]

use std::{
    future::poll_fn,
    io,
    net::{TcpListener, TcpStream},
    rc::Rc,
    task::Poll,
    time::{Duration, Instant},
};

use bench::{
    BUFFER, Congestion, CpuClock, Lateness, SHORT_SLEEP, Work, announce, listen, long_sleeps,
    many_sleeps,
};
use futures::FutureExt;
use smol::{
    Async, LocalExecutor, Timer, block_on,
    io::{AsyncReadExt, AsyncWriteExt},
};

fn main() -> io::Result<()> {
    let executor = Rc::new(LocalExecutor::new());
    // What the executor runs beside its tasks is polled whenever one of them is, and would ask the
    // listener each time. So all of the work is in tasks.
    match Work::from_args()? {
        Work::TcpEcho => block_on(executor.run(executor.spawn(serve_tcp(executor.clone())))),
        Work::Sleeps(count) => block_on(executor.run(executor.spawn(sleeps(count)))),
        Work::ShortSleeps(count) => block_on(executor.run(executor.spawn(short_sleeps(count)))),
        Work::ManySleeps { tasks, each } => {
            let sleeps = sleeps_of_tasks(executor.clone(), tasks, each);
            block_on(executor.run(executor.spawn(sleeps)))
        }
        Work::CancelledSleeps { live, dropped } => {
            block_on(executor.run(executor.spawn(cancelled_sleeps(live, dropped))))
        }
        work => Err(work.unsupported()),
    }
}

async fn serve_tcp(executor: Rc<LocalExecutor<'static>>) -> io::Result<()> {
    let listener = Async::<TcpListener>::new(listen(Congestion::System)?)?;
    announce(listener.get_ref().local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.get_ref().set_nodelay(true);
        executor.spawn(echo(stream)).detach();
    }
}

async fn echo(mut stream: Async<TcpStream>) -> io::Result<()> {
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
        Timer::after(Duration::from_millis(2)).await;
    }
    Ok(())
}

async fn short_sleeps(count: u32) -> io::Result<()> {
    let mut lateness = Lateness::default();
    for _ in 0..count {
        let begin = Instant::now();
        Timer::after(SHORT_SLEEP).await;
        lateness.note(begin, SHORT_SLEEP);
    }
    lateness.say()
}

async fn sleeps_of_tasks(
    executor: Rc<LocalExecutor<'static>>,
    tasks: u32,
    each: u32,
) -> io::Result<()> {
    let cpu = CpuClock::start();
    let mut started = Vec::with_capacity(tasks as usize);
    for duration in many_sleeps(tasks) {
        started.push(executor.spawn(async move {
            for _ in 0..each {
                Timer::after(duration / each).await;
            }
        }));
    }
    for task in started {
        task.await;
    }
    cpu.say()
}

async fn cancelled_sleeps(live: u32, dropped: u32) -> io::Result<()> {
    let mut waiting: Vec<_> = long_sleeps(live).map(Timer::after).collect();
    poll_fn(|cx| {
        for sleep in &mut waiting {
            assert!(sleep.poll_unpin(cx).is_pending());
        }
        for duration in long_sleeps(dropped) {
            assert!(Timer::after(duration).poll_unpin(cx).is_pending());
        }
        Poll::Ready(Ok(()))
    })
    .await
}
