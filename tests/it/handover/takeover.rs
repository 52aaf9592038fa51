//! Restarts by take-over: no client is refused or waits long, nothing that was read is lost.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, Signal, kill_process};
use socket2::{Domain, Socket, Type};

use crate::support::daemon::{Daemon, poold};
use crate::support::gate::SetAtEnd;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{PATIENCE, at_most, wait_until};

/// The longest that a new connection may have to wait on a quiet machine (`POOLD_TEST_QUIET=1`).
const WAIT_MAX: Duration = Duration::from_millis(100);

/// A daemon that is followed from one process to the next.
pub struct Line {
    pub first: Daemon,
    control: String,
    /// The one that serves now.
    now: Pid,
}

impl Line {
    /// Starts `poold ARGS… --control` with the socket in this directory.
    pub fn start(dir: &Scratch, args: &[&str]) -> Line {
        Line::spawn(dir, poold(args).stdout(Stdio::piped()))
    }

    /// Starts this command with `--control`; the caller has chosen its standard output.
    pub fn spawn(dir: &Scratch, command: &mut Command) -> Line {
        let control = text(&dir.join("control")).to_owned();
        let first = Daemon::spawn(command.args(["--control", &control]));
        let now = first.pid();
        Line {
            first,
            control,
            now,
        }
    }

    /// The path of its control socket.
    pub fn control(&self) -> &str {
        &self.control
    }

    /// `poold restart`, with any result.
    pub fn try_restart(&self) -> Output {
        let mut command = poold(&["restart", "--control", &self.control]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.output().expect("poold starts")
    }

    /// `poold restart`, which works.
    pub fn restart(&mut self) {
        let output = self.try_restart();
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        let trouble = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{trouble}");
        let pid = said.split_whitespace().find_map(|word| word.parse().ok());
        let pid = pid.and_then(Pid::from_raw).expect("a process id");
        assert_ne!(pid, self.now);
        self.now = pid;
    }

    /// SIGTERM to the one that serves, and everything that all of them have logged by their ends.
    pub fn stop(&mut self) -> String {
        kill_process(self.now, Signal::TERM).expect("it runs");
        let log = self.first.stderr.wait_end();
        String::from_utf8(log).expect("UTF-8")
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.first.stderr.text());
        }
        // It is no child of the test, so nothing else ends it when the test fails.
        let _ = kill_process(self.now, Signal::KILL);
    }
}

/// What became of a client's connections.
#[derive(Default)]
struct Books {
    /// Messages that were taken to a clean end: number, and how often.
    taken: u64,
    refused: u64,
    broken: u64,
    worst: Duration,
}

/// A client on its way: since when, and its connection.
type Visit = (Instant, TcpStream);

/// Each client connects, sends one message, waits for the end; again and again. One thread looks
/// after many of them: of as many threads, the machine would let some wait for longer than any
/// server does.
fn visit(address: &str, clients: Range<usize>, over: &AtomicBool, all: &AtomicU64) -> Vec<Books> {
    let mut books: Vec<Books> = clients.clone().map(|_| Books::default()).collect();
    let mut visits: Vec<Option<Visit>> = clients.clone().map(|_| None).collect();
    loop {
        let goes_on = !over.load(Ordering::Relaxed);
        for (client, (books, visit)) in clients.clone().zip(books.iter_mut().zip(&mut visits)) {
            if visit.is_none() && goes_on {
                *visit = set_out(address, client, books);
            }
        }
        let open = || visits.iter().flatten();
        if open().next().is_none() {
            return books;
        }
        let mut polled: Vec<_> = open()
            .map(|(_, stream)| PollFd::new(stream, PollFlags::IN))
            .collect();
        let most = Timespec::try_from(PATIENCE).expect("fits");
        assert_ne!(
            poll(&mut polled, Some(&most)),
            Ok(0),
            "nothing comes of them"
        );
        drop(polled);
        for (books, visit) in books.iter_mut().zip(&mut visits) {
            if let Some((since, stream)) = visit
                && books.has_come_back(*since, stream)
            {
                *visit = None;
                all.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// On the loopback a connection is made at once, even if no process accepts it.
fn set_out(address: &str, client: usize, books: &mut Books) -> Option<Visit> {
    let since = Instant::now();
    let Ok(mut stream) = connect_from(client, address) else {
        books.refused += 1;
        return None;
    };
    let number = books.taken + books.broken;
    let line = format!("client {client} message {number}\n");
    let sent = stream
        .write_all(line.as_bytes())
        .and_then(|()| stream.shutdown(Shutdown::Write));
    if sent.is_err() {
        books.broken += 1;
        return None;
    }
    stream.set_nonblocking(true).expect("a socket");
    Some((since, stream))
}

/// From an address of the client's own: tens of thousands of connections from a single one use up
/// its ports, and to find a free one takes the system longer and longer.
fn connect_from(client: usize, address: &str) -> std::io::Result<TcpStream> {
    let low = u8::try_from(client % 250).expect("a byte") + 1;
    let own = SocketAddr::from(([127, 0, 1, low], 0));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&own.into())?;
    let address: SocketAddr = address.parse().expect("an address");
    socket.connect(&address.into())?;
    Ok(socket.into())
}

impl Books {
    fn has_come_back(&mut self, since: Instant, stream: &mut TcpStream) -> bool {
        match stream.read(&mut [0; 64]) {
            Ok(0) => self.taken += 1,
            Ok(_) => return false,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => self.broken += 1,
        }
        self.worst = self.worst.max(since.elapsed());
        true
    }
}

#[test]
fn restarts_by_take_over_refuse_no_client_and_lose_nothing() {
    let restarts = chosen("POOLD_TEST_TAKEOVERS", 20);
    let clients = chosen("POOLD_TEST_TAKEOVER_CLIENTS", 200);
    let dir = Scratch::new();
    let file = dir.join("received");
    let args = ["recv", "127.0.0.1:0", "--ack", "--output", text(&file)];
    let mut line = Line::start(&dir, &args);
    let address = line.first.address.clone();
    let (over, all) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut took = Vec::new();
    let books: Vec<_> = std::thread::scope(|scope| {
        let visits = [0..clients / 2, clients / 2..clients].map(|clients| {
            let (address, over, all) = (&address, &over, &all);
            scope.spawn(move || visit(address, clients, over, all))
        });
        let over_then = SetAtEnd(&over);
        let more = |count: u64| {
            let before = all.load(Ordering::Relaxed);
            wait_until("they go on", || {
                all.load(Ordering::Relaxed) >= before + count
            });
        };
        for _ in 0..restarts {
            more(clients as u64 * 5);
            let begin = Instant::now();
            line.restart();
            took.push(begin.elapsed());
        }
        more(clients as u64 * 5);
        drop(over_then);
        let ended = visits.into_iter().map(|visit| visit.join());
        ended.flat_map(|books| books.expect("clients")).collect()
    });
    let log = line.stop();
    let taken: u64 = books.iter().map(|books| books.taken).sum();
    let worst = books.iter().map(|books| books.worst).max();
    let worst = worst.expect("clients");
    eprintln!(
        "{restarts} take-overs under {clients} clients, {taken} connections; the worst of them \
         took {worst:?}, the longest restart {:?}",
        took.iter().max().expect("restarts")
    );
    assert_eq!(books.iter().map(|books| books.refused).sum::<u64>(), 0);
    assert_eq!(books.iter().map(|books| books.broken).sum::<u64>(), 0);
    judge(&file, &books);
    let reports = log.lines().filter(|line| line.starts_with("drained in "));
    assert_eq!(reports.count(), restarts + 1, "{log}");
    assert!(!log.contains(" 1 cut off"), "{log}");
    assert!(worst < at_most(WAIT_MAX), "a client waited for {worst:?}");
}

fn chosen(name: &str, otherwise: usize) -> usize {
    let chosen = std::env::var(name).ok();
    chosen.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Every message is there, once. One that the old process reads after it has ended its answers may
/// come after a later one that the new process has read.
fn judge(file: &Path, books: &[Books]) {
    let printed = std::fs::read_to_string(file).expect("text is UTF-8");
    let counts = books.iter().map(|books| vec![0; books.taken as usize]);
    let mut counts: Vec<_> = counts.collect();
    for line in printed.lines() {
        let parts = line.split_once(": client ");
        let (_, message) = parts.unwrap_or_else(|| panic!("no whole line: {line:?}"));
        let (client, number) = message.split_once(" message ").expect("whole lines");
        let client: usize = client.parse().expect("a number");
        let number: usize = number.parse().expect("a number");
        counts[client][number] += 1;
    }
    for (client, counts) in counts.iter().enumerate() {
        assert!(
            counts.iter().all(|count| *count == 1),
            "client {client}: {counts:?}"
        );
    }
}

#[test]
fn a_unix_socket_goes_over_with_its_file_which_the_last_one_removes() {
    use std::os::unix::net::UnixStream;
    let dir = Scratch::new();
    let path = dir.join("socket");
    let address = format!("unix:{}", text(&path));
    let mut line = Line::start(&dir, &["recv", &address]);
    for number in 0..3 {
        let mut client = UnixStream::connect(&path).expect("it listens");
        writeln!(client, "visit {number}").expect("it is read");
        line.first.stdout.wait_line(&format!(": visit {number}"));
        drop(client);
        line.restart();
        let reports = || {
            let log = line.first.stderr.text();
            log.matches("drained in ").count()
        };
        wait_until("the old one ends", || reports() == number + 1);
    }
    assert!(path.exists() && dir.join("control").exists());
    line.stop();
    assert!(!path.exists() && !dir.join("control").exists());
}

#[test]
fn connected_clients_are_served_to_the_end_by_the_old_process() {
    use crate::support::net::{connect, end, send, take_to_end};
    let dir = Scratch::new();
    let mut line = Line::start(&dir, &["recv", "127.0.0.1:0", "--keep-clients", "no"]);
    let client = connect(&line.first.address);
    send(&client, "before\n");
    line.first.stdout.wait_line(": before");
    line.restart();
    assert_eq!(take_to_end(&client), b"", "the old one ends it");
    send(&client, "after\n");
    end(&client);
    drop(client);
    line.first.stdout.wait_line(": after");
    let new = connect(&line.first.address);
    send(&new, "to the new one\n");
    line.first.stdout.wait_line(": to the new one");
    drop(new);
    line.stop();
}

#[test]
fn the_admin_endpoint_goes_over_too() {
    let dir = Scratch::new();
    let socket = dir.join("admin");
    let admin = format!("127.0.0.1:0,unix:{}", text(&socket));
    let mut line = Line::start(&dir, &["recv", "127.0.0.1:0", "--admin", &admin]);
    let tcp = line.first.stderr.wait_line("admin on 127");
    let tcp = tcp
        .split("admin on ")
        .nth(1)
        .expect("an address")
        .to_owned();
    for _ in 0..3 {
        line.restart();
        for address in [&*tcp, &format!("unix:{}", text(&socket))] {
            let output = poold(&["status", address, "--json"]).output();
            let output = output.expect("poold starts");
            let status = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{address}: {output:?}");
            assert!(status.contains("running"), "{status}");
        }
    }
    line.stop();
    assert!(!socket.exists(), "the last one removes it");
}

#[test]
fn several_addresses_go_over_together() {
    use std::os::unix::net::UnixStream;
    let dir = Scratch::new();
    let path = dir.join("socket");
    let unix = format!("unix:{}", text(&path));
    let mut line = Line::start(&dir, &["recv", "127.0.0.1:0", &unix, "localhost:0"]);
    let log = line.first.stderr.text();
    let tcp = log.lines().filter_map(|line| {
        let address = line.strip_prefix("listening on ")?;
        (!address.starts_with("unix:")).then(|| address.to_owned())
    });
    let tcp: Vec<_> = tcp.collect();
    assert!((2..=3).contains(&tcp.len()), "{log}");
    for number in 0..3 {
        line.restart();
        for address in &tcp {
            let mut client = TcpStream::connect(address).expect("it listens");
            writeln!(client, "{number} on {address}").expect("it is read");
            line.first
                .stdout
                .wait_line(&format!(": {number} on {address}"));
        }
        let mut client = UnixStream::connect(&path).expect("it listens");
        writeln!(client, "{number} on a path").expect("it is read");
        line.first
            .stdout
            .wait_line(&format!(": {number} on a path"));
    }
    line.stop();
    assert!(!path.exists(), "the last one removes it");
}

#[test]
fn a_process_that_connects_to_the_control_socket_sees_the_one_that_serves() {
    use std::os::unix::net::UnixStream;
    let dir = Scratch::new();
    let mut line = Line::start(&dir, &["echo", "127.0.0.1:0"]);
    for _ in 0..2 {
        line.restart();
        // The socket was made by a process that has ended.
        wait_until("it is the one that serves", || {
            let stream = UnixStream::connect(line.control()).expect("it listens");
            socket_peercred(&stream).is_ok_and(|other| other.pid == line.now)
        });
    }
    line.stop();
}
