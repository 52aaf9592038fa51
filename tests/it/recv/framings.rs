//! Framings over real sockets: answers that mirror them, silence that ends a message, and what
//! belongs to no message.

use std::time::{Duration, Instant};

use crate::support::admin::Watched;
use crate::support::daemon::Daemon;
use crate::support::net::{connect, end, send, take, take_to_end};
use crate::support::spool::wait_until;

#[test]
pub(crate) fn answers_are_framed_as_messages_are() {
    for (framing, wire) in [
        ("lines", &b"a\nb\n"[..]),
        ("auto", b"a\nb\n"),
        ("octet", b"1 a2 bc"),
        ("nul", b"a\0b\0"),
        ("cr", b"a\rb\r"),
        ("delimited:__END__", b"a__END__b__END__"),
        ("mllp", b"\x0ba\x1c\r\x0bb\x1c\r"),
        ("between:<,>", b"<a><b>"),
        ("len16", b"\0\x01a\0\x02bc"),
        ("length:u32le,inclusive", b"\x05\0\0\0a\x06\0\0\0bc"),
        ("length:ascii4+1", b"0001xa0002xbc"),
        ("gelf", b"{a}\0{b}\0"),
        ("json", b"{}[1]\"x\""),
        ("pri", b"<13>a<14>b"),
    ] {
        let daemon = Daemon::echo(&["--framing", framing]);
        let client = connect(&daemon.address);
        wire.chunks(3).for_each(|piece| send(&client, piece));
        end(&client);
        let answer = take_to_end(&client);
        assert_eq!(answer, wire, "{framing}");
    }
}

#[test]
pub(crate) fn acknowledgements_are_framed_as_messages_are() {
    for (framing, wire, expected) in [
        ("lines", &b"a\n"[..], &b"ack 1\n"[..]),
        ("mllp", b"\x0ba\x1c\r", b"\x0back 1\x1c\r"),
        ("nul", b"a\0", b"ack 1\0"),
        ("len16", b"\0\x01a", b"\0\x05ack 1"),
        ("octet", b"1 a", b"5 ack 1"),
        // Nothing would part them from what follows.
        ("json", b"{}", b"ack 1\n"),
        ("pri", b"<13>a<13>", b"ack 1\n"),
        ("raw", b"a", b"ack 1\n"),
    ] {
        let daemon = Daemon::recv(&["--ack", "--framing", framing]);
        let client = connect(&daemon.address);
        send(&client, wire);
        let answer = take(&client, expected.len());
        assert_eq!(answer, expected, "{framing}");
    }
}

/// The client stays, and says nothing more.
#[test]
pub(crate) fn silence_ends_a_syslog_message() {
    // On a busy machine the rest may come when the silence is over.
    let (daemon, client, begin) = loop {
        let daemon = Daemon::recv(&["--framing", "pri", "--format", "raw"]);
        let client = connect(&daemon.address);
        let first = Instant::now();
        send(&client, "<13>alpha<13>be");
        daemon.stdout.wait_lines(1);
        let told = daemon.stdout.text();
        let begin = Instant::now();
        send(&client, "ta\n");
        if first.elapsed() < Duration::from_millis(400) {
            assert_eq!(told, "<13>alpha\n");
            break (daemon, client, begin);
        }
    };
    daemon.stdout.wait_lines(2);
    assert!(begin.elapsed() >= Duration::from_millis(450));
    send(&client, "<13>gamma");
    daemon.stdout.wait_lines(3);
    assert_eq!(daemon.stdout.text(), "<13>alpha\n<13>beta\n<13>gamma\n");
    // And it costs nothing while nothing is begun.
    daemon.takes_at_most(0.3, Duration::from_millis(700));
}

#[test]
pub(crate) fn silence_ends_the_messages_of_many() {
    const CLIENTS: usize = 300;
    let daemon = Daemon::recv(&["--framing", "pri", "--format", "raw", "--rate", "2,1m"]);
    let clients: Vec<_> = (0..CLIENTS).map(|_| connect(&daemon.address)).collect();
    for client in &clients {
        send(client, "<13>one\ntwo");
    }
    daemon.stdout.wait_lines(2 * CLIENTS);
    assert_eq!(daemon.stdout.text(), "<13>one\ntwo\n".repeat(CLIENTS));
}

/// What was read is answered, though its silence would come after the drain's end.
#[test]
pub(crate) fn a_drain_ends_a_syslog_message() {
    let mut daemon = Daemon::echo(&["--framing", "pri"]);
    let client = connect(&daemon.address);
    send(&client, "<13>first<13>last");
    assert_eq!(take(&client, 9), b"<13>first");
    daemon.interrupt();
    assert_eq!(take_to_end(&client), b"<13>last");
    drop(client);
    assert_eq!(daemon.wait_exit().code, Some(0));
}

/// A message that the drain finds half read is delivered whole, as a line is.
#[test]
pub(crate) fn a_drain_tears_no_syslog_message() {
    for last in ["", "<13>last"] {
        // On a busy machine the rest may come when the silence is over.
        let (mut daemon, client) = loop {
            let daemon = Daemon::recv(&["--framing", "pri", "--format", "raw"]);
            let client = connect(&daemon.address);
            let begin = Instant::now();
            send(&client, "<13>first<13>sec");
            daemon.stdout.wait_lines(1);
            daemon.interrupt();
            assert_eq!(take_to_end(&client), b"");
            send(&client, "ond");
            if begin.elapsed() < Duration::from_millis(400) {
                break (daemon, client);
            }
        };
        // Silence ends it while the client stays, and so does the client.
        if last.is_empty() {
            daemon.stdout.wait_lines(2);
        }
        send(&client, last);
        drop(client);
        assert_eq!(daemon.wait_exit().code, Some(0));
        let expected = format!("<13>first\n<13>second\n{last}");
        assert_eq!(daemon.stdout.text().trim_end(), expected.trim_end());
    }
}

#[test]
pub(crate) fn bytes_of_no_message_are_counted() {
    for (framing, wire, stray) in [
        ("mllp", &b"hello\x0ba\x1c\r\n"[..], 6.0),
        ("octet", b"1 a12", 2.0),
        ("len32", b"\0\0\0\x05", 4.0),
        ("length:ascii4", b"0001a00", 2.0),
        ("lines", b"a\nb", 0.0),
    ] {
        let watched = Watched::start(&["recv", "127.0.0.1:0", "--framing", framing]);
        let client = connect(&watched.daemon.address);
        send(&client, wire);
        end(&client);
        assert_eq!(take_to_end(&client), b"");
        let counted = || watched.metric("poold_stray_bytes_total");
        wait_until("they are counted", || counted() == stray);
        let status = watched.status();
        let rows = status["faults"].as_array().expect("faults are a list");
        let row = rows.iter().find(|row| row["name"] == "stray bytes");
        assert_eq!(row.expect("a row of it")["count"], stray as u64);
        assert_eq!(status["framing"], framing);
    }
}
