//! A move of clients that comes to nothing: the running process goes on with them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;

use crate::support::daemon::{Daemon, POOLD};
use crate::support::net::{connect, send, take, take_to_end};
use crate::support::scratch::{self, Scratch, text};
use crate::support::spool::PATIENCE;

/// A successor by hand. It hears the messages, and closes the descriptors that come with them.
pub struct Successor {
    stream: BufReader<UnixStream>,
    /// Heard already.
    next: Option<Value>,
}

impl Successor {
    /// Takes the sockets of the daemon over, and is ready.
    pub fn ready(control: &str, version: u32) -> Successor {
        let stream = UnixStream::connect(control).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut successor = Successor {
            stream: BufReader::new(stream),
            next: None,
        };
        successor.say(&format!(
            r#"{{"take_over":{{"version":1,"pid":1,"clients":{version}}}}}"#
        ));
        assert!(successor.hear().get("sockets").is_some());
        successor.say(r#""ready""#);
        successor
    }

    pub fn say(&mut self, message: &str) {
        let line = format!("{message}\n");
        let mut stream = self.stream.get_ref();
        stream.write_all(line.as_bytes()).expect("it reads");
    }

    pub fn hear(&mut self) -> Value {
        if let Some(next) = self.next.take() {
            return next;
        }
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    /// Hears why it is given up. On a busy machine its last offer was taken back before.
    fn hear_no(&mut self) {
        let mut heard = self.hear();
        if heard.get("back").is_some() {
            heard = self.hear();
        }
        assert!(heard["no"]["reason"].is_string(), "{heard}");
    }

    /// Answers an offer; `stay` has the clients that it does not take. `false`: the answer came too
    /// late, as on a busy machine, and all is offered again.
    fn takes(&mut self, batch: u64, stay: &str) -> bool {
        self.say(&format!(
            r#"{{"taken":{{"batch":{batch},"stay":[{stay}]}}}}"#
        ));
        let next = self.hear();
        let is_late = next.get("back").is_some();
        self.next = (!is_late).then_some(next);
        !is_late
    }

    /// Takes the next batch, but for those that stay; answers its number and how many clients are
    /// in it.
    pub fn take_clients(&mut self, stay: &str) -> (u64, usize) {
        loop {
            let (batch, count) = self.hear_clients();
            if self.takes(batch, stay) {
                return (batch, count);
            }
        }
    }

    /// Takes what clients have in common, or lets them stay.
    pub fn take_shared(&mut self, head: &str, stay: &str) {
        loop {
            self.hear_shared(head);
            if self.takes(0, stay) {
                return;
            }
        }
    }

    /// Takes what clients have in common, and so many batches of them.
    pub fn take_together(&mut self, head: &str, batches: usize) {
        loop {
            self.take_shared(head, "");
            let is_taken = (0..batches).all(|_| {
                let (batch, _) = self.hear_clients();
                self.takes(batch, "")
            });
            if is_taken {
                return;
            }
        }
    }

    /// Hears what clients have in common, which begins so.
    pub fn hear_shared(&mut self, head: &str) {
        let heard = self.hear();
        let length = heard["shared"]["length"].as_u64();
        let length = length.unwrap_or_else(|| panic!("{heard}"));
        let mut shared = vec![0; length as usize];
        self.stream.read_exact(&mut shared).expect("it follows");
        assert!(shared.starts_with(head.as_bytes()));
    }

    /// Hears of a batch; answers its number and how many clients are in it.
    pub fn hear_clients(&mut self) -> (u64, usize) {
        let heard = self.hear();
        let clients = heard.get("clients").unwrap_or_else(|| panic!("{heard}"));
        let batch = clients["batch"].as_u64().expect("a number");
        let lengths = clients["states"].as_array().expect("lengths");
        for length in lengths {
            let mut state = vec![0; length.as_u64().expect("a number") as usize];
            self.stream
                .read_exact(&mut state)
                .expect("the states follow");
            assert!(state.starts_with(b"poold client 1\n"));
        }
        (batch, lengths.len())
    }
}

/// An echo with a client that it has served.
struct Echo {
    daemon: Daemon,
    control: String,
    client: TcpStream,
    dir: Scratch,
}

impl Echo {
    fn start() -> Echo {
        let dir = Scratch::new();
        let control = text(&dir.join("control")).to_owned();
        let daemon = Daemon::echo(&["--control", &control]);
        let client = connect(&daemon.address);
        send(&client, "x");
        assert_eq!(take(&client, 1), b"x");
        Echo {
            daemon,
            control,
            client,
            dir,
        }
    }

    /// The client is answered, and new ones are accepted.
    fn serves(&self) {
        let new = connect(&self.daemon.address);
        for client in [&self.client, &new] {
            send(client, "x");
            assert_eq!(take(client, 1), b"x");
        }
    }

    fn ends(mut self) {
        drop(self.client);
        assert_eq!(self.daemon.stop().code, Some(0));
    }
}

#[test]
fn a_successor_that_dies_with_a_batch() {
    let echo = Echo::start();
    for _ in 0..2 {
        let mut successor = Successor::ready(&echo.control, 1);
        assert_eq!(successor.hear_clients().0, 1);
        drop(successor);
        echo.daemon
            .stderr
            .wait_line("those that were not go on here");
        echo.serves();
    }
    echo.ends();
}

#[test]
fn a_successor_that_hangs_with_a_batch() {
    let echo = Echo::start();
    let mut successor = Successor::ready(&echo.control, 1);
    assert_eq!(successor.hear_clients().0, 1);
    send(&echo.client, "x");
    let answer = take(&echo.client, 1);
    assert_eq!(answer, b"x", "the move is not given up yet");
    assert_eq!(successor.hear()["back"]["batch"], 1);
    successor.hear_no();
    echo.serves();
    echo.ends();
}

#[test]
fn a_successor_that_is_slow_is_offered_the_clients_again() {
    let echo = Echo::start();
    let mut successor = Successor::ready(&echo.control, 1);
    assert_eq!(successor.hear_clients().0, 1);
    assert_eq!(successor.hear()["back"]["batch"], 1);
    successor.say(r#"{"taken":{"batch":1,"stay":[]}}"#);
    assert_eq!(successor.hear_clients(), (2, 1));
    drop(successor);
    echo.daemon
        .stderr
        .wait_line("those that were not go on here");
    echo.serves();
    echo.ends();
}

#[test]
fn a_successor_that_says_nonsense() {
    let echo = Echo::start();
    for nonsense in [
        r#"{"taken":{"batch":7,"stay":[]}}"#,
        r#""ready""#,
        "nonsense",
    ] {
        let mut successor = Successor::ready(&echo.control, 1);
        assert_eq!(successor.hear_clients().0, 1);
        successor.say(nonsense);
        successor.hear_no();
        echo.serves();
    }
    echo.ends();
}

#[test]
fn clients_that_a_successor_does_not_take_are_drained_and_counted() {
    for (said, why) in [("framing", "framing"), ("of a later version", "version")] {
        let echo = Echo::start();
        let mut successor = Successor::ready(&echo.control, 1);
        let (_, count) = successor.take_clients(&format!(r#"[0,"{said}"]"#));
        assert_eq!(count, 1);
        assert_eq!(successor.hear()["go"]["late"], Value::Array(Vec::new()));
        let kept = successor.hear();
        let stayed = serde_json::json!([[why, 1]]);
        assert_eq!(kept["kept"]["stayed"], stayed, "{kept}");
        assert_eq!(successor.hear(), "yours");
        assert_eq!(take_to_end(&echo.client), b"");
        let log = echo.daemon.stderr.wait_line("clients moved");
        let counted = format!("moved=0, stayed=1, why=1 {why}");
        assert!(log.contains(&counted), "{log}");
    }
}

#[test]
fn a_successor_of_another_version_takes_the_sockets_alone() {
    for version in [0, 2] {
        let echo = Echo::start();
        let mut successor = Successor::ready(&echo.control, version);
        assert_eq!(successor.hear(), "yours");
        assert_eq!(take_to_end(&echo.client), b"");
    }
}

#[test]
fn clients_that_a_successor_has_confirmed_are_its_own() {
    let echo = Echo::start();
    let mut successor = Successor::ready(&echo.control, 1);
    assert_eq!(successor.take_clients("").1, 1);
    assert_eq!(successor.hear()["go"]["late"], serde_json::json!([0]));
    // It has closed the descriptors, and the running process closes its own.
    assert_eq!(take_to_end(&echo.client), b"");
    let log = echo.daemon.stderr.wait_line("clients moved");
    assert!(log.contains("moved=1, stayed=0"), "{log}");
}

#[test]
fn a_successor_of_another_user_gets_no_socket_and_no_client() {
    const OTHER: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        eprintln!("passed over: only root starts a program as another user");
        return;
    }
    let echo = Echo::start();
    // What keeps other users away as a rule: the modes of the socket and of its directory.
    let everybody = |path: std::path::PathBuf, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).expect("our own file");
    };
    everybody(echo.dir.path().to_owned(), 0o755);
    everybody(echo.dir.join("control"), 0o666);
    let program = echo.dir.join("poold");
    scratch::program(&program, POOLD.as_ref());
    let args = ["echo", &echo.daemon.address, "--control", &echo.control];
    let mut other = Command::new(program);
    other.args(args).arg("--take-over").uid(OTHER).gid(OTHER);
    let output = other.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("it runs as user 65534"), "{said}");
    echo.serves();
    echo.ends();
}
