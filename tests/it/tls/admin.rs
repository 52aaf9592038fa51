//! The admin endpoint over TLS.

use std::process::Command;

use crate::support::daemon::{Daemon, poold};
use crate::support::passed::is_installed;
use crate::support::scratch::{Scratch, text};
use crate::support::tls::Pair;

fn ask(args: &[&str]) -> (bool, String) {
    let output = poold(args).output().expect("poold starts");
    let told = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&told).into_owned(),
    )
}

#[test]
fn it_speaks_tls_over_tcp_and_plainly_over_a_unix_socket() {
    let (pair, other, scratch) = (Pair::new(), Pair::new(), Scratch::new());
    let path = format!("unix:{}", text(&scratch.join("admin")));
    let (certificate, key) = (pair.certificate(), pair.key());
    let daemon = Daemon::start(&[
        "echo",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--admin",
        &path,
        "--admin-tls-cert",
        text(&certificate),
        "--admin-tls-key",
        text(&key),
    ]);
    let line = daemon.stderr.wait_line("admin on 127");
    let admin = line.trim_start_matches("admin on ");
    let (ok, told) = ask(&["status", admin, "--tls-ca", text(&certificate)]);
    assert!(ok && told.contains("running"), "{told}");
    let (ok, told) = ask(&["clients", admin, "--tls-ca", text(&certificate)]);
    assert!(ok, "{told}");
    let (ok, told) = ask(&["status", admin]);
    assert!(!ok && told.contains("--tls-ca FILE"), "{told}");
    let (ok, told) = ask(&["status", admin, "--tls-ca", text(&other.certificate())]);
    assert!(!ok && told.contains("unknown issuer"), "{told}");
    let (ok, told) = ask(&["pause", &path, "--tls-ca", text(&certificate)]);
    assert!(ok, "{told}");
    let (ok, told) = ask(&["pause", admin, "--tls-ca", text(&certificate)]);
    assert!(!ok && told.contains("unix:"), "{told}");
    if !is_installed("curl") {
        return;
    }
    let (_, port) = admin.rsplit_once(':').expect("a port");
    let url = format!("https://localhost:{port}/metrics");
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--cacert", text(&certificate), &url]);
    let output = curl.output().expect("it is installed");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("poold_clients"), "{output:?}");
}
