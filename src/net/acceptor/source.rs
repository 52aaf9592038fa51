//! A listener of either kind, asked without blocking.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{SocketFlags, acceptfrom_with, sockopt::socket_peercred};
use socket2::Socket;

use crate::net::address::Peer;
use crate::net::listen::{Holders, Listener, Listening};

/// See the head of the file.
pub(super) struct Source {
    socket: OwnedFd,
    pub(super) holders: Holders,
    /// Its clients speak plainly, also where others speak TLS.
    pub(super) is_plain: bool,
}

impl Source {
    pub(super) fn new(listening: Listening) -> Source {
        let socket = match listening.listener {
            Listener::Tcp(listener) => listener.into(),
            Listener::Unix(listener) => listener.into(),
        };
        Source {
            socket,
            holders: listening.holders,
            is_plain: listening.is_plain,
        }
    }

    pub(super) fn accept(&self) -> io::Result<(Socket, Peer)> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (socket, address) = acceptfrom_with(&self.socket, flags)?;
        let address = address.and_then(|address| SocketAddr::try_from(address).ok());
        let peer = match address {
            Some(address) => Peer::from_tcp(address),
            None => {
                let credentials = socket_peercred(&socket);
                Peer::Unix(credentials.map_or(0, |peer| peer.pid.as_raw_nonzero().get()))
            }
        };
        Ok((socket.into(), peer))
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
