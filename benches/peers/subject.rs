//! poold itself: the library as an echo server, and the binary as a receiver.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use super::launch::mortal;
use super::work::Work;

/// The binary that cargo built beside this benchmark: the daemon and the load generator.
pub const BINARY: &str = env!("CARGO_BIN_EXE_poold");

// STUB, to be filled in when the library is there. About:
//
//     let options = poold::Options { workers, ..Default::default() };
//     let service = poold::answer(move |line: &[u8]| { work.run(line)?; Ok(line.to_vec()) });
//     let server = poold::Server::bind("127.0.0.1:0", options, service)?;
//     ready(server.address());
//     server.run()
//
/// Echo with `work` as the handler of each line, on `workers` threads; tells where it listens
/// and serves until the process is ended.
pub fn serve_poold(work: &Arc<Work>, workers: usize, ready: fn(SocketAddr)) -> io::Result<()> {
    let _ = (work, workers, ready);
    Err(io::Error::other("poold's library does not serve yet"))
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
