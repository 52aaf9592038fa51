//! A server of the library in the process of the test.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use poold::service::Tail;
use poold::{
    Client, End, Limit, Message, Options, Reply, Report, Server, ServerPhase, Service, Stream,
    Verdict,
};

use crate::support::spool::{PATIENCE, wait_until};
use crate::support::tunnel;

/// Four workers, a drain longer than any test, and no overload limit: other tests that keep the
/// machine busy must not make a server refuse clients.
pub fn options() -> Options {
    Options {
        workers: 4,
        clients_max: 400,
        drain: Duration::from_secs(20),
        overload: None,
        tls: tunnel::options(),
        ..Options::default()
    }
}

/// Serves on a free port of this machine.
pub fn serve(options: Options, service: impl Service) -> (Server, String) {
    let server = Server::bind("127.0.0.1:0", options, service).expect("it starts");
    let address = server.address().to_string();
    (server, address)
}

/// As [`serve`], for a function that takes the whole stream.
pub fn lend(
    options: Options,
    service: impl Fn(Stream) -> io::Result<()> + Send + Sync + 'static,
) -> (Server, String) {
    let server = Server::bind_streams("127.0.0.1:0", options, service).expect("it starts");
    let address = server.address().to_string();
    (server, address)
}

/// The number of a connected client, which the server may not have accepted yet.
pub fn id_of(server: &Server, client: &TcpStream) -> u64 {
    let own = client.local_addr().expect("connected").to_string();
    let mut id = 0;
    wait_until("it is here", || {
        let list = server.handle().registry().list();
        let found = list.iter().find(|info| info.peer.to_string() == own);
        id = found.map_or(0, |info| info.id);
        id > 0
    });
    id
}

/// How often a limit has acted.
pub fn count(server: &Server, limit: Limit) -> u64 {
    server.handle().stats().limit(limit)
}

/// Drains the server; asserts that no connection is cut off.
pub fn finish(server: Server) -> Report {
    let handle = server.handle();
    handle.drain();
    let report = server.wait();
    assert!(handle.wait_for(ServerPhase::Stopped, PATIENCE), "{report}");
    report
}

/// What a [`Logged`] service does with a message.
type Act = dyn Fn(&Client, Message<'_>, &mut Reply<'_>) -> Verdict + Send + Sync;

/// A service that records each call of its methods, with the client's number.
pub struct Logged {
    log: Log,
    tail: Tail,
    act: Box<Act>,
}

/// Calls in order.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn note(&self, line: String) {
        self.0.lock().push(line);
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().clone()
    }

    /// The calls of one client, without its number.
    pub fn of(&self, id: u64) -> Vec<String> {
        let stem = format!("{id} ");
        let lines = self.lines();
        let own = lines.iter().filter_map(|line| line.strip_prefix(&stem));
        own.map(str::to_owned).collect()
    }

    /// Waits until the service was told that a client's connection is over.
    pub fn wait_closed(&self, id: u64) {
        wait_until("the session is closed", || {
            self.of(id).iter().any(|line| line.starts_with("closed"))
        });
    }
}

impl Logged {
    pub fn new(
        act: impl Fn(&Client, Message<'_>, &mut Reply<'_>) -> Verdict + Send + Sync + 'static,
    ) -> (Logged, Log) {
        let log = Log::default();
        let logged = Logged {
            log: log.clone(),
            tail: Tail::Discard,
            act: Box::new(act),
        };
        (logged, log)
    }

    /// As services that store messages: also takes messages that come after the close has begun.
    pub fn delivering(mut self) -> Logged {
        self.tail = Tail::Deliver;
        self
    }
}

impl Service for Logged {
    type Session = Client;

    fn opened(&self, client: &Client, _: &mut Reply<'_>) -> Client {
        self.log.note(format!("{} opened", client.id()));
        client.clone()
    }

    fn message(&self, client: &mut Client, message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        let text = String::from_utf8_lossy(message.bytes);
        self.log
            .note(format!("{} {:?} {text}", client.id(), message.extent));
        (self.act)(client, message, reply)
    }

    fn closed(&self, client: Client, end: &End) {
        self.log.note(format!("{} closed {end:?}", client.id()));
    }

    fn tail(&self) -> Tail {
        self.tail
    }
}
