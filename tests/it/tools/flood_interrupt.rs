//! `poold flood` and Ctrl-C: what was measured until then is not lost, and nothing is called lost
//! that was on its way.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::support::daemon::Daemon;
use crate::support::flood::Flood;
use crate::support::net::{connect, send, take, take_line, take_to_end};
use crate::support::spool::{PATIENCE, wait_until};

/// Bytes in a message.
const SIZE: usize = 64;

/// A flood of two clients that send one message at a time, and their server's two connections.
fn two_clients() -> (Flood, [TcpStream; 2]) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let flood = Flood::start(&address, &["-c", "2", "-n", "1000000"]);
    let streams = [(); 2].map(|()| {
        let (stream, _) = listener.accept().expect("it connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream
    });
    (flood, streams)
}

/// Answers the first message of a client after Ctrl-C: it sends no more.
fn see_it_stop(flood: &Flood, client: &TcpStream) {
    let message = take(client, SIZE);
    flood.interrupt();
    // One that was written before the flood knew of it is answered, too.
    let mut late = message;
    while !late.is_empty() {
        send(client, &late);
        late = take_some(client);
    }
}

/// What comes next; nothing at the end.
fn take_some(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; SIZE];
    let length = stream.read(&mut bytes).expect("it comes");
    bytes.truncate(length);
    bytes
}

fn figure(result: &Value, name: &str) -> u64 {
    result[name].as_u64().expect("a number")
}

#[test]
fn what_was_measured_until_then_is_shown() {
    let daemon = Daemon::echo(&[]);
    for shape in [
        &["-c", "4", "-p", "8", "-t", "1h"][..],
        &["-c", "4", "--churn", "-n", "1000000000"],
        &["-c", "4", "--rate", "500", "--threads", "2", "-t", "1h"],
    ] {
        let before = daemon.cpu();
        let flood = Flood::start(&daemon.address, shape);
        let floods = || daemon.cpu() > before + Duration::from_millis(50);
        wait_until("it floods", floods);
        flood.interrupt();
        let result = flood.wait_good();
        assert_eq!(result["interrupted"], true, "{result}");
        assert_eq!(figure(&result, "lost"), 0, "{result}");
        let answered = figure(&result, "answered");
        assert!(answered > 0, "{result}");
        assert_eq!(answered, figure(&result, "sent"), "{result}");
    }
}

#[test]
fn what_is_on_its_way_is_waited_for() {
    let (flood, [one, other]) = two_clients();
    see_it_stop(&flood, &one);
    let message = take(&other, SIZE);
    // A server takes its time: more than passes between two looks at the clock.
    std::thread::sleep(Duration::from_millis(300));
    send(&other, message);
    assert_eq!(take_to_end(&other), b"");
    drop((one, other));
    let result = flood.wait_good();
    assert_eq!(result["interrupted"], true, "{result}");
    assert_eq!(figure(&result, "sent"), figure(&result, "answered"));
}

#[test]
fn what_does_not_come_is_not_waited_for_long_and_not_called_lost() {
    let (flood, [one, other]) = two_clients();
    see_it_stop(&flood, &one);
    take(&other, SIZE);
    drop(one);
    let (code, result) = flood.wait();
    assert_eq!(code, Some(1), "{result}");
    assert_eq!(figure(&result["errors"], "timeout"), 1, "{result}");
    assert_eq!(figure(&result, "lost"), 0, "{result}");
    assert_eq!(figure(&result, "sent"), figure(&result, "answered") + 1);
}

#[test]
fn the_second_one_ends_it_at_once() {
    let (flood, [one, other]) = two_clients();
    see_it_stop(&flood, &one);
    flood.interrupt();
    assert_eq!(flood.wait_silent(), Some(130));
    drop(other);
}

#[test]
fn before_anything_is_sent_there_is_nothing_to_show() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    // It gets no welcome.
    let flood = Flood::start(&address, &["--chat", "-c", "1"]);
    let _stream = listener.accept().expect("it connects");
    flood.interrupt();
    assert_eq!(flood.wait_silent(), Some(130));
}

#[test]
fn a_chat_that_was_flooded_until_then_is_judged() {
    let daemon = Daemon::start(&["chat", "127.0.0.1:0", "--rate", "off"]);
    let listener = connect(&daemon.address);
    let flood = Flood::start(
        &daemon.address,
        &["--chat", "-c", "8", "-t", "1h", "-p", "16"],
    );
    while !take_line(&listener).contains("> flood ") {}
    flood.interrupt();
    drop(listener);
    let result = flood.wait_good();
    assert_eq!(result["interrupted"], true, "{result}");
    assert_eq!(figure(&result, "sent"), figure(&result, "seen_by_all"));
    assert!(figure(&result, "sent") > 0, "{result}");
}
