use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use examples::Random;
use io_traits::task;
use net::UdpSocket;
use reactor::Handle;

use crate::{
    client::{Client, Echo},
    content::{Content, Nth, check_length, invalid},
};

/// Sends datagrams, which may be lost on the way.
///
/// ```text
///   ┌─ number, 8 bytes, big endian ─┬─ content, which comes from the seed and the number ─┐
/// ```
///
/// So each can be checked whenever it comes. One that has not come back within a second counts as lost;
/// if it comes later, or a second time, it is checked like the others and not counted. Wrong bytes, a
/// wrong sender, or a number that was never sent, is an error.
pub(crate) struct UdpClient {
    socket: UdpSocket,
    server: SocketAddr,
    seed: u64,
    handle: Handle,
    /// The number of the next datagram to be sent.
    next: u64,
}

impl UdpClient {
    pub(crate) fn new(server: SocketAddr, seed: u64, handle: &Handle) -> io::Result<Self> {
        // Not connected: then nobody but the server could answer, and nobody would be found out.
        let socket = UdpSocket::bind(&(Ipv4Addr::LOCALHOST, 0).into(), handle)?;
        Ok(Self {
            socket,
            server,
            seed,
            handle: handle.clone(),
            next: 0,
        })
    }

    async fn send(&mut self, size: usize) -> io::Result<()> {
        let mut datagram = [0; LONGEST];
        let datagram = &mut datagram[..size];
        fill(datagram, self.seed, self.next);
        task::io(|| self.socket.send_to(datagram, &self.server)).await?;
        self.next += 1;
        Ok(())
    }

    /// Receives until all datagrams from number `first` on have come, and counts them.
    async fn receive(&self, sizes: &[usize], first: u64, echo: &mut Echo) -> io::Result<()> {
        let mut missing: Vec<_> = sizes.iter().copied().map(Some).collect();
        // With room for a byte too much.
        let mut datagram = [0; LONGEST + 1];
        while echo.messages < sizes.len() {
            let (len, from) = task::io(|| self.socket.recv_from(&mut datagram)).await?;
            let datagram = &datagram[..len];
            let number = self.check(datagram, from)?;
            let awaited = number
                .checked_sub(first)
                .and_then(|index| missing[index as usize].take());
            if let Some(size) = awaited {
                check_length(size, len, Nth("datagram", number))?;
                echo.messages += 1;
                echo.bytes += size;
            }
        }
        Ok(())
    }

    /// Checks all but the length, and returns the number.
    fn check(&self, datagram: &[u8], from: SocketAddr) -> io::Result<u64> {
        if from != self.server {
            return Err(invalid(format!(
                "a datagram of {from}, which was sent none: the server is {}",
                self.server
            )));
        }
        let Some((head, content)) = datagram.split_first_chunk() else {
            return Err(invalid(format!(
                "a datagram of {} bytes: nobody has sent it",
                datagram.len()
            )));
        };
        let number = u64::from_be_bytes(*head);
        if number >= self.next {
            return Err(invalid(format!(
                "wrong head of a datagram: it has number {number}, and {} were sent",
                self.next
            )));
        }
        content_of(self.seed, number).check(content, Nth("datagram", number), HEAD as u64)?;
        Ok(number)
    }
}

impl Client for UdpClient {
    const MOST_AT_ONCE: usize = 2;

    fn draw_size(random: &mut Random) -> usize {
        SHORTEST + random.below(LONGEST - SHORTEST + 1)
    }

    async fn exchange(&mut self, sizes: &[usize]) -> io::Result<Echo> {
        let first = self.next;
        for &size in sizes {
            self.send(size).await?;
        }
        let mut echo = Echo::default();
        let receive = self.receive(sizes, first, &mut echo);
        match self.handle.timeout(LOST_AFTER, receive).await {
            Ok(received) => received?,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
            Err(error) => return Err(error),
        }
        Ok(echo)
    }

    /// There is no end of a stream of datagrams.
    async fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fill(datagram: &mut [u8], seed: u64, number: u64) {
    let (head, content) = datagram.split_at_mut(HEAD);
    head.copy_from_slice(&number.to_be_bytes());
    content_of(seed, number).fill(content);
}

fn content_of(seed: u64, number: u64) -> Content {
    Content::bytes(Random::new(seed).next_u64() ^ number)
}

/// All of them share the buffer of the server's one socket. There is room for two datagrams of each in
/// Linux's usual 208 KiB, of which the longest take 2,304 bytes; what is lost then is worth a look.
pub(crate) const MOST_CLIENTS: usize = 32;
/// How long a datagram may take there and back.
pub(crate) const LOST_AFTER: Duration = Duration::from_secs(1);
/// The number, in bytes.
const HEAD: usize = 8;
/// In bytes; enough content to tell one datagram from all others.
const SHORTEST: usize = 2 * HEAD;
/// In bytes: what fits an Ethernet frame.
const LONGEST: usize = 1_472;

#[cfg(test)]
mod tests {
    use std::net::UdpSocket as StdSocket;

    use reactor::Core;

    use super::*;

    /// A client, and the server that answers it with whatever `answers` makes of its datagrams.
    fn exchange(
        sizes: &[usize],
        answers: impl FnOnce(&StdSocket, SocketAddr, Vec<Vec<u8>>),
    ) -> io::Result<Echo> {
        let server = StdSocket::bind("127.0.0.1:0").unwrap();
        let mut core = Core::new().unwrap();
        let mut client = UdpClient::new(server.local_addr().unwrap(), 7, &core.handle()).unwrap();
        client.next = 10;
        // All are sent at the first poll, and lie in the server's socket when this is ready.
        core.run(async {
            let mut exchange = std::pin::pin!(client.exchange(sizes));
            assert!(futures::poll!(exchange.as_mut()).is_pending());
            let mut datagrams = Vec::new();
            let mut peer = None;
            for _ in sizes {
                let mut datagram = vec![0; LONGEST + 1];
                let (n, from) = server.recv_from(&mut datagram).unwrap();
                datagram.truncate(n);
                datagrams.push(datagram);
                peer = Some(from);
            }
            answers(&server, peer.unwrap(), datagrams);
            exchange.await
        })
        .unwrap()
    }

    fn send_all(server: &StdSocket, client: SocketAddr, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            server.send_to(datagram, client).unwrap();
        }
    }

    const SIZES: [usize; 3] = [16, 1_472, 100];

    #[test]
    fn what_comes_back_in_any_order_is_counted_once() {
        let echo = exchange(&SIZES, |server, client, mut sent| {
            sent.reverse();
            sent.insert(1, sent[0].clone());
            send_all(server, client, &sent);
        });
        assert_eq!(echo.unwrap(), Echo::whole(&SIZES));
    }

    #[test]
    fn what_does_not_come_back_is_not_counted_and_no_error() {
        let echo = exchange(&SIZES, |server, client, sent| {
            send_all(server, client, &sent[1..]);
        });
        assert_eq!(echo.unwrap(), Echo::whole(&SIZES[1..]));
    }

    #[test]
    fn an_earlier_datagram_that_comes_late_is_right_and_not_counted() {
        let echo = exchange(&SIZES, |server, client, sent| {
            let mut late = vec![0; 50];
            fill(&mut late, 7, 9);
            send_all(server, client, &[late]);
            send_all(server, client, &sent);
        });
        assert_eq!(echo.unwrap(), Echo::whole(&SIZES));
    }

    #[test]
    fn whatever_is_wrong_with_a_datagram_is_named() {
        type Wrong = fn(&mut Vec<u8>);
        let wrongs: [(Wrong, &str); 6] = [
            (
                |bytes| bytes[99] ^= 1,
                "wrong byte at offset 99 of datagram 12",
            ),
            // Another number, of a datagram that was sent: the content is not that one's.
            (
                |bytes| bytes[7] ^= 1,
                "wrong byte at offset 8 of datagram 13",
            ),
            (
                |bytes| bytes[0] ^= 1,
                "number 72057594037927948, and 14 were sent",
            ),
            (|bytes| bytes.truncate(99), "wrong length of datagram 12"),
            (|bytes| bytes.truncate(7), "a datagram of 7 bytes"),
            (|bytes| bytes.clear(), "a datagram of 0 bytes"),
        ];
        for (wrong, expected) in wrongs {
            let sizes = [16, 1_472, 100, 16];
            let echo = exchange(&sizes, |server, client, mut sent| {
                wrong(&mut sent[2]);
                send_all(server, client, &sent);
            });
            let error = echo.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_datagram_of_somebody_else_is_an_error() {
        let echo = exchange(&SIZES, |_, client, sent| {
            let other = StdSocket::bind("127.0.0.1:0").unwrap();
            send_all(&other, client, &sent);
        });
        let error = echo.unwrap_err();
        assert!(error.to_string().contains("which was sent none"), "{error}");
    }
}
