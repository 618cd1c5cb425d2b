use std::io;

use bytes::Bytes;
use codec::{Framed, LengthDelimitedCodec};
use examples::Random;
use futures::{
    SinkExt, StreamExt,
    future::try_join,
    stream::{SplitSink, SplitStream},
};
use net::TcpStream;

use crate::{
    client::{Client, Echo},
    content::{Content, Nth, check_length},
    items::{expect_end, next_item},
};

/// Sends frames that say how long they are: from 1 byte to 1 MiB.
pub(crate) struct FramesClient {
    sink: SplitSink<Framed<TcpStream, LengthDelimitedCodec>, Bytes>,
    stream: SplitStream<Framed<TcpStream, LengthDelimitedCodec>>,
    sending: Content,
    expecting: Content,
    /// Frames that were received and were right.
    checked: u64,
}

impl FramesClient {
    pub(crate) fn new(stream: TcpStream, seed: u64) -> Self {
        let (sink, stream) = Framed::new(stream, LengthDelimitedCodec::new(LONGEST_FRAME)).split();
        Self {
            sink,
            stream,
            sending: Content::bytes(seed),
            expecting: Content::bytes(seed),
            checked: 0,
        }
    }
}

impl Client for FramesClient {
    const MOST_AT_ONCE: usize = 64;

    /// Each power of two is as likely as the others, and so is what lies between two of them: about
    /// half of the frames have up to 1,024 bytes, and one in 42 has exactly 1 MiB.
    fn draw_size(random: &mut Random) -> usize {
        let power = 1 << random.below(LONGEST_FRAME.ilog2() as usize + 1);
        match random.below(2) {
            0 => power,
            _ => power - random.below(power.div_ceil(2)),
        }
    }

    async fn exchange(&mut self, sizes: &[usize]) -> io::Result<Echo> {
        let Self {
            sink,
            stream,
            sending,
            expecting,
            checked,
        } = self;
        let send = async {
            for &size in sizes {
                let mut frame = vec![0; size];
                sending.fill(&mut frame);
                sink.feed(frame.into()).await?;
            }
            sink.flush().await?;
            io::Result::Ok(())
        };
        let receive = async {
            for &size in sizes {
                let name = Nth("frame", *checked);
                let frame = next_item(stream, name).await?;
                check_length(size, frame.len(), name)?;
                expecting.check(&frame, name, 0)?;
                *checked += 1;
            }
            Ok(())
        };
        try_join(send, receive).await?;
        Ok(Echo::whole(sizes))
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.sink.close().await?;
        expect_end(&mut self.stream, Nth("frame", self.checked)).await
    }
}

/// In bytes, without its head.
const LONGEST_FRAME: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_small_and_large_and_as_large_as_may_be() {
        let mut random = Random::new(1);
        let mut sizes: Vec<_> = (0..10_000)
            .map(|_| FramesClient::draw_size(&mut random))
            .collect();
        sizes.sort_unstable();
        assert_eq!(sizes[0], 1);
        assert!((256..4096).contains(&sizes[5_000]), "{}", sizes[5_000]);
        assert_eq!(sizes[9_999], LONGEST_FRAME);
        let odd = sizes.iter().filter(|size| !size.is_power_of_two());
        assert!(odd.count() > 3_000);
    }
}
