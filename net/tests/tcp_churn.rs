//! Ten times ten thousand connections, opened and closed: nothing of them stays.

mod common;
mod crowd;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream as StdStream},
};

use common::{HANG, listen, open_descriptors, reset, run, settle, turn_until};
use crowd::{Process, allowed};
use futures::StreamExt;
use io_traits::{io as async_io, task};
use net::{TcpListener, TcpStream};
use reactor::{Core, Spawner};

/// The clients are a process of their own: so is their limit of descriptors.
#[test]
fn ten_times_ten_thousand_connections_leave_no_descriptor_and_no_slot() {
    if let Some(server) = Process::server() {
        return clients(server);
    }
    let test = "ten_times_ten_thousand_connections_leave_no_descriptor_and_no_slot";
    let number = allowed();
    let mut core = Core::new().unwrap();
    let handle = core.handle();
    let (listener, addr) = listen(&handle);
    let process = Process::start(test, addr);
    let (mut control, _) = run(&mut core, task::io(|| listener.accept())).unwrap();
    let accepting = core.spawner().spawn(accept(listener, core.spawner()));
    settle(&mut core);
    let (descriptors, registered) = (open_descriptors(), handle.metrics().registered);
    let tasks = core.spawner().task_count();
    for round in 0..ROUNDS {
        tell(&mut core, &mut control, OPEN);
        assert_eq!(handle.metrics().registered, registered + number as u64);
        assert_eq!(open_descriptors(), descriptors + number);
        tell(&mut core, &mut control, CLOSE);
        turn_until(&mut core, || handle.metrics().registered == registered);
        assert_eq!(open_descriptors(), descriptors, "round {round}");
        assert_eq!(core.spawner().task_count(), tasks, "round {round}");
    }
    assert!(!accepting.is_finished());
    drop(control);
    process.end();
}

/// Has the clients do something, and waits until they have.
fn tell(core: &mut Core, control: &mut TcpStream, command: u8) {
    let telling = async {
        async_io::write_all(control, &[command]).await.unwrap();
        async_io::read_exact(control, &mut [0]).await.unwrap();
    };
    let limit = core.handle().timeout(3 * HANG, telling);
    core.run(limit).unwrap().expect("they do not answer");
}

async fn accept(listener: TcpListener, spawner: Spawner) {
    let mut incoming = listener.incoming();
    while let Some(accepted) = incoming.next().await {
        let (mut stream, _) = accepted.unwrap();
        drop(spawner.spawn(async move {
            async_io::write_all(&mut stream, b".").await?;
            // Some end, and some are reset.
            async_io::read(&mut stream, &mut [0]).await
        }));
    }
}

fn clients(server: SocketAddr) {
    let number = allowed();
    let connect = || {
        let stream = StdStream::connect(server).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream
    };
    let mut control = StdStream::connect(server).unwrap();
    let mut streams: Vec<StdStream> = Vec::new();
    let mut command = [0];
    while control.read(&mut command).unwrap() > 0 {
        match command {
            [OPEN] => {
                while streams.len() < number {
                    let few = BATCH.min(number - streams.len());
                    streams.extend((0..few).map(|_| connect()));
                    // They are accepted in their order, so that the queue is never overrun.
                    streams.last_mut().unwrap().read_exact(&mut [0]).unwrap();
                }
            }
            // One in a hundred ends in good order. All of them would use the ports up, for a minute.
            _ => {
                for (index, stream) in streams.drain(..).enumerate() {
                    match index % 100 {
                        0 => drop(stream),
                        _ => reset(stream),
                    }
                }
            }
        }
        control.write_all(b".").unwrap();
    }
}

const ROUNDS: usize = 10;
const BATCH: usize = 500;
const OPEN: u8 = b'o';
const CLOSE: u8 = b'c';
