//! Few descriptors: they are shared out at the start, and a client that finds none waits.

use std::net::TcpStream;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, prlimit};

use super::children::{pid, server};
use super::{shell, summary};
use crate::support::daemon::{Daemon, POOLD};
use crate::support::net::{connect, end, send, take_line, take_to_end};

/// A daemon with this descriptor limit, soft and hard.
fn with_descriptors(count: usize, args: &[&str]) -> Daemon {
    let script = format!("ulimit -n {count}; exec \"$0\" exec 127.0.0.1:0 \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, POOLD]).args(args);
    Daemon::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()))
}

#[test]
pub(crate) fn all_are_answered_with_few_descriptors() {
    answered(&["--workers", "32"], "32 workers, at most 128 clients");
}

/// However long they wait: 230 programs of 50 ms on 16 workers take longer than `--overload` allows
/// other services.
#[test]
pub(crate) fn all_messages_are_answered_with_few_descriptors() {
    answered(
        &["--lines", "--workers", "16"],
        "16 workers, at most 112 clients",
    );
}

fn answered(args: &[&str], sum: &str) {
    let script = ["--shell", "sleep 0.05; echo hi"].as_slice();
    let args = [args, script].concat();
    let mut daemon = with_descriptors(256, &args);
    assert!(
        daemon.stderr.text().contains(sum),
        "{}",
        daemon.stderr.text()
    );
    let clients: Vec<_> = (0..230).map(|_| connect(&daemon.address)).collect();
    clients.iter().for_each(|client| send(client, "ask\n"));
    for client in clients {
        assert_eq!(take_line(&client), "hi");
    }
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(summary(&exit), "230 programs run: 230 ended well");
}

#[test]
pub(crate) fn idle_clients_leave_the_descriptors_that_askers_need() {
    let args = ["--workers", "8", "--lines", "--shell", "sleep 0.1; cat"];
    let mut daemon = with_descriptors(256, &args);
    let sum = "8 workers, at most 168 clients";
    assert!(
        daemon.stderr.text().contains(sum),
        "{}",
        daemon.stderr.text()
    );
    let clients: Vec<_> = (0..168).map(|_| connect(&daemon.address)).collect();
    let askers = &clients[160..];
    for _ in 0..3 {
        askers.iter().for_each(|client| send(client, "here\n"));
        for client in askers {
            assert_eq!(take_line(client), "here");
        }
    }
    drop(clients);
    let exit = daemon.stop();
    assert_eq!(summary(&exit), "24 programs run: 24 ended well");
}

/// The limit of its server from now on.
fn limit(daemon: &Daemon, soft: u64) {
    let limit = Rlimit {
        current: Some(soft),
        maximum: Some(1024),
    };
    let server = Some(pid(server(daemon)));
    prlimit(server, Resource::Nofile, limit).expect("our own grandchild");
}

/// A server with a client whose program can't be started for lack of descriptors.
fn wanting(args: &[&str]) -> (Daemon, TcpStream) {
    let daemon = with_descriptors(1024, &[args, &["--shell", "echo hi"]].concat());
    let server = server(&daemon);
    let open = std::fs::read_dir(format!("/proc/{server}/fd")).expect("it runs");
    // The next is for the client; none is left for a pipe.
    let client = open.count() as u64 + 1;
    limit(&daemon, client);
    let client = connect(&daemon.address);
    let line = daemon.stderr.wait_line("no program can be started now");
    assert!(
        line.contains("id=1") && line.contains("its client waits"),
        "{line}"
    );
    (daemon, client)
}

#[test]
pub(crate) fn a_client_waits_for_the_descriptors_of_its_program() {
    let (mut daemon, client) = wanting(&[]);
    limit(&daemon, 1024);
    assert_eq!(take_to_end(&client), b"hi\n");
    drop(client);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(summary(&exit), "1 program run: 1 ended well");
}

#[test]
pub(crate) fn unserved_clients_show_in_the_exit_code() {
    let (mut daemon, client) = wanting(&["--drain", "100ms"]);
    // Descriptors that the drain frees must not let the waiting program start.
    limit(&daemon, 3);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
    assert_eq!(
        summary(&exit),
        "0 programs run: 0 ended well, 1 could not be started"
    );
    drop(client);
}

#[test]
pub(crate) fn so_does_a_program_that_is_not_there_any_more() {
    let mut daemon = shell(&[], "true");
    end(&connect(&daemon.address));
    assert_eq!(daemon.stop().code, Some(0));
    let dir = crate::support::scratch::Scratch::new();
    let file = dir.join("program");
    std::fs::copy("/bin/true", &file).expect("a scratch directory");
    let mut daemon = super::program(&[], &[crate::support::scratch::text(&file)]);
    std::fs::remove_file(&file).expect("our own file");
    assert_eq!(take_to_end(&connect(&daemon.address)), b"");
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(3), "{}", exit.stderr);
}
