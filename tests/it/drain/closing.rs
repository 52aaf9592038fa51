//! How the server ends a connection: what is served and sent until then, and what it may cost.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use poold::{
    Client, End, Limit, Message, Messages, Options, Phase, Rate, Reply, Service, Tail, Verdict,
    WhenFull, answer,
};
use socket2::SockRef;

use crate::support::gate::Gate;
use crate::support::net::{connect, end, reset, send, take, take_all, take_line, take_to_end};
use crate::support::server::{Log, Logged, finish, id_of, lend, options, serve};
use crate::support::spool::wait_until;

/// With a limit for clients that take nothing, or that don't close.
fn stalling(ms: u64) -> Options {
    let mut options = options();
    options.times.write_stall = Some(Duration::from_millis(ms));
    options
}

#[test]
pub(crate) fn a_client_that_sends_after_its_end_is_read_until_its_time_to_close_is_over() {
    let (logged, log) = Logged::new(|_, _, _| Verdict::Close);
    let (server, address) = serve(stalling(1000), logged);
    let client = connect(&address);
    let begin = Instant::now();
    send(&client, "quit\n");
    assert_eq!(take_to_end(&client), b"");
    // Until it is reset.
    while (&client).write_all(&[b'x'; 1 << 16]).is_ok() {}
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(990), "{took:?}");
    log.wait_closed(1);
    assert_eq!(log.of(1), ["opened", "Whole quit", "closed Service"]);
    wait_until("its bytes are counted", || {
        server.handle().registry().count() == 0
    });
    let read = server.handle().stats().bytes_in;
    assert!(read > 128 << 10, "not bounded by a number: {read} bytes");
    finish(server);
}

#[test]
pub(crate) fn a_client_that_does_not_close_as_well_is_waited_for_but_not_for_long() {
    let (logged, log) = Logged::new(|_, _, _| Verdict::Close);
    let (server, address) = serve(stalling(1000), logged);
    let client = connect(&address);
    let begin = Instant::now();
    send(&client, "quit\n");
    assert_eq!(take_to_end(&client), b"");
    log.wait_closed(1);
    let took = begin.elapsed();
    let bounds = Duration::from_millis(990)..Duration::from_secs(15);
    assert!(bounds.contains(&took), "{took:?}");
    assert_eq!(log.of(1), ["opened", "Whole quit", "closed Service"]);
    drop(client);
    finish(server);
}

/// A read stops before an urgent byte and so says nothing of the rest: that does not mean that it
/// is read for ever.
#[test]
pub(crate) fn a_client_that_floods_with_urgent_bytes_is_closed_like_others() {
    let mut options = stalling(1000);
    options.rate = Some(Rate {
        messages: 10,
        messages_burst: 10,
        bytes: 1 << 20,
        bytes_burst: 1 << 20,
    });
    let (logged, log) = Logged::new(|_, _, _| Verdict::Go);
    let (server, address) = serve(options, logged);
    let client = connect(&address);
    let line = [&[b'x'; 1000][..], b"\n"].concat();
    let block = line.repeat(64);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                let urgent = SockRef::from(&client).send_out_of_band(b"!").is_ok();
                if !urgent || (&client).write_all(&block).is_err() {
                    return;
                }
            }
        });
        wait_until("its rate is used up", || log.of(1).len() > 10);
        assert!(server.handle().registry().close(1, "enough"));
        log.wait_closed(1);
    });
    finish(server);
}

#[test]
pub(crate) fn what_had_come_before_its_first_turn_is_served_though_it_is_closed() {
    let gate = Gate::default();
    let inside = gate.clone();
    let mut options = options();
    options.workers = 1;
    let (logged, log) = Logged::new(move |_, message, reply| {
        if message.bytes == b"block" {
            inside.pass();
        }
        reply.send(message.bytes);
        Verdict::Go
    });
    let (server, address) = serve(options, logged);
    let blocker = connect(&address);
    send(&blocker, "block\n");
    gate.wait_waiting(1);
    let client = connect(&address);
    send(&client, "hello\n");
    wait_until("it waits", || server.handle().registry().count() == 2);
    assert!(server.handle().registry().close(2, "enough"));
    gate.open();
    assert_eq!(take_to_end(&client), b"hello\n");
    drop((client, blocker));
    log.wait_closed(2);
    let lines = ["opened", "Whole hello", "closed Closed(\"enough\")"];
    assert_eq!(log.of(2), lines);
    finish(server);
}

/// Answers each message when it is called again, after a pause.
struct Later;

impl Service for Later {
    type Session = Vec<u8>;

    fn opened(&self, _: &Client, _: &mut Reply<'_>) -> Vec<u8> {
        Vec::new()
    }

    fn message(&self, kept: &mut Vec<u8>, message: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        *kept = message.bytes.to_vec();
        Verdict::Wait(Duration::from_secs(1))
    }

    fn batch(
        &self,
        kept: &mut Vec<u8>,
        messages: &mut Messages<'_>,
        reply: &mut Reply<'_>,
    ) -> Verdict {
        if !kept.is_empty() {
            reply.send(std::mem::take(kept));
        }
        match messages.next_message() {
            Some(message) => self.message(kept, message, reply),
            None => Verdict::Go,
        }
    }

    fn last_words(&self, _: &mut Vec<u8>, end: &End, reply: &mut Reply<'_>) {
        reply.send(format!("bye: {end:?}"));
    }
}

#[test]
pub(crate) fn a_service_that_waits_is_called_again_before_its_client_is_closed() {
    let (server, address) = serve(options(), Later);
    let (closed, drained) = (connect(&address), connect(&address));
    let handle = server.handle();
    let all_wait = || {
        let list = handle.registry().list();
        let waits = |one: &&poold::ClientInfo| one.messages_in == 1 && one.phase == Phase::Resting;
        list.iter().filter(waits).count() == 2
    };
    send(&closed, "one\n");
    send(&drained, "two\n");
    wait_until("both wait", all_wait);
    let id = id_of(&server, &closed);
    assert!(handle.registry().close(id, "enough"));
    handle.drain();
    let heard = [take_to_end(&closed), take_to_end(&drained)].concat();
    let heard = String::from_utf8(heard).expect("UTF-8");
    assert_eq!(heard, "one\nbye: Closed(\"enough\")\ntwo\nbye: Drained\n");
    drop((closed, drained));
    assert_eq!(server.wait().delivered, 2);
}

#[test]
pub(crate) fn storing_services_get_what_was_read_of_a_client_that_takes_no_answers() {
    const LINES: usize = 1000;
    let mut options = options();
    options.times.write_stall = Some(Duration::from_millis(300));
    options.send_buffer = Some(4096);
    let (logged, log) = Logged::new(|_, _, reply| {
        reply.send([b'r'; 1 << 16]);
        Verdict::Go
    });
    let (server, address) = serve(options, logged.delivering());
    let client = connect(&address);
    send(&client, "line\n".repeat(LINES));
    log.wait_closed(1);
    let read = server.handle().stats().bytes_in;
    assert_eq!(read as usize, LINES * "line\n".len(), "all of it was read");
    let lines = log.of(1);
    assert_eq!(lines.last().expect("closed"), "closed Limit(WriteStall)");
    assert_eq!(lines.len(), LINES + 2);
    let limits = server.handle().stats().limits;
    assert!(limits.contains(&(Limit::WriteStall, 1)), "{limits:?}");
    drop(client);
    let report = finish(server);
    assert_eq!(report.delivered as usize, LINES);
}

/// Has a line for refused clients.
struct Full(Gate);

impl Service for Full {
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), _: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        self.0.pass();
        Verdict::Go
    }

    fn refusal(&self, _: Limit) -> Option<Bytes> {
        Some(Bytes::from_static(b"full\n"))
    }
}

#[test]
pub(crate) fn refused_clients_get_nothing_of_what_is_sent_to_all() {
    let gate = Gate::default();
    let mut options = options();
    (options.workers, options.clients_max) = (1, 1);
    options.when_full = WhenFull::Refuse;
    let (server, address) = serve(options, Full(gate.clone()));
    let inside = connect(&address);
    send(&inside, "block\n");
    gate.wait_waiting(1);
    let outside = connect(&address);
    let handle = server.handle();
    wait_until("it is turned away", || handle.registry().count() == 2);
    assert_eq!(handle.registry().send_all("for all who are here\n"), 1);
    gate.open();
    assert_eq!(take_to_end(&outside), b"full\n");
    assert_eq!(take_line(&inside), "for all who are here");
    drop((inside, outside));
    finish(server);
}

#[test]
pub(crate) fn what_a_stream_was_told_before_its_service_failed_ends_with_no_reset() {
    let gate = Gate::default();
    let inside = gate.clone();
    let mut options = options();
    options.workers = 1;
    let (server, address) = lend(options, move |mut stream| {
        inside.pass();
        stream.write_all(b"bad request\n")?;
        Err(std::io::Error::other("it makes no sense"))
    });
    let blocker = connect(&address);
    gate.wait_waiting(1);
    let client = connect(&address);
    let handle = server.handle();
    let turns = || handle.stats().turns.count();
    wait_until("it waits", || turns() == 1);
    // Seen to end before it is served, as with a request from a pipe.
    send(&client, "never read\n");
    end(&client);
    wait_until("its end was seen", || turns() >= 2);
    drop(blocker);
    gate.open();
    assert_eq!(take_to_end(&client), b"bad request\n");
    finish(server);
}

#[test]
pub(crate) fn a_client_that_is_not_read_from_is_not_closed_for_its_message() {
    // More than the system keeps on the way, and less than an outbox.
    const LONG: usize = 12 << 20;
    let mut options = options();
    options.outbox_max = LONG << 1;
    options.send_buffer = Some(4096);
    options.times.message = Some(Duration::from_millis(400));
    let reply = |line: &[u8]| match line {
        b"long" => vec![b'x'; LONG],
        line => line.to_ascii_uppercase(),
    };
    let (server, address) = serve(options, answer(reply));
    let client = connect(&address);
    send(&client, "long\nbeg");
    wait_until("it owes", || {
        let list = server.handle().registry().list();
        list.first().is_some_and(|one| one.owed > 0)
    });
    send(&client, "un\n");
    std::thread::sleep(Duration::from_millis(1000));
    take(&client, LONG + 1);
    end(&client);
    let (heard, _) = take_all(&client);
    assert_eq!(heard, b"BEGUN\n");
    drop(client);
    finish(server);
}

/// Stores, and takes nothing while it is full.
#[derive(Clone, Default)]
struct Store {
    log: Log,
    is_full: Arc<AtomicBool>,
}

impl Service for Store {
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), message: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        let text = String::from_utf8_lossy(message.bytes);
        self.log.note(format!("{:?} {text}", message.extent));
        Verdict::Go
    }

    fn batch(&self, (): &mut (), messages: &mut Messages<'_>, reply: &mut Reply<'_>) -> Verdict {
        if self.is_full.load(Ordering::SeqCst) {
            self.log.note("full".into());
            return Verdict::Wait(Duration::from_millis(20));
        }
        while let Some(message) = messages.next_message() {
            let _ = self.message(&mut (), message, reply);
        }
        Verdict::Go
    }

    fn tail(&self) -> Tail {
        Tail::Deliver
    }
}

#[test]
pub(crate) fn a_message_without_an_end_waits_until_its_service_takes_it() {
    let leave: [fn(TcpStream); 2] = [drop, reset];
    for leave in leave {
        let store = Store::default();
        let lines = || store.log.lines();
        let (server, address) = serve(options(), store.clone());
        let client = connect(&address);
        send(&client, "whole\nbegun");
        wait_until("it is stored", || lines() == ["Whole whole"]);
        wait_until("it rests", || {
            server.handle().registry().list()[0].phase == Phase::Resting
        });
        store.is_full.store(true, Ordering::SeqCst);
        leave(client);
        wait_until("it is asked again", || lines().len() >= 4);
        store.is_full.store(false, Ordering::SeqCst);
        wait_until("the client has gone", || {
            server.handle().registry().count() == 0
        });
        assert_eq!(lines().last().expect("it was asked"), "Partial begun");
        let report = finish(server);
        assert_eq!((report.received, report.delivered), (2, 2));
    }
}

#[test]
pub(crate) fn what_was_begun_waits_even_at_the_deadline_until_its_service_takes_it() {
    let store = Store::default();
    let mut options = options();
    options.drain = Duration::from_millis(100);
    let (server, address) = serve(options, store.clone());
    let client = connect(&address);
    send(&client, "begun");
    let handle = server.handle();
    wait_until("it is read", || handle.stats().bytes_in == 5);
    store.is_full.store(true, Ordering::SeqCst);
    handle.drain();
    wait_until("it is asked again", || store.log.lines().len() >= 2);
    store.is_full.store(false, Ordering::SeqCst);
    let report = server.wait();
    assert_eq!(store.log.lines().last().expect("asked"), "Partial begun");
    assert_eq!((report.received, report.delivered), (1, 1));
    drop(client);
}

#[test]
pub(crate) fn in_a_drain_a_client_is_read_until_it_closes_however_much_it_sends() {
    const LINES: usize = 50_000;
    let (logged, log) = Logged::new(|_, _, _| Verdict::Go);
    let (server, address) = serve(options(), logged.delivering());
    let client = connect(&address);
    server.handle().drain();
    assert_eq!(take_to_end(&client), b"");
    send(&client, "after\n".repeat(LINES));
    drop(client);
    let report = server.wait();
    assert_eq!((report.delivered, report.cut_off), (LINES as u64, 0));
    assert_eq!(log.of(1).len(), LINES + 2);
}

/// A service that stores gets what comes after the end was sent, as long as it takes it.
#[test]
pub(crate) fn what_comes_late_and_is_not_taken_acts_once_and_is_discarded() {
    let mut options = options();
    options.framing = poold::Framing::Octet;
    let (logged, log) = Logged::new(|_, message, _| match message.bytes {
        b"quit" => Verdict::Close,
        _ => Verdict::Go,
    });
    let (server, address) = serve(options, logged.delivering());
    let handle = server.handle();
    let (wrong, quits) = (connect(&address), connect(&address));
    let mut sent = 0;
    let mut say = |client: &TcpStream, bytes: &str| {
        send(client, bytes);
        sent += bytes.len() as u64;
        wait_until("it is read", || handle.stats().bytes_in == sent);
    };
    for client in [&wrong, &quits] {
        say(client, "5 first");
    }
    let quits_id = id_of(&server, &quits);
    handle.drain();
    for client in [&wrong, &quits] {
        assert_eq!(take_to_end(client), b"");
    }
    say(&quits, "4 late");
    say(&quits, "4 quit");
    say(&quits, "4 more");
    for _ in 0..3 {
        say(&wrong, "rubbish");
    }
    drop((wrong, quits));
    assert_eq!(server.wait().received, 4);
    let lines = [
        "opened",
        "Whole first",
        "Whole late",
        "Whole quit",
        "closed Service",
    ];
    assert_eq!(log.of(quits_id), lines);
    assert_eq!(handle.stats().limit(Limit::Framing), 1);
}
