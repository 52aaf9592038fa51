//! The same tests over TLS: within [`over_tls`] the servers that a test starts have a certificate,
//! and its clients speak TLS.
//!
//! For the test a client is a plain socket; a thread carries its bytes. What one side ends, by
//! half, as a whole or with a reset, the other side sees ended in the same way.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::rc::Rc;

use poold::Tls;
use rustix::event::{PollFd, PollFlags, poll};
use rustls::ClientConnection;

use crate::support::net::reset;
use crate::support::scratch::text;
use crate::support::tls::Pair;

thread_local! {
    static PAIR: RefCell<Option<Rc<Pair>>> = const { RefCell::new(None) };
}

/// Runs a test whose servers and clients of this thread speak TLS.
pub fn over_tls(test: impl FnOnce()) {
    PAIR.set(Some(Rc::new(Pair::new())));
    test();
    PAIR.set(None);
}

pub fn is_over_tls() -> bool {
    pair().is_some()
}

fn pair() -> Option<Rc<Pair>> {
    PAIR.with_borrow(Option::clone)
}

/// What a daemon is started with.
pub fn arguments() -> Vec<&'static str> {
    let Some(pair) = pair() else {
        return Vec::new();
    };
    let (certificate, key) = (pair.certificate(), pair.key());
    let words = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    // There are few such tests.
    words.map(|word| &*word.to_owned().leak()).to_vec()
}

/// What a server of the library is started with.
pub fn options() -> Option<Tls> {
    let pair = pair()?;
    Some(Tls::from_files(pair.certificate(), pair.key()).expect("our own files"))
}

/// A plain socket for one that is connected to a server.
pub fn carried(server: TcpStream) -> TcpStream {
    let Some(pair) = pair() else {
        return server;
    };
    let session = pair.client(rustls::ALL_VERSIONS);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let test = TcpStream::connect(address).expect("it listens");
    let plain = listener.accept().expect("it has connected").0;
    for socket in [&server, &plain] {
        socket.set_nonblocking(true).expect("a socket");
        socket.set_nodelay(true).expect("a socket");
    }
    let carrier = Carrier {
        session,
        server,
        plain,
        waiting: Vec::new(),
        server_side: Side::Open,
        has_input: true,
        has_given: false,
        has_shut: false,
    };
    std::thread::spawn(move || carrier.run());
    test
}

/// How far the server's side has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Open,
    /// Its session has; its connection may still be reset.
    Said,
    Ended,
}

struct Carrier {
    session: ClientConnection,
    server: TcpStream,
    plain: TcpStream,
    /// Of the server, not yet taken by the test.
    waiting: Vec<u8>,
    server_side: Side,
    has_input: bool,
    has_given: bool,
    /// The connection's side to the server is shut.
    has_shut: bool,
}

impl Carrier {
    fn run(mut self) {
        while self.has_input || !self.has_shut || self.server_side != Side::Ended {
            if self.step().is_err() {
                reset(self.plain);
                return reset(self.server);
            }
        }
    }

    fn step(&mut self) -> io::Result<()> {
        self.wait()?;
        if self.reads_input() {
            self.take_input()?;
        }
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.server) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                written => drop(written?),
            }
        }
        if !self.has_input && !self.session.wants_write() && !self.has_shut {
            self.has_shut = true;
            self.server.shutdown(Shutdown::Write)?;
        }
        if self.waiting.is_empty() && self.server_side != Side::Ended {
            self.take_output()?;
        }
        self.give_output()
    }

    /// What comes first leaves with the end of the handshake.
    fn reads_input(&self) -> bool {
        let is_early = self.session.is_handshaking();
        self.has_input && !self.session.wants_write() && !(is_early && self.has_given)
    }

    fn wait(&self) -> io::Result<()> {
        let when = |flag, wanted| match wanted {
            true => flag,
            false => PollFlags::empty(),
        };
        let has_room = self.waiting.is_empty();
        let read = when(PollFlags::IN, has_room && self.server_side != Side::Ended);
        let write = when(PollFlags::OUT, self.session.wants_write());
        let input = when(PollFlags::IN, self.reads_input());
        let output = when(PollFlags::OUT, !has_room);
        let mut polled = [
            PollFd::new(&self.server, read | write),
            PollFd::new(&self.plain, input | output),
        ];
        poll(&mut polled, None)?;
        let [is_server_lost, is_test_gone] =
            polled.map(|one| one.revents().contains(PollFlags::ERR));
        // A server's reset is passed on once what came before it is taken, if the test takes it.
        let is_stuck = !has_room || self.server_side == Side::Ended;
        match is_test_gone || is_server_lost && is_stuck {
            true => Err(ErrorKind::ConnectionReset.into()),
            false => Ok(()),
        }
    }

    fn take_input(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        match self.plain.read(&mut buffer) {
            Ok(0) => {
                self.has_input = false;
                self.session.send_close_notify();
            }
            Ok(length) => {
                self.has_given = true;
                self.session.writer().write_all(&buffer[..length])?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn take_output(&mut self) -> io::Result<()> {
        if self.server_side == Side::Said {
            return match self.server.read(&mut [0; 64]) {
                Ok(0) => {
                    self.server_side = Side::Ended;
                    Ok(())
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
                Err(error) => Err(error),
                Ok(_) => Err(ErrorKind::InvalidData.into()),
            };
        }
        match self.session.read_tls(&mut self.server) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
        let processed = self.session.process_new_packets();
        processed.map_err(io::Error::other)?;
        let mut buffer = [0; 16 << 10];
        loop {
            match self.session.reader().read(&mut buffer) {
                Ok(0) => {
                    self.server_side = Side::Said;
                    return Ok(());
                }
                Ok(length) => self.waiting.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // A connection that ends before its session is no end.
                Err(error) => return Err(error),
            }
        }
    }

    fn give_output(&mut self) -> io::Result<()> {
        if !self.waiting.is_empty() {
            match self.plain.write(&self.waiting) {
                Ok(length) => drop(self.waiting.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        if self.waiting.is_empty() && self.server_side == Side::Ended {
            // It may have been shut before.
            let _ = self.plain.shutdown(Shutdown::Write);
        }
        Ok(())
    }
}
