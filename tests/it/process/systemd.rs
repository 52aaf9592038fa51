//! The daemon under a service manager: notifications, sockets, unit files.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, prlimit};

use crate::support::daemon::{Daemon, POOLD, poold};
use crate::support::net::{connect, end, free_port, send, take, take_to_end};
use crate::support::passed::is_installed;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{PATIENCE, wait_until};

/// The socket that a service manager listens on.
struct Manager {
    socket: UnixDatagram,
    path: String,
    heard: VecDeque<String>,
}

impl Manager {
    fn new(dir: &Scratch) -> Manager {
        let path = text(&dir.join("notify")).to_owned();
        let socket = UnixDatagram::bind(&path).expect("a fresh name");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Manager {
            socket,
            path,
            heard: VecDeque::new(),
        }
    }

    fn start(&self, args: &[&str], watchdog: Option<Duration>) -> Daemon {
        let mut command = poold(args);
        command.stdout(Stdio::piped());
        command.env("NOTIFY_SOCKET", &self.path);
        if let Some(watchdog) = watchdog {
            command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        }
        Daemon::spawn(&mut command)
    }

    /// The next notification.
    fn hear(&mut self) -> String {
        while self.heard.is_empty() {
            let mut message = [0; 4096];
            let length = match self.socket.recv(&mut message) {
                // A wait with a deadline is not begun again after a signal: signal(7).
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                received => received.expect("it is told something"),
            };
            let message = str::from_utf8(&message[..length]).expect("UTF-8");
            self.heard.extend(message.lines().map(str::to_owned));
        }
        self.heard.pop_front().expect("a line")
    }

    /// Skips to the next line that begins like this, and answers its rest.
    fn wait(&mut self, begin: &str) -> String {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(rest) = self.hear().strip_prefix(begin) {
                return rest.to_owned();
            }
        }
        panic!("{begin} was not told");
    }

    /// How often this notification comes within a time.
    fn count(&mut self, line: &str, within: Duration) -> usize {
        let until = Instant::now() + within;
        let mut count = 0;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let left = left.max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(left)).expect("a socket");
            let mut message = [0; 4096];
            let length = self.socket.recv(&mut message).unwrap_or(0);
            let message = String::from_utf8_lossy(&message[..length]).into_owned();
            count += message.lines().filter(|each| *each == line).count();
        }
        self.socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket");
        count
    }
}

#[test]
fn it_is_told_when_it_serves_and_when_it_stops() {
    let dir = Scratch::new();
    let mut manager = Manager::new(&dir);
    let mut daemon = manager.start(&["echo", "127.0.0.1:0", "--drain", "20s"], None);
    assert_eq!(manager.hear(), "READY=1");
    assert!(manager.wait("STATUS=").starts_with("0 clients, "));
    let client = connect(&daemon.address);
    send(&client, "x");
    assert_eq!(take(&client, 1), b"x");
    wait_until("the manager is told of the resting client", || {
        let status = manager.wait("STATUS=");
        status.starts_with("1 clients, 0 workers busy")
    });
    daemon.signal(Signal::TERM);
    manager.wait("STOPPING=1");
    let more: u64 = manager
        .wait("EXTEND_TIMEOUT_USEC=")
        .parse()
        .expect("a number");
    assert!(more >= 5_000_000);
    let status = manager.wait("STATUS=draining: ");
    assert!(status.starts_with("1 clients left"), "{status}");
    // It does not ask for more time while nothing moves.
    assert_eq!(
        manager.count("EXTEND_TIMEOUT_USEC=15000000", Duration::from_millis(1200)),
        0
    );
    drop(client);
    assert_eq!(daemon.wait_exit().code, Some(0));
}

#[test]
fn the_watchdog_is_fed_only_while_workers_come() {
    let dir = Scratch::new();
    let mut manager = Manager::new(&dir);
    let interval = Duration::from_millis(200);
    let mut command = poold(&["recv", "127.0.0.1:0", "--workers", "2"]);
    let (mut out, inside) = std::io::pipe().expect("descriptors");
    command
        .stdout(inside)
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", interval.as_micros().to_string());
    let mut daemon = Daemon::spawn(&mut command);
    drop(command);
    manager.wait("WATCHDOG=1");
    manager.wait("WATCHDOG=1");
    // Its output is not read: soon both workers wait for it.
    let writer = std::thread::spawn({
        let client = connect(&daemon.address);
        let other = connect(&daemon.address);
        move || {
            let block = "x".repeat(1 << 16) + "\n";
            for _ in 0..100 {
                send(&client, &block);
                send(&other, &block);
            }
            end(&client);
            end(&other);
            (take_to_end(&client), take_to_end(&other))
        }
    });
    daemon.stderr.wait_line("the watchdog is not fed");
    // On a busy machine they are late before they wait, too.
    wait_until("it is told nothing for a while", || {
        manager.count("WATCHDOG=1", 5 * interval) == 0
    });
    let reader = std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
    manager.wait("WATCHDOG=1");
    writer.join().expect("all is read");
    // It does not wait for a manager that listens no more, its queue being full.
    assert_eq!(daemon.stop().code, Some(0));
    reader.join().expect("it reads").expect("a pipe");
}

#[test]
fn a_restart_tells_it_the_new_main_process() {
    let dir = Scratch::new();
    let mut manager = Manager::new(&dir);
    let control = text(&dir.join("control")).to_owned();
    // A client that stays keeps the old process here for a while.
    let stays = ["--keep-clients", "no"];
    let args = [&["echo", "127.0.0.1:0", "--control", &control], &stays[..]].concat();
    let mut command = poold(&args);
    command
        .stdout(Stdio::piped())
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "10000000");
    let mut daemon = Daemon::spawn(&mut command);
    manager.wait("READY=1");
    let client = connect(&daemon.address);
    let restarted = poold(&["restart", "--control", &control]).output();
    assert!(restarted.expect("poold starts").status.success());
    manager.wait("RELOADING=1");
    assert!(!manager.wait("MONOTONIC_USEC=").is_empty());
    let pid: i32 = manager.wait("MAINPID=").parse().expect("a number");
    let parent = parent_of(pid);
    let program = std::fs::read_link(format!("/proc/{parent}/exe")).ok();
    let is_poold = program.is_some_and(|program| program == Path::new(POOLD));
    assert!(!is_poold, "a manager minds only what is its own");
    // A stop of the service is for both processes: it leaves the drain its time.
    daemon.stderr.wait_line("handed over");
    for count in 1..=2 {
        daemon.signal(Signal::TERM);
        wait_until("it says so", || {
            daemon.stderr.text().matches("draining already").count() == count
        });
    }
    drop(client);
    // From here on only the new one speaks.
    assert_eq!(manager.hear(), "READY=1");
    assert_eq!(daemon.wait_exit_alone(), Some(0));
    let pid = rustix::process::Pid::from_raw(pid).expect("a process id");
    assert_ne!(pid, daemon.pid());
    rustix::process::kill_process(pid, Signal::TERM).expect("it runs");
    manager.wait("STOPPING=1");
    daemon.stderr.wait_end();
}

#[test]
fn it_is_not_told_of_an_end_when_the_main_thread_can_not_wait() {
    let dir = Scratch::new();
    let mut manager = Manager::new(&dir);
    let control = text(&dir.join("control")).to_owned();
    let mut daemon = manager.start(&["echo", "127.0.0.1:0", "--control", &control], None);
    manager.wait("READY=1");
    // poll(2) takes no more descriptors than there may be.
    let usual = getrlimit(Resource::Nofile);
    let none = Rlimit {
        current: Some(1),
        ..usual
    };
    prlimit(Some(daemon.pid()), Resource::Nofile, none).expect("our own child");
    // It wakes the main thread.
    let visitor = UnixStream::connect(&control).expect("it listens");
    daemon.stderr.wait_line("no restart, no watchdog");
    prlimit(Some(daemon.pid()), Resource::Nofile, usual).expect("our own child");
    assert_eq!(manager.count("STOPPING=1", Duration::from_secs(1)), 0);
    let client = connect(&daemon.address);
    send(&client, "x");
    assert_eq!(take(&client, 1), b"x");
    drop((client, visitor));
    daemon.signal(Signal::TERM);
    manager.wait("STOPPING=1");
    assert_eq!(daemon.wait_exit().code, Some(0));
}

fn parent_of(pid: i32) -> i32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    parent.expect("a line").trim().parse().expect("a number")
}

/// Runs `systemd-socket-activate ARGS… poold ARGS…`; `None` where it is not installed. It starts
/// poold when the first client comes.
fn activate(sockets: &[&str], args: &[&str], first: impl FnOnce() + Send) -> Option<Daemon> {
    if !is_installed("systemd-socket-activate") {
        return None;
    }
    let mut command = Command::new("systemd-socket-activate");
    command.args(sockets).arg(POOLD).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    std::thread::scope(|scope| {
        let comes = scope.spawn(first);
        let daemon = Daemon::spawn(&mut command);
        comes.join().expect("the first client comes");
        Some(daemon)
    })
}

fn visit(path: &Path) -> UnixStream {
    wait_until("it listens", || UnixStream::connect(path).is_ok());
    UnixStream::connect(path).expect("it listens")
}

#[test]
fn sockets_that_it_hands_over_are_served_and_left_alone() {
    let dir = Scratch::new();
    let paths = ["a", "b", "c"].map(|name| dir.join(name));
    let [a, b, c] = &paths;
    let listen: Vec<_> = paths.iter().flat_map(|path| ["-l", text(path)]).collect();
    let sockets = [&listen[..], &["--fdname=one:two:one"]].concat();
    let Some(mut daemon) = activate(&sockets, &["echo", "systemd:one"], || drop(visit(a))) else {
        return;
    };
    assert_eq!(daemon.address, format!("unix:{}", text(a)));
    daemon.stderr.wait_line(text(c));
    for path in [a, c] {
        let mut client = visit(path);
        client.write_all(b"x").expect("it is read");
        client.read_exact(&mut [0]).expect("an answer");
    }
    let log = daemon.stderr.text();
    assert!(
        !log.contains(&format!("listening on unix:{}", text(b))),
        "{log}"
    );
    assert_eq!(daemon.stop().code, Some(0));
    assert!(a.exists() && b.exists() && c.exists(), "they are not ours");
}

#[test]
fn all_that_it_hands_over_go_over_to_a_successor() {
    let dir = Scratch::new();
    let (a, control) = (dir.join("a"), dir.join("control"));
    let port = format!("127.0.0.1:{}", free_port());
    let sockets = ["-l", text(&a), "-l", &port];
    let args = ["echo", "systemd", "--control", text(&control)];
    let Some(mut daemon) = activate(&sockets, &args, || drop(visit(&a))) else {
        return;
    };
    daemon.stderr.wait_line(&format!("listening on {port}"));
    let restarted = poold(&["restart", "--control", text(&control)]).output();
    let restarted = restarted.expect("poold starts");
    assert!(restarted.status.success(), "{restarted:?}");
    assert_eq!(daemon.wait_exit_alone(), Some(0));
    let client = connect(&port);
    send(&client, "x");
    assert_eq!(take(&client, 1), b"x");
    drop(client);
    let line = daemon.stderr.wait_line("handed over");
    let pid: String = line.chars().filter(char::is_ascii_digit).collect();
    let pid = rustix::process::Pid::from_raw(pid.parse().expect("a number"));
    rustix::process::kill_process(pid.expect("a process id"), Signal::TERM).expect("it runs");
    daemon.stderr.wait_end();
    assert!(a.exists() && !control.exists());
}

#[test]
fn beside_passed_sockets_others_are_bound_and_only_their_files_removed() {
    let dir = Scratch::new();
    let [a, b, c, own, control] = ["a", "b", "c", "own", "control"].map(|name| dir.join(name));
    let listen: Vec<_> = [&a, &b, &c]
        .iter()
        .flat_map(|path| ["-l", text(path)])
        .collect();
    let sockets = [&listen[..], &["--fdname=one:two:three"]].concat();
    let unix = format!("unix:{}", text(&own));
    let args = [
        "echo",
        &unix,
        "systemd:one",
        "systemd:three",
        "--control",
        text(&control),
    ];
    let Some(mut daemon) = activate(&sockets, &args, || drop(visit(&a))) else {
        return;
    };
    let restarted = poold(&["restart", "--control", text(&control)]).output();
    let restarted = restarted.expect("poold starts");
    assert!(restarted.status.success(), "{restarted:?}");
    assert_eq!(daemon.wait_exit_alone(), Some(0));
    for path in [&a, &c, &own] {
        let mut client = visit(path);
        client.write_all(b"x").expect("it is read");
        client.read_exact(&mut [0]).expect("an answer");
    }
    let line = daemon.stderr.wait_line("handed over");
    let pid: String = line.chars().filter(char::is_ascii_digit).collect();
    let pid = rustix::process::Pid::from_raw(pid.parse().expect("a number"));
    rustix::process::kill_process(pid.expect("a process id"), Signal::TERM).expect("it runs");
    let log = String::from_utf8(daemon.stderr.wait_end()).expect("UTF-8");
    assert!(
        !log.contains(&format!("listening on unix:{}", text(&b))),
        "{log}"
    );
    assert!(a.exists() && c.exists(), "they are not ours");
    assert!(!own.exists() && !control.exists());
}

#[test]
fn without_its_sockets_that_is_one_line() {
    for (address, part) in [("systemd", "gave none"), ("systemd:x", "of the name 'x'")] {
        let output = poold(&["echo", address]).output().expect("poold starts");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(part) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn the_units_are_sound_and_hardened() {
    if !is_installed("systemd-analyze") {
        return;
    }
    let dir = Scratch::new();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let service = std::fs::read_to_string(scripts.join("poold.service")).expect("a unit");
    let service = service.replace("/usr/bin/poold", POOLD);
    std::fs::write(dir.join("poold.service"), service).expect("a file");
    std::fs::copy(scripts.join("poold.socket"), dir.join("poold.socket")).expect("a file");
    let analyze = |args: &[&str], units: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        command
            .args(args)
            .args(units.iter().map(|unit| dir.join(unit)));
        let output = command.output().expect("it is installed");
        assert!(output.status.success(), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    };
    let units = ["poold.service", "poold.socket"];
    analyze(&["verify", "--man=no"], &units);
    // In tenths; "OK" is below 5.
    let security = ["security", "--offline=yes", "--threshold=20", "--no-pager"];
    analyze(&security, &units[..1]);
}
