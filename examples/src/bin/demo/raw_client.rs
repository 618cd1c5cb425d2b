use std::io;

use examples::Random;
use futures::future::try_join;
use io_traits::io::{read, read_exact, shutdown, write_all};
use net::TcpStream;

use crate::{
    client::{Client, Echo},
    content::{Content, invalid},
};

/// Sends pieces of bytes that nothing separates: each is read back as many bytes as were sent.
pub(crate) struct RawClient {
    stream: TcpStream,
    sending: Content,
    expecting: Content,
    /// Bytes that were received and were right.
    checked: u64,
}

impl RawClient {
    pub(crate) fn new(stream: TcpStream, seed: u64) -> Self {
        Self {
            stream,
            sending: Content::bytes(seed),
            expecting: Content::bytes(seed),
            checked: 0,
        }
    }
}

impl Client for RawClient {
    const MOST_AT_ONCE: usize = 64;

    fn draw_size(random: &mut Random) -> usize {
        1 + random.below(LONGEST_PIECE)
    }

    async fn exchange(&mut self, sizes: &[usize]) -> io::Result<Echo> {
        let Self {
            stream,
            sending,
            expecting,
            checked,
        } = self;
        // The two directions are independent, and `&TcpStream` has both.
        let (mut reader, mut writer) = (&*stream, &*stream);
        let send = async {
            let mut piece = [0; LONGEST_PIECE];
            for &size in sizes {
                let piece = &mut piece[..size];
                sending.fill(piece);
                write_all(&mut writer, piece).await?;
            }
            io::Result::Ok(())
        };
        let receive = async {
            let mut echo = [0; LONGEST_PIECE];
            for &size in sizes {
                let echo = &mut echo[..size];
                read_exact(&mut reader, echo).await?;
                expecting.check(echo, "the stream", *checked)?;
                *checked += size as u64;
            }
            Ok(())
        };
        try_join(send, receive).await?;
        Ok(Echo::whole(sizes))
    }

    async fn finish(&mut self) -> io::Result<()> {
        let mut stream = &self.stream;
        shutdown(&mut stream).await?;
        match read(&mut stream, &mut [0; 1]).await? {
            0 => Ok(()),
            _ => Err(invalid(format!(
                "a byte too much at offset {} of the stream: nobody has sent it",
                self.checked
            ))),
        }
    }
}

/// In bytes; an odd number, so that pieces end anywhere in the server's buffer.
const LONGEST_PIECE: usize = 4_095;

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use reactor::Core;

    use super::*;

    #[test]
    fn a_byte_that_nobody_has_sent_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut echo = [0; 10];
            stream.read_exact(&mut echo).unwrap();
            stream.write_all(&echo).unwrap();
            stream.write_all(b"x").unwrap();
            // The client's end: it has read nothing of that yet.
            assert_eq!(stream.read(&mut echo).unwrap(), 0);
        });
        let mut core = Core::new().unwrap();
        let handle = core.handle();
        let error = core.run(async {
            let stream = TcpStream::connect(&addr, &handle).await.unwrap();
            let mut client = RawClient::new(stream, 7);
            let echo = client.exchange(&[4, 6]).await.unwrap();
            assert_eq!(echo, Echo::whole(&[4, 6]));
            client.finish().await.unwrap_err()
        });
        let error = error.unwrap().to_string();
        assert!(error.starts_with("a byte too much at offset 10"), "{error}");
        server.join().unwrap();
    }
}
