//! The drain through the library: what is owed to clients, and what they have sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use poold::{Client, Framing, Message, Messages, Reply, Service, Tail, Verdict, answer};

use crate::support::gate::Gate;
use crate::support::net::{connect, end, send, take, take_to_end, wait_reset};
use crate::support::server::{Logged, options, serve};
use crate::support::spool::wait_until;

#[test]
pub(crate) fn every_reply_that_is_owed_is_sent_before_the_end() {
    // More than the sockets' buffers can grow to.
    let big = vec![b'b'; 16 << 20];
    let reply = big.clone();
    let (server, address) = serve(options(), answer(move |_: &[u8]| reply.clone()));
    let client = connect(&address);
    send(&client, "1\n2\n3\n");
    // The first reply is stuck halfway, the others have not begun.
    let handle = server.handle();
    wait_until("it owes", || {
        handle
            .registry()
            .look_up(1)
            .is_some_and(|info| info.owed > 0)
    });
    handle.drain();
    for _ in 0..3 {
        assert!(take(&client, big.len()) == big, "whole");
        assert_eq!(take(&client, 1), b"\n");
    }
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let report = server.wait();
    assert_eq!(
        (report.received, report.delivered, report.cut_off),
        (3, 3, 0)
    );
}

#[test]
pub(crate) fn a_client_reset_in_a_drain_for_not_reading_counts_as_cut_off() {
    let mut options = options();
    // Long enough that a busy machine starts the drain before it.
    options.times.write_stall = Some(Duration::from_secs(3));
    let (server, address) = serve(options, answer(|_: &[u8]| vec![b'b'; 16 << 20]));
    let client = connect(&address);
    send(&client, "1\n");
    let handle = server.handle();
    wait_until("it owes", || {
        handle
            .registry()
            .look_up(1)
            .is_some_and(|info| info.owed > 0)
    });
    handle.drain();
    let report = server.wait();
    wait_reset(&client);
    assert_eq!((report.left, report.cut_off), (0, 1), "{report}");
}

#[test]
pub(crate) fn storing_services_get_bytes_that_come_after_the_end_was_sent() {
    let (logged, log) = Logged::new(|_, _, _| Verdict::Go);
    let (server, address) = serve(options(), logged.delivering());
    let client = connect(&address);
    send(&client, "before\n");
    wait_until("it is read", || log.of(1).len() == 2);
    server.handle().drain();
    assert_eq!(take_to_end(&client), b"");
    send(&client, "after\n");
    wait_until("it is read, too", || log.of(1).len() == 3);
    send(&client, "the rest");
    end(&client);
    drop(client);
    let report = server.wait();
    let lines = [
        "opened",
        "Whole before",
        "Whole after",
        "Partial the rest",
        "closed Drained",
    ];
    assert_eq!(log.of(1), lines);
    assert_eq!((report.received, report.delivered), (3, 3));
}

/// A service that stores, and takes nothing while it is full.
#[derive(Clone, Default)]
struct Store {
    is_full: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
}

impl Service for Store {
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), _: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        Verdict::Go
    }

    fn batch(&self, (): &mut (), messages: &mut Messages<'_>, _: &mut Reply<'_>) -> Verdict {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.is_full.load(Ordering::SeqCst) {
            return Verdict::Wait(Duration::from_millis(5));
        }
        while messages.next_message().is_some() {}
        Verdict::Go
    }

    fn tail(&self) -> Tail {
        Tail::Deliver
    }
}

#[test]
pub(crate) fn a_service_that_waits_after_the_end_is_not_called_without_pause() {
    let store = Store::default();
    let (server, address) = serve(options(), store.clone());
    let client = connect(&address);
    server.handle().drain();
    assert_eq!(take_to_end(&client), b"");
    store.is_full.store(true, Ordering::SeqCst);
    let before = store.calls.load(Ordering::SeqCst);
    let begin = Instant::now();
    send(&client, "after\n");
    wait_until("it was asked again", || {
        store.calls.load(Ordering::SeqCst) >= before + 10
    });
    let took = begin.elapsed();
    store.is_full.store(false, Ordering::SeqCst);
    drop(client);
    let report = server.wait();
    assert!(took >= Duration::from_millis(40), "{took:?}");
    assert_eq!((report.received, report.delivered), (1, 1), "{report}");
}

#[test]
pub(crate) fn storing_services_get_partial_messages_at_the_deadline() {
    let mut short = options();
    short.drain = Duration::from_millis(100);
    let (logged, log) = Logged::new(|_, _, _| Verdict::Go);
    let (server, address) = serve(short, logged.delivering());
    let client = connect(&address);
    send(&client, "whole\nbegun");
    wait_until("it is read", || log.of(1).len() == 2);
    server.handle().drain();
    let report = server.wait();
    assert_eq!(
        log.of(1),
        ["opened", "Whole whole", "Partial begun", "closed CutOff"]
    );
    assert_eq!(
        (report.received, report.delivered, report.cut_off),
        (2, 2, 1)
    );
    drop(client);
}

#[test]
pub(crate) fn what_comes_with_the_end_in_a_drain_is_not_read_byte_by_byte() {
    let gate = Gate::default();
    let inside = gate.clone();
    let mut raw = options();
    raw.framing = Framing::Raw;
    raw.message_max = 100;
    let (logged, _) = Logged::new(move |_, _, _| {
        inside.pass();
        Verdict::Go
    });
    let (server, address) = serve(raw, logged);
    let client = connect(&address);
    send(&client, [b'1'; 100]);
    gate.wait_waiting(1);
    send(&client, [b'2'; 200]);
    server.handle().drain();
    gate.admit(1);
    gate.wait_waiting(1);
    // Two messages had arrived when the drain was noticed. The worker has been in the first of
    // them for longer than a turn lasts, so the second waits for the next turn, and that sees
    // the end of the client as well.
    send(&client, [b'3'; 1000]);
    end(&client);
    let handle = server.handle();
    wait_until("another worker polls", || {
        handle.stats().workers_on_duty > 1
    });
    let held = Instant::now();
    while held.elapsed() < Duration::from_millis(10) {
        std::thread::yield_now();
    }
    gate.open();
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    let report = server.wait();
    assert!((3..=13).contains(&report.received), "{report}");
}
