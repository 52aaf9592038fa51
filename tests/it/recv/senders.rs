//! Real senders, as they are installed: each message whole, once, without stray bytes, with the
//! framing that the manual's page `senders` names; and the hint, with one that does not suit.
//!
//! `tests/senders/install.sh` brings them; without it these tests are passed over.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

use crate::support::daemon::{Daemon, Guard};
use crate::support::passed::brought;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{Spool, wait_until};

/// What nearly all of them send: three messages, one with a line feed in it.
pub const THREE: &[&[&str]] = &[&["alpha"], &["beta"], &["one", "two"]];
/// The same, where each line feed ends a message.
const FOUR: &[&[&str]] = &[&["alpha"], &["beta"], &["one"], &["two"]];
const TWO: &[&[&str]] = &[&["alpha"], &["beta"]];

/// A sender, a framing, and what is in each message.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static [&'static str]],
);

fn script(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/senders").join(name)
}

fn port(daemon: &Daemon) -> &str {
    daemon.address.rsplit_once(':').expect("a port").1
}

/// Runs a sender until it has sent everything; it may stay until its input ends.
pub struct Running {
    pub guard: Guard,
    complaints: Spool,
}

impl Running {
    pub fn start(command: &mut Command) -> Running {
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let child = command.stderr(Stdio::piped()).spawn();
        let mut guard = Guard(child.expect("it is installed"));
        let complaints = Spool::of(guard.0.stderr.take().expect("piped"));
        Running { guard, complaints }
    }

    pub fn end(mut self) {
        drop(self.guard.0.stdin.take());
        let code = self.guard.wait_exit();
        assert_eq!(code, Some(0), "{}", self.complaints.text());
    }
}

/// All that the daemon has printed at its end is these messages.
fn check(mut daemon: Daemon, who: &str, parts: &[&[&str]]) {
    let exit = daemon.stop();
    assert_eq!(exit.code, Some(0), "{who}: {}", exit.stderr);
    assert!(!exit.stderr.contains("a guess"), "{who}: {}", exit.stderr);
    let printed = String::from_utf8(exit.stdout).expect("JSON is UTF-8");
    let mut messages: Vec<(u64, String)> = printed
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("one object a line");
            assert!(line["partial"].is_null(), "{who}: {line}");
            let text = line["message"].as_str().expect("a text").to_owned();
            (line["id"].as_u64().expect("a number"), text)
        })
        .collect();
    // Some connect for each message, and two connections are served at the same time.
    messages.sort_by_key(|(id, _)| *id);
    assert_eq!(messages.len(), parts.len(), "{who}: {messages:#?}");
    for ((_, message), parts) in messages.iter().zip(parts) {
        let has_all = parts.iter().all(|part| message.contains(part));
        let is_bare = !message.ends_with(['\n', '\r', '\0']) && !message.starts_with(['\n', '\0']);
        assert!(has_all && is_bare, "{who}: {message:?}");
    }
}

/// One sender into one daemon: all messages come while it is still connected.
fn run(who: &str, framing: &str, parts: &[&[&str]], sender: impl Fn(&str) -> Command) {
    let daemon = Daemon::recv(&["--format", "json", "--framing", framing]);
    let running = Running::start(&mut sender(port(&daemon)));
    daemon.stdout.wait_lines(parts.len());
    running.end();
    check(daemon, who, parts);
}

/// All rows at once: most of the time goes into starting the senders.
fn run_all(rows: &[Row], sender: impl Fn(&str, &str) -> Command + Sync) {
    thread::scope(|scope| {
        for (who, framing, parts) in rows {
            let sender = &sender;
            scope.spawn(move || run(who, framing, parts, |port| sender(who, port)));
        }
    });
}

pub fn python(venv: &Path, who: &str, port: &str) -> Command {
    let mut command = Command::new(venv.join("bin/python"));
    command.arg(script("send.py")).args([who, port]);
    command
}

pub fn node(modules: &Path, who: &str, port: &str) -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", modules);
    command.arg(script("send.js")).args([who, port]);
    command
}

#[test]
fn of_python() {
    let Some(venv) = brought("venv") else {
        return;
    };
    let rows: &[Row] = &[
        ("syslog", "nul", THREE),
        ("syslog-bare", "pri", THREE),
        ("graypy", "gelf", THREE),
        ("graypy", "auto", THREE),
        ("pygelf", "gelf", THREE),
        ("logging-gelf", "gelf", THREE),
        ("logging-gelf-nul", "gelf", THREE),
        ("logging-gelf-nul", "auto", THREE),
        ("logstash", "lines", THREE),
        ("rfc5424", "lines", THREE),
        ("cee", "nul", THREE),
        ("pysyslogclient", "lines", FOUR),
        ("socket", "len32", THREE),
    ];
    run_all(rows, |who, port| python(&venv, who, port));
}

#[test]
fn of_node() {
    let Some(modules) = brought("node_modules") else {
        return;
    };
    let rows: &[Row] = &[
        ("winston-syslog", "pri", THREE),
        ("winston-syslog-eol", "lines", THREE),
        ("winston3-logstash", "json", THREE),
        ("gelf-pro", "gelf", THREE),
        ("pino-socket", "lines", THREE),
        ("pino-syslog", "pri", THREE),
        ("pino-syslog-newline", "lines", THREE),
        ("log4js", "delimited:__LOG4JS__", THREE),
        ("syslog-client", "lines", FOUR),
        ("bunyan-tcp", "lines", THREE),
    ];
    run_all(rows, |who, port| node(&modules, who, port));
}

#[test]
fn of_rust() {
    let Some(program) = brought("rust/debug/senders") else {
        return;
    };
    run_all(&[("the crate syslog", "pri", THREE)], |_, port| {
        let mut command = Command::new(&program);
        command.arg(port);
        command
    });
}

/// What the log says of those whose framing is not the server's.
#[test]
fn with_another_framing_are_named() {
    let (Some(venv), Some(modules)) = (brought("venv"), brought("node_modules")) else {
        return;
    };
    let rows = [
        ("cee", "--framing nul"),
        ("graypy", "--framing gelf"),
        ("socket", "--framing len32"),
        // These speak protocols of their own.
        ("fluent", "forward protocol"),
        ("zabbix", "Zabbix"),
        ("winston-syslog", "--framing pri"),
        ("winston3-logstash", "--framing json"),
        ("log4js", "delimited:__LOG4JS__"),
    ];
    thread::scope(|scope| {
        for (at, (who, says)) in rows.iter().enumerate() {
            let (venv, modules) = (&venv, &modules);
            scope.spawn(move || {
                let daemon = Daemon::recv(&[]);
                let mut command = match at {
                    ..5 => python(venv, who, port(&daemon)),
                    _ => node(modules, who, port(&daemon)),
                };
                let running = Running::start(&mut command);
                let line = daemon.stderr.wait_line("a guess: ");
                assert!(line.contains(says), "{who}: {line}");
                running.end();
            });
        }
    });
}

/// It waits for an answer to each message, which `--ack` gives in the same framing.
#[test]
fn of_hl7() {
    let Some(venv) = brought("venv") else {
        return;
    };
    let scratch = Scratch::new();
    let file = scratch.join("messages");
    let message = |text| format!("MSH|^~\\&|a|b|c|d|1||ADT|{text}|P|2\rPID|1\r");
    std::fs::write(&file, message("alpha") + &message("beta")).expect("room");
    let args = ["--format", "json", "--framing", "mllp", "--ack"];
    let daemon = Daemon::recv(&args);
    let mut command = Command::new(venv.join("bin/mllp_send"));
    let args = [
        "--loose",
        "--quiet",
        "--file",
        text(&file),
        "--port",
        port(&daemon),
        "127.0.0.1",
    ];
    Running::start(command.args(args)).end();
    check(daemon, "mllp_send", &[&["alpha", "PID"], &["beta", "PID"]]);
}

#[test]
fn of_logger() {
    for (framing, parts) in [
        ("lines", TWO),
        ("auto", TWO),
        ("octet", THREE),
        ("auto", THREE),
    ] {
        let is_counted = parts == THREE;
        let daemon = Daemon::recv(&["--format", "json", "--framing", framing]);
        for message in ["alpha", "beta", "one\ntwo"].iter().take(parts.len()) {
            let mut command = Command::new("logger");
            command.args(["-T", "-n", "127.0.0.1", "-P", port(&daemon)]);
            command.args(is_counted.then_some("--octet-count"));
            match command.arg(message).status() {
                Ok(status) => assert!(status.success()),
                Err(_) => return eprintln!("passed over: logger is not installed"),
            }
        }
        daemon.stdout.wait_lines(parts.len());
        check(daemon, "logger", parts);
    }
}

#[test]
fn of_perl() {
    const SCRIPT: &str = "use Sys::Syslog qw(:standard :extended); \
        setlogsock({type => 'tcp', host => '127.0.0.1', port => $ARGV[0]}); \
        openlog('app', 'ndelay', 'user'); syslog('info', '%s', $_) for qw(alpha beta); closelog";
    if Command::new("perl")
        .args(["-MSys::Syslog", "-e", "1"])
        .output()
        .is_err()
    {
        return eprintln!("passed over: perl is not installed");
    }
    for framing in ["auto", "gelf"] {
        run("Sys::Syslog", framing, TWO, |port| {
            let mut command = Command::new("perl");
            command.args(["-e", SCRIPT, port]);
            command
        });
    }
}

/// A syslog daemon of Debian that was only unpacked, with the file `config`.
fn unpacked(program: &Path) -> Command {
    let root = program.ancestors().nth(3).expect("it is in usr/sbin");
    let lib = root.join("usr/lib");
    let (own, all) = (lib.join("syslog-ng"), lib.join("x86_64-linux-gnu"));
    let libs = [&all, &own, &root.join("lib/x86_64-linux-gnu")]
        .map(|path| text(path))
        .join(":");
    let (args, modules): (&[&str], PathBuf) = match program.ends_with("rsyslogd") {
        true => (
            &["-n", "-C", "-i", "none", "-f", "config", "-M"],
            all.join("rsyslog"),
        ),
        false => (
            &[
                "-F",
                "--no-caps",
                "-f",
                "config",
                "-R",
                "persist",
                "-p",
                "pid",
                "-c",
                "ctl",
                "--module-path",
            ],
            own.join("3.38"),
        ),
    };
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", libs).args(args).arg(modules);
    command
}

/// Such a daemon reads a socket of its own, and sends on what it gets.
fn relay(program: &str, config: impl Fn(&str) -> String, rows: &[Row]) {
    let Some(root) = brought("root") else {
        return;
    };
    for (who, framing, parts) in rows {
        let daemon = Daemon::recv(&["--format", "json", "--framing", framing]);
        relay_to(
            daemon,
            &root.join("usr/sbin").join(program),
            &config(who),
            parts,
        );
    }
}

/// The same for one daemon, with the configuration for its PORT.
pub fn relay_to(daemon: Daemon, program: &Path, config: &str, parts: &[&[&str]]) {
    let scratch = Scratch::new();
    let inbox = scratch.join("inbox");
    let config = config.replace("PORT", port(&daemon));
    std::fs::write(scratch.join("config"), &config).expect("room");
    let running = Running::start(unpacked(program).current_dir(scratch.path()));
    wait_until("it listens", || inbox.exists());
    let socket = UnixDatagram::unbound().expect("a socket");
    for message in ["alpha", "beta", "one\ntwo"] {
        let message = format!("<13>Nov 28 22:00:00 app: {message}");
        socket
            .send_to(message.as_bytes(), &inbox)
            .expect("it reads");
    }
    daemon.stdout.wait_lines(parts.len());
    drop(running);
    check(daemon, &config, parts);
}

#[test]
fn of_rsyslog() {
    let config = |who: &str| {
        format!(
            "global(workDirectory=\".\")\n\
             module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
             input(type=\"imuxsock\" Socket=\"inbox\" CreatePath=\"on\")\n\
             action(type=\"omfwd\" target=\"127.0.0.1\" port=\"PORT\" protocol=\"tcp\" \
             TCP_Framing=\"{who}\")\n"
        )
    };
    let rows: &[Row] = &[
        ("traditional", "lines", THREE),
        ("octet-counted", "octet", THREE),
        ("octet-counted", "auto", THREE),
    ];
    relay("rsyslogd", config, rows);
}

#[test]
fn of_syslog_ng() {
    let config = |who: &str| {
        let destination = who
            .replace("TO", "\"127.0.0.1\"")
            .replace("AT", "port(PORT)");
        format!(
            "@version: 3.38\nsource s {{ unix-dgram(\"inbox\"); }};\n\
             destination d {{ {destination}; }};\nlog {{ source(s); destination(d); }};\n"
        )
    };
    let rows: &[Row] = &[
        ("network(TO AT)", "lines", FOUR),
        ("syslog(TO AT transport(\"tcp\"))", "octet", THREE),
        ("syslog(TO AT transport(\"tcp\"))", "auto", THREE),
    ];
    relay("syslog-ng", config, rows);
}
