//! Mistakes that had an error's number for a message: a line that says what it is and what to do.

use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Signal, geteuid};

use crate::support::daemon::{Daemon, POOLD, poold};
use crate::support::scratch::{Scratch, program, text};

/// `nobody` on most systems; any user but root is as good.
const OTHER_USER: u32 = 65534;

#[test]
fn a_variable_that_no_command_knows() {
    let mut command = poold(&["echo", "127.0.0.1:0"]);
    command.env("POOLD_WOKRERS", "4").env("POOLD_ADMN", "9090");
    // Of another command, of a program of exec, and of Kubernetes.
    command.env("POOLD_FORMAT", "json").env("POOLD_CLIENT", "1");
    command.env("POOLD_PORT", "tcp://10.0.0.1:5140");
    let mut daemon = Daemon::spawn(command.stdout(Stdio::null()));
    let exit = daemon.stop();
    let told: Vec<_> = exit
        .stderr
        .lines()
        .filter(|line| line.contains("POOLD_"))
        .collect();
    let says = |name: &str, meant: &str| {
        format!("warning: {name} says nothing to poold; is {meant} meant?")
    };
    let expected = [
        says("POOLD_ADMN", "POOLD_ADMIN"),
        says("POOLD_WOKRERS", "POOLD_WORKERS"),
    ];
    assert_eq!(told, expected, "{}", exit.stderr);
}

#[test]
fn without_a_reader_of_the_errors_the_exit_code_tells() {
    for (args, code) in [
        (&["client", "nonsense"][..], 2),
        (&["status", "unix:/nothing/there"], 1),
        (&["man", "nonsense"], 2),
    ] {
        let (reader, writer) = std::io::pipe().expect("descriptors");
        drop(reader);
        let status = poold(args).stdout(Stdio::null()).stderr(writer).status();
        assert_eq!(status.expect("poold starts").code(), Some(code), "{args:?}");
    }
}

#[test]
fn a_socket_for_datagrams_from_the_service_manager() {
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let mut command = Command::new("sh");
    let script = "exec 3<&0; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" recv systemd";
    command
        .args(["-c", script, POOLD])
        .stdin(OwnedFd::from(udp));
    let output = command.output().expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("is for datagrams (UDP)") && said.contains("ListenStream="),
        "{said}"
    );
}

#[test]
fn a_take_over_from_one_that_is_stopped() {
    let dir = Scratch::new();
    let control = dir.join("control");
    let args = ["echo", "127.0.0.1:0", "--control", text(&control)];
    let daemon = Daemon::start(&args);
    daemon.stand_still();
    let output = poold(&args).env("POOLD_TAKE_OVER", "true").output();
    let output = output.expect("poold starts");
    daemon.signal(Signal::CONT);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("no answer within 10 s; it is stopped (kill -CONT"),
        "{said}"
    );
}

#[test]
fn no_thread_is_left() {
    let dir = Scratch::new();
    let path = dir.join("poold");
    program(&path, POOLD.as_ref());
    let no_threads = "the system gives no more threads; raise the limit";
    for (args, says) in [
        ("recv 127.0.0.1:0", no_threads),
        // Its server is a process of its own.
        (
            "exec 127.0.0.1:0 -- cat",
            "no process can be started; raise the limit",
        ),
        ("flood 127.0.0.1:1", no_threads),
    ] {
        // Another shell, another letter.
        let limit = "(ulimit -u 1) 2>/dev/null && ulimit -u 1 || ulimit -p 1";
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{limit}; exec \"$0\" {args}"), text(&path)]);
        if geteuid().is_root() {
            // Root may have as many as it likes.
            command.uid(OTHER_USER);
        }
        let output = command
            .stdin(Stdio::null())
            .output()
            .expect("there is a shell");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
