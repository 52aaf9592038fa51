//! Data between a client and a program, and the program's environment and descriptors.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use super::{children, program, shell, stop_well, summary};
use crate::support::daemon::{Daemon, poold};
use crate::support::net::{connect, end, send, take_line, take_to_end};
use crate::support::passed::is_installed;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{EPISODE, Race, in_time};

/// Sends, shuts the sending side, and takes all that comes.
fn ask(daemon: &Daemon, bytes: impl AsRef<[u8]>) -> String {
    let client = connect(&daemon.address);
    send(&client, bytes);
    end(&client);
    String::from_utf8(take_to_end(&client)).expect("UTF-8")
}

#[test]
pub(crate) fn output_is_whole_though_the_client_has_ended_its_side() {
    if !is_installed("nc") {
        return;
    }
    let mut daemon = program(&[], &["cat"]);
    let (host, port) = daemon.address.rsplit_once(':').expect("a port");
    let mut command = Command::new("nc");
    command.args(["-N", host, port]).stdin(Stdio::piped());
    let mut nc = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is installed");
    let sent: Vec<u8> = (0..3_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let mut input = nc.stdin.take().expect("piped");
    let output = thread::scope(|scope| {
        scope.spawn(|| {
            input.write_all(&sent).expect("it reads");
            drop(input);
        });
        nc.wait_with_output().expect("it ends")
    });
    assert!(output.stdout == sent, "{} bytes came", output.stdout.len());
    stop_well(&mut daemon, 1);
}

#[test]
pub(crate) fn programs_of_every_day() {
    for (words, asked, answer) in [
        (&["bc"][..], "2^64\n7*6\n", "18446744073709551616\n42\n"),
        (
            &["awk", "{ s += $1 } END { print s }"],
            "1\n2\n39\n",
            "42\n",
        ),
        (&["sh"], "echo $((6 * 7)); exit\n", "42\n"),
        (
            &["tr", "a-z", "A-Z"],
            "last line has no end",
            "LAST LINE HAS NO END",
        ),
    ] {
        if !is_installed(words[0]) {
            continue;
        }
        let mut daemon = program(&[], words);
        assert_eq!(ask(&daemon, asked), answer, "{words:?}");
        stop_well(&mut daemon, 1);
    }
}

#[test]
pub(crate) fn a_program_that_never_reads_its_input_answers_whole() {
    let mut daemon = shell(
        &[],
        "exec 0<&-; head -c 300000 /dev/zero | tr '\\0' x; echo end",
    );
    let client = connect(&daemon.address);
    send(&client, vec![b'?'; 20_000]);
    let answer = take_to_end(&client);
    assert_eq!(answer.len(), 300_004);
    assert!(answer.ends_with(b"xend\n"));
    drop(client);
    stop_well(&mut daemon, 1);
}

#[test]
pub(crate) fn its_environment_names_the_client_and_nothing_of_poold() {
    let mut command = poold(&["exec", "127.0.0.1:0", "--shell", "env"]);
    command
        .env("POOLD_WORKERS", "2")
        .env("NOTIFY_SOCKET", "/nonexistent/notify")
        .env("WATCHDOG_USEC", "1000000000")
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDNAMES", "name")
        .env("TCPREMOTEHOST", "kept")
        .env("PROTO", "old");
    let mut daemon = Daemon::spawn(command.stdout(Stdio::null()));
    let client = connect(&daemon.address);
    let all = String::from_utf8(take_to_end(&client)).expect("UTF-8");
    let about = |line: &&str| {
        ["TCP", "PROTO", "POOLD", "NOTIFY", "WATCHDOG", "LISTEN"]
            .iter()
            .any(|word| line.starts_with(word))
    };
    let mut lines: Vec<&str> = all.lines().filter(about).collect();
    lines.sort_unstable();
    let (_, port) = daemon.address.rsplit_once(':').expect("a port");
    let own = client.local_addr().expect("connected").port();
    let expected = [
        "POOLD_CLIENT=1".to_owned(),
        "PROTO=TCP".to_owned(),
        "TCPCONNNUM=1".to_owned(),
        "TCPLOCALIP=127.0.0.1".to_owned(),
        format!("TCPLOCALPORT={port}"),
        "TCPREMOTEHOST=kept".to_owned(),
        "TCPREMOTEIP=127.0.0.1".to_owned(),
        format!("TCPREMOTEPORT={own}"),
    ];
    assert_eq!(lines, expected);
    drop(client);
    stop_well(&mut daemon, 1);
}

#[test]
pub(crate) fn a_unix_socket_is_another_protocol() {
    let dir = Scratch::new();
    let address = format!("unix:{}", text(&dir.join("socket")));
    let script = "echo $PROTO ${TCPREMOTEIP-none} $POOLD_CLIENT; cat";
    let mut daemon = Daemon::start(&["exec", &address, "--shell", script]);
    let path = dir.join("socket");
    let mut client = std::os::unix::net::UnixStream::connect(path).expect("it listens");
    client.write_all(b"back").expect("it is read");
    client
        .shutdown(std::net::Shutdown::Write)
        .expect("connected");
    let answer = std::io::read_to_string(client).expect("an end");
    assert_eq!(answer, "UNIX none 1\nback");
    stop_well(&mut daemon, 1);
}

#[test]
pub(crate) fn what_it_complains_about_is_logged_line_by_line_and_safe() {
    let script = "printf 'odd \\033[2J\\n' >&2; head -c 5000 /dev/zero | tr '\\0' z >&2; \
                  echo >&2; printf 'no end' >&2";
    let mut daemon = shell(&[], script);
    let client = connect(&daemon.address);
    assert_eq!(take_to_end(&client), b"");
    let peer = client.local_addr().expect("connected");
    let who = format!(" (id=1, peer={peer})");
    let line = daemon.stderr.wait_line("odd");
    assert_eq!(line, format!("stderr: odd \\u{{1b}}[2J{who}"));
    let line = daemon.stderr.wait_line("zzz");
    assert_eq!(line, format!("stderr: {} …{who}", "z".repeat(1024)));
    daemon.stderr.wait_line(&format!("stderr: no end{who}"));
    drop(client);
    stop_well(&mut daemon, 1);
}

#[test]
pub(crate) fn a_program_with_endless_stderr_fills_no_disk() {
    let mut daemon = shell(&[], "yes complaint | head -n 100000 >&2; echo done");
    let client = connect(&daemon.address);
    assert_eq!(take_line(&client), "done");
    drop(client);
    let line = daemon.stderr.wait_line("too many lines");
    assert!(line.starts_with("warning: "), "{line}");
    let exit = stop_well(&mut daemon, 1);
    let told = exit.stderr.matches("stderr: complaint").count();
    assert!((1000..10_000).contains(&told), "{told}");
}

#[test]
pub(crate) fn failures_are_counted_and_each_kind_is_told_once() {
    in_time(EPISODE, programs_fail);
}

fn programs_fail(_: &Race) {
    let mut daemon = shell(
        &[],
        "read -r how; case $how in kill) kill -9 $$;; *) exit $how;; esac",
    );
    for how in ["0\n", "3\n", "3\n", "4\n", "kill\n"] {
        assert_eq!(ask(&daemon, how), "");
    }
    children::wait_no_children(&daemon);
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let expected = "5 programs run: 1 ended well, 3 failed, 1 ended by a signal";
    assert_eq!(summary(&exit), expected);
    let told: Vec<&str> = exit
        .stderr
        .lines()
        .filter(|line| line.contains("failed ("))
        .collect();
    let ends = [
        "end=exit status: 3)",
        "end=exit status: 4, earlier=1)",
        "(SIGKILL))",
    ];
    assert_eq!(told.len(), ends.len(), "{told:?}");
    for (line, end) in told.iter().zip(ends) {
        assert!(line.ends_with(end), "{line}");
    }
}

#[test]
pub(crate) fn the_script_of_the_manual_is_a_service() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/status.sh");
    let mut daemon = program(&[], &[script]);
    let client = connect(&daemon.address);
    assert_eq!(
        take_line(&client),
        "hello 127.0.0.1: date, load, disk or quit?"
    );
    send(&client, "load\n");
    assert_eq!(take_line(&client).split(' ').count(), 3);
    send(&client, "moon\n");
    assert_eq!(take_line(&client), "what?");
    daemon.stderr.wait_line("stderr: asked for moon (id=1");
    send(&client, "quit\n");
    assert_eq!(take_to_end(&client), b"bye\n");
    drop(client);
    stop_well(&mut daemon, 1);
}
