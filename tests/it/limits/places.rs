//! A client that is refused, or closed before its turn, takes no other client's slot.

use std::io::{self, Write};
use std::time::Duration;

use poold::{
    Bytes, Client, Limit, Message, Options, Reply, Server, Service, Stream, StreamService, Verdict,
    WhenFull,
};

use crate::support::gate::Gate;
use crate::support::net::{connect, connect_from, send, take_all, take_line};
use crate::support::server::{finish, options, serve};
use crate::support::spool::wait_until;

/// Echo, with a line for refused clients.
struct Polite;

impl Service for Polite {
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        reply.send(message.bytes);
        Verdict::Go
    }

    fn refusal(&self, limit: Limit) -> Option<Bytes> {
        Some(format!("{limit:?}").into())
    }
}

#[test]
fn refused_clients_do_not_count_against_clients_max() {
    let options = Options {
        clients_max: 4,
        per_address_max: Some(2),
        when_full: WhenFull::Refuse,
        ..options()
    };
    let (server, address) = serve(options, Polite);
    let many: Vec<_> = (0..20).map(|_| connect(&address)).collect();
    let answers: Vec<_> = many[2..].iter().map(|client| take_all(client).0).collect();
    let told = answers.iter().filter(|answer| !answer.is_empty());
    assert!(told.clone().all(|answer| answer == b"AddressShare"));
    // They don't close: refused clients are still connected, or have made room for the next.
    assert!((8..=18).contains(&told.count()), "{answers:?}");
    let other = connect_from("127.0.0.2", &address);
    send(&other, "hello\n");
    assert_eq!(take_line(&other), "hello");
    drop((many, other));
    finish(server);
}

/// Holds its first client, and the thread that refuses one, at a gate.
struct Held {
    serving: Gate,
    refusing: Gate,
}

impl StreamService for Held {
    fn serve(&self, stream: Stream) -> io::Result<()> {
        (&stream).write_all(b"yes\n")?;
        if stream.client().id() == 1 {
            self.serving.pass();
        }
        Ok(())
    }

    fn refusal(&self, _: Limit) -> Option<Bytes> {
        self.refusing.pass();
        Some(Bytes::from_static(b"no\n"))
    }
}

#[test]
fn a_client_closed_before_its_first_turn_keeps_no_worker_from_the_next() {
    let (serving, refusing) = (Gate::default(), Gate::default());
    let service = Held {
        serving: serving.clone(),
        refusing: refusing.clone(),
    };
    let options = Options {
        workers: 1,
        wait_max: Some(Duration::from_secs(3)),
        ..options()
    };
    let server = Server::bind_streams("127.0.0.1:0", options, service).expect("it starts");
    let handle = server.handle();
    let come = |count| {
        let client = connect(&server.address().to_string());
        wait_until("it is here", || handle.registry().count() == count);
        client
    };
    let held = come(1);
    assert_eq!(take_line(&held), "yes");
    let waiting = come(2);
    // From here on no client has a turn.
    refusing.wait_waiting(1);
    let closed = come(3);
    assert!(handle.registry().close(3, "not wanted"));
    let next = come(4);
    refusing.open();
    serving.open();
    assert_eq!(take_line(&next), "yes");
    drop((held, waiting, closed, next));
    finish(server);
}
