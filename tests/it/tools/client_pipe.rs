//! `poold client` in a pipe: bytes in, the same bytes out, and an exit code that tells.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use socket2::{Domain, Socket, Type};

use crate::support::chat::{Talker, chat};
use crate::support::daemon::{Daemon, Guard, poold};
use crate::support::net::{end, send, take, take_all, take_line, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{Spool, wait_until};

/// A client with its three streams in our hands.
struct Client {
    guard: Guard,
    stdin: Option<std::process::ChildStdin>,
    stdout: Spool,
    stderr: Spool,
}

impl Client {
    fn start(args: &[&str]) -> Client {
        Client::spawn(args, Stdio::piped())
    }

    fn spawn(args: &[&str], input: Stdio) -> Client {
        let mut command = poold(&[&["client"], args].concat());
        command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut guard = Guard(command.spawn().expect("poold starts"));
        Client {
            stdin: guard.0.stdin.take(),
            stdout: Spool::of(guard.0.stdout.take().expect("piped")),
            stderr: Spool::of(guard.0.stderr.take().expect("piped")),
            guard,
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("not ended yet");
        stdin.write_all(bytes).expect("it reads");
    }

    /// The end of its input.
    fn end(&mut self) {
        self.stdin = None;
    }

    /// Its exit code, and what it printed.
    fn wait(mut self) -> (Option<i32>, Vec<u8>, String) {
        let code = self.guard.wait_exit();
        let trouble = String::from_utf8_lossy(&self.stderr.wait_end()).into_owned();
        (code, self.stdout.wait_end(), trouble)
    }
}

/// Everything that a byte can be, in an order that is not its own.
fn bytes(length: u32) -> Vec<u8> {
    let scattered = (0..length).map(|number| number.wrapping_mul(2_654_435_761) >> 13);
    scattered.map(|number| number as u8).collect()
}

#[test]
fn every_byte_goes_through_echo_and_comes_back() {
    let scratch = Scratch::new();
    let path = format!("unix:{}", text(&scratch.join("echo")));
    for listen in ["127.0.0.1:0", &path] {
        let daemon = Daemon::start(&["echo", listen]);
        let mut client = Client::start(&[&daemon.address]);
        let sent = bytes(3_000_000);
        client.say(&sent);
        client.end();
        let (code, printed, trouble) = client.wait();
        assert_eq!((code, trouble.as_str()), (Some(0), ""));
        assert!(printed == sent, "{} of {}", printed.len(), sent.len());
    }
}

#[test]
fn recv_gets_every_line_and_the_client_its_end() {
    let mut daemon = Daemon::recv(&[]);
    let mut client = Client::start(&[&daemon.address]);
    client.say(b"one\ntwo\nand a rest");
    client.end();
    assert_eq!(client.wait(), (Some(0), Vec::new(), String::new()));
    let exit = daemon.stop();
    let ends = [": one", ": two", " (partial): and a rest"];
    assert_eq!(exit.lines().len(), ends.len(), "{:?}", exit.lines());
    for (line, end) in exit.lines().iter().zip(ends) {
        assert!(line.ends_with(end), "{line}");
    }
}

#[test]
fn what_comes_is_passed_on_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let mut client = Client::start(&[&address]);
    let (server, _) = listener.accept().expect("it connects");
    client.say(b"question\n");
    assert_eq!(take_line(&server), "question");
    send(&server, "answer\n");
    client.stdout.wait_line("answer");
    // The server's end is the client's, although its input has not ended.
    end(&server);
    let (code, printed, _) = client.wait();
    assert_eq!((code, &printed[..]), (Some(0), &b"answer\n"[..]));
}

#[test]
fn the_end_of_the_input_is_passed_on_and_answers_still_come() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let mut client = Client::start(&[&address, "--name", "ann"]);
    let (server, _) = listener.accept().expect("it connects");
    client.say(b"x");
    client.end();
    assert_eq!(take_all(&server).0, b"/nick ann\nx");
    send(&server, "late\n");
    end(&server);
    assert_eq!(client.wait().1, b"late\n");
}

/// A client whose input is a file with more in it than fits on the way, and what it is.
fn from_file(address: &str) -> (Client, Vec<u8>) {
    let (scratch, input) = (Scratch::new(), bytes(8_000_000));
    let file = scratch.join("input");
    std::fs::write(&file, &input).expect("our own directory");
    let file = std::fs::File::open(&file).expect("just written");
    (Client::spawn(&[address], file.into()), input)
}

#[test]
fn a_server_that_says_no_more_still_gets_the_rest_of_the_input() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let (client, input) = from_file(&address);
    let (server, _) = listener.accept().expect("it connects");
    take(&server, 1);
    end(&server);
    let got = take_to_end(&server);
    drop(server);
    assert!(got == input[1..], "{} of {}", got.len(), input.len());
    assert_eq!(client.wait(), (Some(0), Vec::new(), String::new()));
}

#[test]
fn what_the_server_does_not_take_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let (client, _) = from_file(&address);
    let (server, _) = listener.accept().expect("it connects");
    // It reads no more, and keeps the connection: the client has to give up by itself.
    end(&server);
    let (code, _, trouble) = client.wait();
    assert_eq!(code, Some(1));
    assert!(trouble.contains("before it took everything"), "{trouble}");
}

#[test]
fn the_exit_code_tells() {
    // Bound and not listening: no other process gets the port, and none answers there.
    let bound_only = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    bound_only.bind(&any.into()).expect("a free port");
    let address = bound_only.local_addr().expect("bound").as_socket();
    let address = address.expect("IP").to_string();
    let (code, _, trouble) = Client::start(&[&address]).wait();
    assert_eq!(code, Some(1));
    assert!(
        trouble.contains("cannot connect to 127.0.0.1:"),
        "{trouble}"
    );
    assert_eq!(trouble.lines().count(), 1, "{trouble}");
    for usage in [&["nonsense"][..], &["1", "--name", "a b"], &["1", "--what"]] {
        assert_eq!(Client::start(usage).wait().0, Some(2), "{usage:?}");
    }
}

#[test]
fn a_reset_is_a_loss() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let client = Client::start(&[&address]);
    let (server, _) = listener.accept().expect("it connects");
    send(&server, "here\n");
    client.stdout.wait_line("here");
    crate::support::net::reset(server);
    let (code, _, trouble) = client.wait();
    assert_eq!(code, Some(1));
    assert!(trouble.contains("the connection was lost"), "{trouble}");
}

#[test]
fn an_output_without_a_reader_ends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let mut command = poold(&["client", &address]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut guard = Guard(command.spawn().expect("poold starts"));
    let (server, _) = listener.accept().expect("it connects");
    drop(guard.0.stdout.take());
    // Another test's child may hold the pipe for a moment, between its fork and its exec.
    wait_until("it ends", || {
        let _ = (&server).write(b"to none\n");
        guard.0.try_wait().expect("our own child").is_some()
    });
    assert_eq!(guard.wait_exit(), Some(141));
}

#[test]
fn an_output_that_does_not_block_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let (mut reader, writer) = std::io::pipe().expect("descriptors");
    fcntl_setfl(&writer, OFlags::NONBLOCK).expect("a pipe");
    let mut command = poold(&["client", &address]);
    let full = writer.try_clone().expect("descriptors");
    let mut guard = Guard(command.stdout(writer).spawn().expect("poold starts"));
    drop(command);
    let (server, _) = listener.accept().expect("it connects");
    let sent = bytes(3_000_000);
    let speaking = {
        let sent = sent.clone();
        std::thread::spawn(move || (&server).write_all(&sent))
    };
    // Not by its bytes: how many fit depends on the pieces in which they came.
    wait_until("the pipe is full", || {
        let mut polled = [PollFd::new(&full, PollFlags::OUT)];
        poll(&mut polled, Some(&Timespec::default())).expect("poll works") == 0
    });
    drop(full);
    let mut printed = Vec::new();
    reader.read_to_end(&mut printed).expect("a pipe");
    speaking.join().expect("it ends").expect("it reads");
    assert!(printed == sent, "{} of {}", printed.len(), sent.len());
    assert_eq!(guard.wait_exit(), Some(0));
}

#[test]
fn a_name_that_cannot_be_had_is_an_error_and_nothing_is_said() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    for (name, why) in [
        ("ann", "this name, or one that looks like it, is taken"),
        ("server", "this name is the server's own"),
        ("a/b", "a name has letters, digits and -_."),
    ] {
        let mut client = Client::start(&[&daemon.address, "--name", name]);
        client.say(b"not as a guest\n");
        client.end();
        let (code, _, trouble) = client.wait();
        let begin = format!("poold: you can't be {name} there: {why}");
        assert_eq!((code, trouble.lines().count()), (Some(1), 1), "{trouble}");
        assert!(trouble.starts_with(&begin), "{trouble}");
    }
    let mut client = Client::start(&[&daemon.address, "--name", "bob"]);
    client.say(b"as bob\n/quit\n");
    let (code, printed, trouble) = client.wait();
    assert_eq!((code, trouble.as_str()), (Some(0), ""));
    let printed = String::from_utf8(printed).expect("UTF-8");
    // A client that is late is greeted as a guest first, and then renamed.
    assert!(
        printed.contains("you are bob, in lobby with ") || printed.contains("you are now bob"),
        "{printed}"
    );
    let heard = ann.wait("<bob> as bob");
    assert!(
        !heard.iter().any(|line| line.contains("not as a guest")),
        "{heard:?}"
    );
}
