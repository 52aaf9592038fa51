//! The drain through the library: phases, and clients that come at the wrong moment.

use std::io::Read;
use std::time::{Duration, Instant};

use poold::{ServerPhase, Verdict, answer};

use crate::support::gate::Gate;
use crate::support::net::{connect, end, send, take_line, take_to_end};
use crate::support::server::{Logged, finish, options, serve};
use crate::support::spool::{PATIENCE, wait_until};

#[test]
pub(crate) fn phases_only_move_forward_and_can_be_watched() {
    let (server, address) = serve(options(), answer(<[u8]>::to_vec));
    let handle = server.handle();
    let client = connect(&address);
    send(&client, "x\n");
    assert_eq!(take_line(&client), "x");
    assert_eq!(handle.phase(), ServerPhase::Running);
    assert!(handle.wait_for(ServerPhase::Running, Duration::ZERO));
    assert!(!handle.wait_for(ServerPhase::Draining, Duration::from_millis(10)));

    let watcher = server.handle();
    let watched = std::thread::spawn(move || {
        let draining = watcher.wait_for(ServerPhase::Draining, PATIENCE);
        (draining, watcher.wait_for(ServerPhase::Stopped, PATIENCE))
    });
    handle.drain();
    assert_eq!(handle.phase(), ServerPhase::Draining);
    assert_eq!(take_to_end(&client), b"");
    assert!(
        !handle.wait_for(ServerPhase::Stopped, Duration::from_millis(10)),
        "one is here"
    );
    handle.drain();
    drop(client);
    let report = server.wait();
    assert_eq!(handle.phase(), ServerPhase::Stopped);
    assert_eq!(watched.join().expect("no panic"), (true, true));
    assert_eq!((report.left, report.cut_off), (1, 0));
}

#[test]
pub(crate) fn clients_in_the_backlog_are_still_served() {
    let mut narrow = options();
    narrow.clients_max = 1;
    let (server, address) = serve(narrow, answer(<[u8]>::to_vec));
    let inside = connect(&address);
    send(&inside, "in\n");
    assert_eq!(take_line(&inside), "in");
    let outside: Vec<_> = (0..10).map(|_| connect(&address)).collect();
    for client in &outside {
        send(client, "out\n");
    }
    assert_eq!(server.handle().stats().accepted, 1);
    server.handle().drain();
    for client in &outside {
        assert_eq!(take_to_end(client), b"out\n");
    }
    assert_eq!(take_to_end(&inside), b"");
    drop((inside, outside));
    let report = server.wait();
    assert_eq!((report.left, report.cut_off), (11, 0));
    assert_eq!((report.received, report.delivered), (11, 11));
}

#[test]
pub(crate) fn clients_that_connect_during_a_drain_are_served_or_refused() {
    let (server, address) = serve(options(), answer(<[u8]>::to_vec));
    let handle = server.handle();
    let knocking = std::thread::spawn(move || {
        let mut served = 0_u64;
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let Ok(mut client) = std::net::TcpStream::connect(&address) else {
                return served;
            };
            client.set_read_timeout(Some(PATIENCE)).expect("a socket");
            let mut bytes = Vec::new();
            if std::io::Write::write_all(&mut client, b"x\n").is_ok() {
                end(&client);
                // A reset is a refusal; an end without the reply is a broken promise only if
                // the bytes were there when the server looked, which this test can't know.
                if client.read_to_end(&mut bytes).is_ok() && bytes == b"x\n" {
                    served += 1;
                }
            }
        }
        panic!("the listener never closed");
    });
    wait_until("many were served", || handle.stats().messages_in > 200);
    handle.drain();
    let served = knocking.join().expect("no panic");
    let report = server.wait();
    assert_eq!(report.cut_off, 0);
    assert_eq!((report.received, report.delivered), (served, served));
}

#[test]
pub(crate) fn a_server_that_is_dropped_drains() {
    let (logged, log) = Logged::new(|_, message, reply| {
        reply.send(message.bytes);
        Verdict::Go
    });
    let (server, address) = serve(options(), logged);
    let handle = server.handle();
    let client = connect(&address);
    send(&client, "x\n");
    assert_eq!(take_line(&client), "x");
    let dropping = std::thread::spawn(move || drop(server));
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    dropping.join().expect("no panic");
    assert_eq!(handle.phase(), ServerPhase::Stopped);
    assert_eq!(log.of(1).last().expect("lines"), "closed Drained");
}

#[test]
pub(crate) fn a_handler_that_never_comes_back_does_not_hold_up_the_end() {
    let gate = Gate::default();
    let inside = gate.clone();
    let mut short = options();
    short.drain = Duration::from_millis(100);
    let (server, address) = serve(
        short,
        answer(move |_: &[u8]| {
            inside.pass();
            ""
        }),
    );
    let client = connect(&address);
    send(&client, "x\n");
    gate.wait_waiting(1);
    let begin = Instant::now();
    server.handle().drain();
    let report = server.wait();
    assert!(
        begin.elapsed() < Duration::from_secs(15),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(report.cut_off, 1);
    // It was handed out, and the handler may not have finished it.
    assert_eq!((report.received, report.delivered), (1, 0));
    gate.open();
    drop(client);
}

#[test]
pub(crate) fn an_empty_server_stops_at_once() {
    let (server, _) = serve(options(), answer(<[u8]>::to_vec));
    let report = finish(server);
    assert_eq!((report.left, report.cut_off, report.received), (0, 0, 0));
    assert!(report.to_string().starts_with("drained in "), "{report}");
}

/// A second signal ends it at once; a third and a fourth must not put the end off.
#[test]
pub(crate) fn hurrying_repeatedly_does_not_prolong_a_drain() {
    let gate = Gate::default();
    let at = gate.clone();
    let (server, address) = serve(
        options(),
        answer(move |_: &[u8]| {
            at.pass();
            b""
        }),
    );
    let client = connect(&address);
    send(&client, "stay\n");
    gate.wait_waiting(1);
    let handle = server.handle();
    let waiter = std::thread::spawn(move || server.wait());
    let begin = Instant::now();
    while !waiter.is_finished() && begin.elapsed() < Duration::from_secs(15) {
        handle.hurry();
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(waiter.is_finished());
    assert_eq!(waiter.join().expect("no panic").cut_off, 1);
    gate.open();
}

#[test]
pub(crate) fn a_client_closed_before_the_drain_is_not_cut_off() {
    let (service, _) = Logged::new(|_, _, _| Verdict::Close);
    let (server, address) = serve(options(), service);
    let client = connect(&address);
    send(&client, "bye\n");
    assert_eq!(take_to_end(&client), b"");
    let report = finish(server);
    assert_eq!((report.left, report.cut_off), (1, 0), "{report}");
    assert!(report.took < Duration::from_secs(10), "{report}");
}
