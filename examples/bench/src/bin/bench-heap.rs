//! Registers sockets and says what that has allocated beside the sockets' owner:
//! `bench-heap ours|tokio|smol COUNT` prints `BYTES ALLOCATIONS`, both still live.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    env, io,
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use reactor::Core;
use smol::Async;
use socket2::{Domain, Socket, Type};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> io::Result<()> {
    let args: Vec<_> = env::args().collect();
    let [_, contestant, count] = &args[..] else {
        return Err(usage());
    };
    let count = count.parse().map_err(|_| usage())?;
    let live = match contestant.as_str() {
        "ours" => {
            let core = Core::new()?;
            let handle = core.handle();
            live_after(count, |socket| net::TcpStream::from_std(socket, &handle))?
        }
        "tokio" => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let _inside = runtime.enter();
            live_after(count, tokio::net::TcpStream::from_std)?
        }
        "smol" => live_after(count, Async::<TcpStream>::new)?,
        _ => return Err(usage()),
    };
    println!("{} {}", live.bytes, live.allocations);
    Ok(())
}

fn usage() -> io::Error {
    io::Error::other("usage: bench-heap ours|tokio|smol COUNT")
}

/// What registering `count` sockets leaves allocated. Their owner is a vector that was made before, so
/// that the sockets' own size is not in it.
fn live_after<S>(count: usize, register: impl Fn(TcpStream) -> io::Result<S>) -> io::Result<Live> {
    let mut owner = Vec::with_capacity(count);
    // Not connected: a registration does not care.
    let sockets = (0..count + 1).map(|_| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        Ok(TcpStream::from(socket))
    });
    let mut sockets = sockets.collect::<io::Result<Vec<_>>>()?;
    // What is made once, for the first one, is no socket's share.
    let _first = register(sockets.pop().expect("one more than count"))?;
    let before = Live::now();
    // The emptied vector stays until the end.
    for socket in sockets.drain(..) {
        owner.push(register(socket)?);
    }
    Ok(Live::now().since(&before))
}

struct Live {
    bytes: usize,
    allocations: usize,
}

impl Live {
    fn now() -> Self {
        Self {
            bytes: BYTES.load(Relaxed),
            allocations: ALLOCATIONS.load(Relaxed),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            bytes: self.bytes - before.bytes,
            allocations: self.allocations - before.allocations,
        }
    }
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it is, with what that one requires of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Relaxed);
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Relaxed);
        ALLOCATIONS.fetch_sub(1, Relaxed);
        // SAFETY: the caller's promise is the one that `System` asks for.
        unsafe { System.dealloc(pointer, layout) }
    }
}

static BYTES: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
