//! Frames over byte streams: a [`Stream`](futures::Stream) of those that come and a
//! [`Sink`](futures::Sink) for those that go.
//!
//! ```text
//!     kernel ─ mio ─▶ reactor ─▶ net ─▶ io_traits::read_buf ─▶ codec ─▶ user
//!                                                               ▲ you are here
//! ```
//!
//! This crate speaks of frames, and knows of the world only [`AsyncRead`](io_traits::AsyncRead) and
//! [`AsyncWrite`](io_traits::AsyncWrite): it runs over a socket, over TLS and over a script in a test.
//! What it promises:
//!
//! * How the bytes are cut into reads and writes changes nothing about the frames.
//! * A frame is bounded by its codec, and memory by what was received, never by what was announced.
//! * An idle connection holds no buffer. A slow one holds the bytes it has sent.
//! * What was fed is flushed before the task parks: pipelined requests are answered with one write.
//! * A decode error ends the stream or concerns one frame, as the [`Decoder`] says, and neither stalls
//!   what is buffered behind it nor comes twice.
//!
//! # Reading order
//!
//! 1. [`Decoder`]: the loop that it replaces, and the frames in it.
//! 2. [`FramedRead`]: its state machine that reads and decodes is drawn in `read_side.rs`; behind it, in
//!    `read_buffer`, when memory is taken and given back.
//! 3. [`Encoder`] and [`Segments`]: the queue between a frame and a vectored write.
//! 4. [`FramedWrite`]: how the queue fills and empties, in `write_side.rs`, and [`Permit`], room for one frame.
//! 5. [`Framed`]: both on one object ([`Next`] and [`Feed`] are its futures), and [`FramedParts`], of which it is made.
//! 6. [`LinesCodec`]: a codec, and the example for another. [`AnyDelimiterCodec`]: the same for bytes that
//!    end with one of a few.
//! 7. [`LengthDelimitedCodec`]: frames that say how long they are; [`LengthDelimitedBuilder`] says what
//!    such a length may mean, and in `item.rs` stands when a frame is copied. [`VarintDelimitedCodec`]: the
//!    same for streams of protobuf messages.
//! 8. [`BytesCodec`]: bytes as they come, where something else cuts them into frames.
//! 9. [`UdpFramed`]: frames in datagrams, and [`DatagramError`], which names the peer.
//! 10. `examples/chunked.rs`: a codec with states, for a protocol like HTTP's chunks.
//!
//! # Examples
//!
//! A server that echoes lines. Three of them come in two reads and leave in one write:
//!
//! ```
//! use codec::{Framed, LinesCodec};
//! use futures::executor::block_on;
//! use io_traits::testing::Script;
//!
//! # block_on(async {
//! let peer = Script::new().gives("one\ntwo\nthr").gives("ee\n");
//! let mut lines = Framed::new(peer, LinesCodec::new(1024));
//! while let Some(line) = lines.next().await {
//!     lines.feed(line?).await?;
//! }
//! assert_eq!(lines.get_ref().written(), b"one\ntwo\nthree\n");
//! assert_eq!(lines.get_ref().write_calls(), 1);
//! lines.close().await?;
//! # Ok::<(), codec::LinesError>(()) }).unwrap();
//! ```
#![forbid(unsafe_code)]

mod any_delimiter;
mod bytes_codec;
mod decoder;
mod encoder;
mod feed;
mod framed;
mod framed_parts;
mod framed_read;
mod framed_write;
mod item;
mod length_delimited;
mod lines_codec;
mod next;
mod permit;
mod read_buffer;
mod read_side;
mod segments;
mod spare;
mod udp_framed;
mod varint_delimited;
mod write_side;

pub use any_delimiter::{AnyDelimiterCodec, AnyDelimiterError};
pub use bytes_codec::BytesCodec;
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use feed::Feed;
pub use framed::Framed;
pub use framed_parts::FramedParts;
pub use framed_read::FramedRead;
pub use framed_write::FramedWrite;
pub use length_delimited::{
    LengthDelimitedBuildError, LengthDelimitedBuilder, LengthDelimitedCodec, LengthDelimitedError,
};
pub use lines_codec::{LinesCodec, LinesError};
pub use next::Next;
pub use permit::Permit;
pub use segments::Segments;
pub use udp_framed::{DatagramError, UdpFramed};
pub use varint_delimited::{VarintDelimitedCodec, VarintDelimitedError};
