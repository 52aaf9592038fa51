//! What a program that uses the library may count on: traits of its types, words of its errors.

use std::error::Error;
use std::fmt::Debug;
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};

use poold::service::Echo;
use poold::{
    Address, AddressList, Client, Handle, Listeners, Options, Probe, Rate, Registry, Report,
    Server, Stats, Stream, Unsent,
};

use crate::house::{finish, options, serve};
use crate::net::{send, take_line};

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
    let unsent = server.handle().registry().send(7, "to nobody");
    let unsent = unsent.expect_err("nobody is here");
    let error: Box<dyn Error + Send + Sync> = unsent.clone().into();
    assert_eq!(error.to_string(), "the client has left");
    assert!(
        Unsent::Full(unsent.clone().into_bytes())
            .to_string()
            .contains("does not read")
    );
    assert_eq!(unsent.into_bytes(), "to nobody");
    finish(server);
}
