use std::{io, process::Command};

use super::{Count, Counted, Counter};
use crate::{
    contestant::{Contestant, own_program},
    machine::socket_limit,
};

/// Bytes that a registered `TcpStream` keeps on the heap, beside its own size in its owner.
pub(crate) struct RegisteredSockets {
    pub(crate) count: usize,
}

impl RegisteredSockets {
    fn allowed(&self) -> usize {
        self.count.min(socket_limit())
    }
}

impl Count for RegisteredSockets {
    fn name(&self) -> String {
        format!(
            "heap bytes of a registered socket, sockets: {}",
            self.allowed()
        )
    }

    fn contestants(&self) -> Vec<Contestant> {
        vec![Contestant::OursTask, Contestant::Tokio, Contestant::Smol]
    }

    fn tool(&self) -> Option<&'static str> {
        None
    }

    fn count(&self, contestant: Contestant, _: &Counter<'_>) -> io::Result<Counted> {
        let argument = match contestant {
            Contestant::Tokio => "tokio",
            Contestant::Smol => "smol",
            _ => "ours",
        };
        let count = self.allowed();
        let output = Command::new(own_program("bench-heap")?)
            .args([argument, &count.to_string()])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text.split_whitespace().map(str::parse::<f64>);
        let (Some(Ok(bytes)), Some(Ok(allocations))) = (numbers.next(), numbers.next()) else {
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("bench-heap has failed: {error}")));
        };
        let per_socket = |total: f64| total / count as f64;
        Ok(Counted {
            value: per_socket(bytes),
            parts: vec![("live allocations".to_owned(), per_socket(allocations))],
        })
    }
}
