use std::net::SocketAddr;

use super::UdpSocket;
use crate::{async_datagram::async_datagram, sys};

async_datagram!(UdpSocket, SocketAddr, sys::recv_datagram_into);
