//! A client that its service closes as it is opened: it gets the reason, and nothing of it is
//! served.

use poold::service::Tail;
use poold::{Client, End, Message, Reply, Service, Verdict};

use crate::support::admin::Watched;
use crate::support::gate::Gate;
use crate::support::net::{connect, end, send, take_all, take_to_end};
use crate::support::server::{Log, finish, options, serve};
use crate::support::spool::wait_until;

/// Closes every client once the gate opens, and records what it learns of them.
struct Porter {
    log: Log,
    gate: Gate,
    tail: Tail,
}

impl Service for Porter {
    type Session = ();

    fn opened(&self, client: &Client, reply: &mut Reply<'_>) {
        self.gate.pass();
        reply.send("not you");
        client.close("not on the list");
    }

    fn message(&self, (): &mut (), message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        self.log.note(format!("served {message:?}"));
        reply.send("a secret");
        Verdict::Go
    }

    fn last_words(&self, (): &mut (), _: &End, reply: &mut Reply<'_>) {
        reply.send("bye");
    }

    fn closed(&self, (): (), end: &End) {
        self.log.note(format!("{end:?}"));
    }

    fn tail(&self) -> Tail {
        self.tail
    }
}

#[test]
fn a_client_closed_as_it_is_opened_is_not_served() {
    for tail in [Tail::Discard, Tail::Deliver] {
        let (log, gate) = (Log::default(), Gate::default());
        let porter = Porter {
            log: log.clone(),
            gate: gate.clone(),
            tail,
        };
        let (server, address) = serve(options(), porter);
        let clients = [connect(&address), connect(&address)];
        gate.wait_waiting(2);
        // Both clients send before a worker serves them; the second one also ends.
        clients.iter().for_each(|client| send(client, "tell me\n"));
        end(&clients[1]);
        gate.open();
        for client in &clients {
            assert_eq!(take_to_end(client), b"not you\nbye\n", "{tail:?}");
        }
        send(&clients[0], "tell me all the same\n");
        drop(clients);
        wait_until("both are gone", || server.handle().registry().count() == 0);
        let closed = r#"Closed("not on the list")"#;
        assert_eq!(log.lines(), [closed, closed], "{tail:?}");
        assert_eq!(finish(server).received, 0);
    }
}

#[test]
fn a_client_that_is_refused_counts_as_accepted_whether_it_is_told_or_not() {
    // A chat has a line for it, for so many at once.
    for service in ["recv", "chat"] {
        let watched = Watched::start(&[service, "127.0.0.1:0", "--deny", "127.0.0.1"]);
        let crowd: Vec<_> = (0..20).map(|_| connect(&watched.daemon.address)).collect();
        crowd.iter().for_each(|client| drop(take_all(client)));
        let refused = "poold_clients_refused_total{reason=\"address_list\"}";
        assert_eq!(watched.metric(refused), 20.0, "{service}");
        let accepted = watched.metric("poold_clients_accepted_total");
        assert_eq!(accepted, 20.0, "{service}");
    }
}
