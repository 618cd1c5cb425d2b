use std::io;

use codec::{Framed, LinesCodec};
use examples::Random;
use futures::{
    SinkExt, StreamExt,
    future::try_join,
    stream::{SplitSink, SplitStream},
};
use net::TcpStream;

use crate::client::Client;

/// Sends lines of random text, of random lengths.
pub(crate) struct LinesClient {
    sink: SplitSink<Framed<TcpStream, LinesCodec>, String>,
    stream: SplitStream<Framed<TcpStream, LinesCodec>>,
    sending: Lines,
    /// Says again what `sending` has said, when its echo is there to be compared.
    expecting: Lines,
    /// Lines that were received and were right.
    checked: u64,
}

impl LinesClient {
    pub(crate) fn new(stream: TcpStream, seed: u64) -> Self {
        let (sink, stream) = Framed::new(stream, LinesCodec::new(LONGEST_LINE)).split();
        Self {
            sink,
            stream,
            sending: Lines::new(seed),
            expecting: Lines::new(seed),
            checked: 0,
        }
    }
}

impl Client for LinesClient {
    async fn exchange(&mut self, messages: usize) -> io::Result<usize> {
        let Self {
            sink,
            stream,
            sending,
            expecting,
            checked,
        } = self;
        let send = async {
            for _ in 0..messages {
                sink.feed(sending.next()).await?;
            }
            sink.flush().await?;
            io::Result::Ok(())
        };
        let receive = async {
            let mut bytes = 0;
            for _ in 0..messages {
                let received = stream.next().await.ok_or(io::ErrorKind::UnexpectedEof)?;
                check(&expecting.next(), &received?, &mut bytes, *checked)?;
                *checked += 1;
            }
            Ok(bytes)
        };
        try_join(send, receive).await.map(|((), bytes)| bytes)
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.sink.close().await?;
        match self.stream.next().await.transpose()? {
            None => Ok(()),
            Some(line) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a line too much, {line:?}: nobody has sent it"),
            )),
        }
    }
}

/// Counts the bytes of the line, its ending included, if it is right.
fn check(sent: &str, received: &str, bytes: &mut usize, line: u64) -> io::Result<()> {
    if sent == received {
        *bytes += sent.len() + 1;
        return Ok(());
    }
    let same = sent
        .bytes()
        .zip(received.bytes())
        .take_while(|(a, b)| a == b);
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "wrong byte at offset {} of line {line}: sent {sent:?}, received {received:?}",
            same.count(),
        ),
    ))
}

/// The lines that come from a seed, one after the other.
struct Lines {
    random: Random,
}

impl Lines {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
        }
    }

    fn next(&mut self) -> String {
        let length = self.random.below(LONGEST_LINE + 1);
        let mut line = Vec::with_capacity(length + 8);
        while line.len() < length {
            let bytes = self.random.next_u64().to_le_bytes();
            line.extend(bytes.map(|byte| ALPHABET[usize::from(byte) % ALPHABET.len()]));
        }
        line.truncate(length);
        String::from_utf8(line).expect("the alphabet is ASCII")
    }
}

/// In bytes.
const LONGEST_LINE: usize = 1_000;
/// 64 characters, each as likely as the others.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wrong_byte_is_named() {
        let mut bytes = 0;
        assert!(check("same", "same", &mut bytes, 0).is_ok());
        assert_eq!(bytes, 5);
        let error = check("abcd", "abXd", &mut bytes, 7).unwrap_err();
        assert!(error.to_string().contains("offset 2 of line 7"));
        assert_eq!(bytes, 5);
    }
}
