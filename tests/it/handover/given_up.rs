//! A running process by hand, whose successor is a real one: without its last word there is only one
//! that goes on.

use std::io::{BufRead, BufReader, IoSlice, Read};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::time::Duration;

use rustix::cmsg_space;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Signal, kill_process};

use crate::support::daemon::{Guard, calm, poold};
use crate::support::scratch::{Scratch, text};
use crate::support::spool::Spool;

/// The longest wait for the successor, which would wait for us for three times as long.
const SOON: Duration = Duration::from_secs(10);

/// A successor that has the sockets and is ready.
struct Successor {
    process: Guard,
    stderr: Spool,
    wire: UnixStream,
    _sockets: (UnixListener, TcpListener),
    _dir: Scratch,
}

impl Successor {
    fn start() -> Successor {
        let dir = Scratch::new();
        let path = dir.join("control");
        let control = UnixListener::bind(&path).expect("a free path");
        let service = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = service.local_addr().expect("bound").to_string();
        let args = ["echo", &address, "--control", text(&path), "--take-over"];
        let mut command = poold(&calm(&args));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Guard(command.spawn().expect("poold starts"));
        let stderr = Spool::of(process.0.stderr.take().expect("piped"));
        let (wire, _) = control.accept().expect("it connects");
        wire.set_read_timeout(Some(SOON)).expect("a socket");
        assert!(hear(&wire).contains("take_over"));
        let given = ["control", "service"];
        let given = given.map(|name| format!(r#"{{"name":"{name}","has_file":false}}"#));
        let said = format!("{{\"sockets\":[{}]}}\n", given.join(","));
        let sockets = [control.as_fd(), service.as_fd()];
        let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(2))];
        let mut beside = SendAncillaryBuffer::new(&mut room);
        assert!(beside.push(SendAncillaryMessage::ScmRights(&sockets)));
        let pieces = [IoSlice::new(said.as_bytes())];
        sendmsg(&wire, &pieces, &mut beside, SendFlags::empty()).expect("room");
        assert_eq!(hear(&wire), "\"ready\"\n");
        Successor {
            process,
            stderr,
            wire,
            _sockets: (control, service),
            _dir: dir,
        }
    }
}

fn hear(wire: &UnixStream) -> String {
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(1, wire);
    reader.read_line(&mut line).expect("a line");
    line
}

#[test]
fn a_successor_that_the_running_process_has_left_without_a_word_ends() {
    let mut successor = Successor::start();
    drop(successor.wire);
    // This process has not ended, and would serve as well.
    successor.stderr.wait_line("it has given it up");
    assert_eq!(successor.process.wait_exit(), Some(1));
}

#[test]
fn a_successor_that_is_told_to_end_leaves_all_to_the_running_process() {
    let mut successor = Successor::start();
    kill_process(successor.process.pid(), Signal::TERM).expect("it runs");
    let heard = successor.wire.read(&mut [0]).expect("its end");
    assert_eq!(heard, 0, "at once");
    successor.stderr.wait_line("this process was told to end");
    assert_eq!(successor.process.wait_exit(), Some(1));
}
