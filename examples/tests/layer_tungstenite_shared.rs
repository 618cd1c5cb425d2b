//! One WebSocket of tungstenite in a layer, and two tasks with it: one reads, the other writes.

mod on_core;

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    net::{SocketAddr, TcpListener as StdTcpListener, TcpStream as StdTcpStream},
    rc::Rc,
};

use examples::Random;
use futures::{
    FutureExt, StreamExt,
    future::{join, select},
    stream::FuturesUnordered,
};
use io_traits::{
    layer::{Layer, Step, handshake},
    task::Stalled,
};
use net::TcpStream;
use on_core::run;
use reactor::{Core, Handle};
use socket2::SockRef;
use tungstenite::{Error, HandshakeError, Message, WebSocket, protocol::Role};

type Socket = Layer<WebSocket<TcpStream>>;

#[test]
fn two_tasks_on_each_of_two_websockets_lose_no_wakeup() {
    for seed in 0..2 {
        let mut core = Core::new().unwrap();
        let (one, two) = pair(&core.handle());
        let (one, two) = (Rc::new(one), Rc::new(two));
        let spawner = core.spawner();
        let (sender, receiver) = (one.clone(), two.clone());
        let (back_sender, back_receiver) = (two.clone(), one.clone());
        // Each is polled only when it was woken itself.
        let tasks = [
            spawner.spawn(async move { send_all(&sender, seed).await }),
            spawner.spawn(async move { receive_all(&receiver, seed).await }),
            spawner.spawn(async move { send_all(&back_sender, seed + 100).await }),
            spawner.spawn(async move { receive_all(&back_receiver, seed + 100).await }),
        ];
        run(&mut core, async {
            for task in tasks {
                task.await.unwrap();
            }
        });
        // Kept until here: one that is dropped with a pong unread resets the connection.
        drop((one, two));
    }
}

#[test]
fn two_children_of_one_task_with_wakers_of_their_own_lose_no_wakeup() {
    let mut core = Core::new().unwrap();
    let (one, two) = pair(&core.handle());
    let mut children = FuturesUnordered::new();
    children.push(send_all(&one, 1).boxed_local());
    children.push(send_all(&two, 2).boxed_local());
    children.push(receive_all(&one, 2).boxed_local());
    children.push(receive_all(&two, 1).boxed_local());
    run(&mut core, async {
        while children.next().await.is_some() {}
    });
}

/// The reader flushes before it parks, and then waits for both directions. That must not take the place of
/// the task that writes.
#[test]
fn a_reader_that_waits_for_room_as_well_leaves_the_writer_its_wakeup() {
    let mut core = Core::new().unwrap();
    let (one, two) = pair(&core.handle());
    let large = Message::binary(vec![7; 20 * LARGE]);
    run(&mut core, async {
        let sent = Cell::new(false);
        let mut sends = send(&one, large.clone())
            .map(|()| sent.set(true))
            .boxed_local();
        assert!((&mut sends).now_or_never().is_none(), "it fits");
        // Now the one that reads comes, and has to flush what does not go out.
        let mut reads = read(&one).boxed_local();
        assert!((&mut reads).now_or_never().is_none());
        // Another task has to be woken by its own waker, so these two go to children.
        let mut waits = FuturesUnordered::new();
        waits.push(sends.map(|()| None).boxed_local());
        waits.push(reads.map(Some).boxed_local());
        send(&two, Message::text("a word in between")).await;
        let word = waits.next().await;
        assert_eq!(word, Some(Some(Message::text("a word in between"))));
        assert!(!sent.get(), "nobody has read it");
        let (got, _) = join(read(&two), waits.next()).await;
        assert!(got == large && sent.get());
    });
}

#[test]
fn a_wait_that_is_dropped_on_one_side_does_not_disturb_the_other() {
    let mut core = Core::new().unwrap();
    let (one, two) = pair(&core.handle());
    run(&mut core, async {
        for number in 0..50_u32 {
            // A reader that gives up whenever the writer has been faster.
            let reads = read(&one).boxed_local();
            let sends = send(&one, Message::text(number.to_string())).boxed_local();
            select(reads, sends).await;
            assert_eq!(read(&two).await, Message::text(number.to_string()));
        }
        send(&two, Message::text("still there")).await;
        assert_eq!(read(&one).await, Message::text("still there"));
    });
}

/// A socket of std answers "would block" as well, but nobody is asked to wake the task.
#[test]
fn a_websocket_over_a_socket_that_wakes_nobody_ends_as_stalled() {
    let mut core = Core::new().unwrap();
    let (stream, peer) = connected();
    stream.set_nonblocking(true).unwrap();
    run(&mut core, async {
        let asks = handshake(
            || step(tungstenite::client("ws://localhost/", &stream)),
            |mid| step(mid.handshake()),
        );
        assert!(is_stalled(&asks.await.unwrap_err()));

        let socket = WebSocket::from_raw_socket(&stream, Role::Client, None);
        let mut layer = Layer::with_flush(socket, |it| it.flush().map_err(io::Error::other));
        for _ in 0..2 {
            let error = layer.with(WebSocket::read).await.unwrap_err();
            assert!(is_stalled(&error));
        }
        // It is none the worse for it: what is there is read, by way of the same object.
        let mut theirs = WebSocket::from_raw_socket(&peer, Role::Server, None);
        theirs.send(Message::text("late")).unwrap();
        let message = layer.with(WebSocket::read).await.unwrap();
        assert_eq!(message, Message::text("late"));
    });
}

fn is_stalled(error: &Error) -> bool {
    matches!(error, Error::Io(error) if Stalled::is_source_of(error))
}

fn step<R: tungstenite::handshake::HandshakeRole>(
    result: Result<R::FinalResult, HandshakeError<R>>,
) -> Result<Step<R::FinalResult, tungstenite::handshake::MidHandshake<R>>, Error> {
    match result {
        Ok(made) => Ok(Step::Done(made)),
        Err(HandshakeError::Interrupted(mid)) => Ok(Step::Blocked(mid)),
        Err(HandshakeError::Failure(error)) => Err(error),
    }
}

async fn send_all(socket: &RefCell<Socket>, seed: u64) {
    let mut random = Random::new(seed);
    for number in 0..MESSAGES {
        // Its pong is written by a read, on the other side.
        if number.is_multiple_of(7) {
            send(socket, Message::Ping(number.to_string().into())).await;
        }
        send(socket, message(number, &mut random)).await;
    }
}

async fn receive_all(socket: &RefCell<Socket>, seed: u64) {
    let mut random = Random::new(seed);
    for number in 0..MESSAGES {
        let expected = message(number, &mut random);
        let got = loop {
            match read(socket).await {
                Message::Ping(_) | Message::Pong(_) => {}
                message => break message,
            }
        };
        assert!(got == expected, "message {number}");
    }
}

/// Most are short; some do not fit into the buffers of the sockets.
fn message(number: usize, random: &mut Random) -> Message {
    let length = match number % 10 {
        5 => LARGE,
        _ => random.below(3_000),
    };
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    Message::binary(bytes)
}

async fn read(socket: &RefCell<Socket>) -> Message {
    poll_fn(|cx| socket.borrow_mut().poll_with(cx, WebSocket::read))
        .await
        .unwrap()
}

/// The first call hands the message over; if that would block, a later one only flushes.
async fn send(socket: &RefCell<Socket>, message: Message) {
    let mut unsent = Some(message);
    poll_fn(|cx| {
        let verb = |socket: &mut WebSocket<TcpStream>| match unsent.take() {
            Some(message) => socket.send(message),
            None => socket.flush(),
        };
        socket.borrow_mut().poll_with(cx, verb)
    })
    .await
    .unwrap();
}

/// Both ends of a connection, after the handshake; their sockets hold little.
fn pair(handle: &Handle) -> (RefCell<Socket>, RefCell<Socket>) {
    let (one, two) = connected();
    let socket = |stream: StdTcpStream, role| {
        SockRef::from(&stream).set_send_buffer_size(8_192).unwrap();
        stream.set_nodelay(true).unwrap();
        let stream = TcpStream::from_std(stream, handle).unwrap();
        let socket = WebSocket::from_raw_socket(stream, role, None);
        RefCell::new(Layer::with_flush(socket, |socket| {
            socket.flush().map_err(io::Error::other)
        }))
    };
    (socket(one, Role::Client), socket(two, Role::Server))
}

fn connected() -> (StdTcpStream, StdTcpStream) {
    let any_port: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let listener = StdTcpListener::bind(any_port).unwrap();
    let one = StdTcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (one, listener.accept().unwrap().0)
}

const MESSAGES: usize = 100;
const LARGE: usize = 200_000;
