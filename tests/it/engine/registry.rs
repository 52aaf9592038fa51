//! The registry: clients are listed, sent to, closed.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime};

use poold::{Handle, Phase, Server, Unsent, Verdict};
use socket2::{Domain, Socket, Type};

use crate::support::gate::Gate;
use crate::support::net::{connect, send, take, take_all, take_line, take_to_end};
use crate::support::server::{Log, Logged, finish, options, serve};
use crate::support::spool::{PATIENCE, Race, in_time, wait_until};

const STALL: Duration = Duration::from_secs(5);

fn echo() -> (Server, String, Log) {
    let (logged, log) = Logged::new(|_, message, reply| {
        reply.send(message.bytes);
        Verdict::Go
    });
    let mut options = options();
    // One that is being closed has as long.
    options.times.write_stall = Some(STALL);
    let (server, address) = serve(options, logged);
    (server, address, log)
}

/// A client that has been served once.
fn served(address: &str) -> TcpStream {
    serve_once(connect(address))
}

/// The same with a small buffer, which does not grow: full is soon reached, and stays so.
fn served_little(address: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("descriptors");
    socket.set_recv_buffer_size(4096).expect("a socket");
    let to: SocketAddr = address.parse().expect("an address");
    socket.connect(&to.into()).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    serve_once(TcpStream::from(socket))
}

fn serve_once(client: TcpStream) -> TcpStream {
    send(&client, "hi\n");
    assert_eq!(take(&client, 3), b"hi\n");
    client
}

#[test]
fn every_client_is_listed_with_its_counts() {
    let (server, address, _) = echo();
    let handle = server.handle();
    let before = SystemTime::now();
    let clients: Vec<_> = (0..5).map(|_| served(&address)).collect();
    send(&clients[2], "more\nand more\n");
    assert_eq!(take(&clients[2], 14), b"more\nand more\n");

    let list = handle.registry().list();
    assert_eq!(handle.registry().count(), 5);
    assert_eq!(
        list.iter().map(|info| info.id).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    for (info, client) in list.iter().zip(&clients) {
        let local = client.local_addr().expect("connected").to_string();
        assert_eq!(info.peer.to_string(), local);
        assert!(info.since >= before - Duration::from_secs(1));
        assert_eq!(info.owed, 0);
    }
    let info = handle.registry().look_up(3).expect("it is here");
    assert_eq!((info.messages_in, info.bytes_in), (3, 17));
    // What was sent is counted after it was sent, so the client may know it first.
    wait_until("its replies are counted", || {
        let info = handle.registry().look_up(3).expect("it is here");
        (info.messages_out, info.bytes_out) == (3, 17)
    });
    assert!(handle.registry().look_up(6).is_none() && handle.registry().client(0).is_none());
    assert_eq!(handle.stats().messages_in, 7);
    drop(clients);
    finish(server);
}

#[test]
fn numbers_are_never_used_twice() {
    let (server, address, log) = echo();
    for round in 1..=50 {
        drop(served(&address));
        log.wait_closed(round);
    }
    let _last = served(&address);
    assert_eq!(server.handle().registry().list()[0].id, 51);
    assert_eq!(server.handle().stats().accepted, 51);
}

#[test]
fn one_or_all_are_sent_to() {
    let (server, address, _) = echo();
    let handle = server.handle();
    let clients: Vec<_> = (0..30).map(|_| served(&address)).collect();
    handle.registry().send(7, "you\n").expect("room");
    assert_eq!(take_line(&clients[6]), "you");
    assert_eq!(handle.registry().send_all("all of you\n"), 30);
    for client in &clients {
        assert_eq!(take_line(client), "all of you");
    }
    let back = handle
        .registry()
        .send(99, "none")
        .expect_err("no such client");
    assert_eq!(back, Unsent::Gone("none".into()));
    drop(clients);
    finish(server);
}

#[test]
fn one_is_closed_after_it_got_what_it_is_owed() {
    let (server, address, log) = echo();
    let handle = server.handle();
    let (stays, goes) = (served(&address), served(&address));
    handle.registry().send(2, "last words\n").expect("room");
    assert!(handle.registry().close(2, "too loud"));
    assert_eq!(take_to_end(&goes), b"last words\n");
    drop(goes);
    log.wait_closed(2);
    assert_eq!(
        log.of(2).last().expect("lines"),
        "closed Closed(\"too loud\")"
    );
    assert!(!handle.registry().close(2, "again"));
    send(&stays, "still here\n");
    assert_eq!(take_line(&stays), "still here");
    drop(stays);
    finish(server);
}

const CHUNK: usize = 10_000;
const SETTLED: Duration = Duration::from_millis(300);

/// Sends to a client that does not read until its socket takes nothing more and its outbox is full.
/// Answers how many bytes were taken, and the refusal.
fn fill(handle: &Handle, id: u64) -> (usize, Unsent) {
    let mut accepted = 0;
    let mut refusal = None;
    // The system goes on moving bytes to the other side, and makes room, for a while.
    let mut moved = Instant::now();
    wait_until("the socket and the outbox are full, and stay so", || {
        // It rests and owes: its worker has tried, and the socket took no more.
        let info = handle.registry().look_up(id).expect("it is here");
        let stuck = info.phase == Phase::Resting && info.owed > 0;
        loop {
            match handle.registry().send(id, vec![b'.'; CHUNK]) {
                Ok(()) => {
                    accepted += CHUNK;
                    moved = Instant::now();
                }
                Err(refused) => {
                    refusal = Some(refused);
                    return stuck && moved.elapsed() > SETTLED;
                }
            }
            assert!(accepted < 100 << 20, "its outbox has no bound");
        }
    });
    (accepted, refusal.expect("it was full"))
}

#[test]
fn a_client_that_does_not_read_fills_only_its_own_outbox() {
    in_time(STALL, fills_its_own_outbox);
}

fn fills_its_own_outbox(race: &Race) {
    let (server, address, log) = echo();
    let handle = server.handle();
    let (deaf, other) = (served_little(&address), served(&address));
    race.begin();
    let (mut accepted, refused) = fill(&handle, 1);
    assert_eq!(
        refused,
        Unsent::Full(vec![b'.'; CHUNK].into()),
        "what did not fit comes back"
    );
    let owed = handle.registry().look_up(1).expect("it is here").owed;
    assert!(owed <= options().outbox_max, "{owed}");

    // It is not read from while it has unsent output; the other one is served as usual.
    send(&deaf, "am I heard?\n");
    for round in 0..100 {
        send(&other, format!("{round}\n"));
        assert_eq!(take_line(&other), round.to_string());
    }
    assert_eq!(log.of(1), ["opened", "Whole hi"]);
    race.end();
    // It reads again: everything it was owed, in order, then the answer.
    while handle
        .registry()
        .look_up(1)
        .is_some_and(|info| info.messages_in < 2)
    {
        assert_eq!(take(&deaf, 1000), [b'.'; 1000]);
        accepted -= 1000;
    }
    assert!(take(&deaf, accepted).iter().all(|byte| *byte == b'.'));
    assert_eq!(take_line(&deaf), "am I heard?");
    drop((deaf, other));
    finish(server);
}

#[test]
fn a_client_that_does_not_read_can_still_be_closed() {
    let (server, address, log) = echo();
    let handle = server.handle();
    let deaf = served_little(&address);
    let (accepted, _) = fill(&handle, 1);
    assert!(handle.registry().close(1, "it never reads"));
    log.wait_closed(1);
    wait_until("it is gone", || handle.registry().count() == 0);
    let (got, end) = take_all(&deaf);
    // The system may have made room for all of it in the end.
    assert!(
        end.is_err() || got.len() == accepted,
        "a clean end too soon"
    );
    drop(deaf);
    finish(server);
}

#[test]
fn what_was_written_takes_no_room_while_the_handler_goes_on() {
    let gate = Gate::default();
    let inside = gate.clone();
    let mut options = options();
    options.outbox_max = 60_000;
    let (logged, _) = Logged::new(move |_, _, _| {
        inside.pass();
        Verdict::Go
    });
    let (server, address) = serve(options, logged);
    let client = connect(&address);
    send(&client, "one\n");
    gate.wait_waiting(1);
    // For the next turn, with another message.
    let handle = server.handle();
    let registry = handle.registry();
    registry.send(1, vec![b'a'; 50_000]).expect("room");
    send(&client, "two\n");
    gate.admit(1);
    assert_eq!(take(&client, 50_000), [b'a'; 50_000]);
    gate.wait_waiting(1);
    assert_eq!(registry.look_up(1).expect("it is here").owed, 0);
    registry
        .send(1, vec![b'b'; 40_000])
        .expect("it has read all");
    gate.open();
    assert_eq!(take(&client, 40_000), [b'b'; 40_000]);
    drop(client);
    finish(server);
}
