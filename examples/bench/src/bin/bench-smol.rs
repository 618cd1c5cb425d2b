//! smol: a local executor, a task for each connection.

#![forbid(unsafe_code)]

use std::{
    io,
    net::{TcpListener, TcpStream},
    rc::Rc,
    time::Duration,
};

use bench::{BUFFER, Work, announce, listen};
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
        work => Err(work.unsupported()),
    }
}

async fn serve_tcp(executor: Rc<LocalExecutor<'static>>) -> io::Result<()> {
    let listener = Async::<TcpListener>::new(listen()?)?;
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
