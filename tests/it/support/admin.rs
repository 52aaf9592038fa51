//! A daemon's admin endpoint: raw requests over real sockets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::support::daemon::{Daemon, calm, poold};
use crate::support::net::{connect_plain, end, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::PATIENCE;

/// A daemon with an admin address of each kind.
pub struct Watched {
    pub daemon: Daemon,
    /// Read-only.
    pub tcp: String,
    /// Takes commands that change something; in the syntax of `--admin`.
    pub unix: String,
    _dir: Scratch,
}

/// An HTTP answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Watched {
    /// Starts `poold ARGS…` with the admin addresses.
    pub fn start(args: &[&str]) -> Watched {
        Watched::start_with(args, |command| {
            command.stdout(std::process::Stdio::piped());
        })
    }

    /// The same; `set` chooses the standard output.
    pub fn start_with(args: &[&str], set: impl FnOnce(&mut std::process::Command)) -> Watched {
        let dir = Scratch::new();
        let unix = format!("unix:{}", text(&dir.join("admin")));
        let admin = format!("127.0.0.1:0,{unix}");
        let mut command = poold(&[&calm(args)[..], &["--admin", &admin]].concat());
        set(&mut command);
        let daemon = Daemon::spawn(&mut command);
        drop(command);
        let line = daemon.stderr.wait_line("admin on 127");
        let tcp = line.trim_start_matches("admin on ").to_owned();
        Watched {
            daemon,
            tcp,
            unix,
            _dir: dir,
        }
    }

    /// Runs `poold ARGS…` against this daemon: whether it exited with 0, its output and its errors.
    pub fn tool(&self, args: &[&str]) -> (bool, String, String) {
        let mut command = poold(args);
        let admin = format!("{},{}", self.tcp, self.unix);
        let output = command.env("POOLD_ADMIN", admin).output();
        let output = output.expect("poold starts");
        let read = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.success(),
            read(&output.stdout),
            read(&output.stderr),
        )
    }

    /// `GET` over TCP.
    pub fn get(&self, path: &str) -> Answer {
        let client = connect_plain(&self.tcp);
        let mut answers = converse(&client, &format!("GET {path} HTTP/1.0\r\n\r\n"));
        answers.pop().expect("an answer")
    }

    /// `POST` over the Unix socket.
    pub fn post(&self, path: &str) -> Answer {
        let path_of_socket = self.unix.trim_start_matches("unix:");
        let mut stream = UnixStream::connect(path_of_socket).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let request = format!("POST {path} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an end");
        answers(&bytes, &[]).pop().expect("an answer")
    }

    pub fn status(&self) -> Value {
        let answer = self.get("/status");
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// A value of `/metrics`; `name` includes the labels as written.
    pub fn metric(&self, name: &str) -> f64 {
        let answer = self.get("/metrics");
        let mut lines = answer.body.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.unwrap_or_else(|| panic!("no {name} in {}", answer.body));
        value.parse().expect("a number")
    }
}

/// Sends requests, shuts the sending side, and returns the answers up to the end.
pub fn converse(stream: &TcpStream, requests: &str) -> Vec<Answer> {
    let mut writer = stream;
    writer.write_all(requests.as_bytes()).expect("it reads");
    end(stream);
    let heads: Vec<_> = requests
        .split("\r\n\r\n")
        .map(|request| request.trim_start().starts_with("HEAD "))
        .collect();
    answers(&take_to_end(stream), &heads)
}

/// Parses answers; those to `HEAD` have no body.
pub fn answers(mut bytes: &[u8], heads: &[bool]) -> Vec<Answer> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("torn: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).expect("told");
        let is_head = heads.get(found.len()).copied().unwrap_or(false);
        let length = if is_head { 0 } else { length };
        let body = &bytes[end + 4..end + 4 + length];
        found.push(Answer {
            status: status.expect("a status"),
            head,
            body: String::from_utf8_lossy(body).into_owned(),
        });
        bytes = &bytes[end + 4 + length..];
    }
    found
}
