//! rustls' connection with its reader and writer used by hand, as its users do it, and `StreamOwned`: what the
//! library says with `Ok(0)`, and what a layer makes of it.

mod on_core;
mod tls;

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream as StdTcpStream},
    ops::{Deref, DerefMut},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use examples::Random;
use futures::{FutureExt, future::join};
use io_traits::{
    AsyncWrite,
    io::{flush, read, read_exact, read_to_end, shutdown, write_all},
    layer::Layer,
};
use net::TcpStream;
use on_core::run;
use reactor::{Core, Handle};
use rustls::{
    ClientConnection, ConnectionCommon, ServerConnection, SideData, StreamOwned,
    SupportedProtocolVersion,
    version::{TLS12, TLS13},
};

/// A write goes to the library alone, and a flush to the socket: what is written fills its buffer.
struct ByHand<C> {
    tls: C,
    socket: TcpStream,
}

impl<C, D> Read for ByHand<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result,
            }
            self.tls.read_tls(&mut self.socket)?;
            self.tls.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

impl<C, D> Write for ByHand<C>
where
    C: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.tls.writer().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.socket)?;
        }
        Ok(())
    }
}

/// The library takes no more than its limit, and then says that it took nothing: that is no end.
#[test]
fn a_full_buffer_of_the_library_takes_nothing_and_is_a_would_block() {
    let mut core = Core::new().unwrap();
    let (mut client, mut server) = by_hand(&core.handle(), &TLS13);
    client.get_mut().tls.set_buffer_limit(Some(1_000));
    // In the library's own words.
    let mut writer = client.get_mut().tls.writer();
    assert_eq!(writer.write(&[7; 2_000]).unwrap(), 1_000);
    assert_eq!(writer.write(&[7; 2_000]).unwrap(), 0);
    let mut message = vec![0; 300_000];
    Random::new(3).fill(&mut message);
    run(&mut core, async {
        // The socket takes some of it, and then it does not: no write says 0 bytes or fails before that.
        let mut written = 0;
        let blocks = |client: &mut Layer<ByHand<_>>, written: &mut usize| {
            let mut cx = Context::from_waker(Waker::noop());
            while let Poll::Ready(n) = client.poll_write_from(&mut cx, &message[*written..]) {
                let n = n.unwrap();
                assert!((1..=1_000).contains(&n), "{n} after {written}");
                *written += n;
            }
        };
        blocks(&mut client, &mut written);
        assert!(written < message.len(), "it never blocked");
        let sends = async {
            write_all(&mut client, &message[written..]).await.unwrap();
            shutdown(&mut client).await.unwrap();
        };
        let mut all = Vec::new();
        let (read, ()) = join(read_to_end(&mut server, &mut all, 1 << 20), sends).await;
        read.unwrap();
        assert!(all[..1_000] == [7; 1_000] && all[1_000..] == message);
    });
}

/// What is written stays in the library until somebody flushes it: the layer does, before the task parks.
#[test]
fn questions_and_answers_go_back_and_forth_though_nobody_flushes() {
    let mut core = Core::new().unwrap();
    let (mut client, mut server) = by_hand(&core.handle(), &TLS13);
    run(&mut core, async {
        let asks = async {
            for question in 0..200_u32 {
                write_all(&mut client, &question.to_be_bytes())
                    .await
                    .unwrap();
                let mut answer = [0; 4];
                read_exact(&mut client, &mut answer).await.unwrap();
                assert_eq!(u32::from_be_bytes(answer), question + 1);
            }
            shutdown(&mut client).await.unwrap();
        };
        let answers = async {
            let mut question = [0; 4];
            while read_exact(&mut server, &mut question).await.is_ok() {
                let answer = u32::from_be_bytes(question) + 1;
                write_all(&mut server, &answer.to_be_bytes()).await.unwrap();
            }
        };
        join(asks, answers).await;
    });
}

#[test]
fn close_notify_is_the_end_for_good_and_the_other_direction_goes_on() {
    for version in [&TLS12, &TLS13] {
        let mut core = Core::new().unwrap();
        let (client, server) = by_hand(&core.handle(), version);
        run(&mut core, says_goodbye(client, server, |it| &mut it.tls));
        let (client, server) = streams(&core.handle(), version);
        run(&mut core, says_goodbye(client, server, |it| &mut it.conn));
    }
}

/// The client says its last word and leaves its socket open; the server hears it.
async fn says_goodbye<A, B>(
    mut client: Layer<A>,
    mut server: Layer<B>,
    connection: impl Fn(&mut A) -> &mut ClientConnection,
) where
    A: Read + Write,
    B: Read + Write,
{
    let mut buf = [0; 8];
    let mut waits = read(&mut server, &mut buf).boxed_local();
    assert!((&mut waits).now_or_never().is_none(), "nothing is there");
    write_all(&mut client, b"last").await.unwrap();
    connection(client.get_mut()).send_close_notify();
    flush(&mut client).await.unwrap();
    assert_eq!(waits.await.unwrap(), 4);
    // A read that waits for the close_notify is woken by it. The socket has not ended: the library says so.
    for _ in 0..3 {
        assert_eq!(read(&mut server, &mut buf).await.unwrap(), 0);
        let mut cx = Context::from_waker(Waker::noop());
        let mut again = read(&mut server, &mut buf);
        assert!(matches!(
            Pin::new(&mut again).poll(&mut cx),
            Poll::Ready(Ok(0))
        ));
    }
    // An end of one direction is not one of the other.
    let answer = async {
        write_all(&mut server, b"answer").await.unwrap();
        flush(&mut server).await.unwrap();
    };
    let mut heard = [0; 6];
    join(
        answer,
        read_exact(&mut client, &mut heard).map(Result::unwrap),
    )
    .await;
    assert_eq!(&heard, b"answer");
}

/// A socket that ends without a goodbye may have been cut off by anybody.
#[test]
fn a_socket_that_ends_in_the_middle_is_no_end_however_often_it_is_asked() {
    fn cut_off<A, B: Read + Write>(
        core: &mut Core,
        (client, mut server): Pair<A, B>,
        socket: impl Fn(&A) -> &TcpStream,
    ) {
        run(core, async {
            let mut buf = [0; 8];
            let mut waits = read(&mut server, &mut buf).boxed_local();
            assert!((&mut waits).now_or_never().is_none(), "nothing is there");
            // Only its writing side: what is unread when a socket is closed resets the connection.
            let socket = socket(client.get_ref());
            socket.shutdown(Shutdown::Write).unwrap();
            assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
            let again = read(&mut server, &mut buf).await.unwrap_err();
            assert_eq!(again.kind(), ErrorKind::UnexpectedEof);
        });
    }
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    cut_off(&mut core, by_hand(&handle, &TLS13), |it| &it.socket);
    cut_off(&mut core, streams(&handle, &TLS13), |it| &it.sock);
}

type Pair<A, B> = (Layer<A>, Layer<B>);

fn by_hand(
    handle: &Handle,
    version: &'static SupportedProtocolVersion,
) -> Pair<ByHand<ClientConnection>, ByHand<ServerConnection>> {
    fn polite<C, D>(tls: C, stream: StdTcpStream, handle: &Handle) -> Layer<ByHand<C>>
    where
        C: DerefMut + Deref<Target = ConnectionCommon<D>>,
        D: SideData,
    {
        let socket = TcpStream::from_std(stream, handle).unwrap();
        Layer::new(ByHand { tls, socket }).on_shutdown(|it| {
            it.tls.send_close_notify();
            it.flush()?;
            it.socket.shutdown(Shutdown::Write)
        })
    }
    let ((client, stream), (server, peer)) = tls::after_the_handshake(version);
    (polite(client, stream, handle), polite(server, peer, handle))
}

fn streams(
    handle: &Handle,
    version: &'static SupportedProtocolVersion,
) -> Pair<StreamOwned<ClientConnection, TcpStream>, StreamOwned<ServerConnection, TcpStream>> {
    let ((client, stream), (server, peer)) = tls::after_the_handshake(version);
    let [stream, peer] = [stream, peer].map(|it| TcpStream::from_std(it, handle).unwrap());
    (
        Layer::new(StreamOwned::new(client, stream)),
        Layer::new(StreamOwned::new(server, peer)),
    )
}
