//! A listener of either kind, asked without blocking.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::Socket;

use crate::net::address::Peer;
use crate::net::listen::{Holders, Listener};

/// See the head of the file.
pub(super) struct Source {
    kind: Kind,
    pub(super) holders: Holders,
}

enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Source {
    pub(super) fn new(listener: Listener, holders: Holders) -> Source {
        let kind = match listener {
            Listener::Tcp(listener) => Kind::Tcp(TcpListener::from_std(listener)),
            Listener::Unix(listener) => Kind::Unix(UnixListener::from_std(listener)),
        };
        Source { kind, holders }
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.kind {
            Kind::Tcp(listener) => registry.register(listener, token, Interest::READABLE),
            Kind::Unix(listener) => registry.register(listener, token, Interest::READABLE),
        }
    }

    pub(super) fn accept(&self) -> io::Result<(Socket, Peer)> {
        match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                Ok((
                    Socket::from(std::net::TcpStream::from(stream)),
                    Peer::from_tcp(address),
                ))
            }
            Kind::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                let stream = std::os::unix::net::UnixStream::from(stream);
                let process = process_of(&stream);
                Ok((Socket::from(stream), Peer::Unix(process)))
            }
        }
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.kind {
            Kind::Tcp(listener) => listener.as_fd(),
            Kind::Unix(listener) => listener.as_fd(),
        }
    }
}

fn process_of(stream: &std::os::unix::net::UnixStream) -> i32 {
    let credentials = rustix::net::sockopt::socket_peercred(stream);
    credentials.map_or(0, |peer| peer.pid.as_raw_nonzero().get())
}
