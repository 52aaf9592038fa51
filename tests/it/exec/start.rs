//! Errors before clients connect, and the limits of a program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::{shell, stop_well, summary};
use crate::support::daemon::{Guard, POOLD, poold};
use crate::support::net::{connect, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::Spool;

/// The one line that it says before it exits with 2.
fn refused(args: &[&str]) -> String {
    let mut command = poold(&[&["exec", "127.0.0.1:0"], args].concat());
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut guard = Guard(command.spawn().expect("poold starts"));
    let said = Spool::of(guard.0.stderr.take().expect("piped"));
    assert_eq!(guard.wait_exit(), Some(2), "{args:?}");
    let said = String::from_utf8(said.wait_end()).expect("UTF-8");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn what_can_not_be_started_is_said_at_once() {
    let dir = Scratch::new();
    let file = |name: &str, content: &str, mode: u32| {
        let path = dir.join(name);
        fs::write(&path, content).expect("a scratch directory");
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(&path, mode).expect("our own file");
        text(&path).to_owned()
    };
    let plain = file("plain", "echo hello\n", 0o644);
    let bare = file("bare", "echo hello\n", 0o755);
    let lost = file("lost", "#!/no/such/shell\r\necho hello\n", 0o755);
    for (words, why) in [
        (&["--", "no-such-program"][..], "not in PATH"),
        (&["--", "/no/such/program"], "No such file"),
        (&["--", "/tmp"], "not a file"),
        (&["--", &plain], "chmod +x"),
        (&["--", &bare], "no #! line"),
        (&["--", &lost], "\"/no/such/shell\\r\" can't be run"),
        (&[], "write the program after --"),
        (&["--shell", "cat", "--", "cat"], "cannot be used with"),
        (
            &["--chdir", "/no/such/place", "--", "cat"],
            "no such directory",
        ),
        (&["--user", "no-such-user", "--", "cat"], "--user"),
        (&["--umask", "999", "--", "cat"], "octal"),
        (&["--idle", "5s", "--", "cat"], "--timeout"),
        (&["--message-max", "1k", "--", "cat"], "--message-max can't"),
        (&["--overlong", "close", "--", "cat"], "--overlong can't"),
        (&["--outbox-max", "1k", "--", "cat"], "--outbox-max can't"),
        (&["--lifetime", "5s", "--", "cat"], "--timeout"),
        (&["--lines", "--queue", "9", "--", "cat"], "--max-clients"),
        (&["--lines", "--max-wait", "9s", "--", "cat"], "--overload"),
        (&["--reply-max", "1k", "--", "cat"], "--lines"),
        (&["--kill-after", "2d", "--", "cat"], "a day"),
        (&["--timeout", "999999y", "--", "cat"], "100 years"),
    ] {
        let said = refused(words);
        assert!(said.contains(why), "{words:?}: {said}");
    }
}

#[test]
fn exec_does_not_start_with_sigchld_ignored() {
    let mut command = Command::new("env");
    command.args([
        "--ignore-signal=CHLD",
        POOLD,
        "exec",
        "127.0.0.1:0",
        "--",
        "false",
    ]);
    command.stderr(Stdio::piped());
    let mut guard = Guard(command.spawn().expect("env starts"));
    let said = Spool::of(guard.0.stderr.take().expect("piped"));
    assert_eq!(guard.wait_exit(), Some(1));
    let said = String::from_utf8(said.wait_end()).expect("UTF-8");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("env --default-signal=CHLD"), "{said}");
}

#[test]
fn a_program_has_the_limits_that_were_asked_for() {
    let dir = Scratch::new();
    let place = text(dir.path());
    let args = [
        "--cpu", "7s", "--memory", "300m", "--umask", "027", "--chdir", place,
    ];
    let script = "ulimit -t; ulimit -v; umask; pwd";
    let mut daemon = shell(&args, script);
    let client = connect(&daemon.address);
    let said = String::from_utf8(take_to_end(&client)).expect("UTF-8");
    assert_eq!(said, format!("7\n307200\n0027\n{place}\n"));
    drop(client);
    stop_well(&mut daemon, 1);
}

#[test]
fn a_client_that_a_program_serves_costs_no_buffers() {
    let mut daemon = shell(&["--max-clients", "10"], "true");
    let exit = daemon.stop();
    let sum = "at most 10 clients and 20.00 KiB of memory";
    assert!(exit.stderr.contains(sum), "{}", exit.stderr);
}

#[test]
fn a_program_that_only_computes_is_ended() {
    let mut daemon = shell(&["--cpu", "1s"], "while :; do :; done");
    assert_eq!(take_to_end(&connect(&daemon.address)), b"");
    let exit = daemon.stop();
    let expected = "1 program run: 0 ended well, 1 ended by a signal";
    assert_eq!(summary(&exit), expected);
}

#[test]
fn only_root_gives_a_program_another_user() {
    if !rustix::process::geteuid().is_root() {
        let said = refused(&["--user", "nobody", "--", "id"]);
        assert!(said.contains("only root"), "{said}");
        return;
    }
    let mut daemon = shell(&["--user", "12345", "--group", "99"], "id -u; id -g; id -G");
    assert_eq!(take_to_end(&connect(&daemon.address)), b"12345\n99\n99\n");
    stop_well(&mut daemon, 1);
}
