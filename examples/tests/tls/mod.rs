//! Both ends of a TLS connection by rustls, for the tests of what is put over them.
#![allow(dead_code, reason = "each file of tests uses a part of it")]

use std::{
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, RootCertStore, ServerConfig,
    ServerConnection, SideData, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{PrivatePkcs8KeyDer, ServerName},
};
use socket2::SockRef;

/// Both ends, of which each has what it needs to go on alone.
pub(crate) fn after_the_handshake(
    version: &'static SupportedProtocolVersion,
) -> ((ClientConnection, TcpStream), (ServerConnection, TcpStream)) {
    let (client, server) = configs(version);
    let (mut stream, mut peer) = socket_pair();
    let mut client = client_connection(client);
    let mut server = ServerConnection::new(server.into()).unwrap();
    // On blocking sockets, each in a thread.
    std::thread::scope(|scope| {
        scope.spawn(|| shake(&mut client, &mut stream));
        scope.spawn(|| shake(&mut server, &mut peer));
    });
    ((client, stream), (server, peer))
}

fn shake<D: SideData>(connection: &mut ConnectionCommon<D>, stream: &mut TcpStream) {
    while connection.is_handshaking() {
        connection.complete_io(stream).unwrap();
    }
}

pub(crate) fn client_connection(config: ClientConfig) -> ClientConnection {
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(config.into(), name).unwrap()
}

/// Sockets whose buffers are small, so that everything blocks often.
pub(crate) fn socket_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
        SockRef::from(stream).set_send_buffer_size(20_000).unwrap();
        SockRef::from(stream).set_recv_buffer_size(20_000).unwrap();
    }
    (client, server)
}

/// A client that trusts the server's certificate, and no other.
pub(crate) fn configs(version: &'static SupportedProtocolVersion) -> (ClientConfig, ServerConfig) {
    let made = rcgen::generate_simple_self_signed([String::from("localhost")]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let certificate = made.cert.der().clone();
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    (client, server)
}
