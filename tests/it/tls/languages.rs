//! Clients in other languages, with TLS of their own: Go's crypto/tls and Node's tls (OpenSSL).
//! They offer ALPN and would resume their session; poold takes neither.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::daemon::Daemon;
use crate::support::passed::is_installed;
use crate::support::scratch::{Scratch, text};
use crate::support::tls::Pair;

/// Lines that each client sends twice.
const LINES: usize = 10_000;

fn source(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/senders");
    folder.join(name)
}

fn said(output: std::io::Result<Output>) -> String {
    let output = output.expect("installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    text
}

/// Echo in these modes, and sending; `client` makes a client's command for a mode and a daemon.
fn talk(modes: &[&str], expected: &str, client: impl Fn(&str, &Daemon, &Path) -> Command) {
    for pair in Pair::of_each_kind() {
        let root = pair.certificate();
        let mut daemon = pair.start("echo", &["--framing", "lines"]);
        for mode in modes {
            let told = said(client(mode, &daemon, &root).output());
            assert_eq!(told, expected.repeat(2), "{mode}");
        }
        let exit = daemon.stop();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        let mut daemon = pair.start("recv", &["--format", "raw"]);
        said(client("send", &daemon, &root).output());
        daemon.stdout.wait_lines(2 * LINES);
        let exit = daemon.stop();
        assert_eq!(exit.stdout.len(), 2 * LINES * 100);
        assert!(!exit.stderr.contains("TLS handshake"), "{}", exit.stderr);
    }
}

#[test]
fn what_go_sends_arrives_whole_and_so_do_its_answers() {
    if !is_installed("go") {
        return;
    }
    let scratch = Scratch::new();
    let program = scratch.join("tls");
    let mut build = Command::new("go");
    build
        .args(["build", "-o", text(&program)])
        .arg(source("tls.go"));
    build.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"));
    said(build.output());
    talk(&["echo", "tcp"], "true false \n", |mode, daemon, root| {
        let mut command = Command::new(&program);
        command.args([mode, &daemon.address, text(root)]);
        command
    });
}

#[test]
fn what_node_sends_arrives_whole_and_so_do_its_answers() {
    if !is_installed("node") {
        return;
    }
    talk(&["echo"], "true false false\n", |mode, daemon, root| {
        let (host, port) = daemon.address.rsplit_once(':').expect("a port");
        let mut command = Command::new("node");
        command
            .arg(source("tls.js"))
            .args([mode, host, port])
            .arg(root);
        command
    });
}
