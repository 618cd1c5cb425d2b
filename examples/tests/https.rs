//! `https` speaks TLS and HTTP with clients of other makers, and no client holds up the others.

mod common;

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{self, Command},
    sync::Arc,
    time::{Duration, Instant},
};

use common::*;
use examples::Random;
use rustix::process::Signal;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

const HTTPS: &str = env!("CARGO_BIN_EXE_https");

#[test]
fn curl_gets_the_page_over_either_version_of_tls() {
    if is_missing("curl") {
        return;
    }
    let server = Server::start(HTTPS, &[]);
    for (arguments, version) in [
        (["--tlsv1.2", "--tls-max", "1.2"], "using TLSv1.2"),
        (["--tlsv1.3", "--tls-max", "1.3"], "using TLSv1.3"),
    ] {
        let output = run(curl(&server, "/").arg("--verbose").args(arguments), b"");
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{log}");
        assert!(log.contains(version), "{log}");
        assert!(log.contains("server accepted http/1.1"), "{log}");
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .contains("It works")
        );
    }
    server.stop();
}

#[test]
fn curl_uses_one_connection_for_several_requests() {
    if is_missing("curl") {
        return;
    }
    let server = Server::start(HTTPS, &[]);
    let url = format!("https://{}/bytes/[100000-100003]", server.addr());
    let mut curl = curl(&server, "/");
    curl.args(["--output", "/dev/null", &url, "--output", "/dev/null"])
        .args([
            "--write-out",
            "%{http_code} %{num_connects} %{size_download}\n",
        ]);
    let said = String::from_utf8(run_well(&mut curl, b"")).unwrap();
    let (first, others) = said.split_once('\n').unwrap();
    assert!(first.starts_with("200 1 "), "{said}");
    let expected = "200 0 100000\n200 0 100001\n200 0 100002\n200 0 100003\n";
    assert_eq!(others, expected);
    server.stop();
}

#[test]
fn a_head_has_the_length_and_no_body_and_another_path_is_not_found() {
    if is_missing("curl") {
        return;
    }
    let server = Server::start(HTTPS, &[]);
    let head = run_well(curl(&server, "/bytes/300000").arg("--head"), b"");
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("Content-Length: 300000\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "{head}");

    let mut other = curl(&server, "/other");
    other.args(["--write-out", "%{http_code}"]);
    let said = String::from_utf8(run_well(&mut other, b"")).unwrap();
    assert!(said.ends_with("404"), "{said}");
    server.stop();
}

#[test]
fn openssl_gets_the_page_and_a_clean_end() {
    if is_missing("openssl") {
        return;
    }
    let server = Server::start(HTTPS, &[]);
    for version in ["-tls1_2", "-tls1_3"] {
        let mut openssl = Command::new("openssl");
        openssl
            .args(["s_client", "-quiet", version, "-connect"])
            .arg(server.addr().to_string());
        let output = run(&mut openssl, &get("/", "Connection: close\r\n"));
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{log}");
        // That is what it says when TCP ends before TLS has.
        assert!(!log.contains("unexpected eof"), "{log}");
        let answer = String::from_utf8(output.stdout).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("Connection: close\r\n"), "{answer}");
        assert!(answer.contains("It works"), "{answer}");
    }
    server.stop();
}

#[test]
fn fifty_downloads_at_once_get_every_byte() {
    if is_missing("curl") {
        return;
    }
    for threads in ["1", "2"] {
        let server = Server::start(HTTPS, &["--threads", threads]);
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("https-{}-{threads}", process::id()));
        fs::create_dir_all(&directory).unwrap();
        let mut curl = curl(&server, "/bytes/[300000-300049]");
        curl.args(["--parallel", "--parallel-immediate", "--parallel-max", "50"])
            .args(["--write-out", "%{num_connects}\n", "--output"])
            .arg(directory.join("#1"));
        let said = String::from_utf8(run_well(&mut curl, b"")).unwrap();
        assert_eq!(
            said.lines().filter(|line| *line == "1").count(),
            50,
            "{said}"
        );
        for n in 300_000..300_050 {
            let got = fs::read(directory.join(n.to_string())).unwrap();
            assert!(got == bytes(n), "{n}");
        }
        fs::remove_dir_all(&directory).unwrap();
        server.stop();
    }
}

#[test]
fn requests_that_come_together_are_answered_in_turn() {
    let server = Server::start(HTTPS, &[]);
    let mut client = connect_tls(&server);
    let requests: Vec<u8> = (0..100)
        .flat_map(|n| get(&format!("/bytes/{n}"), ""))
        .collect();
    client.write_all(&requests).unwrap();
    for n in 0..100 {
        let (head, body) = read_response(&mut client);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(body == bytes(n), "{n}");
    }
    server.stop();
}

#[test]
fn a_request_in_single_bytes_is_understood() {
    let server = Server::start(HTTPS, &[]);
    let mut client = connect_tls(&server);
    for byte in get("/bytes/10", "") {
        client.write_all(&[byte]).unwrap();
    }
    assert!(read_response(&mut client).1 == bytes(10));
    server.stop();
}

#[test]
fn a_client_that_does_not_read_is_waited_for_and_delays_nobody() {
    const N: u64 = 20_000_000;
    let server = Server::start(HTTPS, &[]);
    let mut slow = connect_tls(&server);
    slow.write_all(&get(&format!("/bytes/{N}"), "")).unwrap();
    let mut first = [0; 1];
    slow.read_exact(&mut first).unwrap();
    for _ in 0..3 {
        let mut other = connect_tls(&server);
        other.write_all(&get("/bytes/300000", "")).unwrap();
        assert!(read_response(&mut other).1 == bytes(300_000));
    }
    let (_, body) = read_response(&mut first.chain(slow));
    assert!(body == bytes(N));
    server.stop();
}

#[test]
fn a_head_that_is_too_large_gets_431_and_a_clean_end() {
    let server = Server::start(HTTPS, &[]);
    // Much more than the server reads: what it leaves unread must not reset the connection.
    for size in [16 * 1024, 500_000] {
        let mut client = connect_tls(&server);
        let cookie = format!("Cookie: {}\r\n", "a".repeat(size));
        client.write_all(&get("/", &cookie)).unwrap();
        expect_last_answer(client, "HTTP/1.1 431 ");
    }
    // One that just fits.
    let mut client = connect_tls(&server);
    let room = 16 * 1024 - get("/", "Cookie: \r\n").len();
    let cookie = format!("Cookie: {}\r\n", "a".repeat(room));
    client.write_all(&get("/", &cookie)).unwrap();
    assert!(read_response(&mut client).0.starts_with("HTTP/1.1 200 "));
    server.stop();
}

#[test]
fn a_malformed_request_gets_400_and_a_clean_end() {
    let server = Server::start(HTTPS, &[]);
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "\0\r\n\r\n",
        "GET / HTTP/9\r\n\r\n",
    ] {
        let mut client = connect_tls(&server);
        client.write_all(request.as_bytes()).unwrap();
        expect_last_answer(client, "HTTP/1.1 400 ");
    }
    server.stop();
}

#[test]
fn a_body_that_nobody_wants_gets_405_and_a_clean_end() {
    let server = Server::start(HTTPS, &[]);
    let mut client = connect_tls(&server);
    let body = "a".repeat(300_000);
    let head = "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 300000\r\n\r\n";
    client
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
    expect_last_answer(client, "HTTP/1.1 405 ");
    server.stop();
}

#[test]
fn a_handshake_that_stalls_holds_only_its_own_connection_and_not_for_ever() {
    let server = Server::start(HTTPS, &["--handshake-seconds", "2"]);
    let start = Instant::now();
    // Nothing at all, the beginning of a message, and a message after which the client owes the next.
    let silent = server.connect();
    let mut beginning = server.connect();
    beginning.write_all(&hello()[..40]).unwrap();
    let mut hello_only = server.connect();
    hello_only.write_all(&hello()).unwrap();
    hello_only.read_exact(&mut [0; 5]).unwrap();

    let mut others = 0;
    while start.elapsed() < Duration::from_millis(500) {
        let mut other = connect_tls(&server);
        other.write_all(&get("/bytes/1000", "")).unwrap();
        assert!(read_response(&mut other).1 == bytes(1_000));
        others += 1;
    }
    assert!(others > 1, "only {others} were served meanwhile");

    for mut stalled in [silent, beginning, hello_only] {
        let mut rest = Vec::new();
        stalled.read_to_end(&mut rest).unwrap();
    }
    assert!(start.elapsed() >= Duration::from_secs(2));
    server.stop();
}

#[test]
fn garbage_ends_its_connection_with_an_alert_and_no_other() {
    let server = Server::start(HTTPS, &[]);
    let mut other = connect_tls(&server);
    other.write_all(&get("/bytes/5", "")).unwrap();
    assert!(read_response(&mut other).1 == bytes(5));

    let mut random = vec![0; 100_000];
    Random::new(9).fill(&mut random);
    for garbage in [&get("/", "")[..], &random] {
        let mut client = server.connect();
        client.write_all(garbage).unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        // RFC 8446, section 5.1: the type of a record with an alert.
        assert_eq!(answer.first(), Some(&21), "{answer:?}");
    }
    // In the midst of a conversation too.
    let mut spoilt = connect_tls(&server);
    spoilt.write_all(&get("/bytes/5", "")).unwrap();
    read_response(&mut spoilt);
    spoilt.sock.write_all(&[23, 3, 3, 0, 32]).unwrap();
    spoilt.sock.write_all(&[7; 32]).unwrap();
    let error = spoilt.read(&mut [0; 1]).unwrap_err();
    assert!(error.to_string().contains("BadRecordMac"), "{error}");

    other.write_all(&get("/bytes/6", "")).unwrap();
    assert!(read_response(&mut other).1 == bytes(6));
    server.stop();
}

#[test]
fn a_client_that_goes_away_at_any_time_takes_nothing_with_it() {
    let server = Server::start(HTTPS, &[]);
    drop(server.connect());
    let mut half = server.connect();
    half.write_all(&hello()).unwrap();
    drop(half);
    let mut busy = connect_tls(&server);
    busy.write_all(&get("/bytes/10000000", "")).unwrap();
    busy.read_exact(&mut [0; 1]).unwrap();
    drop(busy);
    let mut other = connect_tls(&server);
    other.write_all(&get("/bytes/5", "")).unwrap();
    assert!(read_response(&mut other).1 == bytes(5));
    server.stop();
}

#[test]
fn sigterm_ends_tls_cleanly_and_the_server_with_exit_code_0() {
    let mut command = Command::new(HTTPS);
    command.args(["--threads", "2"]).env("RUST_LOG", "debug");
    let mut server = Server::start_command(&mut command);
    let mut idle = connect_tls(&server);
    idle.write_all(&get("/bytes/5", "")).unwrap();
    assert!(read_response(&mut idle).1 == bytes(5));
    let mut in_handshake = server.connect();
    in_handshake.write_all(&hello()[..40]).unwrap();
    // A connection that nobody has accepted yet would be reset.
    server.wait_for_log("accepted");
    server.wait_for_log("accepted");
    let start = Instant::now();
    server.signal(Signal::TERM);
    // Without a `close_notify` this would be an error.
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(in_handshake.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(server.wait().code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5));
}

type Client = StreamOwned<ClientConnection, TcpStream>;

fn connect_tls(server: &Server) -> Client {
    StreamOwned::new(client_connection(), server.connect())
}

fn client_connection() -> ClientConnection {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

/// The first message of a client.
fn hello() -> Vec<u8> {
    let mut hello = Vec::new();
    client_connection().write_tls(&mut hello).unwrap();
    hello
}

fn curl(server: &Server, path: &str) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--insecure", "--max-time", "50"])
        .arg(format!("https://{}{path}", server.addr()));
    curl
}

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: here\r\n{headers}\r\n").into_bytes()
}

/// What `/bytes/N` is.
fn bytes(n: u64) -> Vec<u8> {
    let mut bytes = vec![0; n as usize];
    Random::new(n).fill(&mut bytes);
    bytes
}

fn read_response(stream: &mut impl Read) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .expect("a response has a length");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (head, body)
}

/// Reads an answer, after which TLS and TCP end without an error.
fn expect_last_answer(mut client: Client, start: &str) {
    let (head, _) = read_response(&mut client);
    assert!(head.starts_with(start), "{head}");
    assert!(head.contains("Connection: close\r\n"), "{head}");
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(client.sock.read(&mut [0; 1]).unwrap(), 0);
}

/// Takes every certificate: the server makes a new one at each start.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
