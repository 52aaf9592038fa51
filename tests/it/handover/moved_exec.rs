//! Restarts of `exec`: programs that run keep their clients, all others go to the successor.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::process::Command;

use rustix::process::{Signal, kill_process};

use super::takeover::Line;
use crate::exec::children::{Nap, children, pid, processes};
use crate::support::daemon::{Daemon, POOLD, poold};
use crate::support::net::{connect, end, send, take, take_line, take_to_end, wait_reset};
use crate::support::scratch::{self, Scratch};
use crate::support::spool::wait_until;

/// A program that names its server first.
const TALKS: &str = "echo $PPID; exec cat";

/// `poold exec 127.0.0.1:0 ARGS… --shell SCRIPT`, followed from one process to the next.
fn exec(dir: &Scratch, args: &[&str], script: &str) -> Line {
    let end = ["--shell", script];
    Line::start(dir, &[&["exec", "127.0.0.1:0"], args, &end].concat())
}

/// The number of its server, as its program says.
fn server_of(client: &TcpStream) -> i32 {
    take_line(client).parse().expect("a number")
}

fn is_answered(client: &TcpStream) {
    send(client, "on");
    assert_eq!(take(client, 2), b"on");
}

/// Waits until the first process has only so many children, zombies included.
fn wait_for_children(of: &Daemon, count: usize) {
    let keeper = of.pid().as_raw_pid();
    wait_until("so many are left", || children(keeper).len() == count);
}

#[test]
fn a_program_that_runs_keeps_its_client_and_the_first_process_stays() {
    let dir = Scratch::new();
    let mut line = exec(&dir, &["--program-drain", "1h"], TALKS);
    let mut clients = Vec::new();
    let mut servers = BTreeSet::new();
    for _ in 0..4 {
        let client = connect(&line.first.address);
        servers.insert(server_of(&client));
        clients.push(client);
        clients.iter().for_each(is_answered);
        line.restart();
    }
    assert_eq!(servers.len(), 4, "each restart has a server of its own");
    clients.iter().for_each(is_answered);
    wait_for_children(&line.first, 5);
    for (at, client) in clients.drain(..).enumerate() {
        end(&client);
        assert_eq!(take_to_end(&client), b"");
        drop(client);
        wait_for_children(&line.first, 4 - at);
    }
    let exit = line.first.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let stayed = exit.stderr.matches("stayed=1, why=1 stream").count();
    assert_eq!(stayed, 4, "{}", exit.stderr);
}

#[test]
fn clients_that_wait_for_a_worker_are_served_by_the_successor_in_their_order() {
    let dir = Scratch::new();
    let args = ["--workers", "1", "--log-level", "debug"];
    let mut line = exec(&dir, &args, "echo $PPID $POOLD_CLIENT; exec cat");
    let served = connect(&line.first.address);
    let first = take_line(&served);
    let waiting: Vec<_> = (2..5)
        .map(|id| {
            let client = connect(&line.first.address);
            let connected = format!("connected (id={id}, ");
            line.first.stderr.wait_line(&connected);
            client
        })
        .collect();
    line.restart();
    is_answered(&served);
    for (client, id) in waiting.iter().zip(2..) {
        let said = take_line(client);
        let (server, number) = said.split_once(' ').expect("two words");
        assert_ne!(first, format!("{server} 1"), "the old one serves one only");
        assert_eq!(number, id.to_string());
        end(client);
        assert_eq!(take_to_end(client), b"");
    }
    end(&served);
    assert_eq!(take_to_end(&served), b"");
    drop((served, waiting));
    let log = line.stop();
    assert!(log.contains("moved=3, stayed=1, why=1 stream"), "{log}");
}

#[test]
fn the_time_of_programs_is_bounded_and_a_stop_shortens_it() {
    for (time, is_stopped) in [("100ms", false), ("1h", true)] {
        let dir = Scratch::new();
        let args = ["--program-drain", time, "--drain", "200ms"];
        let mut line = exec(&dir, &args, TALKS);
        let client = connect(&line.first.address);
        server_of(&client);
        line.restart();
        if is_stopped {
            is_answered(&client);
            // The first process passes it on to all.
            line.first.interrupt();
        }
        wait_reset(&client);
        if !is_stopped {
            wait_for_children(&line.first, 1);
            line.first.interrupt();
        }
        let log = line.first.wait_exit().stderr;
        // Its program is stopped, or ends before that because its client has been reset.
        assert!(log.contains("0 clients left, 1 cut off"), "{log}");
    }
}

#[test]
fn a_client_of_lines_moves_between_two_messages() {
    let dir = Scratch::new();
    let mut line = exec(&dir, &["--lines"], "read -r said; echo $PPID $said");
    let client = connect(&line.first.address);
    let mut servers = BTreeSet::new();
    for round in 0..3 {
        // The restart comes in the middle of a line.
        send(&client, "hel");
        line.restart();
        send(&client, "lo\n");
        let answer = take_line(&client);
        let (server, said) = answer.split_once(' ').expect("two words");
        assert_eq!(said, "hello", "round {round}");
        servers.insert(server.to_owned());
    }
    assert_eq!(servers.len(), 3, "each round has a server of its own");
    drop(client);
    let log = line.stop();
    assert_eq!(log.matches("moved=1, stayed=0").count(), 3, "{log}");
}

#[test]
fn no_program_survives_whichever_process_is_killed() {
    for victim in ["first keeper", "old server", "keeper", "server"] {
        let dir = Scratch::new();
        let nap = Nap::new();
        let Nap(time) = &nap;
        let script = format!("sleep {time} & setsid sleep {time} & echo $PPID; sleep {time}");
        let args = [
            "--program-drain",
            "1h",
            "--drain",
            "100ms",
            "--kill-after",
            "100ms",
        ];
        let mut line = exec(&dir, &args, &script);
        let before = connect(&line.first.address);
        let old = server_of(&before);
        nap.wait_sleepers(3);
        line.restart();
        let after = connect(&line.first.address);
        let new = server_of(&after);
        nap.wait_sleepers(6);
        let first = line.first.pid().as_raw_pid();
        let all = processes();
        let keeper = all
            .iter()
            .find(|one| one.pid == new)
            .expect("it runs")
            .parent;
        assert_ne!(keeper, first);
        let (dies, left) = match victim {
            "first keeper" => (first, 0),
            "old server" => (old, 3),
            "keeper" => (keeper, 3),
            _ => (new, 3),
        };
        kill_process(pid(dies), Signal::KILL).expect("it runs");
        nap.wait_sleepers(left);
        if left > 0 {
            line.first.interrupt();
        }
        assert_ne!(line.first.wait_exit_alone(), Some(0), "{victim}");
        nap.wait_sleepers(0);
    }
}

#[test]
fn a_successor_that_ends_or_hangs_changes_nothing() {
    let dir = Scratch::new();
    let program = dir.join("poold");
    symlink(POOLD, &program).expect("a fresh name");
    let mut command = Command::new(&program);
    command.args(["exec", "127.0.0.1:0", "--shell", TALKS]);
    let mut line = Line::spawn(&dir, &mut command);
    let client = connect(&line.first.address);
    let server = server_of(&client);
    for (script, time, says) in [
        ("exit 7", "60s", "the new process ended, its log says why"),
        ("exec sleep 1000", "1s", "not ready in time"),
    ] {
        std::fs::remove_file(&program).expect("it is there");
        scratch::script(&program, &format!("#!/bin/sh\n{script}\n"));
        let restart = ["restart", "--ready-timeout", time, "--control"];
        let output = poold(&[&restart[..], &[line.control()]].concat()).output();
        let output = output.expect("poold starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(says) && said.contains("goes on"), "{said}");
        assert_eq!(output.status.code(), Some(1));
        is_answered(&client);
        let new = connect(&line.first.address);
        assert_eq!(server_of(&new), server);
        wait_for_children(&line.first, 1);
    }
    std::fs::remove_file(&program).expect("it is there");
    symlink(POOLD, &program).expect("a file");
    line.restart();
    is_answered(&client);
    let new = connect(&line.first.address);
    assert_ne!(server_of(&new), server);
    drop((client, new));
    assert_eq!(line.first.stop().code, Some(0));
}
