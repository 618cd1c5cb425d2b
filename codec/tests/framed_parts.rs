//! Taking apart, putting together, and changing the protocol in mid-stream.

mod common;

use bytes::{BufMut, BytesMut};
use codec::{
    BytesCodec, Framed, FramedParts, FramedRead, FramedWrite, LengthDelimitedCodec, LinesCodec,
    Segments,
};
use common::{Numbers, framed, next_now, poll_next};
use futures::{StreamExt, executor::block_on};
use io_traits::testing::Script;

fn filled(bytes: &[u8]) -> Segments {
    let mut queue = Segments::new();
    queue.put_slice(bytes);
    queue
}

#[test]
fn bytes_given_with_the_parts_are_decoded_before_anything_is_read() {
    let mut parts = FramedParts::new(Script::new().never_gives(), Numbers::default());
    parts.read_buf.put_slice(&framed([1, 2]));
    parts.read_buf.put_u8(0);
    let mut numbers = Framed::from_parts(parts);
    for number in 1..=2 {
        assert_eq!(next_now(&mut numbers).unwrap().unwrap(), number);
    }
    assert_eq!(numbers.get_ref().read_calls(), 0);
    assert!(poll_next(&mut numbers).is_pending());
    assert_eq!(&numbers.read_buffer()[..], [0]);
}

#[test]
fn an_upgrade_in_mid_stream_loses_no_byte_in_either_direction() {
    let text = b"hello\nUPGRADE\n";
    let bytes = [&text[..], &framed([1, 2, 3])].concat();
    for at in 1..bytes.len() {
        let script = Script::new()
            .gives(&bytes[..at])
            .would_block()
            .gives(&bytes[at..]);
        let mut lines = Framed::new(script, LinesCodec::new(80));
        let numbers = block_on(async {
            while let Some(line) = lines.next().await {
                let line = line.unwrap();
                lines.feed(format!("{line}!")).await.unwrap();
                if line == "UPGRADE" {
                    break;
                }
            }
            assert!(!lines.write_buffer().is_empty());
            let parts = lines.into_parts().map_codec(|_| Numbers::default());
            let mut numbers = Framed::from_parts(parts);
            numbers.feed(7).await.unwrap();
            for number in 1..=3 {
                assert_eq!(numbers.next().await.unwrap().unwrap(), number);
            }
            numbers.flush().await.unwrap();
            numbers
        });
        let written = [&b"hello!\nUPGRADE!\n"[..], &framed([7])].concat();
        assert_eq!(numbers.get_ref().written(), written, "split at {at}");
    }
}

#[test]
fn a_new_codec_is_asked_about_what_the_old_one_left() {
    let script = Script::new().gives(framed([5])).never_gives();
    let mut lines = Framed::new(script, LinesCodec::new(80));
    assert!(poll_next(&mut lines).is_pending());
    // No more bytes are needed, and none will come.
    let mut numbers = lines.map_codec(|_| Numbers::default());
    assert_eq!(next_now(&mut numbers).unwrap().unwrap(), 5);

    let reader = FramedRead::new(
        Script::new().gives("5\n66").never_gives(),
        Numbers::default(),
    );
    let mut lines = reader.map_codec(|_| LinesCodec::new(80));
    assert_eq!(next_now(&mut lines).unwrap().unwrap(), "5");
}

#[test]
fn a_codec_that_was_changed_is_asked_again() {
    let script = Script::new().gives(framed([5])).never_gives();
    let mut numbers = FramedRead::new(script, Numbers::default());
    assert!(poll_next(&mut numbers).is_ready());
    assert!(poll_next(&mut numbers).is_pending());
    let asked = numbers.decoder().decodes;
    assert!(poll_next(&mut numbers).is_pending());
    assert_eq!(numbers.decoder().decodes, asked);

    let script = || Script::new().gives([0]).never_gives();
    let mut numbers = Framed::new(script(), Numbers::default());
    assert!(poll_next(&mut numbers).is_pending());
    numbers.codec_mut().decodes = 0;
    assert!(poll_next(&mut numbers).is_pending());
    assert_eq!(numbers.codec().decodes, 1);

    let mut numbers = FramedRead::new(script(), Numbers::default());
    assert!(poll_next(&mut numbers).is_pending());
    numbers.decoder_mut().decodes = 0;
    assert!(poll_next(&mut numbers).is_pending());
    assert_eq!(numbers.decoder().decodes, 1);
}

#[test]
fn the_half_that_does_not_use_a_buffer_keeps_it() {
    let mut parts = FramedParts::new(Script::new(), Numbers::default());
    parts.read_buf = BytesMut::from(&framed([1])[..]);
    parts.write_buf = filled(b"queued");

    let reader = FramedRead::from_parts(parts).map_codec(|codec| codec);
    assert_eq!(reader.write_buffer().len(), 6);
    let writer = FramedWrite::from_parts(reader.into_parts()).map_codec(|codec| codec);
    assert_eq!(writer.read_buffer().len(), 4);
    let mut both = Framed::from_parts(writer.into_parts());
    assert_eq!(block_on(both.next()).unwrap().unwrap(), 1);
    block_on(both.flush()).unwrap();
    assert_eq!(both.into_inner().written(), b"queued");
}

#[test]
fn bytes_to_write_that_came_with_the_parts_are_flushed_before_the_stream_parks() {
    let mut parts = FramedParts::new(Script::new().never_gives(), Numbers::default());
    parts.write_buf = filled(b"queued");
    let mut numbers = Framed::from_parts(parts);
    assert!(poll_next(&mut numbers).is_pending());
    assert_eq!(numbers.get_ref().written(), b"queued");
}

#[test]
fn a_supplied_buffer_of_any_size_serves() {
    for capacity in [0, 1, 4, 5_000, 16_384, 1_000_000] {
        let script = Script::new().gives(framed(1..=100_000));
        let mut parts = FramedParts::new(script, Numbers::default());
        parts.read_buf = BytesMut::with_capacity(capacity);
        parts.read_buf.extend_from_slice(&[0, 0, 0]);
        parts.read_buf.put_u8(0);
        let numbers = FramedRead::from_parts(parts);
        let numbers: Vec<_> = block_on(numbers.map(Result::unwrap).collect());
        assert_eq!(numbers, Vec::from_iter(0..=100_000));
    }
}

#[test]
fn parts_of_an_idle_object_hold_no_memory() {
    let script = Script::new().gives(framed([1])).never_gives();
    let mut numbers = Framed::new(script, Numbers::default());
    assert!(poll_next(&mut numbers).is_ready());
    block_on(numbers.send(2)).unwrap();
    let parts = numbers.into_parts();
    assert_eq!(parts.read_buf.capacity(), 0);
    assert_eq!(parts.write_buf.capacity(), 0);
}

#[test]
fn what_is_printed_for_debugging_shows_no_payload() {
    let mut parts = FramedParts::new((), ());
    parts.read_buf.put_slice(b"secret");
    parts.write_buf.put_slice(b"secret");
    assert!(!format!("{parts:?}").contains("secret"));
    let framed = Framed::from_parts(parts);
    assert!(!format!("{framed:?}").contains("secret"));
}

/// Lines, then frames with a length, then raw bytes: each codec leaves to the next what is not its own,
/// in both directions, wherever the stream is cut.
#[test]
fn two_upgrades_from_lines_to_lengths_to_raw_bytes_lose_no_byte() {
    let lengths = b"\0\0\0\x05first\0\0\0\0\0\0\0\x03raw";
    let bytes = [&b"hello\r\nUPGRADE\n"[..], lengths, b"\0\xffanything"].concat();
    for at in 1..bytes.len() {
        let script = Script::new()
            .gives(&bytes[..at])
            .would_block()
            .gives(&bytes[at..]);
        let io = block_on(async {
            let mut lines = Framed::new(script, LinesCodec::new(80));
            while let Some(line) = lines.next().await {
                let line = line.unwrap();
                lines.feed(&line).await.unwrap();
                if line == "UPGRADE" {
                    break;
                }
            }
            let mut frames = lines.map_codec(|_| LengthDelimitedCodec::new(80));
            while let Some(frame) = frames.next().await {
                let frame = frame.unwrap();
                frames.feed(frame.clone()).await.unwrap();
                if frame == "raw" {
                    break;
                }
            }
            let mut raw = Framed::from_parts(frames.into_parts().map_codec(|_| BytesCodec::new()));
            while let Some(piece) = raw.next().await {
                raw.feed(piece.unwrap()).await.unwrap();
            }
            raw.into_inner()
        });
        let expected = String::from_utf8_lossy(&bytes).replace('\r', "");
        assert_eq!(
            String::from_utf8_lossy(io.written()),
            expected,
            "split at {at}"
        );
    }
}

/// The same through halves of one direction each.
#[test]
fn an_upgrade_of_a_reader_or_a_writer_alone_loses_no_byte() {
    let script = Script::new().gives(b"UPGRADE\n\0\0\0\x04next");
    let mut lines = FramedRead::new(script, LinesCodec::new(80));
    assert_eq!(block_on(lines.next()).unwrap().unwrap(), "UPGRADE");
    let mut frames = FramedRead::from_parts(
        lines
            .into_parts()
            .map_codec(|_| LengthDelimitedCodec::new(80)),
    );
    assert_eq!(block_on(frames.next()).unwrap().unwrap(), "next");
    assert!(block_on(frames.next()).is_none());

    let mut lines = FramedWrite::new(Script::new(), LinesCodec::new(80));
    block_on(lines.feed("UPGRADE")).unwrap();
    let mut frames = FramedWrite::from_parts(
        lines
            .into_parts()
            .map_codec(|_| LengthDelimitedCodec::new(80)),
    );
    block_on(frames.send(&b"next"[..])).unwrap();
    assert_eq!(frames.get_ref().written(), b"UPGRADE\n\0\0\0\x04next");
}
