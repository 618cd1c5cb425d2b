//! Datagrams in batches, with std's own sockets at the other end.

mod common;

use std::{net::UdpSocket, process::Command, thread};

use common::{LIMIT, Program, run, run_well};

const UDP_BATCH: &str = env!("CARGO_BIN_EXE_udp-batch");

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

fn send(args: &[&str]) -> String {
    let said = run_well(Command::new(UDP_BATCH).arg("send").args(args), b"");
    String::from_utf8(said).unwrap()
}

/// The numbers before these words.
#[track_caller]
fn numbers<const N: usize>(line: &str, units: [&str; N]) -> [f64; N] {
    units.map(|unit| {
        let (before, _) = line.split_once(&format!(" {unit}")).expect(unit);
        let number = before.rsplit(' ').next().unwrap();
        number.parse().unwrap_or_else(|_| panic!("{line}"))
    })
}

#[test]
fn as_many_are_sent_as_it_was_told_with_the_kernels_help_and_without() {
    for how in [
        &["--batch", "54"][..],
        &["--batch", "20", "--no-gso"],
        // Longer than any clock goes.
        &["--batch", "1", "--seconds", "1e19"],
    ] {
        let receiver = socket();
        let to = receiver.local_addr().unwrap().to_string();
        let reading = thread::spawn(move || {
            for number in 0..1000_u64 {
                let mut buf = [1; 2000];
                // None is lost, so they come in order.
                assert_eq!(receiver.recv(&mut buf).unwrap(), 100);
                assert_eq!(buf[..8], number.to_be_bytes());
                assert_eq!(buf[8..100], [0; 92]);
            }
            receiver
        });
        // Slowly enough for any reader.
        let args = [&to, "--size", "100", "--count", "1000", "--rate", "10000"];
        let said = send(&[&args, how].concat());
        let receiver = reading.join().unwrap();
        receiver.set_nonblocking(true).unwrap();
        assert!(receiver.recv(&mut [0; 1]).is_err(), "too many");
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("in all sent "), "{last}");
        let [datagrams, bytes, packets, megabits] =
            numbers(last, ["datagrams", "bytes", "packets/s", "Mbit/s"]);
        assert_eq!((datagrams, bytes), (1000.0, 100_000.0));
        assert!(packets > 0.0 && packets < 12_000.0, "{last}");
        assert!((megabits - packets * 800.0 / 1e6).abs() < 0.1, "{last}");
    }
}

#[test]
fn it_sends_for_as_long_as_it_was_told_although_nobody_listens() {
    let nobody = socket().local_addr().unwrap().to_string();
    let said = send(&[&nobody, "--seconds", "0.05", "--rate", "1000"]);
    let [datagrams] = numbers(said.lines().last().unwrap(), ["datagrams"]);
    assert!((1.0..200.0).contains(&datagrams), "{said}");
}

#[test]
fn what_comes_is_counted_and_what_does_not_is_missed() {
    for how in [&[][..], &["--gro"], &["--batch", "1", "--seconds", "1e19"]] {
        let mut command = Command::new(UDP_BATCH);
        command.args(["receive", "--listen", "127.0.0.1:0", "--count", "300"]);
        let mut program = Program::start(command.args(how));
        let line = program.line();
        let to = line.strip_prefix("listening on ").unwrap();
        for (sender, first) in [(socket(), 0_u64), (socket(), 5)] {
            for number in first..first + 150 {
                let mut datagram = [0; 50];
                datagram[..8].copy_from_slice(&number.to_be_bytes());
                sender.send_to(&datagram, to).unwrap();
            }
        }
        let last = program.line();
        assert!(last.starts_with("in all received "), "{last}");
        let counted = numbers(&last, ["datagrams", "bytes", "missing", "cut off"]);
        assert_eq!(counted, [300.0, 15_000.0, 5.0, 0.0], "{last}");
        assert!(numbers(&last, ["packets/s"])[0] > 0.0, "{last}");
        assert!(program.wait().success());
    }
}

#[test]
fn it_receives_for_as_long_as_it_was_told_although_nothing_comes() {
    let said = run_well(
        Command::new(UDP_BATCH).args(["receive", "--listen", "127.0.0.1:0", "--seconds", "0.01"]),
        b"",
    );
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("in all received 0 datagrams"), "{said}");
}

#[test]
fn a_batch_is_no_larger_than_it_can_be() {
    for (batch, args) in [
        ("0", &["send", "127.0.0.1:9"][..]),
        ("1025", &["send", "127.0.0.1:9"]),
        ("0", &["receive"]),
        ("65", &["receive"]),
    ] {
        // It would begin, and end at once.
        let args = [args, &["--seconds", "0", "--batch", batch]].concat();
        let output = run(Command::new(UDP_BATCH).args(&args), b"");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(log.contains("'--batch <N>'"), "{log}");
    }
}
