//! Workers that don't come back: they are named, and hold up nothing that need not wait.

use std::fs;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use poold::{Server, answer};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::daemon::Daemon;
use crate::support::gate::Gate;
use crate::support::net::{connect, end, send, take_line, take_to_end};
use crate::support::scratch::{Scratch, text};
use crate::support::server::{finish, options, serve};
use crate::support::spool::wait_until;

/// A server, and some of its four workers, each of them stuck with a client that said `stay`.
pub struct Stuck {
    pub server: Server,
    pub address: String,
    pub gate: Gate,
    pub clients: Vec<TcpStream>,
}

impl Stuck {
    pub fn workers(count: usize) -> Stuck {
        let gate = Gate::default();
        let inside = gate.clone();
        let mut options = options();
        options.stuck_after = Duration::from_millis(100);
        let (server, address) = serve(
            options,
            answer(move |line: &[u8]| {
                if line == b"stay" {
                    inside.pass();
                }
                line.to_vec()
            }),
        );
        let clients: Vec<_> = (0..count).map(|_| connect(&address)).collect();
        clients.iter().for_each(|client| send(client, "stay\n"));
        gate.wait_waiting(count);
        let handle = server.handle();
        wait_until("they are stuck", || handle.stats().workers_stuck == count);
        Stuck {
            server,
            address,
            gate,
            clients,
        }
    }

    /// They come back, answer, and the server drains.
    pub fn finish(self) {
        self.gate.open();
        for client in &self.clients {
            end(client);
            assert_eq!(take_to_end(client), b"stay\n");
        }
        let handle = self.server.handle();
        wait_until("none is stuck", || handle.stats().workers_stuck == 0);
        drop(self.clients);
        finish(self.server);
    }
}

#[test]
fn a_stuck_worker_is_named_once_and_again_when_it_is_back() {
    let dir = Scratch::new();
    let pipe = dir.join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).expect("our directory");
    let args = [
        "exec",
        "127.0.0.1:0",
        "--lines",
        "-w",
        "2",
        "--stuck-after",
        "500ms",
    ];
    let mut daemon = Daemon::start(&[&args[..], &["--", "cat", text(&pipe)]].concat());
    let client = connect(&daemon.address);
    let name = client.local_addr().expect("connected").to_string();
    // The program waits for a writer of the pipe.
    send(&client, "one\n");
    let begin = Instant::now();
    let line = daemon.stderr.wait_line("does not come back");
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "{:?}",
        begin.elapsed()
    );
    assert!(line.contains(&name) && line.contains("id=1"), "{line}");
    // A while longer, to see that it is not said again.
    std::thread::sleep(Duration::from_millis(1500));
    fs::write(&pipe, "two\n").expect("it is read");
    let line = daemon.stderr.wait_line("is back");
    assert!(line.contains("id=1"), "{line}");
    assert_eq!(take_line(&client), "two");
    drop(client);
    let exit = daemon.stop();
    let named = exit.stderr.matches("does not come back").count();
    assert_eq!(
        (named, exit.stderr.matches("is back").count()),
        (1, 1),
        "{}",
        exit.stderr
    );
}

#[test]
fn stuck_workers_are_counted_and_the_others_serve_on() {
    let stuck = Stuck::workers(3);
    // The fourth worker serves all other clients.
    let others: Vec<_> = (0..50).map(|_| connect(&stuck.address)).collect();
    for _ in 0..20 {
        others.iter().for_each(|client| send(client, "go\n"));
        others
            .iter()
            .for_each(|client| assert_eq!(take_line(client), "go"));
    }
    drop(others);
    stuck.finish();
}
