//! A take-over that comes to nothing changes nothing.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, TryRecvError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, prlimit};

use crate::support::daemon::{Daemon, POOLD, poold};
use crate::support::net::{connect, send, take};
use crate::support::scratch::{self, Scratch, text};
use crate::support::spool::{PATIENCE, Race, in_time, wait_until};

fn run(args: &[&str]) -> (Option<i32>, String) {
    let mut command = poold(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let Output { status, stderr, .. } = command.output().expect("poold starts");
    (status.code(), String::from_utf8(stderr).expect("UTF-8"))
}

fn echo(dir: &Scratch) -> (Daemon, String) {
    let control = text(&dir.join("control")).to_owned();
    (Daemon::echo(&["--control", &control]), control)
}

fn still_serves(daemon: &Daemon) {
    let client = connect(&daemon.address);
    send(&client, "x");
    assert_eq!(take(&client, 1), b"x");
}

/// A successor by hand: it says this, and hears an answer.
fn talk(control: &str, says: &str) -> (UnixStream, String) {
    let mut stream = UnixStream::connect(control).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    // At once: it may be answered, and closed, after the first line.
    let said = format!("{says}\n");
    stream.write_all(said.as_bytes()).expect("it reads");
    let heard = next_line(&stream);
    (stream, heard)
}

fn next_line(stream: &UnixStream) -> String {
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(1, stream);
    reader.read_line(&mut line).expect("a line");
    line
}

const TAKE_OVER: &str = r#"{"take_over":{"version":1,"pid":1}}"#;

/// A daemon whose program is replaced while it runs.
struct Replaced {
    daemon: Daemon,
    program: PathBuf,
    control: String,
}

impl Replaced {
    fn start(dir: &Scratch) -> Replaced {
        let (program, control) = (dir.join("poold"), dir.join("control"));
        symlink(POOLD, &program).expect("a fresh name");
        let mut command = Command::new(&program);
        command.args(["echo", "127.0.0.1:0", "--control", text(&control)]);
        Replaced {
            daemon: Daemon::spawn(&mut command),
            program,
            control: text(&control).to_owned(),
        }
    }

    fn replace(&self, script: &str) {
        std::fs::remove_file(&self.program).expect("it is there");
        scratch::script(&self.program, &format!("#!/bin/sh\n{script}\n"));
    }

    /// `poold restart`: its exit code, and the one line that it says.
    fn restart(&self, args: &[&str]) -> (Option<i32>, String) {
        let (code, said) = run(&[&["restart", "--control", &self.control], args].concat());
        assert!(said.lines().count() <= 1, "{said}");
        (code, said)
    }

    /// The program as it was, which is started again and ended.
    fn succeed(mut self) {
        std::fs::remove_file(&self.program).expect("it is there");
        symlink(POOLD, &self.program).expect("a fresh name");
        assert_eq!(self.restart(&[]).0, Some(0));
        assert_eq!(self.daemon.wait_exit_alone(), Some(0));
        kill_successor(&self.daemon.stderr.wait_line("handed over"));
    }
}

/// The process id in `… (pid=4711)`.
fn kill_successor(line: &str) {
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    let pid = digits.parse().ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.expect("a process id"), Signal::TERM).expect("it runs");
}

/// While `what` goes on, a connected client and new ones are answered at once.
fn undisturbed<T>(address: &str, what: impl FnOnce(&AtomicUsize) -> T) -> T {
    let answered = AtomicUsize::new(0);
    // Dropped when the test fails, too.
    let (goes_on, over) = mpsc::channel::<()>();
    let resting = connect(address);
    std::thread::scope(|scope| {
        let (resting, counted) = (&resting, &answered);
        let clients = scope.spawn(move || {
            while over.try_recv() == Err(TryRecvError::Empty) {
                let begin = Instant::now();
                let new = connect(address);
                for client in [resting, &new] {
                    send(client, "x");
                    assert_eq!(take(client, 1), b"x");
                }
                assert!(begin.elapsed() < Duration::from_secs(20));
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let done = what(&answered);
        drop(goes_on);
        clients.join().expect("every client is answered");
        done
    })
}

#[test]
fn a_program_that_does_not_start_any_more() {
    let dir = Scratch::new();
    let old = Replaced::start(&dir);
    std::fs::rename(&old.program, dir.join("away")).expect("it is there");
    let (code, said) = old.restart(&[]);
    assert_eq!(code, Some(1), "{said}");
    let program = text(&old.program);
    assert!(
        said.contains(&format!("cannot start {program}: ")),
        "{said}"
    );
    std::fs::rename(dir.join("away"), &old.program).expect("it is there");
    // One that starts and ends, and one that does not know a word of its command line.
    let unknown = format!("exec {POOLD} \"$@\" --of-old");
    for (script, status) in [("exit 7", "exit status: 7"), (&*unknown, "exit status: 2")] {
        old.replace(script);
        let (code, said) = undisturbed(&old.daemon.address, |_| old.restart(&[]));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(status) && said.contains("goes on"), "{said}");
    }
    old.daemon.stderr.wait_line("'--of-old'");
    old.succeed();
}

/// How long it may take to be ready.
const HANGS: Duration = Duration::from_secs(5);

#[test]
fn a_successor_that_hangs() {
    in_time(HANGS, it_hangs);
}

fn it_hangs(race: &Race) {
    let dir = Scratch::new();
    let old = Replaced::start(&dir);
    let pid = dir.join("pid");
    old.replace(&format!("echo $$ > {}; exec sleep 1000", text(&pid)));
    for has_sockets in [false, true] {
        let begin = Instant::now();
        race.begin();
        let (code, said) = undisturbed(&old.daemon.address, |answered| {
            std::thread::scope(|scope| {
                let asker = scope.spawn(|| old.restart(&["--ready-timeout", "5s"]));
                let started = || old.daemon.stderr.text().matches("restarting").count();
                wait_until("it is started", || {
                    started() == 1 + usize::from(has_sockets)
                });
                let (_, second) = run(&["restart", "--control", &old.control]);
                assert!(second.contains("another restart"), "{second}");
                let successor = has_sockets.then(|| talk(&old.control, TAKE_OVER));
                let before = answered.load(Ordering::Relaxed);
                let more = || answered.load(Ordering::Relaxed) > before + 10;
                wait_until("clients are answered meanwhile", more);
                race.end();
                let answer = asker.join().expect("it is answered");
                if let Some((stream, heard)) = successor {
                    assert!(heard.contains("sockets"), "{heard}");
                    assert!(next_line(&stream).contains("too long"));
                }
                answer
            })
        });
        let took = begin.elapsed();
        assert!((5..60).contains(&took.as_secs()), "{took:?}");
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("not ready in time"), "{said}");
        assert!(said.contains("goes on"), "{said}");
        let pid = std::fs::read_to_string(&pid).expect("it has written it");
        let is_there = std::path::Path::new("/proc").join(pid.trim()).exists();
        assert!(!is_there, "it was killed");
    }
    old.succeed();
}

#[test]
fn a_successor_that_is_still_starting_when_the_running_one_is_told_to_end() {
    let dir = Scratch::new();
    let mut old = Replaced::start(&dir);
    let pid = dir.join("pid");
    old.replace(&format!("echo $$ > {}; exec sleep 60", text(&pid)));
    let (code, said) = std::thread::scope(|scope| {
        let (control, daemon) = (&old.control, &mut old.daemon);
        let asker = scope.spawn(move || run(&["restart", "--control", control]));
        let started = || std::fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n'));
        wait_until("it is started", started);
        daemon.signal(Signal::TERM);
        assert_eq!(daemon.wait_exit_alone(), Some(0));
        asker.join().expect("it is answered")
    });
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the running one ends"), "{said}");
    // It would start as usual: nothing is there any more to take over from.
    let pid = std::fs::read_to_string(&pid).expect("it has written it");
    let is_there = std::path::Path::new("/proc").join(pid.trim()).exists();
    assert!(!is_there, "it was killed");
}

#[test]
fn a_time_to_be_ready_that_makes_no_sense_is_a_line() {
    for wrong in ["0s", "2h", "soon"] {
        let (code, said) = run(&["restart", "--control", "/a", "--ready-timeout", wrong]);
        assert_eq!((code, said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains("--ready-timeout"), "{said}");
    }
}

#[test]
fn a_successor_that_dies_with_the_sockets() {
    let dir = Scratch::new();
    let (mut daemon, control) = echo(&dir);
    let mut begin = None;
    for _ in 0..3 {
        let (stream, heard) = talk(&control, TAKE_OVER);
        assert!(heard.contains("sockets"), "{heard}");
        let (_, second) = talk(&control, TAKE_OVER);
        assert!(second.contains("already"), "{second}");
        still_serves(&daemon);
        drop(stream);
        daemon.stderr.wait_line("a successor ended");
        let open = *begin.get_or_insert_with(|| daemon.descriptors());
        daemon.wait_descriptors_at_most(open);
    }
    still_serves(&daemon);
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn of_two_successors_the_second_is_told_so_even_if_it_came_first() {
    let dir = Scratch::new();
    let (mut daemon, control) = echo(&dir);
    let mut first = UnixStream::connect(&control).expect("it listens");
    first.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let (_second, heard) = talk(&control, TAKE_OVER);
    assert!(heard.contains("sockets"), "{heard}");
    let asks = format!("{TAKE_OVER}\n");
    first.write_all(asks.as_bytes()).expect("it reads");
    let heard = next_line(&first);
    assert!(heard.contains("already"), "{heard}");
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn without_a_descriptor_it_rests_and_answers_when_there_is_one() {
    let dir = Scratch::new();
    let (mut daemon, control) = echo(&dir);
    let used = daemon.descriptor_numbers();
    let free = (0..).find(|number| !used.contains(number));
    let usual = getrlimit(Resource::Nofile);
    let none = Rlimit {
        current: free.map(|free| free as u64),
        ..usual
    };
    prlimit(Some(daemon.pid()), Resource::Nofile, none).expect("our own child");
    let mut stream = UnixStream::connect(&control).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let asks = format!("{TAKE_OVER}\n");
    stream.write_all(asks.as_bytes()).expect("room");
    daemon.takes_at_most(0.2, Duration::from_secs(1));
    prlimit(Some(daemon.pid()), Resource::Nofile, usual).expect("our own child");
    let heard = next_line(&stream);
    assert!(heard.contains("sockets"), "{heard}");
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn what_makes_no_sense_is_answered_and_closed() {
    let dir = Scratch::new();
    let (mut daemon, control) = echo(&dir);
    for (nonsense, part) in [
        (r#"{"take_over":{"version":99,"pid":1}}"#, "another version"),
        (r#""ready""#, "not valid"),
    ] {
        let (_, heard) = talk(&control, nonsense);
        assert!(heard.contains(part), "{heard}");
    }
    let (_, heard) = talk(&control, "GET / HTTP/1.0\r\n\r");
    assert_eq!(heard, "", "closed without a word");
    // More than it listens to at once, all of them silent.
    let silent: Vec<_> = (0..20)
        .map(|_| UnixStream::connect(&control).expect("room in the backlog"))
        .collect();
    still_serves(&daemon);
    drop(silent);
    let (_, heard) = talk(&control, TAKE_OVER);
    assert!(heard.contains("sockets"), "{heard}");
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn a_stop_in_the_middle_ends_it_as_ever() {
    let dir = Scratch::new();
    let socket = dir.join("socket");
    let address = format!("unix:{}", text(&socket));
    let control = text(&dir.join("control")).to_owned();
    let mut daemon = Daemon::start(&["recv", &address, "--control", &control]);
    let (stream, heard) = talk(&control, TAKE_OVER);
    assert!(heard.contains("sockets"), "{heard}");
    daemon.interrupt();
    assert!(next_line(&stream).contains("ends"));
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(!socket.exists() && !dir.join("control").exists());
}

#[test]
fn a_successor_for_another_address_is_told_so() {
    let dir = Scratch::new();
    let (mut daemon, control) = echo(&dir);
    let args = ["echo", "127.0.0.2:1", "--control", &control, "--take-over"];
    let (code, said) = run(&args);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&daemon.address), "{said}");
    daemon.stderr.wait_line("a successor ended");
    still_serves(&daemon);
    assert!(dir.join("control").exists());
    let (code, said) = run(&["echo", "0", "--control", &control]);
    assert_eq!(
        code,
        Some(1),
        "without --take-over the socket is in use: {said}"
    );
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn a_successor_for_another_admin_address_is_told_so() {
    let dir = Scratch::new();
    let control = text(&dir.join("control")).to_owned();
    let args = ["echo", "127.0.0.1:0", "--control", &control];
    let admin = format!("unix:{}", text(&dir.join("admin")));
    let mut daemon = Daemon::start(&[&args[..], &["--admin", &admin]].concat());
    let both = format!("{admin},127.0.0.1:0");
    for other in [&format!("{admin}.other"), &both] {
        let (code, said) = run(&[&args[..], &["--take-over", "--admin", other]].concat());
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("--admin") && said.contains(&admin), "{said}");
        still_serves(&daemon);
    }
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn all_addresses_are_compared() {
    let dir = Scratch::new();
    let control = text(&dir.join("control")).to_owned();
    let unix = |name: &str| format!("unix:{}", text(&dir.join(name)));
    let (one, two) = (unix("one"), unix("two"));
    let tail = ["--control", &control, "--take-over"];
    let mut old = Daemon::start(&[&["echo", "127.0.0.1:0", &one], &tail[..]].concat());
    let tcp = old.address.clone();
    for other in [
        &[&*tcp][..],
        &[&one],
        &[&tcp, &two],
        &[&tcp, &one, &two],
        &[&tcp, &one, "127.0.0.1:0"],
        &[&tcp, &one, "--socket-mode", "660"],
    ] {
        let (code, said) = run(&[&["echo"], other, &tail].concat());
        assert_eq!(code, Some(2), "{other:?}: {said}");
        assert!(said.contains(&one), "{other:?}: {said}");
        assert!(said.contains("can't change that"), "{other:?}: {said}");
        still_serves(&old);
        drop(UnixStream::connect(dir.join("one")).expect("it listens"));
    }
    // In another order, and with an admin socket that the old one does not have.
    let admin = unix("admin");
    let new = [&["echo", &one, &tcp, "--socket-mode", "600"], &tail[..]].concat();
    let mut new = Daemon::start(&[&new[..], &["--admin", &admin]].concat());
    assert_eq!(old.wait_exit().code, Some(0));
    let (code, said) = run(&["status", &admin]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(new.stop().code, Some(0));
    for name in ["one", "two", "admin", "control"] {
        assert!(
            !dir.join(name).exists(),
            "{name} is removed, or was never there"
        );
    }
}

#[test]
fn one_that_is_started_by_hand_takes_over_and_without_another_just_starts() {
    let dir = Scratch::new();
    let control = text(&dir.join("control")).to_owned();
    let args = ["--control", &control, "--take-over"];
    let mut old = Daemon::echo(&args);
    old.stderr.wait_line("no process to take over from");
    let resting = connect(&old.address);
    let mut new = Daemon::start(&[&["echo", &old.address], &args[..]].concat());
    assert_eq!(new.address, old.address);
    assert_eq!(old.wait_exit().code, Some(0));
    send(&resting, "x");
    assert_eq!(take(&resting, 1), b"x", "the new one has the client");
    drop(resting);
    still_serves(&new);
    assert!(dir.join("control").exists());
    assert_eq!(new.stop().code, Some(0));
    wait_until("its files are gone", || !dir.join("control").exists());
}

#[test]
fn a_restart_without_a_running_poold_is_one_line() {
    let (code, said) = run(&["restart", "--control", "/nonexistent/control"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("cannot reach") && said.lines().count() == 1,
        "{said}"
    );
}
