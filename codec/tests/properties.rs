//! What holds for every codec, every stream and every way to cut it.

mod allocator;
mod common;

use std::{
    fmt::Debug,
    io::{self, Read},
    task::{Context, Poll, Waker},
};

use allocator::live_bytes;
use bytes::Bytes;
use codec::{
    AnyDelimiterCodec, BytesCodec, Decoder, Encoder, FramedRead, LengthDelimitedCodec, LinesCodec,
    Segments, VarintDelimitedCodec,
};
use common::bytes_of;
use futures::StreamExt;
use io_traits::{AsyncRead, ReadCursor, pool};
use proptest::{collection::vec, prelude::*};

/// How long the pieces of a stream are, and whether it would block before each. Behind the last piece
/// comes the rest at once.
type Cuts = Vec<(usize, bool)>;

fn cuts(longest: usize) -> impl Strategy<Value = Cuts> {
    vec((1..=longest, any::<bool>()), 0..60)
}

/// A stream in pieces, which allocates nothing.
struct Pieces<'a> {
    stream: &'a [u8],
    cuts: &'a [(usize, bool)],
    has_blocked: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("the codec reads through a cursor")
    }
}

impl AsyncRead for Pieces<'_> {
    fn poll_read_into(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        let most = match self.cuts {
            [] => self.stream.len(),
            [(_, true), ..] if !self.has_blocked => {
                self.has_blocked = true;
                return Poll::Pending;
            }
            [(len, _), rest @ ..] => {
                self.cuts = rest;
                *len
            }
        };
        self.has_blocked = false;
        let n = buf.append(&self.stream[..most.min(self.stream.len())]);
        self.stream = &self.stream[n..];
        Poll::Ready(Ok(n))
    }
}

/// Hands each item of a stream to `visit`, and `None` behind each poll.
fn each_item<D: Decoder>(
    stream: &[u8],
    cuts: &Cuts,
    decoder: D,
    mut visit: impl FnMut(Option<Result<D::Item, D::Error>>),
) {
    let pieces = Pieces {
        stream,
        cuts,
        has_blocked: false,
    };
    let mut frames = FramedRead::new(pieces, decoder);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match frames.poll_next_unpin(&mut cx) {
            Poll::Pending => {}
            Poll::Ready(None) => return,
            Poll::Ready(item) => visit(item),
        }
        visit(None);
    }
}

fn items<D>(stream: &[u8], cuts: &Cuts, decoder: D) -> Vec<Result<Vec<u8>, String>>
where
    D: Decoder<Error: Debug>,
    D::Item: Into<Vec<u8>>,
{
    let mut items = Vec::new();
    each_item(stream, cuts, decoder, |item| {
        if let Some(item) = item {
            items.push(item.map(Into::into).map_err(|error| format!("{error:?}")));
        }
    });
    items
}

/// The most memory that is held between two polls, beside what was given out.
fn most_held<D: Decoder>(stream: &[u8], cuts: &Cuts, decoder: D) -> usize {
    // This thread's pool has buffers, so that what is lent is nobody's.
    let lent: Vec<_> = (0..4).map(|_| pool::take()).collect();
    drop(lent);
    let before = live_bytes();
    let mut most = 0;
    each_item(stream, cuts, decoder, |item| {
        if item.is_none() {
            most = most.max(live_bytes() - before);
        }
    });
    usize::try_from(most).expect("no less than nothing")
}

/// Bytes in which the things that mean something to a codec are frequent.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => prop::sample::select(&b"\n\r;,\0\x01\x02\x03\x05\x80\xff"[..]),
        2 => any::<u8>(),
    ];
    vec(byte, 0..400)
}

fn lengths() -> impl Strategy<Value = LengthDelimitedCodec> {
    (
        1_usize..=8,
        0_usize..4,
        -6_i64..6,
        0_usize..12,
        0_usize..300,
        any::<bool>(),
    )
        .prop_filter_map(
            "options that make no frames",
            |(field, offset, adjustment, skip, max, is_little)| {
                let builder = LengthDelimitedCodec::builder(max)
                    .length_field_length(field)
                    .length_field_offset(offset)
                    .length_adjustment(adjustment)
                    .num_skip(skip);
                let builder = match is_little {
                    true => builder.little_endian(),
                    false => builder,
                };
                builder.build().ok()
            },
        )
}

/// The bytes of items, as far as they are taken.
fn encoded<C: Encoder<Bytes>>(mut codec: C, items: &[Vec<u8>]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut queue = Segments::new();
    let mut taken = Vec::new();
    for item in items {
        let before = queue.len();
        match codec.encode(Bytes::copy_from_slice(item), &mut queue) {
            Ok(()) => taken.push(item.clone()),
            Err(_) => assert_eq!(queue.len(), before),
        }
    }
    (bytes_of(queue), taken)
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let len = prop_oneof![8 => 0_usize..40, 2 => 200..300_usize, 1 => 4000..5000_usize];
    let payload = (len, any::<u8>()).prop_map(|(len, first)| {
        let bytes = (0..len).map(|i| first.wrapping_add(i as u8));
        bytes.collect::<Vec<_>>()
    });
    vec(payload, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_split_of_the_input_gives_the_same_lines(stream in noise(), cuts in cuts(30), max in 0_usize..40) {
        let whole = items(&stream, &Vec::new(), LinesCodec::new(max));
        prop_assert_eq!(items(&stream, &cuts, LinesCodec::new(max)), whole);
    }

    #[test]
    fn any_split_of_the_input_gives_the_same_delimited_frames(
        stream in noise(), cuts in cuts(30), max in 0_usize..40, others in vec(any::<u8>(), 0..5),
    ) {
        let codec = AnyDelimiterCodec::new(b';', max);
        let codec = others.into_iter().fold(codec, AnyDelimiterCodec::or);
        let whole = items(&stream, &Vec::new(), codec.clone());
        prop_assert_eq!(items(&stream, &cuts, codec), whole);
    }

    #[test]
    fn any_split_of_the_input_gives_the_same_frames_of_a_length(
        stream in noise(), cuts in cuts(30), codec in lengths(),
    ) {
        let whole = items(&stream, &Vec::new(), codec.clone());
        prop_assert_eq!(items(&stream, &cuts, codec), whole);
    }

    #[test]
    fn any_split_of_the_input_gives_the_same_messages(
        stream in noise(), cuts in cuts(30), max in 0_usize..300,
    ) {
        let whole = items(&stream, &Vec::new(), VarintDelimitedCodec::new(max));
        prop_assert_eq!(items(&stream, &cuts, VarintDelimitedCodec::new(max)), whole);
    }

    #[test]
    fn any_split_of_the_input_gives_the_same_bytes(stream in noise(), cuts in cuts(30)) {
        let pieces = items(&stream, &cuts, BytesCodec::new());
        let together: Vec<u8> = pieces.into_iter().flat_map(Result::unwrap).collect();
        prop_assert_eq!(together, stream);
    }

    #[test]
    fn what_lengths_encode_they_decode(payloads in payloads(), cuts in cuts(600), max in 0_usize..6000) {
        let codec = LengthDelimitedCodec::new(max);
        let (stream, taken) = encoded(codec.clone(), &payloads);
        let taken: Vec<_> = taken.into_iter().map(Ok).collect();
        prop_assert_eq!(items(&stream, &cuts, codec), taken);
    }

    /// A field inside the item is filled in, so what comes back is compared with what goes out again.
    #[test]
    fn what_lengths_of_all_options_encode_they_decode_and_encode_again(
        payloads in payloads(), cuts in cuts(600), codec in lengths(),
    ) {
        let (stream, taken) = encoded(codec.clone(), &payloads);
        let back: Result<Vec<_>, _> = items(&stream, &cuts, codec.clone()).into_iter().collect();
        let back = back.expect("its own frames are accepted");
        let lengths = |items: &[Vec<u8>]| items.iter().map(Vec::len).collect::<Vec<_>>();
        prop_assert_eq!(lengths(&back), lengths(&taken));
        prop_assert_eq!(encoded(codec, &back), (stream, back));
    }

    #[test]
    fn what_varints_encode_they_decode(payloads in payloads(), cuts in cuts(600), max in 0_usize..6000) {
        let codec = VarintDelimitedCodec::new(max);
        let (stream, taken) = encoded(codec.clone(), &payloads);
        let taken: Vec<_> = taken.into_iter().map(Ok).collect();
        prop_assert_eq!(items(&stream, &cuts, codec), taken);
    }

    #[test]
    fn what_delimiters_encode_they_decode(payloads in payloads(), cuts in cuts(600), max in 0_usize..6000) {
        let codec = AnyDelimiterCodec::new(b';', max).or(b'\n');
        let (stream, taken) = encoded(codec.clone(), &payloads);
        let taken: Vec<_> = taken.into_iter().map(Ok).collect();
        prop_assert_eq!(items(&stream, &cuts, codec), taken);
    }

    #[test]
    fn what_lines_encode_they_decode(lines in vec("[^\r\n]{0,50}", 0..12), cuts in cuts(60)) {
        let mut queue = Segments::new();
        for line in &lines {
            LinesCodec::new(200).encode(line, &mut queue).expect("a line is a line");
        }
        let lines: Vec<_> = lines.into_iter().map(|line| Ok(line.into_bytes())).collect();
        prop_assert_eq!(items(&bytes_of(queue), &cuts, LinesCodec::new(200)), lines);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn memory_stays_under_the_longest_frame_and_one_read(
        payloads in vec(prop_oneof![0_usize..2000, 30_000..70_000_usize, 100_000..400_000_usize], 1..5),
        cuts in cuts(100_000),
        is_open in any::<bool>(),
    ) {
        let max = payloads.iter().copied().max().expect("there are some");
        let items: Vec<_> = payloads.iter().map(|&len| vec![b'x'; len]).collect();
        let (stream, _) = encoded(LengthDelimitedCodec::new(max), &items);
        let held = most_held(&stream, &cuts, LengthDelimitedCodec::new(max));
        prop_assert!(held <= max + 4 + READ + BOOKS, "{} bytes for {}", held, max);
        let (stream, _) = encoded(VarintDelimitedCodec::new(max), &items);
        let held = most_held(&stream, &cuts, VarintDelimitedCodec::new(max));
        prop_assert!(held <= max + 10 + READ + BOOKS, "{} bytes for messages of {}", held, max);

        // Lines as long, of which the last may have no end.
        let mut stream: Vec<u8> = Vec::new();
        for &len in &payloads {
            stream.resize(stream.len() + len, b'x');
            stream.push(b'\n');
        }
        if is_open {
            stream.resize(stream.len() + 2 * max, b'x');
        }
        let held = most_held(&stream, &cuts, LinesCodec::new(max));
        prop_assert!(held <= max + 2 + READ + BOOKS, "{} bytes for lines of {}", held, max);
        let held = most_held(&stream, &cuts, AnyDelimiterCodec::new(b'\n', max));
        prop_assert!(held <= max + 1 + READ + BOOKS, "{} bytes for frames of {}", held, max);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn long_frames_of_one_length_are_what_was_sent_whether_they_are_kept_or_not(
        lens in vec(prop_oneof![6 => Just(None), 1 => (0_usize..75_000).prop_map(Some)], 1..12),
        usual in 30_000_usize..75_000,
        cuts in cuts(200_000),
        kept in vec(any::<bool>(), 12),
        is_shared in any::<bool>(),
    ) {
        let frames = lens.iter().zip(0_u8..).map(|(len, n)| vec![n; len.unwrap_or(usual)]);
        let frames: Vec<_> = frames.collect();
        let plain = LengthDelimitedCodec::new(75_000);
        let (stream, _) = encoded(plain.clone(), &frames);
        let codec = if is_shared { plain.with_shared_items() } else { plain };
        let mut come = Vec::new();
        each_item(&stream, &cuts, codec, |item| {
            if let Some(item) = item {
                let item = item.expect("a frame");
                let is_right = item == frames[come.len()];
                come.push((is_right, kept[come.len()].then_some(item)));
            }
        });
        prop_assert_eq!(come.len(), frames.len());
        for ((is_right, kept), frame) in come.iter().zip(&frames) {
            prop_assert!(is_right);
            prop_assert!(kept.as_ref().is_none_or(|kept| kept == frame), "it has changed");
        }
    }
}

/// The bytes of one read.
const READ: usize = pool::CAPACITY;

/// Beside the bytes: what counts who refers to them.
const BOOKS: usize = 200;
