//! tungstenite, a blocking WebSocket library, on our event loop, with its blocking self as the peer.

mod on_core;

use std::{
    cell::Cell,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener as StdTcpListener, TcpStream as StdTcpStream},
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use examples::Random;
use io_traits::{
    layer::{Layer, Step, handshake},
    task,
};
use net::{TcpListener, TcpStream};
use on_core::{LIMIT, run};
use reactor::Core;
use tungstenite::{
    Error, HandshakeError, Message, WebSocket,
    handshake::{HandshakeRole, MidHandshake},
};

#[test]
fn our_server_echoes_to_a_blocking_client() {
    let mut core = Core::new().unwrap();
    let listener = TcpListener::bind(&any_port(), &core.handle()).unwrap();
    let addr = listener.local_addr().unwrap();
    let (blocked, blocks) = mpsc::channel();
    let client = thread::spawn(move || {
        let stream = InPieces::new(StdTcpStream::connect(addr).unwrap(), blocks);
        let (mut socket, _) = tungstenite::client(URL, stream).unwrap();
        let mut random = Random::new(1);
        for number in 0..MESSAGES {
            let (ping, message) = messages(number, &mut random);
            if let Some(ping) = &ping {
                socket.send(ping.clone()).unwrap();
            }
            socket.send(message.clone()).unwrap();
            if let Some(ping) = ping {
                assert_eq!(socket.read().unwrap(), pong(ping));
            }
            assert!(socket.read().unwrap() == message, "message {number}");
        }
        socket.close(None).unwrap();
        assert!(matches!(socket.read(), Ok(Message::Close(_))));
        assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    });
    run(&mut core, async {
        let (stream, _) = task::io(|| listener.accept()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let blocks = Blocks::new(blocked);
        let socket = handshake(
            || blocks.step(tungstenite::accept(stream)),
            |mid| blocks.step(mid.handshake()),
        );
        let mut socket = layer(socket.await.unwrap());
        assert!(blocks.count.get() >= PIECES);
        loop {
            match socket.with(WebSocket::read).await {
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                    send(&mut socket, message).await;
                }
                Ok(_) => {}
                Err(Error::ConnectionClosed) => break,
                Err(error) => panic!("{error}"),
            }
        }
    });
    client.join().unwrap();
}

#[test]
fn our_client_gets_an_echo_of_a_blocking_server() {
    let listener = StdTcpListener::bind(any_port()).unwrap();
    let addr = listener.local_addr().unwrap();
    let (blocked, blocks) = mpsc::channel();
    let server = thread::spawn(move || {
        let stream = InPieces::new(listener.accept().unwrap().0, blocks);
        let mut socket = tungstenite::accept(stream).unwrap();
        loop {
            match socket.read() {
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                    socket.send(message).unwrap();
                }
                Ok(_) => {}
                Err(Error::ConnectionClosed) => break,
                Err(error) => panic!("{error}"),
            }
        }
    });
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    run(&mut core, async {
        let stream = TcpStream::connect(&addr, &handle).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let blocks = Blocks::new(blocked);
        let socket = handshake(
            || blocks.step(tungstenite::client(URL, stream)),
            |mid| blocks.step(mid.handshake()),
        );
        let mut socket = layer(socket.await.unwrap().0);
        assert!(blocks.count.get() >= PIECES);
        let mut random = Random::new(2);
        for number in 0..MESSAGES {
            let (ping, message) = messages(number, &mut random);
            if let Some(ping) = &ping {
                send(&mut socket, ping.clone()).await;
            }
            send(&mut socket, message.clone()).await;
            if let Some(ping) = ping {
                assert_eq!(socket.with(WebSocket::read).await.unwrap(), pong(ping));
            }
            let echo = socket.with(WebSocket::read).await.unwrap();
            assert!(echo == message, "message {number}");
        }
        socket.with(|socket| socket.close(None)).await.unwrap();
        let close = socket.with(WebSocket::read).await;
        assert!(matches!(close, Ok(Message::Close(_))));
        let end = socket.with(WebSocket::read).await;
        assert!(matches!(end, Err(Error::ConnectionClosed)));
    });
    server.join().unwrap();
}

#[test]
fn what_is_not_a_handshake_is_the_librarys_error() {
    let mut core = Core::new().unwrap();
    let listener = TcpListener::bind(&any_port(), &core.handle()).unwrap();
    let mut client = StdTcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.write_all(b"no HTTP at all\r\n\r\n").unwrap();
    run(&mut core, async {
        let (stream, _) = task::io(|| listener.accept()).await.unwrap();
        let blocks = Blocks::new(mpsc::channel().0);
        let socket = handshake(
            || blocks.step(tungstenite::accept(stream)),
            |mid| blocks.step(mid.handshake()),
        );
        assert!(matches!(socket.await, Err(Error::Protocol(_))));
    });
}

/// Counts the times that a handshake would block, and tells the peer of each.
struct Blocks {
    count: Cell<usize>,
    told: Sender<()>,
}

impl Blocks {
    fn new(told: Sender<()>) -> Self {
        Self {
            count: Cell::new(0),
            told,
        }
    }

    fn step<R: HandshakeRole>(
        &self,
        result: Result<R::FinalResult, HandshakeError<R>>,
    ) -> Result<Step<R::FinalResult, MidHandshake<R>>, Error> {
        match result {
            Ok(made) => Ok(Step::Done(made)),
            Err(HandshakeError::Interrupted(mid)) => {
                self.count.set(self.count.get() + 1);
                // An error: the peer has heard of enough of them.
                let _ = self.told.send(());
                Ok(Step::Blocked(mid))
            }
            Err(HandshakeError::Failure(error)) => Err(error),
        }
    }
}

fn layer(socket: WebSocket<TcpStream>) -> Layer<WebSocket<TcpStream>> {
    Layer::with_flush(socket, |socket| socket.flush().map_err(io::Error::other))
}

/// The first call hands the message over; if that would block, a later one only flushes.
async fn send(socket: &mut Layer<WebSocket<TcpStream>>, message: Message) {
    let mut unsent = Some(message);
    socket
        .with(|socket| match unsent.take() {
            Some(message) => socket.send(message),
            None => socket.flush(),
        })
        .await
        .unwrap();
}

/// Some a MiB long, the others short; some with a ping before them.
fn messages(number: usize, random: &mut Random) -> (Option<Message>, Message) {
    let length = if number % 100 == 50 {
        1 << 20
    } else {
        random.below(2_000)
    };
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    let message = if number.is_multiple_of(2) {
        Message::binary(bytes)
    } else {
        let text: String = bytes.into_iter().map(char::from).collect();
        Message::text(text)
    };
    let ping = number
        .is_multiple_of(10)
        .then(|| Message::Ping(number.to_string().into()));
    (ping, message)
}

fn pong(ping: Message) -> Message {
    match ping {
        Message::Ping(payload) => Message::Pong(payload),
        other => panic!("{other:?} is no ping"),
    }
}

/// A blocking stream whose first pieces are sent one by one, each when the other end has been waiting.
struct InPieces {
    stream: StdTcpStream,
    blocks: Receiver<()>,
    left: usize,
}

impl InPieces {
    fn new(stream: StdTcpStream, blocks: Receiver<()>) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        Self {
            stream,
            blocks,
            left: PIECES,
        }
    }
}

impl Read for InPieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buf)
    }
}

impl Write for InPieces {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return self.stream.write(buf);
        }
        self.left -= 1;
        self.blocks.recv_timeout(LIMIT).map_err(io::Error::other)?;
        self.stream.write(&buf[..buf.len().min(20)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

const URL: &str = "ws://localhost/";
const MESSAGES: usize = 1_000;
/// How many times a handshake has to wait for the next piece.
const PIECES: usize = 4;
