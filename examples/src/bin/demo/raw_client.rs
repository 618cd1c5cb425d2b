use std::io;

use examples::Random;
use futures::future::try_join;
use io_traits::io::{read, read_exact, shutdown, write_all};
use net::TcpStream;

use crate::client::Client;

/// Sends pieces of random bytes, of random lengths.
pub(crate) struct RawClient {
    stream: TcpStream,
    sending: Pieces,
    /// Says again what `sending` has said, when its echo is there to be compared.
    expecting: Pieces,
    /// Bytes that were received and were right.
    checked: u64,
}

impl RawClient {
    pub(crate) fn new(stream: TcpStream, seed: u64) -> Self {
        Self {
            stream,
            sending: Pieces::new(seed),
            expecting: Pieces::new(seed),
            checked: 0,
        }
    }
}

impl Client for RawClient {
    async fn exchange(&mut self, messages: usize) -> io::Result<usize> {
        let Self {
            stream,
            sending,
            expecting,
            checked,
        } = self;
        // The two directions are independent, and `&TcpStream` has both.
        let (mut reader, mut writer) = (&*stream, &*stream);
        let send = async {
            for _ in 0..messages {
                write_all(&mut writer, sending.next()).await?;
            }
            io::Result::Ok(())
        };
        let receive = async {
            let mut echo = [0; LONGEST_PIECE];
            let mut bytes = 0;
            for _ in 0..messages {
                let piece = expecting.next();
                let echo = &mut echo[..piece.len()];
                read_exact(&mut reader, echo).await?;
                check(piece, echo, *checked)?;
                *checked += piece.len() as u64;
                bytes += piece.len();
            }
            Ok(bytes)
        };
        try_join(send, receive).await.map(|((), bytes)| bytes)
    }

    async fn finish(&mut self) -> io::Result<()> {
        let mut stream = &self.stream;
        shutdown(&mut stream).await?;
        match read(&mut stream, &mut [0; 1]).await? {
            0 => Ok(()),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "a byte too much at offset {}: nobody has sent it",
                    self.checked
                ),
            )),
        }
    }
}

fn check(sent: &[u8], received: &[u8], offset: u64) -> io::Result<()> {
    if sent == received {
        return Ok(());
    }
    let wrong = sent.iter().zip(received).position(|(a, b)| a != b);
    let wrong = wrong.expect("slices of one length that are not equal differ somewhere");
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "wrong byte at offset {}: sent {:#04x}, received {:#04x}",
            offset + wrong as u64,
            sent[wrong],
            received[wrong],
        ),
    ))
}

/// The pieces that come from a seed, one after the other.
struct Pieces {
    random: Random,
    piece: Box<[u8; LONGEST_PIECE]>,
}

impl Pieces {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            piece: Box::new([0; LONGEST_PIECE]),
        }
    }

    fn next(&mut self) -> &[u8] {
        let length = 1 + self.random.below(LONGEST_PIECE);
        let piece = &mut self.piece[..length];
        self.random.fill(piece);
        piece
    }
}

/// In bytes; an odd number, so that pieces end anywhere in the server's buffer.
const LONGEST_PIECE: usize = 4_095;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wrong_byte_is_named() {
        assert!(check(b"same", b"same", 0).is_ok());
        let error = check(b"abcd", b"abXX", 100).unwrap_err();
        assert_eq!(
            error.to_string(),
            "wrong byte at offset 102: sent 0x63, received 0x58"
        );
    }
}
