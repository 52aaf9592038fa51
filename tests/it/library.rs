//! What a program that uses the library may count on: traits of its types, words of its errors.

use std::error::Error;
use std::fmt::Debug;
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};

use poold::service::Echo;
use poold::{
    Address, Client, Handle, Listeners, Options, Probe, Registry, Report, Server, Stats, Stream,
    Unsent,
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

#[test]
fn a_server_that_did_not_start_can_be_expected_to_say_why() {
    let options = Options {
        workers: 0,
        ..Options::default()
    };
    let error = Server::bind("127.0.0.1:0", options, Echo).expect_err("no worker, no server");
    assert_eq!(error.to_string(), "workers: 0 is out of bounds; 1 to 1024");
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
