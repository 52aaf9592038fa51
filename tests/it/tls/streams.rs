//! Programs of `exec`, and stream services of the library, behind TLS.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use poold::{Options, Server, Stream, Tls};

use crate::exec::children::{children, server, wait_no_children};
use crate::support::daemon::Daemon;
use crate::support::net::{connect, connect_plain, connect_saying, reset, send, take_to_end};
use crate::support::passed::is_installed;
use crate::support::spool::wait_until;
use crate::support::tls::{Pair, Secured};

fn shell(pair: &Pair, args: &[&str], script: &str) -> Daemon {
    pair.start("exec", &[args, &["--shell", script]].concat())
}

fn ends_well(daemon: &mut Daemon, summary: &str) {
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(exit.stderr.contains(summary), "{}", exit.stderr);
}

/// `ncat` ends the connection and not the session, `socat` the session alone; both read on.
#[test]
fn output_is_whole_though_the_client_has_ended_its_side() {
    let sent: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let pair = Pair::new();
    for program in ["ncat", "socat"] {
        if !is_installed(program) {
            continue;
        }
        let mut daemon = pair.start("exec", &["--", "cat"]);
        let (host, port) = daemon.address.rsplit_once(':').expect("a port");
        let mut command = Command::new(program);
        match program {
            "ncat" => command.args(["--ssl", host, port]),
            _ => command.args(["-t", "60", "-", &format!("OPENSSL:{host}:{port},verify=0")]),
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut client = command.spawn().expect("it is installed");
        let mut input = client.stdin.take().expect("piped");
        let output = thread::scope(|scope| {
            scope.spawn(|| {
                input.write_all(&sent).expect("it reads");
                drop(input);
            });
            client.wait_with_output().expect("it ends")
        });
        let come = output.stdout.len();
        assert!(output.stdout == sent, "{program}: {come} bytes came");
        ends_well(&mut daemon, "1 program run: 1 ended well");
    }
}

#[test]
fn a_client_that_ends_its_session_gets_the_rest_and_the_end() {
    let pair = Pair::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut daemon = shell(&pair, &[], "cat; echo $TLS_VERSION, $PROTO, $TCPREMOTEIP");
        let mut client = pair.connect_with(&daemon.address, &[version]);
        client.send("no newline, ");
        client.end();
        let (bytes, end) = client.take_all();
        let number = if version.version == rustls::ProtocolVersion::TLSv1_2 {
            "1.2"
        } else {
            "1.3"
        };
        let expected = format!("no newline, {number}, TCP, 127.0.0.1\n");
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
        end.expect("the session's end");
        drop(client);
        ends_well(&mut daemon, "1 program run: 1 ended well");
    }
}

#[test]
fn a_program_that_shuts_its_side_ends_the_session_and_hears_the_client_on() {
    if !is_installed("python3") {
        return;
    }
    let script = "
import socket, sys
s = socket.socket(fileno=0)
s.sendall(b'bye')
s.shutdown(socket.SHUT_WR)
heard = b''
while piece := s.recv(65536): heard += piece
print('heard', len(heard), file=sys.stderr)
";
    let pair = Pair::new();
    let mut daemon = pair.start("exec", &["--", "python3", "-c", script]);
    let mut client = pair.connect(&daemon.address);
    let (bytes, end) = client.take_all();
    assert_eq!(bytes, b"bye");
    end.expect("the session's end");
    client.send(vec![b'x'; 1_000_000]);
    client.end();
    daemon.stderr.wait_line("stderr: heard 1000000 (id=1");
    drop(client);
    ends_well(&mut daemon, "1 program run: 1 ended well");
}

#[test]
fn fifty_megabytes_arrive_whole_at_a_reader_that_begins_late() {
    let pair = Pair::new();
    let script = "head -c 50000000 /dev/zero | tr '\\0' x; printf end";
    let mut daemon = shell(&pair, &[], script);
    let mut client = pair.connect(&daemon.address);
    let server = server(&daemon);
    wait_until("it runs", || !children(server).is_empty());
    let memory = daemon.memory("VmHWM");
    let (bytes, end) = client.take_all();
    assert_eq!(bytes.len(), 50_000_003);
    assert!(bytes.ends_with(b"xend"));
    end.expect("the session's end");
    let more = daemon.memory("VmHWM").saturating_sub(memory);
    assert!(more < 4 << 20, "it took {more} bytes more");
    drop(client);
    ends_well(&mut daemon, "1 program run: 1 ended well");
}

/// A program that prints until its client, which takes nothing, has no room, and then ends.
const PRINTS_TO_THE_BRIM: &str = "
import select, socket, sys
s = socket.socket(fileno=0)
s.setblocking(False)
sent = 0
room = select.poll()
room.register(s, select.POLLOUT)
while room.poll(500):
    try: sent += s.send(b'x' * 4096)
    except BlockingIOError: pass
print('sent', sent, file=sys.stderr)
";

#[test]
fn what_a_program_leaves_is_sent_without_a_worker() {
    if !is_installed("python3") {
        return;
    }
    let pair = Pair::new();
    let args = ["-w", "1", "--", "python3", "-c", PRINTS_TO_THE_BRIM];
    let mut daemon = pair.start("exec", &args);
    let mut late = pair.connect(&daemon.address);
    let told = daemon.stderr.wait_line("stderr: sent ");
    let sent = told.split(' ').nth(2).and_then(|sent| sent.parse().ok());
    let mut next = pair.connect(&daemon.address);
    assert_eq!(next.take(1), b"x");
    let (bytes, end) = late.take_all();
    assert_eq!(Some(bytes.len()), sent, "{told}");
    end.expect("the session's end");
    drop((late, next));
    daemon.stop();
}

/// As before, in pieces of which the system takes one more than has room. How much is left depends
/// on how much of the first of them has gone on, and so on the length of the one before.
const PRINTS_LARGE_PIECES: &str = "
import socket, sys, time
s = socket.socket(fileno=0)
s.setblocking(False)
sent = s.send(b'x' * int(sys.argv[1]))
full = 0
while full < 50:
    try:
        sent += s.send(b'x' * 60000)
        full = 0
    except BlockingIOError:
        full += 1
        time.sleep(0.01)
print('sent', sent, file=sys.stderr)
";

#[test]
fn what_a_program_leaves_is_sent_whole_however_large_its_pieces_are() {
    if !is_installed("python3") {
        return;
    }
    let pair = Pair::new();
    for first in ["1", "15000", "30000", "45000"] {
        let program = ["--", "python3", "-c", PRINTS_LARGE_PIECES, first];
        let mut daemon = pair.start("exec", &program);
        let mut late = pair.connect(&daemon.address);
        let told = daemon.stderr.wait_line("stderr: sent ");
        let sent = told.split(' ').nth(2).and_then(|sent| sent.parse().ok());
        let (bytes, end) = late.take_all();
        assert_eq!(Some(bytes.len()), sent, "{told}");
        end.expect("the session's end");
        drop(late);
        ends_well(&mut daemon, "1 program run: 1 ended well");
    }
}

#[test]
fn an_end_that_comes_with_that_of_the_handshake_is_the_end_of_the_programs_input() {
    let pair = Pair::new();
    let mut daemon = pair.start("exec", &["--", "cat"]);
    let took = (0..5).map(|_| {
        let mut session = pair.client(&[&rustls::version::TLS13]);
        let mut socket = connect_plain(&daemon.address);
        session.write_tls(&mut socket).expect("a greeting");
        while session.is_handshaking() {
            session.read_tls(&mut socket).expect("an answer");
            session.process_new_packets().expect("valid");
        }
        session.send_close_notify();
        let mut bytes = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut bytes).expect("a Vec");
        }
        let began = Instant::now();
        send(&socket, &bytes);
        let mut client = Secured(rustls::StreamOwned::new(session, socket));
        let (bytes, end) = client.take_all();
        assert_eq!(bytes, b"");
        end.expect("the session's end");
        began.elapsed()
    });
    // At once, and not when the client is looked at: a second after the begin.
    let took = took.min().expect("five");
    assert!(took < Duration::from_millis(900), "{took:?}");
    ends_well(&mut daemon, "5 programs run: 5 ended well");
}

#[test]
fn a_program_whose_client_has_gone_is_told() {
    let pair = Pair::new();
    // It neither reads nor prints; it prints.
    for script in ["sleep 1000", "yes"] {
        let mut daemon = shell(&pair, &["-w", "1"], script);
        let server = server(&daemon);
        let client = pair.connect(&daemon.address);
        wait_until("it runs", || !children(server).is_empty());
        reset(client.0.sock);
        wait_no_children(&daemon);
        daemon.stop();
    }
}

#[test]
fn a_silent_client_holds_no_place_in_the_queue() {
    let pair = Pair::new();
    let mut daemon = pair.start("exec", &["-w", "1", "--", "cat"]);
    let silent = connect(&daemon.address);
    let begun = connect_saying(&daemon.address, [0x16, 3, 1]);
    let mut client = pair.connect(&daemon.address);
    client.send("x");
    assert_eq!(client.take(1), b"x");
    client.end();
    client.take_all().1.expect("the session's end");
    drop((silent, begun, client));
    ends_well(&mut daemon, "1 program run: 1 ended well");
}

#[test]
fn beyond_the_queue_and_in_a_drain_clients_are_told() {
    let pair = Pair::new();
    let script = "echo on; exec cat";
    let args = ["-w", "1", "--max-wait", "1ms"];
    let daemon = shell(&pair, &args, script);
    let mut served = pair.connect(&daemon.address);
    assert_eq!(served.take_line(), "on");
    let mut refused = pair.connect(&daemon.address);
    let (bytes, end) = refused.take_all();
    assert_eq!(bytes, b"busy\n");
    end.expect("the session's end");

    let args = ["-w", "1", "--log-level", "debug", "--drain", "60s"];
    let mut daemon = shell(&pair, &args, script);
    let mut served = pair.connect(&daemon.address);
    assert_eq!(served.take_line(), "on");
    let mut waits = pair.connect(&daemon.address);
    waits.send("early");
    daemon.interrupt();
    assert_eq!(waits.take_all().0, b"busy\n");
    served.send("more\n");
    assert_eq!(served.take_line(), "more");
    served.end();
    served.take_all().1.expect("the session's end");
    drop((served, waits));
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
fn the_drain_ends_programs_as_without_tls() {
    let pair = Pair::new();
    let script = "trap 'echo told; exit' TERM; echo on; while :; do sleep 0.01; done";
    let mut daemon = shell(&pair, &["--drain", "100ms", "--kill-after", "20s"], script);
    let mut client = pair.connect(&daemon.address);
    assert_eq!(client.take_line(), "on");
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("1 stopped in the drain"),
        "{}",
        exit.stderr
    );

    let mut daemon = shell(&pair, &["--timeout", "2s", "--kill-after", "20s"], script);
    let mut client = pair.connect(&daemon.address);
    let (bytes, end) = client.take_all();
    assert_eq!(bytes, b"on\ntold\n");
    end.expect("the session's end");
    drop(client);
    daemon.stop();
}

#[test]
fn a_changed_record_ends_the_programs_input() {
    let pair = Pair::new();
    let mut daemon = shell(&pair, &[], "cat >/dev/null; echo ended >&2");
    let client = pair.connect(&daemon.address);
    let mut record = vec![0x17, 3, 3, 0, 40];
    record.extend([7; 40]);
    let Secured(client) = client;
    let mut plain = client.sock;
    plain.write_all(&record).expect("connected");
    daemon.stderr.wait_line("stderr: ended (id=1");
    let mut rest = Vec::new();
    // The alert, and the end.
    let _ = plain.read_to_end(&mut rest);
    assert_eq!(rest.first(), Some(&0x17), "encrypted: {rest:?}");
    drop(plain);
    daemon.stop();
}

fn library(pair: &Pair, serve: fn(Stream) -> io::Result<()>) -> Server {
    let tls = Tls::from_files(pair.certificate(), pair.key()).expect("a pair");
    let options = Options {
        tls: Some(tls),
        ..Options::default()
    };
    Server::bind_streams("127.0.0.1:0", options, serve).expect("a free port")
}

#[test]
fn a_stream_of_the_library_is_read_written_and_shut_through_the_session() {
    let pair = Pair::new();
    // It reads and writes at once, in two threads.
    let server = library(&pair, |mut stream| {
        let mut writer = stream.try_clone()?;
        let (mut from, mut to) = io::pipe()?;
        let thread = thread::spawn(move || io::copy(&mut from, &mut writer));
        io::copy(&mut stream, &mut to)?;
        drop(to);
        thread.join().expect("no panic")?;
        stream.write_all(b"end")?;
        stream.shutdown(Shutdown::Both)
    });
    let mut client = pair.connect(&server.address().to_string());
    let sent: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 251) as u8).collect();
    let mut got = Vec::new();
    for piece in sent.chunks(200_000) {
        client.send(piece);
        got.extend(client.take(piece.len() / 2));
    }
    client.end();
    let (rest, end) = client.take_all();
    got.extend(rest);
    end.expect("the session's end");
    assert!(got.strip_suffix(b"end") == Some(&sent[..]), "{}", got.len());
    drop(client);
    server.handle().drain();
    assert_eq!(server.wait().cut_off, 0);
}

#[test]
fn a_read_of_the_library_has_its_timeout() {
    let pair = Pair::new();
    let server = library(&pair, |mut stream| {
        stream.set_read_timeout(Some(std::time::Duration::from_millis(1)))?;
        let error = stream.read(&mut [0; 10]).expect_err("nothing comes");
        stream.write_all(format!("{:?}", error.kind()).as_bytes())
    });
    let mut client = pair.connect(&server.address().to_string());
    assert_eq!(client.take_all().0, b"WouldBlock");
    // Without TLS it is told what the port speaks.
    let plain = connect_saying(&server.address().to_string(), "hello\n");
    assert!(take_to_end(&plain).starts_with(b"this port speaks TLS"));
}
