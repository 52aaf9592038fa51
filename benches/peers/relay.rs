//! The limit of a feed: one thread, one readiness loop; what one client sends is written to each
//! other one at once, by one call, and nothing is kept for a reader that is slow.

use std::io::{self, ErrorKind, Read, Write};
use std::net;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX);
const READ: usize = 64 * 1024;

/// Serves for ever.
pub fn serve(listener: net::TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut clients: Vec<Option<TcpStream>> = Vec::new();
    let mut buffer = vec![0; READ];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            match event.token() {
                LISTENER => accept(&listener, &poll, &mut clients)?,
                Token(at) => pass_on(at, &mut clients, &mut buffer),
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    clients: &mut Vec<Option<TcpStream>>,
) -> io::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nodelay(true)?;
        let token = Token(clients.len());
        poll.registry()
            .register(&mut stream, token, Interest::READABLE)?;
        clients.push(Some(stream));
    }
}

/// Reads until there is nothing left, and writes each piece to all others.
fn pass_on(from: usize, clients: &mut [Option<TcpStream>], buffer: &mut [u8]) {
    while let Some(sender) = &mut clients[from] {
        let length = match sender.read(buffer) {
            Ok(length) if length > 0 => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            _ => {
                clients[from] = None;
                return;
            }
        };
        for (at, client) in clients.iter_mut().enumerate() {
            // What a reader does not take at once is lost to it.
            if at != from
                && let Some(client) = client
            {
                let _ = client.write(&buffer[..length]);
            }
        }
    }
}
