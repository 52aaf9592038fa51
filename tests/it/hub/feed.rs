//! What one client sends, all others get: whole, in one order, framed.

use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::time::Duration;

use poold::service::hub::{HubSettings, Last, Slow};
use poold::{Framing, Server};

use super::Running;
use crate::support::daemon::Daemon;
use crate::support::net::{connect, end, send, take, take_line, take_to_end};
use crate::support::server::{finish, options};
use crate::support::spool::wait_until;

#[test]
fn each_framing_reaches_all_others() {
    for (framing, sent, read) in [
        ("lines", &b"one\r\ntwo\n"[..], &b"one\ntwo\n"[..]),
        ("nul", b"one\0two\0", b"one\0two\0"),
        (
            "length:u16be",
            b"\x00\x03one\x00\x03two",
            b"\x00\x03one\x00\x03two",
        ),
        ("octet", b"3 one3 two", b"3 one3 two"),
        (
            "mllp",
            b"\x0bone\x1c\r\x0btwo\x1c\r",
            b"\x0bone\x1c\r\x0btwo\x1c\r",
        ),
        // KISS: frames between two delimiters.
        ("delimited:\\xc0", b"\xc0\x00ax\xc0", b"\xc0\x00ax\xc0"),
        ("json", b"1 2{}", b"1\n2\n{}\n"),
        ("raw", b"\x00\xff\nbytes", b"\x00\xff\nbytes"),
    ] {
        let running = Running::start(HubSettings {
            framing: framing.parse().expect(framing),
            ..HubSettings::default()
        });
        let (sender, readers) = (running.join(), [running.join(), running.join()]);
        send(&sender, sent);
        for reader in &readers {
            assert_eq!(take(reader, read.len()), read, "{framing}");
        }
        drop(readers);
        drop(sender);
        finish(running.server);
    }
}

#[test]
fn a_sender_hears_itself_only_with_echo() {
    for echo in [false, true] {
        let running = Running::start(HubSettings {
            echo,
            ..HubSettings::default()
        });
        let (one, other) = (running.join(), running.join());
        send(&one, "mine\n");
        assert_eq!(take_line(&other), "mine");
        send(&other, "yours\n");
        let expected: &[&str] = if echo { &["mine", "yours"] } else { &["yours"] };
        for line in expected {
            assert_eq!(take_line(&one), *line);
        }
        drop((one, other));
        finish(running.server);
    }
}

#[test]
fn all_readers_see_one_order() {
    const EACH: usize = 500;
    let running = Running::start(HubSettings {
        slow: Slow::Wait,
        slow_wait: Duration::from_secs(60),
        ..HubSettings::default()
    });
    let readers = [running.join(), running.join(), running.join()];
    let readers = readers.map(|reader| {
        std::thread::spawn(move || {
            let lines = BufReader::new(reader).lines().take(4 * EACH);
            lines.map(|line| line.expect("UTF-8")).collect::<Vec<_>>()
        })
    });
    let senders = ["a", "b", "c", "d"].map(|name| (name, running.join()));
    let senders = senders.map(|(name, stream)| {
        std::thread::spawn(move || {
            for number in 0..EACH {
                send(&stream, format!("{name}{number}\n"));
            }
            // It must take what the others send.
            end(&stream);
            take_to_end(&stream);
        })
    });
    let seen = readers.map(|reader| reader.join().expect("it reads"));
    for sender in senders {
        sender.join().expect("it sends");
    }
    assert!(seen[0] == seen[1] && seen[1] == seen[2], "not one order");
    for name in ["a", "b", "c", "d"] {
        let own: Vec<_> = { seen[0].iter() }
            .filter_map(|line| line.strip_prefix(name)?.parse::<usize>().ok())
            .collect();
        assert_eq!(own, (0..EACH).collect::<Vec<_>>(), "{name}");
    }
    finish(running.server);
}

#[test]
fn a_newcomer_gets_the_last_messages_that_pass() {
    let running = Running::start(HubSettings {
        last: Last::Count(2),
        filter: Some(Arc::new(|message: &[u8]| message.starts_with(b"$"))),
        ..HubSettings::default()
    });
    let lines: [&[u8]; 5] = [b"$1", b"$2", b"!no", b"$3", b"!no"];
    running.hub.publish(lines);
    let reader = running.join();
    running.hub.publish([&b"!no"[..], b"$4"]);
    for line in ["$2", "$3", "$4"] {
        assert_eq!(take_line(&reader), line);
    }
    assert_eq!(running.hub.stats().filtered, 3);
    drop(reader);
    finish(running.server);
}

#[test]
fn clients_that_may_not_send_are_ignored() {
    let running = Running::start(HubSettings {
        clients_send: false,
        ..HubSettings::default()
    });
    let (forger, reader) = (running.join(), running.join());
    send(&forger, "$FORGED\n");
    wait_until("it is read", || running.hub.stats().ignored == 1);
    running.hub.publish([&b"$GPGGA"[..]]);
    assert_eq!(take_line(&reader), "$GPGGA");
    drop((forger, reader));
    finish(running.server);
}

#[test]
fn several_hubs_and_ports_live_in_one_process() {
    let one = Running::start(HubSettings::default());
    let options = poold::Options {
        framing: Framing::Lines,
        ..options()
    };
    // A second port of the same hub.
    let server = Server::bind("127.0.0.1:0", options, one.hub.clone()).expect("a free port");
    let first = one.join();
    let second = connect(&server.address().to_string());
    wait_until("both are in", || one.hub.stats().readers == 2);
    one.hub.publish([&b"both"[..]]);
    for reader in [&first, &second] {
        assert_eq!(take_line(reader), "both");
    }
    drop((first, second));
    finish(one.server);
    finish(server);
}

#[test]
fn the_daemon_feeds_and_drains() {
    let args = ["hub", "127.0.0.1:0", "--last", "9", "--filter", "^\\$GP"];
    let mut daemon = Daemon::start(&args);
    let sender = connect(&daemon.address);
    send(&sender, "$GPGGA,1\n!AIVDM\n$GPRMC,2\n");
    let reader = connect(&daemon.address);
    assert_eq!(take_line(&reader), "$GPGGA,1");
    assert_eq!(take_line(&reader), "$GPRMC,2");
    daemon.interrupt();
    for client in [&sender, &reader] {
        assert_eq!(take_to_end(client), b"");
    }
    drop((sender, reader));
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(exit.stderr.contains("hub: "), "{}", exit.stderr);
}
