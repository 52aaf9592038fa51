//! What a program that uses the library may count on: traits of its types, words of its errors.

use std::error::Error;
use std::fmt::Debug;
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::{fs, thread};

use nix::sys::signal::{SigSet, Signal};
use poold::service::Echo;
use poold::{
    Address, AddressList, Client, Handle, Listeners, Options, Probe, Rate, Registry, Report,
    Server, Stats, Stream, Unsent,
};

use crate::support::net::{send, take_line};
use crate::support::scratch::Scratch;
use crate::support::server::{finish, options, serve};
use crate::support::spool::wait_until;

#[test]
fn what_is_handed_out_can_be_printed_and_sent_to_another_thread() {
    fn check<T: Debug + Send + Sync + 'static>() {}
    check::<Server>();
    check::<Handle>();
    check::<Listeners>();
    check::<Options>();
    check::<Client>();
    check::<Stream>();
    check::<Registry>();
    check::<Probe>();
    check::<Stats>();
    check::<Report>();
    check::<poold::Error>();
}

/// Why a server with these options does not start.
fn refused(options: Options) -> String {
    let server = Server::bind("127.0.0.1:0", options, Echo);
    server.expect_err("it must not start").to_string()
}

#[test]
fn options_out_of_bounds_are_named_with_what_would_be_right() {
    let workers = Options {
        workers: 0,
        ..Options::default()
    };
    assert_eq!(refused(workers), "workers: 0 is out of bounds; 1 to 1024");
    let name = Options {
        name: "a\0b",
        ..Options::default()
    };
    assert!(refused(name).starts_with("name: "));
    let rate = Rate {
        messages: 10,
        messages_burst: 10,
        bytes: 1000,
        bytes_burst: 0,
    };
    let rate = Options {
        rate: Some(rate),
        ..Options::default()
    };
    assert_eq!(refused(rate), "rate: bytes_burst is 0; at least 1");
}

#[test]
fn what_is_meant_as_a_network_is_not_looked_for_as_a_file() {
    let mut list = AddressList::default();
    for network in ["10.0.0.0/33", "2001:db8::/x"] {
        let error = list.add(network).expect_err("no network").to_string();
        assert!(
            error.contains(network) && error.contains("prefix"),
            "{error}"
        );
    }
    assert!(list.is_empty());
}

#[test]
fn a_server_is_found_by_the_address_that_it_has() {
    let (server, _) = serve(options(), Echo);
    let client = TcpStream::connect(server.address()).expect("it listens");
    send(&client, "hello\n");
    assert_eq!(take_line(&client), "hello");
    assert_eq!(
        format!("{server:?}"),
        format!(
            "Server {{ addresses: {:?}, phase: Running, .. }}",
            server.addresses()
        )
    );
    drop(client);
    finish(server);
    let socket: Address = "unix:/run/x".parse().expect("an address");
    let error = socket.to_socket_addrs().expect_err("it is none of TCP's");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("unix:/run/x"), "{error}");
}

#[test]
fn what_could_not_be_sent_is_an_error_and_comes_back() {
    let (server, _) = serve(options(), Echo);
    let unsent = server.handle().registry().send(7, "to no client");
    let unsent = unsent.expect_err("no client is connected");
    let error: Box<dyn Error + Send + Sync> = unsent.clone().into();
    assert_eq!(error.to_string(), "the client has left");
    assert!(
        Unsent::Full(unsent.clone().into_bytes())
            .to_string()
            .contains("does not read")
    );
    assert_eq!(unsent.into_bytes(), "to no client");
    finish(server);
}

/// A process may have given SIGPIPE its default back, which ends it: then one client that leaves
/// would end all. A thread that blocks the signal keeps it pending instead.
#[test]
fn a_client_that_leaves_raises_no_signal() {
    let scratch = Scratch::new();
    let path = scratch.join("socket");
    let address = format!("unix:{}", path.display());
    let options = Options {
        name: "sigpipe",
        ..options()
    };
    // The server's threads have their signal mask from the one that starts it.
    let start = move || {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGPIPE);
        signals.thread_block().expect("a thread may");
        Server::bind(&address, options, Echo).expect("it starts")
    };
    let server = thread::spawn(start).join().expect("it starts");
    let handle = server.handle();
    let client = UnixStream::connect(&path).expect("it listens");
    wait_until("it is here", || handle.registry().count() == 1);
    wait_until("its outbox is full", || {
        handle.registry().send(1, vec![b'.'; 100_000]).is_err()
    });
    drop(client);
    wait_until("it has left", || handle.registry().count() == 0);
    // A thread has its name once it has run.
    wait_until("all have begun", || threads("sigpipe-").len() > 1);
    for (thread, pending) in threads("sigpipe-") {
        assert_eq!(pending & (1 << (Signal::SIGPIPE as u64 - 1)), 0, "{thread}");
    }
    finish(server);
}

/// Threads whose names begin so, each with the signals that wait for it.
fn threads(stem: &str) -> Vec<(String, u64)> {
    let tasks = fs::read_dir("/proc/self/task").expect("the system lists them");
    let read = |task: io::Result<fs::DirEntry>| {
        // One that has ended meanwhile is none.
        let status = fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name));
            value.expect("every thread has it").trim().to_owned()
        };
        let pending = u64::from_str_radix(&field("SigPnd:"), 16).expect("a mask");
        Some((field("Name:"), pending))
    };
    let threads = tasks.filter_map(read);
    threads.filter(|(name, _)| name.starts_with(stem)).collect()
}
