//! Services of messages: sessions, verdicts, panics.

use std::sync::atomic::{AtomicUsize, Ordering};

use poold::{Client, End, Message, Reply, Service, Verdict, answer};

use crate::support::gate::Gate;
use crate::support::net::{connect, end, reset, send, take, take_line, take_to_end};
use crate::support::server::{Logged, finish, id_of, options, serve};
use crate::support::spool::wait_until;

#[test]
fn a_function_of_a_line_is_a_service() {
    let (server, address) = serve(options(), answer(|line: &[u8]| line.to_ascii_uppercase()));
    let client = connect(&address);
    send(&client, "one\r\ntwo\nthr");
    assert_eq!(
        (take_line(&client), take_line(&client)),
        ("ONE".into(), "TWO".into())
    );
    send(&client, "ee");
    end(&client);
    assert_eq!(take_to_end(&client), b"THREE\n");
    let report = finish(server);
    assert_eq!((report.received, report.delivered), (3, 3));
}

#[test]
fn a_session_is_opened_served_and_closed_once_and_in_order() {
    let (logged, log) = Logged::new(|_, message, reply| {
        reply.send(message.bytes);
        Verdict::Go
    });
    let (server, address) = serve(options(), logged);
    let client = connect(&address);
    send(&client, "a\nb\nc");
    end(&client);
    assert_eq!(take_to_end(&client), b"a\nb\nc\n");
    log.wait_closed(1);
    let lines = ["opened", "Whole a", "Whole b", "Partial c", "closed Client"];
    assert_eq!(log.of(1), lines);

    let other = connect(&address);
    send(&other, "x\ny");
    assert_eq!(take_line(&other), "x");
    reset(other);
    log.wait_closed(2);
    let lines = log.of(2);
    assert_eq!(lines[..2], ["opened", "Whole x"]);
    assert!(lines[2].starts_with("closed Lost"), "{lines:?}");
    assert_eq!(
        lines.len(),
        3,
        "a service that answers has no use for a beginning: {lines:?}"
    );
    finish(server);
}

#[test]
fn many_sessions_keep_their_order_apart() {
    let (logged, log) = Logged::new(|_, _, _| Verdict::Go);
    let (server, address) = serve(options(), logged);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let clients: Vec<_> = (0..10).map(|_| connect(&address)).collect();
                for number in 0..50 {
                    for client in &clients {
                        send(client, format!("{number}\n"));
                    }
                }
                for client in &clients {
                    end(client);
                    assert_eq!(take_to_end(client), b"");
                }
            });
        }
    });
    (1..=80).for_each(|id| log.wait_closed(id));
    let mut expected = vec!["opened".to_owned()];
    expected.extend((0..50).map(|number| format!("Whole {number}")));
    expected.push("closed Client".into());
    for id in 1..=80 {
        assert_eq!(log.of(id), expected, "client {id}");
    }
    assert_eq!(finish(server).received, 80 * 50);
}

#[test]
fn a_verdict_to_close_sends_the_last_reply_whole_and_takes_no_more() {
    let reply = vec![b'r'; 200_000];
    let last = reply.clone();
    let (logged, log) = Logged::new(move |_, message, reply| {
        if message.bytes != b"quit" {
            return Verdict::Go;
        }
        reply.send(&last);
        Verdict::Close
    });
    let (server, address) = serve(options(), logged);
    let client = connect(&address);
    send(&client, "hello\nquit\nignored\n");
    let mut expected = reply;
    expected.push(b'\n');
    assert!(
        take_to_end(&client) == expected,
        "the reply whole, then the end"
    );
    drop(client);
    log.wait_closed(1);
    assert_eq!(
        log.of(1),
        ["opened", "Whole hello", "Whole quit", "closed Service"]
    );
    finish(server);
}

#[test]
fn what_a_handler_sends_its_own_client_before_it_closes_arrives() {
    let (logged, log) = Logged::new(|client, _, _| {
        client.send("goodbye\n").expect("room");
        Verdict::Close
    });
    let (server, address) = serve(options(), logged);
    let client = connect(&address);
    send(&client, "quit\n");
    assert_eq!(take_to_end(&client), b"goodbye\n");
    drop(client);
    log.wait_closed(1);
    finish(server);
}

#[test]
fn a_panic_closes_its_client_and_no_other() {
    let (logged, log) = Logged::new(|_, message, reply| {
        assert_ne!(message.bytes, b"boom", "this panic is part of the test");
        reply.send("fine");
        Verdict::Go
    });
    let (server, address) = serve(options(), logged);
    let neighbour = connect(&address);
    // More panics than workers: each worker survives several.
    for round in 1..=20 {
        let client = connect(&address);
        send(&client, "ok\nboom\nnever\n");
        assert_eq!(
            take_to_end(&client),
            b"fine\n",
            "the reply before it, then the end"
        );
        drop(client);
        assert_eq!(server.handle().stats().panics, round);
        send(&neighbour, "ok\n");
        assert_eq!(take_line(&neighbour), "fine");
    }
    drop(neighbour);
    wait_until("all have gone", || server.handle().registry().count() == 0);
    assert_eq!(log.of(2), ["opened", "Whole ok", "Whole boom"]);
    let report = finish(server);
    // One message of each broke its handler: it was not delivered.
    assert_eq!((report.received, report.delivered), (60, 40));
}

/// Panics before the first client has said anything.
struct Shy(AtomicUsize);

impl Service for Shy {
    type Session = ();

    fn opened(&self, _: &Client, reply: &mut Reply<'_>) {
        let earlier = self.0.fetch_add(1, Ordering::SeqCst);
        assert_ne!(earlier, 0, "this panic is part of the test");
        reply.send("welcome");
    }

    fn message(&self, (): &mut (), _: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        Verdict::Go
    }
}

#[test]
fn a_panic_at_the_door_loses_no_message_of_others() {
    let (server, address) = serve(options(), Shy(AtomicUsize::new(0)));
    assert_eq!(take_to_end(&connect(&address)), b"");
    let client = connect(&address);
    assert_eq!(
        take_line(&client),
        "welcome",
        "sent before it says anything"
    );
    send(&client, "1\n2\n3\n");
    end(&client);
    assert_eq!(take_to_end(&client), b"");
    assert_eq!(server.handle().stats().panics, 1);
    let report = finish(server);
    assert_eq!((report.received, report.delivered), (3, 3));
}

#[test]
fn handlers_that_block_get_all_workers_and_no_more() {
    let gate = Gate::default();
    let inside = gate.clone();
    let (server, address) = serve(
        options(),
        answer(move |_: &[u8]| {
            inside.pass();
            "done"
        }),
    );
    let clients: Vec<_> = (0..64).map(|_| connect(&address)).collect();
    for client in &clients {
        send(client, "go\n");
    }
    for _ in 0..15 {
        gate.wait_waiting(4);
        gate.admit(4);
    }
    wait_until("only four are left", || gate.waiting() == 4);
    gate.open();
    for client in &clients {
        assert_eq!(take(client, 5), b"done\n");
    }
    assert_eq!(gate.most(), 4, "as many as there are workers");
    drop(clients);
    assert_eq!(finish(server).received, 64);
}

#[test]
fn a_reply_comes_after_what_was_sent_before_it() {
    let (logged, _) = Logged::new(|client, _, reply| {
        client.send("sent first\n").expect("there is room");
        reply.send("replied");
        Verdict::Go
    });
    let (server, address) = serve(options(), logged);
    let client = connect(&address);
    send(&client, "x\n");
    assert_eq!(take_line(&client), "sent first");
    assert_eq!(take_line(&client), "replied");
    drop(client);
    finish(server);
}

/// Says a line when the server ends the connection.
struct Polite;

impl Service for Polite {
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        reply.send(message.bytes);
        Verdict::Go
    }

    fn last_words(&self, (): &mut (), _: &End, reply: &mut Reply<'_>) {
        reply.send("bye");
    }
}

#[test]
fn last_words_count_as_all_other_messages_do() {
    let (server, address) = serve(options(), Polite);
    let handle = server.handle();
    let client = connect(&address);
    send(&client, "hello\n");
    assert_eq!(take_line(&client), "hello");
    assert!(handle.registry().close(id_of(&server, &client), "enough"));
    assert_eq!(take_to_end(&client), b"bye\n");
    drop(client);
    finish(server);
    let stats = handle.stats();
    assert_eq!((stats.messages_out, stats.bytes_out), (2, 10));
}
