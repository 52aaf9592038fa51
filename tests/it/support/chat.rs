//! Members of a chat: plain sockets, and the lines that the chat sends them.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::daemon::Daemon;
use crate::support::net::{connect_saying, send, take_line};
use crate::support::spool::wait_until;

/// The chat lets a client in that has said nothing for so long. One that is to have a name is a guest
/// first, where a busy machine makes such a pause before its line is sent or while it is taken.
const SILENCE: Duration = Duration::from_millis(100);

/// `poold chat 127.0.0.1:0 ARGS…`.
pub fn chat(args: &[&str]) -> Daemon {
    Daemon::start(&[&["chat", "127.0.0.1:0"], args].concat())
}

/// A member of a chat.
pub struct Talker {
    pub stream: TcpStream,
    /// The member's name.
    pub name: String,
}

impl Talker {
    /// Connects and reads the welcome.
    pub fn come(daemon: &Daemon) -> Talker {
        Talker::begin(daemon, "")
    }

    /// Connects and takes a name.
    pub fn named(daemon: &Daemon, name: &str) -> Talker {
        let begin = Instant::now();
        let mut talker = Talker::begin(daemon, &format!("/nick {name}"));
        if talker.name.starts_with("guest-") && begin.elapsed() >= SILENCE {
            talker.wait(&format!("-- you are now {name}"));
            name.clone_into(&mut talker.name);
        }
        assert_eq!(talker.name, name);
        talker
    }

    /// Connects and sends a first line at once: the welcome waits for one.
    fn begin(daemon: &Daemon, line: &str) -> Talker {
        let stream = connect_saying(&daemon.address, format!("{line}\n"));
        let welcome = take_line(&stream);
        let name = welcome
            .strip_prefix("-- welcome; you are ")
            .and_then(|rest| rest.split(',').next());
        let name = name.unwrap_or_else(|| panic!("{welcome}")).to_owned();
        Talker { stream, name }
    }

    pub fn say(&self, line: impl AsRef<[u8]>) {
        send(&self.stream, [line.as_ref(), b"\n"].concat());
    }

    /// The next line, without its end.
    pub fn hear(&self) -> String {
        let line = take_line(&self.stream);
        line.strip_suffix('\r').map(str::to_owned).unwrap_or(line)
    }

    /// Reads up to this line; returns the lines before it.
    pub fn wait(&self, line: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let heard = self.hear();
            if heard == line {
                return before;
            }
            before.push(heard);
        }
    }

    /// Every line that the member has been sent by now: those before the answer to a question.
    pub fn heard(&self) -> Vec<String> {
        self.say("/nothing");
        self.wait("-- there is no /nothing; /help lists what there is")
    }

    /// Sends a line and returns the one line of the answer. Notices of members that came or left
    /// may come before it.
    pub fn ask(&self, line: &str) -> String {
        self.heard();
        self.say(line);
        loop {
            let heard = self.hear();
            let is_notice = heard.ends_with(" joined") || heard.ends_with(" left");
            if !(heard.starts_with("-- ") && is_notice) {
                return heard;
            }
        }
    }
}

/// Waits until this many members are in the lobby.
pub fn wait_lobby(talker: &Talker, count: usize) {
    let rooms = format!("lobby ({count})");
    wait_until("all are in the lobby", || {
        talker.ask("/rooms").contains(&rooms)
    });
}
