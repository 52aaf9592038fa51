//! What a service has written reaches a client that reads: however long the service took, and
//! whatever the client sends after its end.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use poold::{Limit, ServerPhase, Verdict};
use socket2::{Domain, Socket, Type};

use crate::support::daemon::Daemon;
use crate::support::net::{connect, end, send, take, take_all, take_line, take_to_end, wait_reset};
use crate::support::server::{Log, Logged, count, finish, lend, options, serve};
use crate::support::spool::{PATIENCE, Race, in_time, wait_until};
use crate::support::tunnel::carried;

/// More than a client with a small buffer takes at once, and less than the system keeps.
const ANSWER: usize = 2 << 20;

/// A client's way of taking its answer.
#[derive(Clone, Copy, Debug)]
enum Reader {
    Fast,
    Slow,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Exec,
    Stream,
    Messages,
}

/// What a service takes, what the client sends after it has ended, and how the client reads.
type Row = (&'static str, usize, Reader);

const ROWS: &[Row] = &[
    ("0", 0, Reader::Fast),
    ("0", 1 << 20, Reader::Slow),
    ("2.3", 14, Reader::Slow),
    ("2.3", 1 << 20, Reader::Fast),
    ("2.3", 1 << 20, Reader::Slow),
];

/// Its buffer is small, so that most of its answer waits at the server.
fn with_little_room(address: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(64 << 10).expect("a socket");
    let address: SocketAddr = address.parse().expect("an address");
    socket.connect(&address.into()).expect("it listens");
    let client = carried(TcpStream::from(socket));
    client.set_read_timeout(Some(PATIENCE)).expect("a socket");
    client.set_write_timeout(Some(PATIENCE)).expect("a socket");
    client
}

/// What a client got, and how it ended.
fn take_answer(mut client: &TcpStream, reader: Reader) -> (usize, io::Result<()>) {
    let mut buffer = vec![0; 8 << 10];
    let mut length = 0;
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return (length, Ok(())),
            Ok(more) => length += more,
            Err(error) => return (length, Err(error)),
        }
        if matches!(reader, Reader::Slow) {
            std::thread::sleep(Duration::from_millis(4));
        }
    }
}

/// Asks, and sends more once the service has ended. Answers what was wrong.
fn ask(address: &str, row: Row, has_ended: &(dyn Fn(&str) -> bool + Sync)) -> Option<String> {
    let (pause, more, reader) = row;
    let client = with_little_room(address);
    let own = client.local_addr().expect("connected").to_string();
    send(&client, format!("{pause}\n"));
    let (length, ended) = std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("its service ends", || has_ended(&own));
            let _ = (&client).write_all(&vec![b'x'; more]);
        });
        take_answer(&client, reader)
    });
    let is_good = length == ANSWER && ended.is_ok();
    (!is_good).then(|| format!("{row:?}: {length} of {ANSWER} bytes, {ended:?}"))
}

/// All rows at once.
fn ask_all(kind: Kind, address: &str, has_ended: impl Fn(&str) -> bool + Sync) {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let ask = |row: &Row| {
            let row = *row;
            let has_ended = &has_ended;
            scope.spawn(move || ask(address, row, has_ended))
        };
        let all: Vec<_> = ROWS.iter().map(ask).collect();
        let join = |one: std::thread::ScopedJoinHandle<'_, Option<String>>| one.join();
        all.into_iter()
            .filter_map(|one| join(one).expect("no panic"))
            .collect()
    });
    assert!(wrong.is_empty(), "{kind:?}:\n{}", wrong.join("\n"));
}

fn pause(line: &[u8]) {
    let text = String::from_utf8_lossy(line);
    let seconds = text.trim().parse().expect("seconds");
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

#[test]
pub(crate) fn an_answer_of_a_program_is_whole() {
    let script = format!("read -r t; sleep $t; head -c {ANSWER} /dev/zero; echo ended >&2");
    let args = ["exec", "127.0.0.1:0", "--workers", "32", "--shell", &script];
    let mut daemon = Daemon::start(&args);
    ask_all(Kind::Exec, &daemon.address, |own| {
        let log = daemon.stderr.text();
        let is_its = |line: &str| line.contains("ended") && line.contains(&format!("peer={own}"));
        log.lines().any(is_its)
    });
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
pub(crate) fn an_answer_of_a_stream_service_is_whole() {
    let log = Log::default();
    let noted = log.clone();
    let mut options = options();
    options.workers = 32;
    let (server, address) = lend(options, move |mut stream| {
        let mut line = [0; 8];
        let length = stream.read(&mut line)?;
        pause(&line[..length]);
        stream.write_all(&vec![b'a'; ANSWER])?;
        noted.note(stream.peer().to_string());
        Ok(())
    });
    ask_all(Kind::Stream, &address, |own| {
        log.lines().iter().any(|line| line == own)
    });
    finish(server);
}

#[test]
pub(crate) fn an_answer_to_a_message_is_whole() {
    let log = Log::default();
    let noted = log.clone();
    let mut options = options();
    options.workers = 32;
    let (service, _) = Logged::new(move |client, message, reply| {
        pause(message.bytes);
        reply.send(vec![b'a'; ANSWER - 1]);
        noted.note(client.peer().to_string());
        Verdict::Close
    });
    let (server, address) = serve(options, service);
    ask_all(Kind::Messages, &address, |own| {
        log.lines().iter().any(|line| line == own)
    });
    finish(server);
}

/// A client that sends all of it before it reads anything, as many do.
#[test]
pub(crate) fn a_client_that_reads_only_after_sending_all_gets_its_answer_too() {
    let (service, _) = Logged::new(|_, _, reply| {
        reply.send(vec![b'a'; 16 << 20]);
        Verdict::Close
    });
    let (server, address) = serve(options(), service);
    let client = with_little_room(&address);
    send(&client, "go\n");
    send(&client, vec![b'x'; 16 << 20]);
    assert_eq!(take_to_end(&client).len(), (16 << 20) + 1);
    drop(client);
    finish(server);
}

/// Its sending side is shut, so that only the send queue tells whether it has its answer.
#[test]
pub(crate) fn a_drain_waits_until_a_half_closed_client_has_its_answer() {
    let (server, address) = lend(options(), |mut stream| {
        stream.read_to_end(&mut Vec::new())?;
        stream.write_all(&vec![b'a'; ANSWER])
    });
    let client = with_little_room(&address);
    end(&client);
    let handle = server.handle();
    wait_until("its service ends", || {
        handle.stats().bytes_out == ANSWER as u64
    });
    handle.drain();
    assert!(!handle.wait_for(ServerPhase::Stopped, Duration::from_millis(300)));
    assert_eq!(take_to_end(&client).len(), ANSWER);
    // Though it stays.
    let report = server.wait();
    assert_eq!((report.left, report.cut_off), (1, 0), "{report}");
    assert!(report.took < Duration::from_secs(10), "{report}");
}

/// They get their answer and their end during the drain.
#[test]
pub(crate) fn a_client_that_has_everything_and_stays_does_not_delay_a_drain() {
    let (server, address) = lend(options(), |mut stream| {
        stream.write_all(b"hello\n")?;
        stream.read_to_end(&mut Vec::new())?;
        stream.write_all(b"bye\n")
    });
    let clients: Vec<_> = (0..3).map(|_| connect(&address)).collect();
    for client in &clients {
        assert_eq!(take_line(client), "hello");
    }
    server.handle().drain();
    for client in &clients {
        assert_eq!(take_to_end(client), b"bye\n");
    }
    let report = server.wait();
    assert_eq!((report.left, report.cut_off), (3, 0), "{report}");
    assert!(report.took < Duration::from_secs(10), "{report}");
    drop(clients);

    let script = "echo hello; read -r l; echo bye";
    let args = ["exec", "127.0.0.1:0", "--drain", "20s", "--shell", script];
    let mut daemon = Daemon::start(&args);
    let clients: Vec<_> = (0..3).map(|_| connect(&daemon.address)).collect();
    for client in &clients {
        assert_eq!(take_line(client), "hello");
    }
    daemon.interrupt();
    for client in &clients {
        send(client, "go on\n");
        assert_eq!(take_to_end(client), b"bye\n");
    }
    let exit = daemon.wait_exit();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!((exit.report().left, exit.report().cut_off), (3, 0));
    assert!(exit.report().ms < 10_000, "{}", exit.stderr);
}

/// More refused clients than get a line at once, and none of them closes.
#[test]
pub(crate) fn each_client_that_cannot_be_served_is_told_and_sees_no_reset() {
    let args = ["exec", "127.0.0.1:0", "--workers", "1", "--queue", "0"];
    let script = ["--shell", "echo on; exec cat"];
    let mut daemon = Daemon::start(&[&args[..], &script[..]].concat());
    let runs = connect(&daemon.address);
    assert_eq!(take_line(&runs), "on");
    let turned_away: Vec<_> = (0..30)
        .map(|_| {
            let client = connect(&daemon.address);
            send(&client, "a request that is never read\n");
            assert_eq!(take_to_end(&client), b"busy\n");
            client
        })
        .collect();
    drop((runs, turned_away));
    assert_eq!(daemon.stop().code, Some(0));
}

/// One that has everything and is still here when even that time is up is not cut off.
#[test]
pub(crate) fn at_the_deadline_a_client_that_has_everything_is_not_cut_off() {
    let mut options = options();
    options.drain = Duration::from_millis(200);
    let (server, address) = lend(options, |mut stream| {
        stream.read_exact(&mut [0])?;
        stream.write_all(&vec![b'a'; ANSWER])
    });
    let (has, lacks) = (connect(&address), with_little_room(&address));
    send(&has, "x");
    send(&lacks, "x");
    assert_eq!(take_to_end(&has).len(), ANSWER);
    let handle = server.handle();
    wait_until("both services end", || {
        handle.stats().bytes_out == 2 * ANSWER as u64
    });
    let report = finish(server);
    assert_eq!((report.left, report.cut_off), (1, 1), "{report}");
    wait_reset(&lacks);
}

/// The kernel keeps its answer, and it takes none of it.
#[test]
pub(crate) fn a_client_that_does_not_take_the_end_of_its_answer_is_reset_and_counted() {
    let mut options = options();
    options.times.write_stall = Some(Duration::from_millis(400));
    let (server, address) = lend(options, |mut stream| stream.write_all(&vec![b'a'; ANSWER]));
    let client = with_little_room(&address);
    wait_reset(&client);
    wait_until("it is gone", || server.handle().registry().count() == 0);
    assert_eq!(count(&server, Limit::WriteStall), 1);
    finish(server);
}

/// A slow one is not put out: what counts is that it takes something.
#[test]
pub(crate) fn a_client_that_takes_its_answer_slowly_may_take_longer_than_the_limit() {
    in_time(Duration::from_secs(2), takes_it_slowly);
}

fn takes_it_slowly(race: &Race) {
    let mut options = options();
    options.times.write_stall = Some(Duration::from_secs(2));
    let (server, address) = lend(options, |mut stream| stream.write_all(&vec![b'a'; ANSWER]));
    let client = with_little_room(&address);
    let piece = ANSWER / 32;
    for _ in 0..32 {
        take(&client, piece);
        race.step();
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(take_to_end(&client), b"");
    assert_eq!(count(&server, Limit::WriteStall), 0);
    drop(client);
    finish(server);
}

#[test]
pub(crate) fn a_client_that_has_everything_makes_room_for_the_next() {
    let mut options = options();
    (options.clients_max, options.per_address_max) = (4, Some(4));
    let (server, address) = lend(options, |mut stream| stream.write_all(b"hello\n"));
    // None of them closes.
    let mut clients = Vec::new();
    for _ in 0..20 {
        let client = connect(&address);
        assert_eq!(take_line(&client), "hello");
        assert!(take_all(&client).1.is_ok(), "no reset");
        clients.push(client);
    }
    wait_until("some linger", || {
        (1..=4).contains(&server.handle().stats().lingering)
    });
    assert_eq!(count(&server, Limit::AddressShare), 0);
    drop(clients);
    finish(server);
}
