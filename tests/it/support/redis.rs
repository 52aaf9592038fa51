//! Debian's `redis-server`, or a Valkey server, as a process of a test, on a Unix socket in a folder
//! of its own.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use rustix::process::{Signal, kill_process};

use crate::support::daemon::{Guard, stand_still};
use crate::support::passed::{brought, is_installed};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::wait_until;

/// The file of a sentinel's settings, in its folder.
const SENTINEL: &str = "sentinel.conf";

/// A server that can be killed and started again with the same data.
pub struct Redis {
    program: PathBuf,
    dir: Scratch,
    settings: Vec<String>,
    guard: Option<Guard>,
}

impl Redis {
    /// Starts one with these settings, such as `appendonly yes`; `None` if it is not installed.
    pub fn start(settings: &[&str]) -> Option<Redis> {
        let is_there = is_installed("redis-server") && is_installed("redis-cli");
        is_there.then(|| Redis::of("redis-server".into(), settings))
    }

    /// The same, of Valkey's.
    pub fn valkey(settings: &[&str]) -> Option<Redis> {
        let program = brought("valkey-server")?;
        is_installed("redis-cli").then(|| Redis::of(program, settings))
    }

    fn of(program: PathBuf, settings: &[&str]) -> Redis {
        let mut redis = Redis {
            program,
            dir: Scratch::new(),
            settings: settings.iter().map(|&one| one.to_owned()).collect(),
            guard: None,
        };
        redis.run();
        redis.wait();
        redis
    }

    /// A sentinel at `port` of the primary at another port, which it calls `main`. It needs a
    /// second to notice that a primary is away.
    pub fn sentinel(port: u16, primary: u16) -> Redis {
        let mut sentinel = Redis {
            program: "redis-server".into(),
            dir: Scratch::new(),
            settings: Vec::new(),
            guard: None,
        };
        let (dir, socket) = (text(sentinel.dir.path()).to_owned(), sentinel.socket());
        let settings = format!(
            "port {port}\nunixsocket {socket}\ndir {dir}\n\
             sentinel monitor main 127.0.0.1 {primary} 1\n\
             sentinel down-after-milliseconds main 1000\n\
             sentinel failover-timeout main 4000\n\
             sentinel parallel-syncs main 2\n"
        );
        std::fs::write(sentinel.path(SENTINEL), settings).expect("our folder");
        sentinel.run();
        sentinel.wait();
        sentinel
    }

    /// Starts it again, and does not wait.
    pub fn run(&mut self) {
        assert!(self.guard.is_none(), "it runs");
        let mut command = Command::new(&self.program);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let sentinel = self.path(SENTINEL);
        match std::fs::exists(&sentinel).expect("our folder") {
            true => drop(command.args([&sentinel, "--sentinel"])),
            false => self.set(&mut command),
        }
        self.guard = Some(Guard(command.spawn().expect("the server starts")));
    }

    fn set(&self, command: &mut Command) {
        let dir = text(self.dir.path()).to_owned();
        let socket = self.socket();
        command.args(["--dir", &dir, "--unixsocket", &socket]);
        if !self.settings.iter().any(|one| one.starts_with("port ")) {
            command.args(["--port", "0"]);
        }
        command.args(["--save", ""]);
        for setting in &self.settings {
            let mut words = setting.split(' ');
            command.arg(format!("--{}", words.next().expect("a name")));
            command.args(words);
        }
    }

    /// Waits until it answers, loaded.
    pub fn wait(&self) {
        self.wait_answer(&["PONG", "NOAUTH"]);
    }

    /// Waits until it answers, and not all is loaded.
    pub fn wait_loading(&self) {
        self.wait_answer(&["LOADING"]);
    }

    fn wait_answer(&self, begins: &[&str]) {
        wait_until("the server answers", || {
            let answer = self.try_ask(&["PING"]);
            let answer = String::from_utf8_lossy(&answer.stdout);
            begins.iter().any(|begin| answer.starts_with(begin))
        });
    }

    pub fn kill(&mut self) {
        drop(self.guard.take());
    }

    pub fn restart(&mut self) {
        self.kill();
        self.run();
        self.wait();
    }

    pub fn signal(&self, signal: Signal) {
        let guard = self.guard.as_ref().expect("it runs");
        kill_process(guard.pid(), signal).expect("our own child");
    }

    /// Stops it; [`Signal::CONT`] lets it go on.
    pub fn stand_still(&self) {
        stand_still(self.guard.as_ref().expect("it runs").pid());
    }

    pub fn socket(&self) -> String {
        text(&self.dir.join("socket")).to_owned()
    }

    pub fn path(&self, name: &str) -> String {
        text(&self.dir.join(name)).to_owned()
    }

    /// `unix:SOCKET?QUERY`
    pub fn url(&self, query: &str) -> String {
        format!("unix:{}?{query}", self.socket())
    }

    fn try_ask(&self, words: &[&str]) -> Output {
        let mut command = Command::new("redis-cli");
        command.args(["-s", &self.socket()]).args(words);
        command.stdin(Stdio::null());
        command.output().expect("redis-cli starts")
    }

    /// What `redis-cli` prints, a line for each element.
    pub fn ask(&self, words: &[&str]) -> Vec<String> {
        let output = self.try_ask(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().map(str::to_owned).collect()
    }

    /// Adds entries `first` to `last` with ids around `ms`, of the run `r`: message 5 is `m 5`.
    /// With `step` 1 their ids go on from `ms`; with 0 they stay within it.
    pub fn add(&self, stream: &str, [first, last]: [u64; 2], ms: u64, step: u64) {
        const SCRIPT: &str = "for n = ARGV[1], ARGV[2] do \
            local id = string.format('%.0f-%.0f', ARGV[3] + ARGV[4] * (n - ARGV[1]), n); \
            redis.call('XADD', KEYS[1], id, 'n', 'r-' .. n, 'message', 'm ' .. n) end";
        let numbers = [first, last, ms, step].map(|number| number.to_string());
        let numbers = numbers.each_ref().map(String::as_str);
        self.ask(&[&["EVAL", SCRIPT, "1", stream], &numbers[..]].concat());
    }

    /// Whether one of the lines of `INFO` is this one. A sentinel ends all connections of a server
    /// that it makes a replica, also that of the question.
    pub fn has(&self, line: &str) -> bool {
        let info = self.try_ask(&["INFO", "everything"]);
        let info = String::from_utf8_lossy(&info.stdout);
        info.lines().any(|one| one.trim() == line)
    }

    /// Entries of a stream.
    pub fn length(&self, name: &str) -> usize {
        self.ask(&["XLEN", name])[0].parse().expect("a number")
    }
}
