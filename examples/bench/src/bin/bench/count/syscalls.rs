use std::{
    env, fs, io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{self, Command},
    time::Duration,
};

use bench::Work;

use super::{Count, Counted, Counter};
use crate::{
    contestant::Contestant,
    datagram_clients::DatagramClient,
    generator::{batched_echoes, connect, lone_connections, lone_echoes},
    strace::{self, Syscalls},
};

/// Syscalls of an operation. Each begins when the server has gone to sleep.
pub(crate) enum Operation {
    LoneTcpEcho,
    /// Of 50 connections that have sent at once.
    BatchedTcpEcho,
    ShortTcpConnection,
    LoneUdpEcho,
    /// Of 32 datagrams that are there at once; ours with batches.
    BatchedUdpEcho,
    LoneUnixEcho,
    /// 200 of them, one after the other, 2 ms each.
    Sleeps,
}

impl Operation {
    fn of_run(
        &self,
        count: usize,
        contestant: Contestant,
        counter: &Counter<'_>,
    ) -> io::Result<Syscalls> {
        let Counter { cpus, scratch } = counter;
        match self {
            Self::LoneTcpEcho => {
                let command = contestant.tcp_echo(Path::new(""))?;
                strace::of_server(&command, scratch, cpus, |server| {
                    lone_echoes(server, connect(server.socket_addr()?)?, count)
                })
            }
            Self::BatchedTcpEcho => {
                let command = contestant.tcp_echo(Path::new(""))?;
                strace::of_server(&command, scratch, cpus, |server| {
                    batched_echoes(server, BATCH, count)
                })
            }
            Self::ShortTcpConnection => {
                let command = contestant.tcp_echo(Path::new(""))?;
                strace::of_server(&command, scratch, cpus, |server| {
                    lone_connections(server, count)
                })
            }
            Self::LoneUdpEcho => {
                let command = of_udp(contestant, false)?;
                strace::of_server(&command, scratch, cpus, |server| {
                    DatagramClient::connect(server.socket_addr()?)?.echoes(server, count, 1)
                })
            }
            Self::BatchedUdpEcho => {
                let command = of_udp(contestant, true)?;
                strace::of_server(&command, scratch, cpus, |server| {
                    let client = DatagramClient::connect(server.socket_addr()?)?;
                    client.echoes(server, count * IN_FLIGHT, IN_FLIGHT)
                })
            }
            Self::LoneUnixEcho => {
                let path = socket_path();
                // An error: there is none.
                let _ = fs::remove_file(&path);
                let command = contestant.server(&Work::UnixEcho(path.clone()))?;
                let counted = strace::of_server(&command, scratch, cpus, |server| {
                    let stream = UnixStream::connect(server.addr())?;
                    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
                    lone_echoes(server, stream, count)
                });
                let _ = fs::remove_file(&path);
                counted
            }
            Self::Sleeps => {
                let count = u32::try_from(count).expect("a small number");
                let command = contestant.server(&Work::Sleeps(count))?;
                strace::of_program(&command, scratch, cpus)
            }
        }
    }
}

impl Count for Operation {
    fn name(&self) -> String {
        let name = match self {
            Self::LoneTcpEcho => "syscalls of a lone TCP echo",
            Self::BatchedTcpEcho => "syscalls of a TCP echo, connections: 50",
            Self::ShortTcpConnection => "syscalls of a short TCP connection",
            Self::LoneUdpEcho => "syscalls of a lone UDP echo",
            Self::BatchedUdpEcho => "syscalls of a UDP echo, in flight: 32",
            Self::LoneUnixEcho => "syscalls of a lone Unix stream echo",
            Self::Sleeps => "syscalls of 200 sleeps",
        };
        name.to_owned()
    }

    fn contestants(&self) -> Vec<Contestant> {
        match self {
            Self::LoneTcpEcho | Self::BatchedTcpEcho | Self::ShortTcpConnection => {
                Contestant::ECHO.to_vec()
            }
            // The other programs do not do this work.
            Self::LoneUdpEcho | Self::BatchedUdpEcho | Self::LoneUnixEcho => {
                vec![Contestant::OursTask, Contestant::Tokio]
            }
            Self::Sleeps => vec![Contestant::OursTask, Contestant::Tokio, Contestant::Smol],
        }
    }

    fn tool(&self) -> Option<&'static str> {
        Some("strace")
    }

    fn count(&self, contestant: Contestant, counter: &Counter<'_>) -> io::Result<Counted> {
        let few = self.of_run(FEW, contestant, counter)?;
        let many = self.of_run(MANY, contestant, counter)?;
        // The sleeps are counted as a whole: no single one of them is of interest.
        let operations = match self {
            Self::Sleeps => 1.0,
            Self::BatchedUdpEcho => ((MANY - FEW) * IN_FLIGHT) as f64,
            _ => (MANY - FEW) as f64,
        };
        let mut parts = Vec::new();
        for (name, &calls) in &many {
            let before = few.get(name).copied().unwrap_or(0);
            if calls != before {
                parts.push((name.clone(), (calls as f64 - before as f64) / operations));
            }
        }
        parts.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let value = parts.iter().map(|(_, calls)| calls).sum();
        Ok(Counted { value, parts })
    }
}

/// The server of datagrams of ours or tokio's.
fn of_udp(contestant: Contestant, batched: bool) -> io::Result<Command> {
    let contestant = match contestant {
        Contestant::Tokio => Contestant::TokioUdp,
        _ if batched => Contestant::OursUdpBatched,
        _ => Contestant::OursUdp,
    };
    contestant.server(&Work::UdpEcho(contestant.datagrams()))
}

/// Short, as the path of a socket has to be.
fn socket_path() -> PathBuf {
    env::temp_dir().join(format!("bench-{}.sock", process::id()))
}

const FEW: usize = 100;
const MANY: usize = 300;

/// The runs are multiples of it.
const BATCH: usize = 50;

/// The runs are as many times this.
const IN_FLIGHT: usize = 32;
