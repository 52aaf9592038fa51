//! What is asked of a client that is between two processes: a close, and the end of the old one.

use std::io::Read;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::Duration;

use poold::{Hint, Listeners, Options, Parcel, Server, service::Echo};

use super::moved_fails::Successor;
use crate::support::admin::Watched;
use crate::support::daemon::{calm, poold};
use crate::support::net::{connect, send, take, take_to_end};
use crate::support::scratch::{Scratch, text};

/// Two servers in one process, and a client of the first that is between them.
struct Between {
    old: Server,
    new: Server,
    client: TcpStream,
    parcel: Parcel,
    socket: OwnedFd,
}

impl Between {
    fn start() -> Between {
        Between::after("x\n")
    }

    /// The client has sent this line.
    fn after(line: &str) -> Between {
        let serve = |after| {
            let listeners = Listeners::bind("127.0.0.1:0").expect("a port");
            let listeners = listeners.numbered_after(after);
            Server::serve(listeners, Options::default(), Echo).expect("threads")
        };
        let (old, new) = (serve(0), serve(10));
        let client = connect(&old.address().to_string());
        send(&client, line);
        assert_eq!(take(&client, line.len()), line.as_bytes());
        let mut export = old.handle().export(Duration::from_secs(60));
        let parcel = export.next_batch().and_then(|mut batch| batch.pop());
        let parcel = parcel.expect("it is at rest");
        let socket = parcel.socket().try_clone_to_owned().expect("a descriptor");
        Between {
            old,
            new,
            client,
            parcel,
            socket,
        }
    }
}

#[test]
fn a_close_of_a_client_that_moves_is_done_by_the_process_that_has_it_then() {
    let Between {
        old,
        new,
        client,
        mut parcel,
        socket,
    } = Between::start();
    let id = parcel.id();
    let arrival = new.handle().adopt(socket, parcel.state()).expect("room");
    assert!(old.handle().registry().close(id, "asked"));
    let late = parcel.seal();
    let close = parcel.sent();
    assert_eq!(close.as_deref(), Some("asked"));
    arrival.serve(&late);
    assert!(new.handle().registry().close(id, close.expect("a reason")));
    assert_eq!(take_to_end(&client), b"");

    let back = Between::start();
    assert!(
        back.old
            .handle()
            .registry()
            .close(back.parcel.id(), "asked")
    );
    drop((back.socket, back.parcel));
    assert_eq!(take_to_end(&back.client), b"");
    drop(back.client);
}

#[test]
fn the_guess_at_a_client_moves_with_it() {
    let Between {
        old: _old,
        new,
        client: _client,
        mut parcel,
        socket,
    } = Between::after("GET / HTTP/1.1\n");
    let arrival = new.handle().adopt(socket, parcel.state()).expect("room");
    let late = parcel.seal();
    assert_eq!(parcel.sent(), None);
    arrival.serve(&late);
    let list = new.handle().registry().list();
    assert_eq!(list[0].hint, Some(Hint::Http));
}

#[test]
fn the_end_of_the_old_process_resets_no_client_that_the_new_one_may_have() {
    let Between {
        old,
        new,
        client,
        mut parcel,
        socket,
    } = Between::start();
    let arrival = new.handle().adopt(socket, parcel.state()).expect("room");
    old.handle().hurry();
    assert_eq!(old.wait().cut_off, 1, "as far as it knows");
    let late = parcel.seal();
    assert_eq!(parcel.sent(), None);
    arrival.serve(&late);
    send(&client, "y\n");
    assert_eq!(take(&client, 2), b"y\n");
}

#[test]
fn a_client_that_is_taken_back_after_the_deadline_is_cut_off() {
    let Between {
        old,
        mut client,
        parcel,
        socket,
        ..
    } = Between::start();
    drop(socket);
    old.handle().hurry();
    drop(parcel);
    assert_eq!(old.wait().cut_off, 1);
    assert!(client.read(&mut [0]).is_err(), "a reset");
}

#[test]
fn a_close_over_the_admin_socket_reaches_the_process_that_has_the_client() {
    let dir = Scratch::new();
    let control = text(&dir.join("control")).to_owned();
    let watched = Watched::start(&["echo", "127.0.0.1:0", "--control", &control]);
    let client = connect(&watched.daemon.address);
    send(&client, "x");
    assert_eq!(take(&client, 1), b"x");
    let mut successor = Successor::ready(&control, 1);
    assert_eq!(successor.hear_clients(), (1, 1));
    let (went, _, error) = watched.tool(&["close", "1"]);
    assert!(went, "{error}");
    successor.say(r#"{"taken":{"batch":1,"stay":[]}}"#);
    let answer = successor.hear();
    if answer.get("go").is_some() {
        let close = successor.hear();
        assert_eq!(close["close"]["id"], 1, "{close}");
    } else {
        // On a busy machine the tool takes longer than the old process waits.
        assert_eq!(answer["back"]["batch"], 1, "{answer}");
    }
    assert_eq!(take_to_end(&client), b"");
}

#[test]
fn a_successor_with_few_descriptors_leaves_the_rest_to_the_old_process() {
    const CLIENTS: usize = 100;
    let dir = Scratch::new();
    let control = text(&dir.join("control")).to_owned();
    let mut old = crate::support::daemon::Daemon::echo(&["--control", &control]);
    let clients: Vec<_> = (0..CLIENTS).map(|_| connect(&old.address)).collect();
    for client in &clients {
        send(client, "x");
        assert_eq!(take(client, 1), b"x");
    }
    let args = ["echo", &old.address, "--control", &control, "--take-over"];
    let poold = poold(&calm(&args));
    let mut limited = std::process::Command::new("sh");
    limited
        .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .arg(poold.get_program())
        .args(poold.get_args());
    let mut new = crate::support::daemon::Daemon::spawn(&mut limited);
    let log = old.stderr.wait_line("clients moved");
    let figure = |name: &str| -> usize {
        let (_, after) = log.split_once(name).expect("a figure");
        let digits = after.split(|c: char| !c.is_ascii_digit()).next();
        digits
            .and_then(|digits| digits.parse().ok())
            .expect("a number")
    };
    let (moved, stayed) = (figure("moved="), figure("stayed="));
    assert!(
        moved > 0 && stayed > 0 && moved + stayed == CLIENTS,
        "{log}"
    );
    let mut served = 0;
    for mut client in clients {
        send(&client, "y");
        served += usize::from(client.read(&mut [0]).is_ok_and(|count| count == 1));
    }
    assert!(served >= moved, "{served}: {log}");
    old.wait_exit();
    assert!(new.stop().code.is_some());
}
