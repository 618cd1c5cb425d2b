use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
};

use super::{step::Far, transcript::Outcome};
use crate::common::{HANG, Random, reset};

/// The peer of the stream under test: a blocking socket of std's.
pub(super) struct FarEnd {
    pub(super) stream: Option<TcpStream>,
    /// What it writes.
    data: Random,
}

impl FarEnd {
    pub(super) fn new(stream: TcpStream, seed: u64) -> Self {
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
        Self {
            stream: Some(stream),
            data: Random::new(seed ^ 0xFA12),
        }
    }

    /// What it has read, if it has.
    pub(super) fn act(&mut self, step: Far) -> Option<Outcome> {
        // Steps have their place only where it is still there.
        let mut stream = self.stream.take()?;
        let outcome = match step {
            Far::Write(len) => {
                stream.write_all(&bytes(&mut self.data, len)).unwrap();
                None
            }
            Far::LastWrite(len) => {
                stream.write_all(&bytes(&mut self.data, len)).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                None
            }
            Far::Read(room) => {
                let mut buf = vec![0; room];
                let read = stream.read(&mut buf).map(|n| buf[..n].to_vec());
                Some(read.into())
            }
            Far::ReadToEnd => {
                let mut all = Vec::new();
                let result = stream.read_to_end(&mut all).map(|_| ());
                Some((all, result).into())
            }
            Far::End => {
                stream.shutdown(Shutdown::Write).unwrap();
                None
            }
            Far::Close => return None,
            Far::Reset => {
                reset(stream);
                return None;
            }
        };
        self.stream = Some(stream);
        outcome
    }

    /// Writes so much and reads so much, at the same time.
    pub(super) fn exchange(&mut self, write: usize, read: usize) -> io::Result<Vec<u8>> {
        let bytes = bytes(&mut self.data, write);
        let stream = self.stream.as_ref().expect("it has its place");
        let (mut reader, mut writer) = (stream, stream);
        let mut buf = vec![0; read];
        std::thread::scope(|scope| {
            let writing = scope.spawn(move || writer.write_all(&bytes));
            let read = reader.read_exact(&mut buf);
            writing.join().unwrap().and(read)
        })?;
        Ok(buf)
    }
}

/// The next bytes of one direction.
pub(super) fn bytes(data: &mut Random, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&data.next().to_le_bytes()[..chunk.len()]);
    }
    bytes
}
