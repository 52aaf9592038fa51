//! What its threads leave behind.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use bytes::Bytes;

use crate::connection::here::{self, Here};
use crate::limits::options::Options;
use crate::server::Server;
use crate::service::answer;
use crate::turn::Scratch;

#[test]
fn a_thread_of_the_service_keeps_nothing_of_a_server() {
    let echo = answer(|line: &[u8]| line.to_vec());
    let server = Server::bind("127.0.0.1:0", Options::default(), echo).expect("a free port");
    let mut client = TcpStream::connect(server.address()).expect("it listens");
    let mut lines = BufReader::new(client.try_clone().expect("a descriptor")).lines();
    client.write_all(b"one\n").expect("it is read");
    assert_eq!(lines.next().expect("a line").expect("UTF-8"), "one");
    let all = server.shared.ctx.registry.all();
    let _here = Here::begin();
    for _ in 0..20 {
        let pushed = all[0].push(Bytes::from_static(b"two\n"), 1);
        pushed.expect("room");
        here::serve();
        assert_eq!(lines.next().expect("a line").expect("UTF-8"), "two");
        // The next connection may be one of another server, with another framing.
        Scratch::lend(|scratch| assert!(!scratch.has_spare()));
    }
}
