//! Services that take the whole stream, and their worker with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use poold::{InDrain, Options, Server, Stream, StreamService};

use crate::support::gate::Gate;
use crate::support::net::{connect, end, send, take_line, take_to_end, wait_reset};
use crate::support::server::{Log, finish, lend, options};
use crate::support::spool::wait_until;

fn greet(stream: Stream) -> std::io::Result<()> {
    let mut lines = BufReader::new(&stream);
    let mut name = String::new();
    while lines.read_line(&mut name)? > 0 {
        (&stream).write_all(format!("hello {}\n", name.trim_end()).as_bytes())?;
        name.clear();
    }
    Ok(())
}

#[test]
fn more_clients_than_workers_are_served_one_after_the_other() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&order);
    let mut options = options();
    options.workers = 1;
    let (server, address) = lend(options, move |stream| {
        noted.lock().push(stream.client().id());
        greet(stream)
    });
    let clients: Vec<_> = (0..20).map(|_| connect(&address)).collect();
    // From the last to the first: the client that came first is still served first.
    for client in clients.iter().rev() {
        send(client, "you\n");
        end(client);
    }
    for client in &clients {
        assert_eq!(take_to_end(client), b"hello you\n");
    }
    assert_eq!(*order.lock(), (1..=20).collect::<Vec<u64>>());
    drop(clients);
    finish(server);
}

#[test]
fn every_worker_serves_a_stream_and_no_more() {
    let gate = Gate::default();
    let inside = gate.clone();
    let (server, address) = lend(options(), move |stream| {
        inside.pass();
        greet(stream)
    });
    let clients: Vec<_> = (0..12).map(|_| connect(&address)).collect();
    gate.wait_waiting(4);
    gate.open();
    for client in &clients {
        send(client, "you\n");
        end(client);
        assert_eq!(take_to_end(client), b"hello you\n");
    }
    assert_eq!(gate.most(), 4);
    drop(clients);
    finish(server);
}

#[test]
fn a_silent_or_unread_stream_keeps_its_worker_only_as_long_as_allowed() {
    let log = Log::default();
    let noted = log.clone();
    let most = Some(Duration::from_millis(20));
    let (server, address) = lend(options(), move |mut stream| {
        assert!(stream.set_read_timeout(Some(Duration::ZERO)).is_err());
        assert!(stream.set_write_timeout(Some(Duration::ZERO)).is_err());
        stream.set_read_timeout(most)?;
        stream.set_write_timeout(most)?;
        let read = stream.read(&mut [0]).map_err(|error| error.kind());
        let written = loop {
            if let Err(error) = stream.write(&[0; 65536]) {
                break error.kind();
            }
        };
        noted.note(format!("{read:?} {written:?}"));
        Ok(())
    });
    let client = connect(&address);
    wait_until("both have failed", || !log.lines().is_empty());
    assert_eq!(log.lines(), ["Err(WouldBlock) WouldBlock"]);
    drop(client);
    finish(server);
}

#[test]
fn a_drain_ends_a_blocked_reader_cleanly() {
    let log = Log::default();
    let noted = log.clone();
    let (server, address) = lend(options(), move |mut stream| {
        let mut all = String::new();
        let read = stream.read_to_string(&mut all);
        noted.note(format!("{} {all:?} {read:?}", stream.client().id()));
        stream.write_all(b"bye\n")
    });
    let clients: Vec<_> = (0..4).map(|_| connect(&address)).collect();
    for client in &clients {
        send(client, "half a line");
    }
    // Two more wait for a worker, and are served in the drain.
    let late: Vec<_> = (0..2).map(|_| connect(&address)).collect();
    late.iter().for_each(|client| send(client, "half a line"));
    let registry = server.handle();
    wait_until("all are read", || {
        let list = registry.registry().list();
        list.len() == 6 && list.iter().filter(|info| info.bytes_in == 11).count() == 4
    });
    server.handle().drain();
    for client in clients.iter().chain(&late) {
        assert_eq!(take_to_end(client), b"bye\n");
    }
    drop((clients, late));
    let report = server.wait();
    assert_eq!((report.left, report.cut_off), (6, 0));
    let lines = log.lines();
    assert_eq!(lines.len(), 6);
    assert!(
        lines
            .iter()
            .all(|line| line.ends_with(r#""half a line" Ok(11)"#)),
        "{lines:?}"
    );
}

#[test]
fn a_panic_closes_its_stream_and_is_counted() {
    let (server, address) = lend(options(), |mut stream| {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        assert_ne!(byte, *b"!", "this panic is part of the test");
        stream.write_all(&byte)
    });
    for round in 1..=8 {
        let client = connect(&address);
        send(&client, "!");
        assert_eq!(take_to_end(&client), b"");
        drop(client);
        wait_until("it is counted", || server.handle().stats().panics == round);
    }
    let client = connect(&address);
    send(&client, "x");
    assert_eq!(take_to_end(&client), b"x");
    drop(client);
    finish(server);
}

#[test]
fn a_service_that_fails_frees_its_worker_though_its_client_stays() {
    let (server, address) = lend(options(), |mut stream| {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        assert_ne!(byte, *b"!", "this panic is part of the test");
        Err(std::io::Error::other("it failed"))
    });
    // More of them than workers, and none goes.
    let clients: Vec<_> = (0..12).map(|_| connect(&address)).collect();
    for (client, byte) in clients.iter().zip("!?!?!?!?!?!?".chars()) {
        send(client, byte.to_string());
        assert_eq!(take_to_end(client), b"");
    }
    drop(clients);
    finish(server);
}

#[test]
fn a_stream_can_be_closed_from_elsewhere() {
    let (server, address) = lend(options(), greet);
    let client = connect(&address);
    send(&client, "you\n");
    assert_eq!(take_line(&client), "hello you");
    assert!(server.handle().registry().close(1, "on request"));
    assert_eq!(take_to_end(&client), b"");
    drop(client);
    finish(server);
}

#[test]
fn what_others_send_to_a_stream_arrives_before_its_end() {
    let (server, address) = lend(options(), greet);
    let client = connect(&address);
    send(&client, "you\n");
    assert_eq!(take_line(&client), "hello you");
    server
        .handle()
        .registry()
        .send(1, "from elsewhere\n")
        .expect("room");
    end(&client);
    assert_eq!(take_to_end(&client), b"from elsewhere\n");
    drop(client);
    finish(server);
}

/// Reads to the end, also in a drain, then writes; notes how both went.
struct Upload(Log);

impl StreamService for Upload {
    fn serve(&self, mut stream: Stream) -> std::io::Result<()> {
        let read = stream.read_to_end(&mut Vec::new());
        let written = stream.write_all(b"stored\n");
        let kind = |error: std::io::Error| error.kind();
        let outcome = (read.map_err(kind), written.map_err(kind));
        self.0.note(format!("{outcome:?}"));
        Ok(())
    }

    fn in_drain(&self) -> InDrain {
        InDrain::GoOn
    }
}

#[test]
fn what_the_deadline_cuts_off_does_not_look_like_the_clients_own_end() {
    let log = Log::default();
    let options = Options {
        drain: Duration::from_millis(200),
        ..options()
    };
    let upload = Upload(log.clone());
    let server = Server::bind_streams("127.0.0.1:0", options, upload).expect("it starts");
    let client = connect(&server.address().to_string());
    send(&client, "half of it");
    let handle = server.handle();
    let read = || {
        handle
            .registry()
            .list()
            .iter()
            .any(|one| one.bytes_in == 10)
    };
    wait_until("it is read", read);
    handle.drain();
    let report = server.wait();
    assert_eq!((report.left, report.cut_off), (0, 1));
    assert_eq!(log.lines(), ["(Err(ConnectionAborted), Err(BrokenPipe))"]);
}

#[test]
fn the_deadline_ends_a_service_that_will_not() {
    let mut options = options();
    options.drain = Duration::from_millis(200);
    let (server, address) = lend(options, |mut stream| {
        // Writes until that fails: the end that a drain shows to readers means nothing to it.
        loop {
            stream.write_all(&[b'x'; 1 << 16])?;
        }
    });
    let client = connect(&address);
    assert_eq!(crate::support::net::take(&client, 3), b"xxx");
    server.handle().drain();
    wait_reset(&client);
    let report = server.wait();
    assert_eq!((report.left, report.cut_off), (0, 1));
}
