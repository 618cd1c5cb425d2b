//! How often a reader and a decoder are called, and how often bytes are copied.

mod common;

use std::{
    io::{self, Read},
    task::{Context, Poll},
};

use bytes::{Buf, BytesMut};
use codec::{BytesCodec, Decoder, FramedRead, LengthDelimitedCodec, LinesCodec};
use common::{Drip, poll_next};
use futures::{FutureExt, executor::block_on};
use io_traits::{AsyncRead, ReadCursor, pool, testing::Script};

#[test]
fn a_decoder_is_asked_until_it_has_nothing_more_also_with_an_empty_buffer() {
    /// Yields each byte, and once more out of nothing.
    struct Twice(Option<u8>);

    impl Decoder for Twice {
        type Item = u8;
        type Error = io::Error;

        fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<u8>> {
            if let Some(again) = self.0.take() {
                return Ok(Some(again));
            }
            self.0 = (!src.is_empty()).then(|| src.get_u8());
            Ok(self.0)
        }
    }

    let script = Script::new().gives([1, 2]).never_gives();
    let mut bytes = FramedRead::new(script, Twice(None));
    for expected in [1, 1, 2, 2] {
        assert_eq!(
            bytes.next().now_or_never().unwrap().unwrap().unwrap(),
            expected
        );
    }
    // The last one came before anything more was waited for.
    assert_eq!(bytes.get_ref().read_calls(), 1);
    assert!(poll_next(&mut bytes).is_pending());
}

fn frame_of(length: usize) -> Vec<u8> {
    let mut frame = (length as u32).to_be_bytes().to_vec();
    frame.resize(4 + length, 7);
    frame
}

/// Gives as much as is asked for, and counts how often.
struct Endless<'a> {
    frame: &'a [u8],
    at: usize,
    reads: usize,
    /// It gives no more than one frame at once, and would block before each.
    waits: Option<bool>,
}

impl<'a> Endless<'a> {
    fn new(frame: &'a [u8]) -> Self {
        Self {
            frame,
            at: 0,
            reads: 0,
            waits: None,
        }
    }
}

impl AsyncRead for Endless<'_> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadCursor<'_>,
    ) -> Poll<io::Result<usize>> {
        self.reads += 1;
        if self.at == 0
            && let Some(has_waited) = &mut self.waits
        {
            *has_waited = !*has_waited;
            if *has_waited {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        let asked = buf.remaining();
        while buf.remaining() > 0 {
            self.at = (self.at + buf.append(&self.frame[self.at..])) % self.frame.len();
            if self.at == 0 && self.waits.is_some() {
                break;
            }
        }
        Poll::Ready(Ok(asked - buf.remaining()))
    }
}

impl Read for Endless<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[test]
fn long_frames_of_a_known_length_cost_few_reads_few_decodes_and_little_copying() {
    /// Counts the calls, and how many bytes were found at another place than where they had been left.
    struct Watched {
        frames: LengthDelimitedCodec,
        decodes: usize,
        moved_bytes: usize,
        left: (*const u8, usize),
    }

    impl Decoder for Watched {
        type Item = BytesMut;
        type Error = codec::LengthDelimitedError;

        fn decode(&mut self, src: &mut BytesMut) -> Result<Option<BytesMut>, Self::Error> {
            self.decodes += 1;
            if self.left.0 != src.as_ptr() {
                self.moved_bytes += self.left.1;
            }
            let decoded = self.frames.decode(src);
            self.left = (src.as_ptr(), src.len());
            decoded
        }

        fn needed(&self) -> usize {
            self.frames.needed()
        }
    }

    // One read for the beginning, in which the length is, and one for the rest where that is not much more than
    // a buffer; otherwise as many as its length doubles from there. After two of a length that is not much more
    // than a buffer, the next two come with each read.
    for (length, begun, reads, moved) in [
        (40_000, 2, 10, 10 * 4096),
        (65_536, 2, 10, 10 * 4096),
        (1 << 20, 1, 20 * 6, 20 << 20),
    ] {
        let frame = frame_of(length);
        let reader = Endless::new(&frame);
        let decoder = Watched {
            frames: LengthDelimitedCodec::new(length),
            decodes: 0,
            moved_bytes: 0,
            left: (std::ptr::null(), 0),
        };
        let mut frames = FramedRead::new(reader, decoder);
        for _ in 0..begun {
            assert_eq!(block_on(frames.next()).unwrap().unwrap().len(), length);
        }
        let first = (frames.get_ref().reads, frames.decoder().decodes);
        let first_moved = frames.decoder().moved_bytes;
        for _ in 0..20 {
            assert_eq!(block_on(frames.next()).unwrap().unwrap().len(), length);
        }
        let reads_more = frames.get_ref().reads - first.0;
        assert!(reads_more <= reads, "{reads_more} reads of {length}");
        let decodes = frames.decoder().decodes - first.1;
        assert!(decodes <= 20 + reads, "{decodes} decodes of {length}");
        let moved_bytes = frames.decoder().moved_bytes - first_moved;
        assert!(moved_bytes <= moved, "{moved_bytes} bytes of {length}");
    }
}

#[test]
fn long_frames_of_one_length_that_come_one_by_one_cost_one_read_each() {
    let frame = frame_of(65_536);
    let reader = Endless {
        waits: Some(false),
        ..Endless::new(&frame)
    };
    let mut frames = FramedRead::new(reader, LengthDelimitedCodec::new(65_536));
    let mut reads = Vec::new();
    for _ in 0..20 {
        assert_eq!(block_on(frames.next()).unwrap().unwrap(), frame[4..]);
        reads.push(frames.get_ref().reads);
    }
    // And one that blocks before it.
    assert!(
        reads[2..].windows(2).all(|pair| pair[1] - pair[0] == 2),
        "{reads:?}"
    );
}

#[test]
fn another_codec_expects_nothing_of_the_frames_before_it() {
    let frame = frame_of(65_536);
    let reader = Endless::new(&frame);
    let mut frames = FramedRead::new(reader, LengthDelimitedCodec::new(65_536));
    for _ in 0..4 {
        block_on(frames.next()).unwrap().unwrap();
    }
    let buffered = frames.read_buffer().len();
    let mut pieces = frames.map_codec(|_| BytesCodec::new());
    if buffered > 0 {
        assert_eq!(block_on(pieces.next()).unwrap().unwrap().len(), buffered);
    }
    for _ in 0..4 {
        let piece = block_on(pieces.next()).unwrap().unwrap();
        assert!(piece.len() <= pool::CAPACITY, "{} bytes", piece.len());
    }
}

#[test]
fn a_slow_line_costs_one_decode_a_piece_and_is_copied_as_rarely_as_its_length_doubles() {
    /// Counts the calls, and how often the bytes were found at another place.
    struct Watched {
        lines: LinesCodec,
        decodes: usize,
        moved_bytes: usize,
        place: *const u8,
    }

    impl Decoder for Watched {
        type Item = String;
        type Error = codec::LinesError;

        fn decode(&mut self, src: &mut BytesMut) -> Result<Option<String>, codec::LinesError> {
            self.decodes += 1;
            if self.place != src.as_ptr() {
                self.moved_bytes += src.len();
                self.place = src.as_ptr();
            }
            self.lines.decode(src)
        }
    }

    const LENGTH: usize = 1024 * 1024;
    let mut bytes = vec![b'x'; LENGTH];
    bytes[LENGTH - 1] = b'\n';
    let decoder = Watched {
        lines: LinesCodec::new(LENGTH),
        decodes: 0,
        moved_bytes: 0,
        place: std::ptr::null(),
    };
    let mut lines = FramedRead::new(Drip::new(&bytes, 1), decoder);
    assert_eq!(block_on(lines.next()).unwrap().unwrap().len(), LENGTH - 1);
    assert_eq!(lines.decoder().decodes, LENGTH);
    // While it fits into 4 KiB it is copied out and in at each wait, which is bounded.
    let bounded = 4096 * 4096;
    assert!(lines.decoder().moved_bytes <= bounded + 3 * LENGTH);
}
