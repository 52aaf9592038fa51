//! Services over TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use poold::{Tls, answer};
use socket2::{Domain, Socket, Type};

use crate::support::daemon::poold;
use crate::support::scratch::{Scratch, text};
use crate::support::server::{finish, options, serve};
use crate::support::spool::{Race, in_time};
use crate::support::tls::Pair;

#[test]
fn chat_and_discard_and_exec_with_lines_speak_it() {
    let pair = Pair::new();
    let daemon = pair.start("chat", &[]);
    let mut anna = pair.connect(&daemon.address);
    anna.send("/name anna\n");
    while !anna.take_line().contains("anna") {}
    let mut berta = pair.connect(&daemon.address);
    berta.send("/name berta\n");
    while !berta.take_line().contains("berta") {}
    berta.send("hello anna\n");
    while !anna.take_line().contains("hello anna") {}

    let mut daemon = pair.start("discard", &[]);
    let mut client = pair.connect(&daemon.address);
    client.send("hello\n");
    client.end();
    client.take_all().1.expect("the session's end");
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn what_is_not_a_certificate_or_not_its_key_is_refused_in_one_line() {
    let (pair, other, scratch) = (Pair::new(), Pair::new(), Scratch::new());
    let (certificate, key, wrong_key) = (pair.certificate(), pair.key(), other.key());
    let missing = scratch.join("missing.pem");
    for (service, certificate, key, says) in [
        (
            "echo",
            &certificate,
            &wrong_key,
            "is the key of another certificate",
        ),
        ("echo", &key, &key, "it has no certificate"),
        ("echo", &certificate, &certificate, "it has no private key"),
        ("echo", &missing, &key, "No such file"),
    ] {
        let args = [
            service,
            "127.0.0.1:0",
            "--tls-cert",
            text(certificate),
            "--tls-key",
            text(key),
        ];
        refused(&mut poold(&args), says);
    }
}

fn refused(command: &mut Command, says: &str) {
    let output = command.output().expect("poold starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{text}");
    assert!(
        text.contains(says) && text.lines().count() == 1,
        "{says}: {text}"
    );
}

const STALL: Duration = Duration::from_secs(1);

/// Buffers hold a part of a record, so it leaves in pieces, and the client takes one after another.
#[test]
fn a_client_that_takes_a_record_slowly_is_not_one_that_takes_nothing() {
    in_time(STALL, takes_a_record_slowly);
}

fn takes_a_record_slowly(race: &Race) {
    const LENGTH: usize = 32_000;
    let pair = Pair::new();
    let mut options = options();
    options.tls = Some(Tls::from_files(pair.certificate(), pair.key()).expect("our own files"));
    options.send_buffer = Some(4096);
    options.times.write_stall = Some(STALL);
    let (server, address) = serve(options, answer(|_: &[u8]| vec![b'x'; LENGTH]));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("descriptors");
    socket.set_recv_buffer_size(2048).expect("a socket");
    let to: SocketAddr = address.parse().expect("an address");
    socket.connect(&to.into()).expect("it listens");
    let mut socket = TcpStream::from(socket);
    let mut session = pair.client(rustls::ALL_VERSIONS);
    while session.is_handshaking() {
        session.complete_io(&mut socket).expect("a handshake");
    }
    session.writer().write_all(b"all of it\n").expect("a Vec");
    session.write_tls(&mut socket).expect("room");
    let (mut taken, mut piece) = (0, [0; 512]);
    while taken <= LENGTH {
        let length = socket.read(&mut piece).expect("no reset");
        race.step();
        let mut cipher = &piece[..length];
        while session.read_tls(&mut cipher).expect("a slice") > 0 {
            let state = session.process_new_packets().expect("it is whole");
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            session
                .reader()
                .read_exact(&mut plain)
                .expect("it is there");
            taken += plain.len();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(socket);
    finish(server);
}
