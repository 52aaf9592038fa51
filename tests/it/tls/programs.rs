//! Programs that speak TLS: what they send arrives whole, and what they are sent as well.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::support::daemon::Daemon;
use crate::support::passed::is_installed;
use crate::support::scratch::text;
use crate::support::spool::wait_until;
use crate::support::tls::Pair;

fn port(daemon: &Daemon) -> &str {
    daemon.address.rsplit_once(':').expect("a port").1
}

/// Runs it with this input, which ends when `enough` is true.
fn run(command: &mut Command, input: &[u8], enough: impl Fn() -> bool) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("installed");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input).expect("it reads");
    wait_until("it has all", enough);
    drop(stdin);
    child.wait_with_output().expect("our own child")
}

/// Each program's command, for a port and a certificate.
fn commands(port: &str, certificate: &str) -> Vec<Command> {
    let host = format!("127.0.0.1:{port}");
    let socat = format!("OPENSSL:{host},cafile={certificate},commonname=localhost");
    let with = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args);
        command
    };
    vec![
        with(
            "ncat",
            &[
                "--ssl-verify",
                "--ssl-trustfile",
                certificate,
                "localhost",
                port,
            ],
        ),
        with("socat", &["-t", "30", "-", &socat]),
        with(
            "openssl",
            &[
                "s_client",
                "-quiet",
                "-verify_return_error",
                "-CAfile",
                certificate,
                "-connect",
                &host,
            ],
        ),
        with(
            "openssl",
            &[
                "s_client",
                "-quiet",
                "-tls1_2",
                "-CAfile",
                certificate,
                "-connect",
                &host,
            ],
        ),
        with(
            "gnutls-cli",
            &["--x509cafile", certificate, "-p", port, "localhost"],
        ),
    ]
}

#[test]
fn what_they_send_arrives_and_what_they_are_sent_as_well() {
    let mut pairs = Pair::of_each_kind();
    pairs.push(Pair::of(&rcgen::PKCS_ED25519));
    for pair in pairs {
        let certificate = pair.certificate();
        for at in 0..commands("0", "").len() {
            let mut daemon = pair.start("echo", &["--framing", "lines"]);
            let mut command = commands(port(&daemon), text(&certificate)).swap_remove(at);
            let program = command.get_program().to_string_lossy().into_owned();
            if !is_installed(&program) {
                continue;
            }
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.stderr(Stdio::null()).spawn().expect("installed");
            let mut stdin = child.stdin.take().expect("piped");
            let spool = crate::support::spool::Spool::of(child.stdout.take().expect("piped"));
            stdin
                .write_all(b"hello from a program\n")
                .expect("it reads");
            spool.wait_line("hello from a program");
            drop(stdin);
            daemon.interrupt();
            let exit = daemon.wait_exit();
            assert_eq!(exit.code, Some(0), "{program}: {}", exit.stderr);
            assert!(
                !exit.stderr.contains("warning"),
                "{program}: {}",
                exit.stderr
            );
            let _ = child.wait();
        }
    }
}

/// Twenty clients that send a megabyte and close at once. With session tickets, which such clients
/// never read, most of them would be reset.
const SENDERS: &str = "
import socket, ssl, sys, threading
host, port, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
def send():
    plain = socket.create_connection((host, int(port)))
    client = context.wrap_socket(plain, server_hostname='localhost')
    client.sendall((b'x' * 99 + b'\\n') * 10000)
    client.close()
threads = [threading.Thread(target=send) for _ in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
";

#[test]
fn what_clients_send_before_they_close_at_once_arrives_whole() {
    if !is_installed("python3") {
        return;
    }
    let pair = Pair::new();
    let daemon = pair.start("recv", &["--format", "raw"]);
    let certificate = pair.certificate();
    let mut python = Command::new("python3");
    python.args([
        "-c",
        SENDERS,
        "127.0.0.1",
        port(&daemon),
        text(&certificate),
    ]);
    let stdout = daemon.stdout.clone();
    let output = run(&mut python, b"", move || {
        stdout.wait_lines(200_000);
        true
    });
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_plain_client_is_told_that_the_port_speaks_tls() {
    let pair = Pair::new();
    let daemon = pair.start("echo", &[]);
    let client = crate::support::net::connect_saying(&daemon.address, "hello\n");
    let told = crate::support::net::take_to_end(&client);
    assert_eq!(told, b"this port speaks TLS; connect with TLS\n");
    daemon.stderr.wait_line("why=the client speaks plainly");
}
