//! Clients in the backlog: counted once, and cut off with the others when the drain is over.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use poold::service::Echo;
use poold::{Limit, Listeners, Server, WhenFull};

use crate::support::net::{connect, send, take, take_all};
use crate::support::server::{count, finish, options, serve};
use crate::support::spool::{Race, in_time, wait_until};

fn is_served(client: &TcpStream) -> bool {
    send(client, "x\n");
    take(client, 2) == b"x\n"
}

/// Has the acceptor check its gate, and again, as a service manager's watchdog does.
fn look(server: &Server) {
    for _ in 0..10 {
        let probe = server.handle().probe();
        wait_until("it checks its gate", || probe.acceptor_answered());
    }
}

#[test]
fn each_waiting_client_is_counted_once_however_often_the_acceptor_looks() {
    let mut options = options();
    options.clients_max = 1;
    let (server, address) = serve(options, Echo);
    let inside = connect(&address);
    assert!(is_served(&inside));
    let next = connect(&address);
    wait_until("it is counted", || count(&server, Limit::Clients) > 0);
    look(&server);
    assert_eq!(count(&server, Limit::Clients), 1);
    let last = connect(&address);
    look(&server);
    drop(inside);
    assert!(is_served(&next));
    look(&server);
    assert_eq!(count(&server, Limit::Clients), 2);
    drop(next);
    assert!(is_served(&last));
    drop(last);
    finish(server);
}

#[test]
fn a_client_that_waits_for_the_accept_rate_is_counted_once() {
    in_time(Duration::from_secs(1), waits_for_the_accept_rate);
}

fn waits_for_the_accept_rate(race: &Race) {
    let mut options = options();
    options.accept_rate = Some(1);
    let (server, address) = serve(options, Echo);
    race.begin();
    let first = connect(&address);
    assert!(is_served(&first));
    let next = connect(&address);
    race.end();
    look(&server);
    assert!(is_served(&next));
    assert_eq!(count(&server, Limit::AcceptRate), 1);
    drop((first, next));
    finish(server);
}

#[test]
fn a_client_that_waits_for_another_to_be_shed_is_counted_only_if_refused() {
    let mut options = options();
    options.clients_max = 1;
    options.when_full = WhenFull::Shed;
    options.shed_after = Duration::from_secs(2);
    let (server, address) = serve(options, Echo);
    let inside = connect(&address);
    assert!(is_served(&inside));
    std::thread::sleep(Duration::from_millis(2200));
    // The first replaces the connected client, the second comes too early for that.
    let (first, second) = (connect(&address), connect(&address));
    assert!(is_served(&first));
    assert_eq!(take_all(&second).0, b"");
    assert_eq!(
        (count(&server, Limit::Shed), count(&server, Limit::Clients)),
        (1, 1)
    );
    drop((inside, first));
    finish(server);
}

#[test]
fn clients_that_were_never_accepted_are_cut_off_with_the_others() {
    let (server, address) = serve(options(), Echo);
    let handle = server.handle();
    let inside = connect(&address);
    assert!(is_served(&inside));
    handle.pause();
    let outside: Vec<_> = (0..3).map(|_| connect(&address)).collect();
    handle.hurry();
    let report = server.wait();
    assert_eq!((report.left, report.cut_off), (0, 4), "{report}");
    for mut client in &outside {
        assert!(client.read(&mut [0]).is_err(), "it is reset");
    }
}

/// As a service manager does, which starts the next process for a client that comes.
#[test]
fn clients_waiting_where_another_process_listens_are_left_to_it() {
    let ours = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = ours.local_addr().expect("bound").to_string();
    let theirs = ours.try_clone().expect("descriptors");
    let listeners = Listeners::adopt([theirs.into()]).expect("it listens");
    let server = Server::serve(listeners, options(), Echo).expect("it starts");
    let handle = server.handle();
    handle.pause();
    let client = connect(&address);
    handle.hurry();
    let report = server.wait();
    assert_eq!(report.cut_off, 0, "{report}");
    ours.set_nonblocking(true).expect("a socket");
    let (accepted, _) = ours.accept().expect("it still waits");
    assert_eq!(accepted.peer_addr().ok(), client.local_addr().ok());
}
