//! Clients that come at a bad moment: as the gate closes, as a listener dies.

use std::cell::Cell;
use std::net::{Shutdown, TcpListener, TcpStream};

use socket2::SockRef;

use super::*;

/// A client connects just before the gate closes, at the `nth` check of the gate.
struct Late {
    nth: u32,
    address: SocketAddr,
    asked: Cell<u32>,
    client: Cell<Option<TcpStream>>,
    admitted: Cell<u32>,
}

impl AcceptHandler for Late {
    fn gate(&self) -> AcceptGate {
        self.asked.set(self.asked.get() + 1);
        if self.asked.get() == self.nth {
            let client = TcpStream::connect(self.address).expect("it listens");
            self.client.set(Some(client));
        }
        if self.asked.get() < self.nth {
            AcceptGate::Open
        } else {
            AcceptGate::Closing
        }
    }

    fn takes_event(&self) -> bool {
        false
    }

    fn has_to_wait(&self, _: AcceptGate) {}

    fn is_waited_for(&self) {}

    fn cut_off(&self) {}

    fn admit(&self, _: Socket, _: Peer, _: bool) {
        self.admitted.set(self.admitted.get() + 1);
    }

    fn starved(&self) {}
}

fn listening() -> (Listening, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("bound");
    let listening = Listening {
        listener: Listener::Tcp(listener),
        holders: Holders::Ours,
        is_plain: false,
    };
    (listening, address)
}

fn admitted(nth: u32) -> u32 {
    let (listening, address) = listening();
    let mut acceptor = Acceptor::new(vec![listening], Arc::default());
    let late = Late {
        nth,
        address,
        asked: Cell::default(),
        client: Cell::default(),
        admitted: Cell::default(),
    };
    while acceptor.accept(&late, usize::MAX) != Waits::Nothing {}
    late.admitted.get()
}

#[test]
fn a_client_that_comes_just_before_the_gate_closes_is_admitted() {
    for nth in 1..=4 {
        assert_eq!(admitted(nth), 1, "{nth}");
    }
}

/// Another process may have shut a listener down that it shares.
#[test]
fn a_listener_that_dies_hides_no_client_of_another() {
    let (all, addresses): (Vec<_>, Vec<_>) = (0..3).map(|_| listening()).unzip();
    let mut acceptor = Acceptor::new(all, Arc::default());
    let _client = TcpStream::connect(addresses[2]).expect("it listens");
    let dead = SockRef::from(&acceptor.listeners[1].socket);
    dead.shutdown(Shutdown::Both).expect("it listens");
    let host = Late {
        nth: u32::MAX,
        address: addresses[2],
        asked: Cell::default(),
        client: Cell::default(),
        admitted: Cell::default(),
    };
    assert_eq!(acceptor.accept(&host, usize::MAX), Waits::AnEvent);
    assert_eq!((host.admitted.get(), acceptor.listeners.len()), (1, 2));
}
