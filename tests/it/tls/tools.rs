//! `poold cert` and `poold client --tls`.

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Output, Stdio};

use rustls::ServerConnection;

use crate::support::admin::Watched;
use crate::support::daemon::{Daemon, Guard, poold};
use crate::support::net::{connect_saying, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{Spool, wait_until};
use crate::support::tls::Pair;

fn client(args: &[&str], input: &str) -> Output {
    let mut command = poold(&[&["client"], args].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("poold");
    let mut stdin = child.stdin.take().expect("piped");
    // It may have ended already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("our own child")
}

#[test]
fn two_commands_make_a_server_and_a_client_that_trust_each_other() {
    let scratch = Scratch::new();
    let file = |name: &str| text(&scratch.join(name)).to_owned();
    let folder = text(scratch.path());
    let made = poold(&["cert", "127.0.0.1", "-d", folder]).output();
    let made = made.expect("poold");
    assert!(made.status.success(), "{made:?}");
    let mode = std::fs::metadata(scratch.join("server.key"))
        .expect("made")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let (cert, key) = (file("server.pem"), file("server.key"));
    let tls = ["--tls-cert", &cert, "--tls-key", &key];
    let daemon = Daemon::echo(&[&["--framing", "lines"], &tls[..]].concat());
    let long = "a line that is sent and comes back\n".repeat(20_000);
    let said = client(&["--tls", "--ca", &file("ca.pem"), &daemon.address], &long);
    assert!(said.status.success(), "{said:?}");
    assert!(
        said.stdout == long.as_bytes(),
        "{} bytes",
        said.stdout.len()
    );

    let again = poold(&["cert", "127.0.0.1", "-d", folder])
        .output()
        .expect("poold");
    let says = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        !again.status.success() && says.contains("exists already"),
        "{says}"
    );
}

#[test]
fn a_client_trusts_no_server_that_it_is_not_told_to() {
    let (pair, other) = (Pair::new(), Pair::new());
    let daemon = pair.start("echo", &[]);
    let plain = Daemon::echo(&[]);
    let (own, wrong) = (pair.certificate(), other.certificate());
    let named = daemon.address.replace("127.0.0.1", "127.0.0.2");
    for (args, says) in [
        (
            &["--tls", "--ca", text(&wrong), &daemon.address][..],
            "give its root with --ca",
        ),
        (&["--tls", "--ca", text(&own), &plain.address], "TLS"),
        (&["--tls", "--ca", text(&own), &named], "cannot connect"),
        (
            &["--tls", "--ca", "missing.pem", &daemon.address],
            "No such file",
        ),
    ] {
        let output = client(args, "hello\n");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(says) && told.lines().count() == 1, "{told}");
        assert_eq!(output.stdout, b"");
    }
    let any = client(&["--tls", "--insecure", &daemon.address], "hello\n");
    assert_eq!(any.stdout, b"hello\n", "{any:?}");
}

#[test]
fn a_client_whose_server_is_cut_off_keeps_the_output_and_fails_in_one_line() {
    let pair = Pair::new();
    let daemon = pair.start("echo", &[]);
    let root = pair.certificate();
    let mut command = poold(&["client", "--tls", "--ca", text(&root), &daemon.address]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let child = command.stderr(Stdio::piped()).spawn().expect("poold");
    let mut client = Guard(child);
    let mut stdin = client.0.stdin.take().expect("piped");
    let printed = Spool::of(client.0.stdout.take().expect("piped"));
    let told = Spool::of(client.0.stderr.take().expect("piped"));
    stdin.write_all(b"hello\n").expect("it reads");
    printed.wait_line("hello");
    // Killed: its session has no end.
    drop(daemon);
    assert_eq!(client.wait_exit(), Some(1));
    assert_eq!(printed.wait_end(), b"hello\n");
    let told = String::from_utf8(told.wait_end()).expect("UTF-8");
    let says = "the server's connection ended before its TLS session";
    assert!(told.contains(says) && told.lines().count() == 1, "{told}");
}

#[test]
fn certificates_are_made_whole_though_their_names_have_no_reader() {
    let scratch = Scratch::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut cert = poold(&["cert", "localhost", "-d", text(scratch.path())]);
    let made = cert.stdout(writer).output().expect("poold");
    assert_eq!(made.status.code(), Some(141), "{made:?}");
    assert_eq!(String::from_utf8_lossy(&made.stderr), "");
    let files = std::fs::read_dir(scratch.path()).expect("our own").count();
    assert_eq!(files, 6);
}

#[test]
fn what_a_server_says_first_is_printed_though_it_comes_with_the_end_of_the_handshake() {
    let pair = Pair::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let root = pair.certificate();
    let mut command = poold(&["client", "--tls", "--ca", text(&root), &address]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = Guard(command.spawn().expect("poold"));
    let printed = Spool::of(client.0.stdout.take().expect("piped"));
    let mut socket = listener.accept().expect("it connects").0;
    let mut session = pair.server_with(&[&rustls::version::TLS12]);
    while session.is_handshaking() {
        while session.wants_write() {
            session.write_tls(&mut socket).expect("connected");
        }
        session.read_tls(&mut socket).expect("connected");
        session.process_new_packets().expect("valid");
    }
    session.writer().write_all(b"ready\n").expect("a buffer");
    let mut bytes = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut bytes).expect("a Vec");
    }
    socket.write_all(&bytes).expect("connected");
    printed.wait_line("ready");
    say_last(&mut session, &mut socket, b"");
    // The server's end is the client's, although the input has not ended.
    assert_eq!(client.wait_exit(), Some(0));
}

/// The server says why it goes, and goes while the client has more to send than the sockets hold.
#[test]
fn what_a_server_says_before_it_goes_is_printed_though_it_takes_no_more() {
    let (mut client, printed, mut socket, mut session) = sends_zeros(16 << 30);
    wait_until("much is unread", || {
        rustix::io::ioctl_fionread(&socket).expect("a socket") > 100_000
    });
    say_last(&mut session, &mut socket, b"the line is full\n");
    // A reset takes back what was not sent yet.
    wait_until("the client's system has it", || has_sent_all(&socket));
    // With unread bytes: a reset.
    drop(socket);
    assert_eq!(client.wait_exit(), Some(1));
    assert_eq!(printed.wait_end(), b"the line is full\n");
}

#[test]
fn a_server_that_has_ended_its_side_still_gets_the_rest() {
    let length = 32 << 20;
    let (mut client, printed, mut socket, mut session) = sends_zeros(length);
    say_last(&mut session, &mut socket, b"that is all\n");
    assert_eq!(printed.wait_line("all"), "that is all");
    let mut stream = rustls::Stream::new(&mut session, &mut socket);
    let taken = std::io::copy(&mut stream, &mut std::io::sink());
    assert_eq!(taken.expect("the client ends its session"), length);
    assert_eq!(client.wait_exit(), Some(0));
}

/// A `client --tls` whose input has so many bytes, what it prints, and its server.
fn sends_zeros(length: u64) -> (Guard, Spool, TcpStream, ServerConnection) {
    let pair = Pair::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let root = pair.certificate();
    // A file without blocks: its bytes are there at each moment, as those of a pipe are not.
    let scratch = Scratch::new();
    let path = scratch.join("zeros");
    let made = File::create(&path).expect("a file");
    made.set_len(length).expect("a file without blocks");
    let mut command = poold(&["client", "--tls", "--ca", text(&root), &address]);
    let input = File::open(&path).expect("just made");
    command.stdin(input).stdout(Stdio::piped());
    let child = command.stderr(Stdio::null()).spawn().expect("poold");
    let mut client = Guard(child);
    let printed = Spool::of(client.0.stdout.take().expect("piped"));
    let mut socket = listener.accept().expect("it connects").0;
    let mut session = pair.server();
    while session.is_handshaking() {
        session.complete_io(&mut socket).expect("a handshake");
    }
    (client, printed, socket, session)
}

fn say_last(session: &mut ServerConnection, socket: &mut TcpStream, last: &[u8]) {
    session.writer().write_all(last).expect("room");
    session.send_close_notify();
    while session.wants_write() {
        session.write_tls(socket).expect("room");
    }
}

/// Whether the peer's system has acknowledged all, by proc(5)'s `/proc/net/tcp`.
fn has_sent_all(socket: &TcpStream) -> bool {
    let port = |address: SocketAddr| format!(":{:04X}", address.port());
    let local = port(socket.local_addr().expect("connected"));
    let peer = port(socket.peer_addr().expect("connected"));
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
    let mut rows = table.lines().map(|row| row.split_whitespace().collect());
    rows.any(|row: Vec<&str>| {
        row[1].ends_with(&local) && row[2].ends_with(&peer) && row[4].starts_with("00000000:")
    })
}

#[test]
fn figures_tell_of_sessions() {
    let pair = Pair::new();
    let (certificate, key) = (pair.certificate(), pair.key());
    let tls = ["--tls-cert", text(&certificate), "--tls-key", text(&key)];
    let watched = Watched::start(&[&["echo", "127.0.0.1:0"], &tls[..]].concat());
    let address = &watched.daemon.address;
    let mut open = pair.connect_with(address, &[&rustls::version::TLS12]);
    open.send("hello");
    assert_eq!(open.take(5), b"hello");
    let plain = connect_saying(address, "hello");
    let _ = take_to_end(&plain);
    assert_eq!(watched.metric("poold_tls_handshakes_done_total"), 1.0);
    let failed = "poold_tls_handshakes_failed_total{reason=\"plain\"}";
    assert_eq!(watched.metric(failed), 1.0);
    let (ok, clients, _) = watched.tool(&["clients"]);
    assert!(ok && clients.contains("  1.2\n"), "{clients}");
}
