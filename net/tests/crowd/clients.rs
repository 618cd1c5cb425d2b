use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::{ECHO, MESSAGE, ONE, ROUNDS, active_of, allowed};
use crate::common::HANG;

/// What the other process is: blocking streams, which do what they are told.
pub(crate) struct Clients {
    control: TcpStream,
    streams: Vec<TcpStream>,
}

impl Clients {
    pub(crate) fn gather(server: SocketAddr) -> Self {
        allowed();
        let mut control = TcpStream::connect(server).unwrap();
        let mut number = [0; 4];
        control.read_exact(&mut number).unwrap();
        let mut clients = Self {
            control,
            streams: Vec::new(),
        };
        for index in 0..u32::from_be_bytes(number) as usize {
            let stream = TcpStream::connect(server).unwrap();
            stream.set_read_timeout(Some(HANG)).unwrap();
            clients.streams.push(stream);
            clients.echo([index], index as u8);
        }
        clients
    }

    /// Until the control connection ends.
    pub(crate) fn obey(mut self) {
        loop {
            self.control.write_all(b".").unwrap();
            let mut command = [0];
            if self.control.read(&mut command).unwrap() == 0 {
                return;
            }
            match command {
                [ECHO] => {
                    for round in 0..ROUNDS {
                        self.echo(active_of(self.streams.len()), round as u8);
                    }
                }
                [ONE] => {
                    let mut number = [0; 4];
                    self.control.read_exact(&mut number[1..]).unwrap();
                    self.echo([u32::from_be_bytes(number) as usize], ONE);
                }
                _ => panic!("no command: {command:?}"),
            }
        }
    }

    /// All of them send a message, then all answers are read.
    fn echo(&self, indices: impl IntoIterator<Item = usize> + Clone, content: u8) {
        // No two connections have the same message at the same time.
        let message = |index: usize| {
            let mut message = [content; MESSAGE];
            message[..8].copy_from_slice(&index.to_be_bytes());
            message
        };
        for index in indices.clone() {
            (&self.streams[index]).write_all(&message(index)).unwrap();
        }
        for index in indices {
            let mut answer = [0; MESSAGE];
            (&self.streams[index]).read_exact(&mut answer).unwrap();
            assert_eq!(answer, message(index));
        }
    }
}
