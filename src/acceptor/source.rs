//! A listener of either kind, asked without blocking.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::Socket;

use crate::listen::Listener;
use crate::peer::Peer;

/// See the head of the file.
pub(super) enum Source {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl From<Listener> for Source {
    fn from(listener: Listener) -> Source {
        match listener {
            Listener::Tcp(listener) => Source::Tcp(TcpListener::from_std(listener)),
            Listener::Unix(listener) => Source::Unix(UnixListener::from_std(listener)),
        }
    }
}

impl Source {
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Source::Tcp(listener) => registry.register(listener, token, Interest::READABLE),
            Source::Unix(listener) => registry.register(listener, token, Interest::READABLE),
        }
    }

    pub(super) fn accept(&self) -> io::Result<(Socket, Peer)> {
        match self {
            Source::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                Ok((
                    Socket::from(std::net::TcpStream::from(stream)),
                    Peer::from_tcp(address),
                ))
            }
            Source::Unix(listener) => {
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
        match self {
            Source::Tcp(listener) => listener.as_fd(),
            Source::Unix(listener) => listener.as_fd(),
        }
    }
}

fn process_of(stream: &std::os::unix::net::UnixStream) -> i32 {
    let credentials = rustix::net::sockopt::socket_peercred(stream);
    credentials.map_or(0, |peer| peer.pid.as_raw_nonzero().get())
}
