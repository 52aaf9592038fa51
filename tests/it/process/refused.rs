//! What can't be started: one line that says why, and the right exit code.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::support::daemon::{POOLD, poold};
use crate::support::passed::cannot;
use crate::support::scratch::{Scratch, text};

/// One line on the standard error and nothing on the other; answers the line.
fn refused(command: &mut Command, code: i32) -> String {
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output();
    let output = output.expect("poold starts");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert_eq!(output.stdout, b"", "stdout is for data");
    assert_eq!(stderr.lines().count(), 1, "one line: {stderr}");
    assert!(stderr.starts_with("poold: "), "{stderr}");
    stderr
}

#[test]
fn a_port_that_is_taken() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = other.local_addr().expect("bound").to_string();
    for service in ["recv", "echo", "discard"] {
        let line = refused(&mut poold(&[service, &address]), 1);
        assert!(line.contains(&address) && line.contains("in use"), "{line}");
    }
}

#[test]
fn a_port_that_is_not_permitted() {
    let floor = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let floor: u16 = floor
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1024);
    if rustix::process::geteuid().is_root() || floor <= 1 {
        cannot("start as a user that may not listen on port 1");
        return;
    }
    let line = refused(&mut poold(&["recv", "127.0.0.1:1"]), 1);
    assert!(
        line.contains("127.0.0.1:1") && line.contains("permission denied"),
        "{line}"
    );
}

#[test]
fn an_address_that_this_machine_does_not_have() {
    // TEST-NET-1 belongs to no machine.
    let line = refused(&mut poold(&["recv", "192.0.2.1:0"]), 1);
    assert!(line.contains("192.0.2.1:0"), "{line}");
}

#[test]
fn a_name_that_is_not_found_may_be_tomorrow() {
    // Too long for a name: there is no look-up. A service manager tries again after 1, not after 2.
    let address = format!("{}:80", "x".repeat(300));
    let line = refused(&mut poold(&["recv", &address]), 1);
    assert!(line.contains("its host can't be found"), "{line}");
    for tool in [
        &["client", &address][..],
        &["flood", &address],
        &["flood", "--chat", &address],
    ] {
        let output = poold(tool).output().expect("poold starts");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("its host can't be found"), "{stderr}");
    }
}

#[test]
fn a_variable_is_named_when_it_is_the_one_that_is_wrong() {
    for (variable, value) in [
        ("POOLD_WORKERS", "x"),
        ("POOLD_ACK", "maybe"),
        ("POOLD_OUTPUT", ""),
    ] {
        let line = refused(poold(&["recv"]).env(variable, value), 2);
        assert!(line.contains(variable) && !line.contains("'--"), "{line}");
    }
    let line = refused(poold(&["recv", "-w", "y"]).env("POOLD_WORKERS", "x"), 2);
    assert!(line.contains("--workers"), "{line}");
}

#[test]
fn what_makes_no_sense() {
    for (args, word) in [
        (&["--nonsense"][..], "--nonsense"),
        (&["recv", "--nonsense"], "--nonsense"),
        (&["echo", "127.0.0.1:0", "--ack"], "--ack"),
        (&["recv", "127.0.0.1:0", "--drain", "soon"], "soon"),
        (&["recv", "127.0.0.1:0", "--drain=-1s"], "-1s"),
        (&["recv", "127.0.0.1:0", "--workers", "0"], "workers"),
        (&["recv", "127.0.0.1:0", "-w", "100000"], "workers"),
        (&["recv", "127.0.0.1:0", "--idle", "1000000years"], "idle"),
        (&["recv", "127.0.0.1:0", "-m", "0"], "clients"),
        (&["recv", "127.0.0.1:0", "--message-max", "0"], "message"),
        (&["recv", "127.0.0.1:0", "--message-max", "lots"], "lots"),
        (&["recv", "127.0.0.1:0", "--framing", "morse"], "morse"),
        (&["chat", "127.0.0.1:0", "--framing", "raw"], "lines"),
        (&["recv", "127.0.0.1:0", "--format", "xml"], "xml"),
        (&["recv", "127.0.0.1:0", "--sync"], "--ack"),
        (&["recv", "0", "--ack", "--overlong", "drop"], "--overlong"),
        (
            &["recv", "0", "--ack", "--framing", "length:u16be+8"],
            "does not fit",
        ),
        (
            &["recv", "0", "--ack", "--framing", "length:ascii1"],
            "does not fit",
        ),
        (&["recv", "127.0.0.1:99999"], "99999"),
        (&["recv", "no-port"], "no-port"),
        (&["recv", "unix:"], "unix:"),
        (
            &["recv", "127.0.0.1:0", "-m", "999999999999"],
            "descriptors",
        ),
    ] {
        let line = refused(&mut poold(args), 2);
        assert!(line.contains(word), "{args:?}: {line}");
    }
}

#[test]
fn what_a_flood_would_have_to_ignore() {
    for (args, word) in [
        (&["1", "--cut"][..], "--cut"),
        (&["1", "--chat", "--greedy", "2"], "--greedy"),
        (&["1", "--chat", "--warmup", "1s"], "--warmup"),
        (&["1", "--chat", "--threads", "2"], "--threads"),
        (&["1", "--senders", "2"], "--chat"),
        (&["--check", "-", "1"], "ADDRESS"),
        (&["--check", "-", "--rate", "5"], "--rate"),
        (&["--check", "-", "--chat"], "--chat"),
        (&["--check", "-", "--greedy", "1"], "--greedy"),
    ] {
        let line = refused(&mut poold(&[&["flood"], args].concat()), 2);
        assert!(line.contains(word), "{args:?}: {line}");
    }
}

#[test]
fn a_check_that_has_nothing_to_check_is_no_success() {
    for args in [
        &["flood", "--check", "-"][..],
        &["flood", "--check", "-", "--cut"],
    ] {
        let output = poold(args).output().expect("poold starts");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(output.stdout.starts_with(b"0 messages"), "{args:?}");
    }
}

#[test]
fn what_makes_no_sense_in_the_environment() {
    for (name, value) in [
        ("POOLD_WORKERS", "0"),
        ("POOLD_DRAIN", "soon"),
        ("POOLD_MESSAGE_MAX", "lots"),
        ("POOLD_MAX_CLIENTS", "-3"),
        ("POOLD_ADDRESS", "nowhere"),
    ] {
        refused(poold(&["recv"]).env(name, value), 2);
    }
}

#[test]
fn an_output_that_cannot_be_opened() {
    let scratch = Scratch::new();
    let file = scratch.join("nonexistent/poold.log");
    let args = ["recv", "127.0.0.1:0", "--output", text(&file)];
    let line = refused(&mut poold(&args), 1);
    assert!(line.contains("nonexistent/poold.log"), "{line}");
}

/// A daemon that may have 64 descriptors and no more, not even by asking.
fn with_64_descriptors(args: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n 64; exec \"$0\" {args}"), POOLD]);
    command.stdin(Stdio::null());
    command
}

#[test]
fn more_clients_than_descriptors() {
    let line = refused(&mut with_64_descriptors("recv 127.0.0.1:0 -m 100"), 2);
    assert!(
        line.contains("100") && line.contains("descriptors"),
        "{line}"
    );
}

#[test]
fn too_few_descriptors_for_one_client() {
    for (limit, service) in [
        (12, "recv 127.0.0.1:0"),
        (32, "echo 127.0.0.1:0"),
        (35, "exec 127.0.0.1:0 -- cat"),
    ] {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("ulimit -n {limit}; exec \"$0\" {service}"),
            POOLD,
        ]);
        let line = refused(command.stdin(Stdio::null()), 1);
        assert!(
            line.contains(&format!("may open {limit}, and needs at least")),
            "{line}"
        );
    }
}

#[test]
fn few_descriptors_make_clients_wait_and_break_nothing() {
    use crate::support::daemon::Daemon;
    use crate::support::net::{connect, send, take};
    let mut command = with_64_descriptors("echo 127.0.0.1:0 --drain 2s");
    let mut daemon = Daemon::spawn(command.stdout(Stdio::piped()));
    // More than it can hold: the rest waits in the backlog until others leave.
    let mut clients: Vec<_> = (0..200).map(|_| connect(&daemon.address)).collect();
    for client in &clients {
        send(client, "x");
    }
    for client in clients.drain(..) {
        assert_eq!(take(&client, 1), b"x");
    }
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(exit.report().received, 200);
}
