use std::{
    fs::File,
    io,
    task::{Context, Poll},
};

use io_traits::pool::Lent;
use reactor::Handle;

use crate::sys::Pipe;

/// A socket that can be relayed, and that files can be sent to: [`TcpStream`](crate::TcpStream) and, on Unix systems, `UnixStream`.
#[allow(
    private_bounds,
    reason = "what a relay asks of a socket is nobody else's affair"
)]
pub trait Relayed: Carries {}

/// What a relay asks of a socket.
pub(crate) trait Carries {
    /// Moves at most so many bytes of what was received into an empty pipe. `None` once the system has told of
    /// urgent data: a splice stops before the urgent byte and says "would block" although there is more behind it.
    fn poll_fill(
        &self,
        cx: &mut Context<'_>,
        pipe: &mut Pipe,
        most: usize,
    ) -> Poll<io::Result<Option<usize>>>;

    /// Moves what is in a pipe to the peer.
    fn poll_empty(&self, cx: &mut Context<'_>, pipe: &mut Pipe) -> Poll<io::Result<usize>>;

    /// Reads at most so many bytes of what was received, and no more than a lent buffer holds; nothing is the
    /// end.
    fn poll_recv(&self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<Lent>>;

    fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>;

    /// Sends bytes of a file; 0 are its end.
    fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        len: usize,
    ) -> Poll<io::Result<usize>>;

    /// Ends the writing side.
    fn end(&self) -> io::Result<()>;

    fn handle(&self) -> Handle;
}

/// [`Relayed`] for a type with a [`ByteStream`](crate::byte_stream::ByteStream) called `bytes`.
macro_rules! relayed {
    ($stream:ty) => {
        impl $crate::relay::Relayed for $stream {}

        impl $crate::relay::Carries for $stream {
            fn poll_fill(
                &self,
                cx: &mut std::task::Context<'_>,
                pipe: &mut $crate::sys::Pipe,
                most: usize,
            ) -> std::task::Poll<std::io::Result<Option<usize>>> {
                let evented = self.bytes.io();
                // Asked before each try: an event that comes in between has the splice tried again.
                evented.poll_read_with(cx, |io| match evented.has_told_of_urgent_data() {
                    true => Ok(None),
                    false => pipe.fill(io, most).map(Some),
                })
            }

            fn poll_empty(
                &self,
                cx: &mut std::task::Context<'_>,
                pipe: &mut $crate::sys::Pipe,
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.bytes
                    .io()
                    .poll_write_with(cx, |io| pipe.empty_into(io))
            }

            fn poll_recv(
                &self,
                cx: &mut std::task::Context<'_>,
                most: usize,
            ) -> std::task::Poll<std::io::Result<io_traits::pool::Lent>> {
                let mut limited = std::io::Read::take(self, most as u64);
                io_traits::io::poll_read_lent(&mut limited, cx)
            }

            fn poll_send(
                &self,
                cx: &mut std::task::Context<'_>,
                buf: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.bytes.poll_write(cx, buf)
            }

            fn poll_send_file(
                &self,
                cx: &mut std::task::Context<'_>,
                file: &std::fs::File,
                offset: u64,
                len: usize,
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.bytes.poll_send_file(cx, file, offset, len)
            }

            fn end(&self) -> std::io::Result<()> {
                self.bytes.end()
            }

            fn handle(&self) -> reactor::Handle {
                self.bytes.io().handle()
            }
        }
    };
}

pub(crate) use relayed;
