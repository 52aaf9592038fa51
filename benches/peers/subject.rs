//! poold itself: the library as an echo server, and the binary as a receiver.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use poold::{Address, Client, Message, Options, Reply, Server, Service, Tls, Verdict};

use super::launch::{Announces, mortal};
use super::tls_servers::files;
use super::work::Work;

/// The binary that cargo built beside this benchmark: the daemon and the load generator.
pub const BINARY: &str = env!("CARGO_BIN_EXE_poold");

/// Echo with `work` as the handler of each line, on `workers` threads; tells where it listens
/// and serves until the process is ended.
pub fn serve_poold(work: &Arc<Work>, workers: usize, ready: fn(SocketAddr)) -> io::Result<()> {
    let options = Options {
        workers,
        ..Options::default()
    };
    serve_with(options, work, ready)
}

/// The same over TLS, with a kind of key.
pub fn serve_poold_with_tls(
    work: &Arc<Work>,
    workers: usize,
    kind: &str,
    ready: fn(SocketAddr),
) -> io::Result<()> {
    let (certificate, key) = files(kind);
    let tls = Tls::from_files(certificate, key).map_err(io::Error::other)?;
    let options = Options {
        workers,
        tls: Some(tls),
        ..Options::default()
    };
    serve_with(options, work, ready)
}

fn serve_with(options: Options, work: &Arc<Work>, ready: fn(SocketAddr)) -> io::Result<()> {
    let server = Server::bind("127.0.0.1:0", options, Lines(Arc::clone(work)));
    let server = server.map_err(io::Error::other)?;
    if let Address::Tcp(addresses) = server.address() {
        ready(addresses[0]);
    }
    let _ = server.wait();
    Ok(())
}

/// Each line through the work, and back.
struct Lines(Arc<Work>);

impl Service for Lines {
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        self.0.run(message.bytes).expect("the work can be done");
        reply.send(message.bytes);
        Verdict::Go
    }
}

/// `poold recv` in one of its formats, on any free port. What it announces on standard error
/// says which.
pub fn receiver(format: &str, workers: usize) -> Command {
    let mut command = mortal(BINARY);
    command.args(["recv", "127.0.0.1:0", "--format", format]);
    command.args(["--workers", &workers.to_string()]);
    command
}

/// `poold echo` as it is delivered, on any free port.
pub fn daemon(workers: usize) -> Command {
    let mut command = mortal(BINARY);
    command.args(["echo", "127.0.0.1:0", "--workers", &workers.to_string()]);
    command
}

/// What makes such a daemon speak TLS, with the files that the driver has made.
pub fn certificate(scratch: &Path) -> [String; 4] {
    let file = |end: &str| scratch.join(format!("p256.{end}")).display().to_string();
    let [cert, key] = ["--tls-cert", "--tls-key"].map(str::to_owned);
    [cert, file("pem"), key, file("key")]
}

/// `poold chat`, on any free port, which lets a client say as much as it can.
pub fn chat(workers: usize) -> Command {
    let mut command = mortal(BINARY);
    command.args(["chat", "127.0.0.1:0", "--rate", "off"]);
    command.args(["--workers", &workers.to_string()]);
    command
}

/// `poold chat` as one daemon of a house.
pub fn house(workers: usize, bus: &str) -> Command {
    let mut command = chat(workers);
    command.args(["--bus", bus]);
    command
}

/// `poold hub` as it is delivered, on any free port.
pub fn hub(workers: usize) -> Command {
    let mut command = mortal(BINARY);
    command.args(["hub", "127.0.0.1:0", "--workers", &workers.to_string()]);
    command
}

/// `poold exec` as it is delivered, with a program that takes no arguments.
pub fn superserver(program: &str, workers: usize) -> io::Result<(Command, Announces)> {
    let mut command = mortal(BINARY);
    command.args(["exec", "127.0.0.1:0", "--workers", &workers.to_string()]);
    command.args(["--", program]);
    Ok((command, Announces::OnStderr))
}
