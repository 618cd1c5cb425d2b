use std::io;

use codec::{Framed, LinesCodec};
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

/// Sends lines of text.
pub(crate) struct LinesClient {
    sink: SplitSink<Framed<TcpStream, LinesCodec>, String>,
    stream: SplitStream<Framed<TcpStream, LinesCodec>>,
    sending: Content,
    expecting: Content,
    /// Lines that were received and were right.
    checked: u64,
}

impl LinesClient {
    pub(crate) fn new(stream: TcpStream, seed: u64) -> Self {
        let (sink, stream) = Framed::new(stream, LinesCodec::new(LONGEST_LINE)).split();
        Self {
            sink,
            stream,
            sending: Content::text(seed),
            expecting: Content::text(seed),
            checked: 0,
        }
    }
}

impl Client for LinesClient {
    const MOST_AT_ONCE: usize = 64;

    fn draw_size(random: &mut Random) -> usize {
        random.below(LONGEST_LINE + 1)
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
                let mut line = vec![0; size];
                sending.fill(&mut line);
                let line = String::from_utf8(line).expect("the text is ASCII");
                sink.feed(line).await?;
            }
            sink.flush().await?;
            io::Result::Ok(())
        };
        let receive = async {
            for &size in sizes {
                let name = Nth("line", *checked);
                let line = next_item(stream, name).await?;
                check_length(size, line.len(), name)?;
                expecting.check(line.as_bytes(), name, 0)?;
                *checked += 1;
            }
            Ok(())
        };
        try_join(send, receive).await?;
        Ok(Echo::whole(sizes))
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.sink.close().await?;
        expect_end(&mut self.stream, Nth("line", self.checked)).await
    }
}

/// In bytes, without its ending.
const LONGEST_LINE: usize = 1_000;
