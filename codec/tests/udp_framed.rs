//! Frames in datagrams, over a socket of a script.

mod common;

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use codec::{
    AnyDelimiterCodec, BytesCodec, DatagramError, Decoder, LengthDelimitedCodec,
    LengthDelimitedError, LinesCodec, LinesError, UdpFramed, VarintDelimitedCodec,
};
use common::{Wakes, poll_next};
use futures::{FutureExt, Sink, SinkExt, StreamExt, executor::block_on, stream::FusedStream};
use io_traits::{AsyncDatagram, ReadCursor, pool, task::budget};

/// A socket whose datagrams are known. Peers are numbers.
#[derive(Debug, Default)]
struct Datagrams {
    /// What is received; `Ok` of `None` is a would-block that nobody wakes.
    coming: VecDeque<io::Result<(Vec<u8>, u8)>>,
    sent: Vec<(Vec<u8>, u8)>,
    /// The errors of the sends to come; `WouldBlock` is one that is woken by [`Self::unblock`].
    send_errors: VecDeque<io::ErrorKind>,
    waiting: Option<Waker>,
    /// The longest datagram that can be sent.
    longest: usize,
    receives: usize,
}

impl Datagrams {
    fn new() -> Self {
        Self {
            longest: 65_507,
            ..Self::default()
        }
    }

    fn gives(mut self, bytes: impl AsRef<[u8]>, from: u8) -> Self {
        self.coming.push_back(Ok((bytes.as_ref().to_vec(), from)));
        self
    }

    fn fails(mut self, kind: io::ErrorKind) -> Self {
        self.coming.push_back(Err(kind.into()));
        self
    }

    fn send_fails(mut self, kind: io::ErrorKind) -> Self {
        self.send_errors.push_back(kind);
        self
    }

    fn unblock(&mut self) {
        self.send_errors.pop_front();
        self.waiting.take().expect("a task waits").wake();
    }
}

impl AsyncDatagram for Datagrams {
    type Addr = u8;

    fn poll_recv_datagram(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<u8>> {
        self.receives += 1;
        match self.coming.pop_front() {
            Some(Ok((bytes, from))) => {
                buf.append(&bytes[..bytes.len().min(buf.remaining())]);
                Poll::Ready(Ok(from))
            }
            Some(Err(error)) => Poll::Ready(Err(error)),
            None => Poll::Pending,
        }
    }

    fn poll_send_datagram(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
        to: &u8,
    ) -> Poll<io::Result<()>> {
        match self.send_errors.front() {
            Some(io::ErrorKind::WouldBlock) => {
                self.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Some(&kind) => {
                self.send_errors.pop_front();
                return Poll::Ready(Err(kind.into()));
            }
            None => {}
        }
        if buf.len() > self.longest {
            return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
        }
        self.sent.push((buf.to_vec(), *to));
        Poll::Ready(Ok(()))
    }
}

/// All items that are there, in words.
fn items<C>(frames: &mut UdpFramed<Datagrams, C>) -> Vec<String>
where
    C: Decoder<Item: AsRef<[u8]>, Error: std::error::Error> + Clone,
{
    let mut items = Vec::new();
    while let Poll::Ready(item) = poll_next(frames) {
        items.push(match item.expect("datagrams have no end") {
            Ok((frame, peer)) => format!("{peer}: {}", frame.as_ref().escape_ascii()),
            Err(DatagramError::Codec { peer, error }) => format!("{peer}: error: {error}"),
            Err(error) => format!("error: {error}"),
        });
        assert!(
            items.len() < 1_000,
            "it goes on for ever: {:?}",
            &items[..10]
        );
    }
    items
}

const TOO_LONG: &str = "error: a line is longer than the maximum";

#[test]
fn each_datagram_is_a_frame_with_its_peer() {
    let socket = Datagrams::new().gives("one", 1).gives("two", 2);
    let mut pieces = UdpFramed::new(socket, BytesCodec::new());
    assert_eq!(items(&mut pieces), ["1: one", "2: two"]);
}

#[test]
fn one_datagram_may_hold_several_frames_and_is_received_once() {
    let socket = Datagrams::new()
        .gives("one\ntwo\r\nthree", 1)
        .gives("four\n", 2);
    let mut lines = UdpFramed::new(socket, LinesCodec::new(80));
    assert_eq!(
        items(&mut lines),
        ["1: one", "1: two", "1: three", "2: four"]
    );
    // Two, and one that would have blocked.
    assert_eq!(lines.get_ref().receives, 3);
}

#[test]
fn a_bad_datagram_is_one_error_that_names_its_peer_and_does_not_poison_the_next() {
    let frame = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
    let socket = Datagrams::new()
        .gives(frame(b"one"), 1)
        // A frame that announces more than is in its datagram: none of the next is taken for it.
        .gives(b"\0\0\0\x05he", 2)
        .gives(frame(b"two"), 3)
        // A frame over the maximum, and one behind it that nobody can find.
        .gives([&b"\0\0\0\xffxx"[..], &frame(b"lost")].concat(), 4)
        .gives(b"\0\0", 5)
        .gives(
            [frame(b"three"), frame(b"four"), b"\0".to_vec()].concat(),
            6,
        )
        .gives(frame(b"five"), 7);
    let mut frames = UdpFramed::new(socket, LengthDelimitedCodec::new(80));
    let failed = "error: reading or writing frames failed";
    assert_eq!(
        items(&mut frames),
        [
            "1: one",
            &format!("2: {failed}"),
            "3: two",
            "4: error: a frame is longer than the maximum: 255 in its length field",
            &format!("5: {failed}"),
            "6: three",
            "6: four",
            &format!("6: {failed}"),
            "7: five",
        ]
    );
}

#[test]
fn an_error_of_one_frame_leaves_the_others_of_its_datagram() {
    let socket = Datagrams::new()
        .gives(b"far too long\nok\n\xff\n", 1)
        .gives("far too long", 2)
        .gives("next", 3);
    let mut lines = UdpFramed::new(socket, LinesCodec::new(5));
    assert_eq!(
        items(&mut lines),
        [
            &format!("1: {TOO_LONG}"),
            "1: ok",
            "1: error: a line is not UTF-8",
            &format!("2: {TOO_LONG}"),
            "3: next"
        ]
    );
}

#[test]
fn an_empty_datagram_is_not_swallowed() {
    let socket = Datagrams::new().gives("", 1).gives("one", 2).gives("", 3);
    let mut pieces = UdpFramed::new(socket, BytesCodec::new());
    assert_eq!(
        items(&mut pieces),
        [
            "error: no frame is in a datagram of 1",
            "2: one",
            "error: no frame is in a datagram of 3",
        ]
    );
}

#[test]
fn an_error_of_the_socket_is_an_item_and_the_next_datagram_comes() {
    let socket = Datagrams::new()
        .fails(io::ErrorKind::ConnectionRefused)
        .gives("one", 1);
    let mut pieces = UdpFramed::new(socket, BytesCodec::new());
    let Some(Err(DatagramError::Io(error))) = block_on(pieces.next()) else {
        panic!("the error is an item");
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(items(&mut pieces), ["1: one"]);
}

#[test]
fn the_stream_is_never_at_its_end_so_that_a_select_goes_on_with_it() {
    let socket = Datagrams::new().gives("one\n", 1);
    let mut lines = UdpFramed::new(
        socket.fails(io::ErrorKind::ConnectionRefused),
        LinesCodec::new(80),
    );
    let mut taken = 0;
    block_on(async {
        while taken < 2 {
            // It asks for a fused stream, and would panic once all of its streams have ended.
            futures::select! {
                _ = lines.next() => taken += 1,
                complete => panic!("the stream says that it has ended"),
            }
        }
    });
    assert!(lines.next().now_or_never().is_none());
    assert!(!lines.is_terminated());
}

#[test]
fn a_datagram_over_the_maximum_is_an_error_and_one_at_it_is_not() {
    let socket = Datagrams::new()
        .gives([b'x'; 100], 1)
        .gives([b'x'; 101], 2)
        .gives("ok", 3);
    let mut pieces = UdpFramed::new(socket, BytesCodec::new()).with_max_datagram(100);
    let long = "x".repeat(100);
    assert_eq!(
        items(&mut pieces),
        [
            &format!("1: {long}"),
            "error: a datagram of 2 is longer than the maximum",
            "3: ok"
        ]
    );
    // Without a maximum the longest there is comes whole.
    let longest = vec![b'x'; 65_535];
    let mut pieces = UdpFramed::new(Datagrams::new().gives(&longest, 1), BytesCodec::new());
    let (piece, _) = block_on(pieces.next()).unwrap().unwrap();
    assert!(piece == longest);
}

/// An error that consumes nothing, or comes from what the decoder remembers, is not an error for ever.
#[test]
fn a_decoder_that_fails_for_ever_fails_once_a_datagram() {
    #[derive(Clone)]
    struct Failing {
        is_fatal: bool,
        consumes: bool,
    }
    impl Decoder for Failing {
        type Item = BytesMut;
        type Error = io::Error;

        fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<BytesMut>> {
            if self.consumes {
                src.clear();
            }
            Err(io::ErrorKind::InvalidData.into())
        }

        fn is_fatal(&self, _: &io::Error) -> bool {
            self.is_fatal
        }
    }
    for (is_fatal, consumes) in [(true, true), (true, false), (false, false)] {
        let socket = Datagrams::new().gives("one", 1).gives("two", 2);
        let mut frames = UdpFramed::new(socket, Failing { is_fatal, consumes });
        assert_eq!(items(&mut frames).len(), 2);
    }
}

#[test]
fn each_frame_is_a_datagram_to_its_peer() {
    let mut frames = UdpFramed::new(Datagrams::new(), LengthDelimitedCodec::new(70_000));
    block_on(async {
        frames.feed((Bytes::from("one"), 1)).await.unwrap();
        frames.feed((Bytes::new(), 2)).await.unwrap();
        // A head and a payload that is referenced are put together.
        frames.send((Bytes::from(vec![7; 5_000]), 3)).await.unwrap();
    });
    let sent = &frames.get_ref().sent;
    assert_eq!(sent[0], (b"\0\0\0\x03one".to_vec(), 1));
    assert_eq!(sent[1], (b"\0\0\0\0".to_vec(), 2));
    assert_eq!(sent[2].0.len(), 5_004);
    assert!(sent[2].0.starts_with(b"\0\0\x13\x88\x07\x07") && sent[2].0.ends_with(&[7; 100]));
}

#[test]
fn a_frame_without_bytes_is_an_empty_datagram() {
    let mut pieces = UdpFramed::new(Datagrams::new(), BytesCodec::new());
    block_on(pieces.send((Bytes::new(), 1))).unwrap();
    assert_eq!(pieces.get_ref().sent, [(vec![], 1)]);
}

#[test]
fn an_item_that_cannot_be_encoded_is_an_error_that_names_its_peer_and_sends_nothing() {
    let mut frames = UdpFramed::new(Datagrams::new(), LengthDelimitedCodec::new(3));
    block_on(async {
        let error = frames.send((Bytes::from("four"), 1)).await.unwrap_err();
        assert_eq!(error.peer(), Some(&1));
        let DatagramError::Codec { error, .. } = error else {
            panic!("{error}");
        };
        assert!(matches!(
            error,
            LengthDelimitedError::ItemTooLong { len: 4 }
        ));
        frames.send((Bytes::from("two"), 2)).await.unwrap();
    });
    assert_eq!(frames.get_ref().sent, [(b"\0\0\0\x03two".to_vec(), 2)]);
}

#[test]
fn a_datagram_that_cannot_be_sent_is_an_error_that_names_its_peer_and_does_not_stay() {
    let mut socket = Datagrams::new();
    socket.longest = 10;
    let mut pieces = UdpFramed::new(socket, BytesCodec::new());
    block_on(async {
        let error = pieces.send((vec![b'x'; 11], 1)).await.unwrap_err();
        assert!(
            matches!(error, DatagramError::Send { peer: 1, .. }),
            "{error}"
        );
        pieces.send((b"ok".to_vec(), 2)).await.unwrap();
    });
    assert_eq!(pieces.get_ref().sent, [(b"ok".to_vec(), 2)]);
}

#[test]
fn the_sink_is_ready_again_when_its_datagram_is_out() {
    let socket = Datagrams::new().send_fails(io::ErrorKind::WouldBlock);
    let mut lines = UdpFramed::new(socket, LinesCodec::new(80));
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    let ready = |lines: &mut UdpFramed<_, _>, cx: &mut Context<'_>| {
        Sink::<(&str, u8)>::poll_ready(Pin::new(lines), cx).is_ready()
    };
    assert!(ready(&mut lines, &mut cx));
    lines.start_send_unpin(("one", 1)).unwrap();
    assert!(!ready(&mut lines, &mut cx));
    lines.get_mut().unblock();
    assert_eq!(wakes.count(), 1);
    assert!(ready(&mut lines, &mut cx));
    assert_eq!(lines.get_ref().sent, [(b"one\n".to_vec(), 1)]);
}

#[test]
fn a_flush_that_is_cancelled_loses_nothing() {
    let socket = Datagrams::new().send_fails(io::ErrorKind::WouldBlock);
    let mut lines = UdpFramed::new(socket, LinesCodec::new(80));
    block_on(lines.feed(("one", 1))).unwrap();
    assert!(lines.flush::<LinesError>().now_or_never().is_none());
    lines.get_mut().unblock();
    block_on(lines.flush::<LinesError>()).unwrap();
    assert_eq!(lines.get_ref().sent, [(b"one\n".to_vec(), 1)]);
}

#[test]
fn what_was_fed_is_sent_before_the_stream_parks() {
    let socket = Datagrams::new().gives("one", 1).gives("two", 2);
    let mut lines = UdpFramed::new(socket, LinesCodec::new(80));
    for _ in 0..2 {
        let received = block_on(lines.next()).unwrap().unwrap();
        block_on(lines.feed(received)).unwrap();
    }
    assert!(poll_next(&mut lines).is_pending());
    let expected = [(b"one\n".to_vec(), 1), (b"two\n".to_vec(), 2)];
    assert_eq!(lines.get_ref().sent, expected);

    // If it cannot be, that is an item.
    let socket = Datagrams::new().send_fails(io::ErrorKind::NetworkUnreachable);
    let mut lines = UdpFramed::new(socket, LinesCodec::new(80));
    block_on(lines.feed(("one", 1))).unwrap();
    let Poll::Ready(Some(Err(DatagramError::Send { peer: 1, error }))) = poll_next(&mut lines)
    else {
        panic!("the error is an item");
    };
    assert_eq!(error.kind(), io::ErrorKind::NetworkUnreachable);
    assert!(poll_next(&mut lines).is_pending());
}

#[test]
fn no_buffer_is_held_while_it_waits_nor_while_its_user_is_busy_with_the_last_frame() {
    let lent = pool::take();
    let address = lent.as_ptr();
    drop(lent);
    let socket = Datagrams::new().gives("one\ntwo", 1);
    let mut lines = UdpFramed::new(socket, LinesCodec::new(80));
    assert!(poll_next(&mut lines).is_ready());
    assert_ne!(pool::take().as_ptr(), address, "the second line is in it");
    assert!(poll_next(&mut lines).is_ready());
    assert_eq!(pool::take().as_ptr(), address);
    assert!(poll_next(&mut lines).is_pending());
    assert_eq!(pool::take().as_ptr(), address);
}

#[test]
fn a_flood_yields_when_the_budget_is_used_up() {
    let mut socket = Datagrams::new();
    for i in 0..100 {
        socket = socket.gives("line\nline", i);
    }
    let mut lines = UdpFramed::new(socket, LinesCodec::new(80));
    let taken = budget::with(10, || items(&mut lines).len());
    assert_eq!(taken, 10);
    assert_eq!(items(&mut lines).len(), 190);
}

#[test]
fn every_codec_takes_datagrams() {
    let socket = || Datagrams::new().gives("\u{3}abc", 1);
    let mut varints = UdpFramed::new(socket(), VarintDelimitedCodec::new(80));
    assert_eq!(items(&mut varints), ["1: abc"]);
    let mut fields = UdpFramed::new(socket(), AnyDelimiterCodec::new(b'b', 80));
    assert_eq!(items(&mut fields), ["1: \\x03a", "1: c"]);
}
