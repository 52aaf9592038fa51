//! `unix:PATH`: permissions, the owner of the file, and its removal.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::net::sockopt::socket_peercred;
use rustix::process::{Signal, kill_process};

use crate::support::daemon::{Daemon, Guard, poold};
use crate::support::flood::{Flood, check};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{PATIENCE, Spool, wait_until};

fn connect(path: &str) -> UnixStream {
    let stream = UnixStream::connect(path).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

fn read_to_end(mut stream: &UnixStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an end");
    bytes
}

#[test]
fn it_is_private_and_removed_at_the_end() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let mut daemon = Daemon::start(&["recv", &address]);
    assert_eq!(daemon.address, address);
    let mode = fs::metadata(&path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    let mut client = connect(text(&path));
    client.write_all(b"hello\n").expect("it is read");
    let line = daemon.stdout.wait_line(": hello");
    let expected = format!("Message from unix:{}: hello", std::process::id());
    assert_eq!(line, expected);
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
    assert!(!path.exists(), "it is removed");
}

#[test]
fn a_flood_passes_through_it_as_through_tcp() {
    let dir = Scratch::new();
    let address = format!("unix:{}", text(&dir.join("socket")));
    let mut daemon = Daemon::start(&["recv", &address]);
    let shape = ["-c", "100", "-n", "100"];
    let args = [&shape[..], &["--expect", "nothing", "--pieces", "5"]].concat();
    Flood::start(&address, &args).wait_good();
    let exit = daemon.stop();
    check(&exit.stdout, &shape);
    assert_eq!(exit.report().delivered, 10_000);
}

#[test]
fn a_stale_socket_is_replaced() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    drop(UnixListener::bind(&path).expect("a fresh name"));
    assert!(path.exists(), "left behind by a process that died");
    let mut daemon = Daemon::start(&["echo", &format!("unix:{}", text(&path))]);
    let mut client = connect(text(&path));
    client.write_all(b"x").expect("it is read");
    let mut byte = [0];
    client.read_exact(&mut byte).expect("an answer");
    drop(client);
    assert_eq!(daemon.stop().code, Some(0));
}

/// Fails to start there, with one line.
fn refused(address: &str) -> String {
    let mut command = poold(&["recv", address]);
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output();
    let output = output.expect("poold starts");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[test]
fn a_socket_in_use_and_a_file_that_is_none_are_left_alone() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let mut daemon = Daemon::start(&["recv", &address]);
    assert!(refused(&address).contains("in use"));
    connect(text(&path))
        .write_all(b"still mine\n")
        .expect("it is read");
    daemon.stdout.wait_line(": still mine");
    assert_eq!(daemon.stop().code, Some(0));

    let file = dir.join("precious");
    fs::write(&file, "data").expect("a file");
    let line = refused(&format!("unix:{}", text(&file)));
    assert!(line.contains("no socket"), "{line}");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "data");
    assert!(refused("unix:/nonexistent/socket").contains("/nonexistent/socket"));
}

#[test]
fn the_successor_that_starts_during_a_drain_keeps_its_socket() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let mut old = Daemon::start(&["recv", &address]);
    let client = connect(text(&path));
    (&client).write_all(b"hello\n").expect("it is read");
    old.stdout.wait_line(": hello");
    old.interrupt();
    assert_eq!(read_to_end(&client), b"");
    wait_until("the old one listens no more", || {
        UnixStream::connect(&path).is_err()
    });
    let mut new = Daemon::start(&["recv", &address]);
    drop(client);
    assert_eq!(old.wait_exit().code, Some(0));
    connect(text(&path))
        .write_all(b"to the new one\n")
        .expect("it is read");
    new.stdout.wait_line(": to the new one");
    assert_eq!(new.stop().code, Some(0));
    assert!(!path.exists());
    assert!(dir.path().exists());
}

/// A process that starts, and either says that it listens or ends.
struct Starter {
    guard: Guard,
    log: Spool,
}

impl Starter {
    fn spawn(address: &str) -> Starter {
        let mut command = poold(&["echo", address]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut guard = Guard(child.expect("poold starts"));
        let log = Spool::of(guard.0.stderr.take().expect("piped"));
        Starter { guard, log }
    }

    /// Whether it serves; the others have ended, since the socket is in use.
    fn serves(&mut self) -> bool {
        let mut serves = false;
        wait_until("it serves or has ended", || {
            serves = self.log.text().contains("Press Ctrl-C");
            serves || self.guard.0.try_wait().expect("our own child").is_some()
        });
        if !serves {
            let log = String::from_utf8(self.log.wait_end()).expect("UTF-8");
            assert!(log.contains("in use"), "{log}");
            assert_eq!(self.guard.wait_exit(), Some(1), "{log}");
        }
        serves
    }
}

#[test]
fn of_those_that_start_at_once_one_serves_and_is_reached() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    for round in 0..30 {
        // From the second round on, one that was killed has left its socket there.
        assert_eq!(path.exists(), round > 0);
        let mut starters: Vec<_> = (0..8).map(|_| Starter::spawn(&address)).collect();
        starters.retain_mut(Starter::serves);
        assert_eq!(starters.len(), 1, "round {round}");
        let mut client = connect(text(&path));
        let server = socket_peercred(&client).expect("it listens");
        assert_eq!(server.pid, starters[0].guard.pid(), "round {round}");
        client.write_all(b"x").expect("it is read");
        client.read_exact(&mut [0]).expect("an answer");
    }
    let names: Vec<_> = fs::read_dir(dir.path()).expect("it is there").collect();
    assert_eq!(names.len(), 1, "nothing but the socket: {names:?}");
}

#[test]
fn one_that_ends_does_not_remove_the_socket_of_one_that_starts() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let mut successors = 0;
    for _ in 0..30 {
        let mut old = Starter::spawn(&address);
        assert!(old.serves());
        kill_process(old.guard.pid(), Signal::TERM).expect("our own child");
        let mut starters: Vec<_> = (0..4).map(|_| Starter::spawn(&address)).collect();
        starters.retain_mut(Starter::serves);
        assert_eq!(old.guard.wait_exit(), Some(0));
        assert!(starters.len() <= 1);
        for new in &mut starters {
            successors += 1;
            drop(connect(text(&path)));
            kill_process(new.guard.pid(), Signal::TERM).expect("our own child");
            assert_eq!(new.guard.wait_exit(), Some(0));
        }
        assert!(!path.exists(), "the last one removes it");
    }
    assert!(successors > 0, "some came in time");
}

/// Holds the lock of a directory until it is killed.
fn lock(dir: &Path) -> fs::File {
    let folder = fs::File::open(dir).expect("it is there");
    folder.lock().expect("a local file system");
    folder
}

#[test]
fn one_that_keeps_the_lock_is_told_of_and_not_waited_for_without_end() {
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    drop(UnixListener::bind(&path).expect("a fresh name"));
    let lock = lock(dir.path());
    let line = refused(&address);
    assert!(line.contains("flock") && line.contains(&address), "{line}");
    assert!(path.exists(), "it is left alone");
    drop(lock);
    let mut daemon = Daemon::start(&["echo", &address]);
    // Its end does not wait for it either: the next one replaces what it leaves.
    let held = self::lock(dir.path());
    let begin = Instant::now();
    assert_eq!(daemon.stop().code, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert!(path.exists());
    drop(held);
    let mut daemon = Daemon::start(&["echo", &address]);
    assert_eq!(daemon.stop().code, Some(0));
    assert!(!path.exists());
}

fn mode(path: &Path) -> u32 {
    let found = fs::metadata(path).expect("it is there");
    found.permissions().mode() & 0o777
}

#[test]
fn its_mode_and_group_are_for_the_address_alone() {
    use std::os::unix::fs::MetadataExt;
    let dir = Scratch::new();
    let path = |name: &str| dir.join(name);
    let unix = |name: &str| format!("unix:{}", text(&dir.join(name)));
    let own = rustix::process::getgid().as_raw();
    for (umask, typed, expected) in [
        ("022", "660", 0o660),
        ("000", "600", 0o600),
        ("077", "666", 0o666),
    ] {
        let script = format!("umask {umask}; exec \"$@\"");
        let mut command = Command::new("sh");
        let wanted = poold(&[
            "echo",
            &unix("one"),
            &unix("two"),
            "--socket-mode",
            typed,
            "--socket-group",
            &own.to_string(),
            "--control",
            text(&path("control")),
            "--admin",
            &unix("admin"),
        ]);
        command
            .args(["-c", &script, "sh"])
            .arg(wanted.get_program());
        command.args(wanted.get_args());
        for (name, value) in wanted.get_envs() {
            assert_eq!(value, None);
            command.env_remove(name);
        }
        let mut daemon = Daemon::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()));
        for name in ["one", "two"] {
            assert_eq!(mode(&path(name)), expected, "{name}, umask {umask}");
            let group = fs::metadata(path(name)).expect("it is there").gid();
            assert_eq!(group, own);
        }
        for name in ["control", "admin"] {
            assert_eq!(mode(&path(name)), 0o600, "{name}, umask {umask}");
        }
        assert_eq!(daemon.stop().code, Some(0));
    }
}

#[test]
fn a_mode_or_a_group_that_can_not_be_had_is_one_line() {
    let dir = Scratch::new();
    let unix = format!("unix:{}", text(&dir.join("socket")));
    for (address, option, value, part) in [
        (&*unix, "--socket-mode", "999", "in octal"),
        (&unix, "--socket-mode", "1777", "in octal"),
        (&unix, "--socket-mode", "rw", "in octal"),
        (&unix, "--socket-group", "no-such-group", "no such group"),
        (
            "127.0.0.1:0",
            "--socket-mode",
            "660",
            "no ADDRESS is unix:PATH",
        ),
        ("systemd", "--socket-group", "0", "SocketGroup="),
    ] {
        let output = poold(&["recv", address, option, value]).output();
        let output = output.expect("poold starts");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(option) && said.contains(part), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    if rustix::process::geteuid().is_root() {
        // Root may give it any group.
        let mut daemon = Daemon::start(&["echo", &unix, "--socket-group", "12345"]);
        assert_eq!(daemon.stop().code, Some(0));
    } else {
        let output = poold(&["recv", &unix, "--socket-group", "0"]).output();
        let said = String::from_utf8(output.expect("poold starts").stderr).expect("UTF-8");
        assert!(said.contains("can't have the group 0"), "{said}");
        assert!(!dir.join("socket").exists());
    }
}
