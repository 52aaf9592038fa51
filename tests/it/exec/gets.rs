//! What a program gets, as the manual's table has it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::geteuid;

use super::children::server;
use super::{shell, stop_well};
use crate::support::daemon::{Daemon, POOLD};
use crate::support::net::{connect, take_to_end};
use crate::support::scratch::{Scratch, script, text};

/// What a program says of itself, one `NAME: VALUE` a line.
const LIST: &str = r#"for n in $(seq 0 99); do test -e /proc/$$/fd/$n && all="$all $n"; done; echo "descriptors:$all"
echo limits: $(ulimit -Sn) $(ulimit -Hn)
grep -E '^Sig(Blk|Ign)' /proc/self/status | tr '\t' ' '
set -- $(sed 's/.*) //' /proc/$$/stat)
echo group: $(($3 - $$)), session: $(($4 - PPID)), terminal: $5
(: </dev/tty) 2>/dev/null && echo there is a terminal
echo environment: $(tr '\0' '\n' </proc/$$/environ | sed 's/=.*//' | sort)"#;

/// A row of the table.
fn row(what: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/exec.md");
    let page = fs::read_to_string(page).expect("it is there");
    let begin = format!("| {what} | ");
    let row = page.lines().find_map(|line| line.strip_prefix(&begin));
    row.unwrap_or_else(|| panic!("no row of {what}")).to_owned()
}

/// Names in capitals.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    words
        .filter(|word| word.len() > 3 && !word.ends_with('_'))
        .collect()
}

/// Started with another's socket and another descriptor, without hang-ups, and with few
/// descriptors at first.
fn started_badly(args: &[&str]) -> Daemon {
    let script = "trap '' HUP; exec 7</dev/null 9<&7; ulimit -Sn 512; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", POOLD, "exec", "127.0.0.1:0"]);
    command
        .args(args)
        .env("LISTEN_FDS", "5")
        .env("POOLD_WORKERS", "2");
    command.env("NOTIFY_SOCKET", "/nonexistent/notify");
    Daemon::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()))
}

fn said(daemon: &Daemon) -> String {
    String::from_utf8(take_to_end(&connect(&daemon.address))).expect("UTF-8")
}

#[test]
fn a_program_gets_what_the_table_says() {
    let hard = Command::new("sh").args(["-c", "ulimit -Hn"]).output();
    let hard = String::from_utf8(hard.expect("sh runs").stdout).expect("a number");
    for lines in [false, true] {
        let more: &[&str] = if lines { &["--lines"] } else { &[] };
        let mut daemon = started_badly(&[more, &["--shell", LIST]].concat());
        let client = connect(&daemon.address);
        crate::support::net::send(&client, "?\n");
        crate::support::net::end(&client);
        let said = String::from_utf8(take_to_end(&client)).expect("UTF-8");
        let (listed, environment) = said.split_once("environment: ").expect("the last line");
        let nothing = "0000000000000000";
        let expected = format!(
            "descriptors: 0 1 2\nlimits: 512 {hard}SigBlk: {nothing}\nSigIgn: {nothing}\n\
             group: 0, session: 0, terminal: 0\n"
        );
        assert_eq!(listed, expected);
        let named = row("environment");
        let ours: BTreeSet<String> = std::env::vars().map(|(name, _)| name).collect();
        for name in environment.split_whitespace() {
            let is_told = names(&named).contains(name);
            assert!(is_told || ours.contains(name), "{name}: {named}");
        }
        for name in names(&named) {
            assert!(
                environment.split_whitespace().any(|one| one == name),
                "{name}"
            );
        }
        daemon.stop();
    }
    assert!(row("descriptors").starts_with("`0 1 2`"));
    assert!(row("limits").contains("that poold was started with"));
    assert!(row("signals").starts_with("none blocked, none ignored"));
    assert!(
        row("session")
            .starts_with("that of poold, which leads it; the program leads a process group")
    );
    assert!(row("terminal").starts_with("none"));
}

#[test]
fn a_clean_environment_is_path_and_the_client() {
    let mut daemon = started_badly(&["--clean-env", "--shell", "env | sed 's/=.*//' | sort"]);
    let said = said(&daemon);
    // The shell's own.
    let shells = ["PWD", "OLDPWD", "SHLVL", "_"];
    let found: BTreeSet<&str> = said.lines().filter(|name| !shells.contains(name)).collect();
    let named = row("with `--clean-env`");
    assert_eq!(found, names(&named));
    daemon.stop();
}

#[test]
fn a_program_has_the_names_of_its_user() {
    if !geteuid().is_root() {
        return;
    }
    let script = "id -un; echo $HOME $USER $LOGNAME $SHELL";
    let mut daemon = shell(&["--user", "daemon"], script);
    let said = said(&daemon);
    let passwd = Command::new("getent").args(["passwd", "daemon"]).output();
    let passwd = String::from_utf8(passwd.expect("getent runs").stdout).expect("UTF-8");
    let fields: Vec<&str> = passwd.trim_end().split(':').collect();
    let (home, shell) = (fields[5], fields[6]);
    assert_eq!(said, format!("daemon\n{home} daemon daemon {shell}\n"));
    for name in ["HOME", "USER", "LOGNAME", "SHELL"] {
        assert!(row("with `--user`").contains(name), "{name}");
    }
    stop_well(&mut daemon, 1);
}

#[test]
fn a_program_is_the_one_that_was_found_at_the_start() {
    let dir = Scratch::new();
    fs::create_dir_all(dir.join("bin")).expect("a scratch directory");
    let program = dir.join("bin/answer");
    script(&program, "#!/bin/sh\npwd\n");
    let mut command = Command::new(POOLD);
    command.args(["exec", "127.0.0.1:0", "--chdir", "/", "--", "answer"]);
    let path = format!("bin:{}", std::env::var("PATH").unwrap_or_default());
    command.current_dir(dir.path()).env("PATH", path);
    let mut daemon = Daemon::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()));
    assert_eq!(said(&daemon), "/\n", "{}", text(&program));
    stop_well(&mut daemon, 1);
}

#[test]
fn the_server_has_its_own_name() {
    let mut daemon = shell(&[], "true");
    let name = fs::read_to_string(format!("/proc/{}/comm", server(&daemon)));
    assert_eq!(name.expect("it runs"), "poold\n");
    stop_well(&mut daemon, 0);
}
