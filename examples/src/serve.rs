use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    thread,
};

use futures::channel::oneshot;
use net::TcpStream;
use reactor::{Core, Handle};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
    iterator::{Handle as SignalsHandle, Signals},
};

use crate::{ServerArgs, raise_descriptor_limit, serve_on};

/// Serves on as many threads as `args` say, until SIGINT or SIGTERM.
///
/// ```text
///   main thread: waits for a signal ──┬─ stop ──▶ thread 0: its own core, listener, connections
///                                     └─ stop ──▶ thread 1: its own core, listener, connections
/// ```
///
/// The first line on standard output is `listening on IP:PORT`. `handler` is called for each
/// connection, on the thread that has accepted it; it need not be `Send` from then on. How the server
/// ends is told at [`serve_on`]. A second signal ends it at once, with exit code 1.
///
/// # Errors
///
/// Those of listening, with the address, and those of [`serve_on`] of any thread: if one fails, all
/// end.
pub fn serve<H>(args: &ServerArgs, handler: H) -> io::Result<()>
where
    H: AsyncFn(&TcpStream) -> io::Result<()> + Clone + Send + 'static,
{
    serve_with(args, |_| handler)
}

/// Like [`serve`], with a handler that needs its core, for limits of time for example.
///
/// `make_handler` is called on each thread, with the handle of the thread's core. What it makes stays
/// there, so it need not be `Send`.
///
/// # Errors
///
/// As [`serve`].
pub fn serve_with<M, H>(args: &ServerArgs, make_handler: M) -> io::Result<()>
where
    M: FnOnce(&Handle) -> H + Clone + Send + 'static,
    H: AsyncFn(&TcpStream) -> io::Result<()> + 'static,
{
    let listeners = || {
        let listeners = args.listeners()?;
        Ok((listeners[0].local_addr()?, listeners))
    };
    run_on_threads(listeners, |listener, stopped| {
        let mut core = Core::new()?;
        let handler = make_handler(&core.handle());
        serve_on(&mut core, listener, handler, stopped)
    })
}

/// Calls `run` with each socket on a thread of its own, until SIGINT or SIGTERM; `run` ends when what it
/// is given besides is ready.
///
/// The first line on standard output is `listening on IP:PORT`, with the address that `sockets` returns.
/// A second signal ends the program at once, with exit code 1.
///
/// # Errors
///
/// Those of `sockets`, and those of `run` on any thread: if one fails, all end.
pub fn run_on_threads<S, R>(
    sockets: impl FnOnce() -> io::Result<(SocketAddr, Vec<S>)>,
    run: R,
) -> io::Result<()>
where
    S: Send + 'static,
    R: FnOnce(S, oneshot::Receiver<()>) -> io::Result<()> + Clone + Send + 'static,
{
    raise_descriptor_limit()?;
    // Before anybody can know that the server runs: a signal that comes early must not kill it.
    let mut signals = end_at_once_on_second_signal().and_then(|()| Signals::new(ENDING))?;
    let (addr, sockets) = sockets()?;
    announce(addr)?;

    let (mut stops, mut threads) = (Vec::new(), Vec::new());
    for (number, socket) in sockets.into_iter().enumerate() {
        let (stop, stopped) = oneshot::channel();
        let (run, end_all) = (run.clone(), EndAll(signals.handle()));
        let thread = thread::Builder::new()
            .name(format!("core-{number}"))
            .spawn(move || {
                let _end_all = end_all;
                run(socket, stopped)
            })?;
        stops.push(stop);
        threads.push(thread);
    }

    let signal = signals.forever().next();
    tracing::debug!(?signal, "the server ends");
    // A stop that is dropped says the same as one that is sent.
    drop(stops);
    for thread in threads {
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("a thread has panicked")))?;
    }
    Ok(())
}

/// Ends the wait for a signal when its thread does, also by a panic.
struct EndAll(SignalsHandle);

impl Drop for EndAll {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn end_at_once_on_second_signal() -> io::Result<()> {
    let second = Arc::new(AtomicBool::new(false));
    for signal in ENDING {
        // In this order: at the first signal the flag is not set yet when it is looked at.
        flag::register_conditional_shutdown(signal, 1, second.clone())?;
        flag::register(signal, second.clone())?;
    }
    Ok(())
}

fn announce(addr: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {addr}")?;
    stdout.flush()
}

const ENDING: [i32; 2] = [SIGINT, SIGTERM];
