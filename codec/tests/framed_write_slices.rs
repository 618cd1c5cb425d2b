//! Where the bytes lie that are written, and by which call.

mod common;

use std::io::{self, IoSlice, Write};

use bytes::Bytes;
use codec::FramedWrite;
use common::Blobs;
use futures::executor::block_on;
use io_traits::AsyncWrite;

/// Remembers where the slices lay that it was given, and takes everything.
#[derive(Debug, Default)]
struct Addresses {
    calls: Vec<Vec<(*const u8, usize)>>,
    /// How many of the calls were of `write`.
    plain: usize,
}

impl Write for Addresses {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.plain += 1;
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.calls
            .push(bufs.iter().map(|buf| (buf.as_ptr(), buf.len())).collect());
        Ok(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for Addresses {
    fn writes_slices(&self) -> bool {
        true
    }
}

#[test]
fn a_large_payload_is_written_from_where_it_lies_with_one_vectored_write() {
    let payload = Bytes::from(vec![7; 64 * 1024]);
    let mut sink = FramedWrite::new(Addresses::default(), Blobs);
    block_on(sink.send(payload.clone())).unwrap();
    let [call] = &sink.get_ref().calls[..] else {
        panic!("one write");
    };
    assert_eq!(call.len(), 2);
    assert_eq!(call[0].1, 4);
    assert_eq!(call[1], (payload.as_ptr(), payload.len()));
}

#[test]
fn what_lies_in_one_piece_is_a_plain_write() {
    let mut sink = FramedWrite::new(Addresses::default(), Blobs);
    block_on(async {
        for _ in 0..100 {
            sink.feed(Bytes::from_static(b"small")).await.unwrap();
        }
        sink.flush().await.unwrap();
        assert_eq!(sink.get_ref().plain, 1);
        sink.send(Bytes::from(vec![7; 5_000])).await.unwrap();
    });
    let Addresses { calls, plain } = sink.get_ref();
    assert_eq!((calls.len(), *plain), (2, 1));
}

#[test]
fn small_frames_between_large_ones_share_their_slices() {
    let mut sink = FramedWrite::new(Addresses::default(), Blobs);
    block_on(async {
        for _ in 0..3 {
            for len in [10, 20, 5_000] {
                sink.feed(Bytes::from(vec![7; len])).await.unwrap();
            }
        }
        sink.flush().await.unwrap();
    });
    let [call] = &sink.get_ref().calls[..] else {
        panic!("one write");
    };
    let lengths: Vec<_> = call.iter().map(|slice| slice.1).collect();
    assert_eq!(lengths, [42, 5_000, 42, 5_000, 42, 5_000]);
}
