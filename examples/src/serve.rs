use std::{
    io::{self, Write},
    net::{SocketAddr, TcpListener},
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
    H: AsyncFn(&TcpStream, SocketAddr) -> io::Result<()> + Clone + Send + 'static,
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
    H: AsyncFn(&TcpStream, SocketAddr) -> io::Result<()> + 'static,
{
    raise_descriptor_limit()?;
    // Before anybody can know that the server runs: a signal that comes early must not kill it.
    let mut signals = end_at_once_on_second_signal().and_then(|()| Signals::new(ENDING))?;
    let listeners = args.listeners()?;
    announce(listeners[0].local_addr()?)?;

    let (mut stops, mut threads) = (Vec::new(), Vec::new());
    for (number, listener) in listeners.into_iter().enumerate() {
        let (stop, stopped) = oneshot::channel();
        let (make_handler, signals) = (make_handler.clone(), signals.handle());
        let thread = thread::Builder::new()
            .name(format!("core-{number}"))
            .spawn(move || serve_thread(listener, make_handler, stopped, &signals))?;
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

fn serve_thread<M, H>(
    listener: TcpListener,
    make_handler: M,
    stopped: oneshot::Receiver<()>,
    signals: &SignalsHandle,
) -> io::Result<()>
where
    M: FnOnce(&Handle) -> H,
    H: AsyncFn(&TcpStream, SocketAddr) -> io::Result<()> + 'static,
{
    /// Ends the wait for a signal, also when this thread panics.
    struct EndAll<'a>(&'a SignalsHandle);
    impl Drop for EndAll<'_> {
        fn drop(&mut self) {
            self.0.close();
        }
    }
    let _end_all = EndAll(signals);
    let mut core = Core::new()?;
    let handler = make_handler(&core.handle());
    serve_on(&mut core, listener, handler, stopped)
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
