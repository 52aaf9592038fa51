//! What a service may ask of the server: to wait, to have the last word, to keep little.

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use poold::{Client, End, Message, Messages, Phase, Reply, Service, Verdict, answer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::support::net::{connect, end, send, take, take_all, take_line, take_to_end};
use crate::support::server::{Log, finish, id_of, options, serve};
use crate::support::spool::{Race, in_time, wait_until};

/// Answers with what it gets; `wait` has it wait, `panic` panic, and what it says last is why the
/// connection ended.
struct Moody {
    log: Log,
    wait: Duration,
}

impl Moody {
    fn new(wait: Duration) -> (Moody, Log) {
        let log = Log::default();
        let moody = Moody {
            log: log.clone(),
            wait,
        };
        (moody, log)
    }
}

impl Service for Moody {
    type Session = bool;

    fn opened(&self, _: &Client, _: &mut Reply<'_>) -> bool {
        false
    }

    fn message(&self, panics: &mut bool, message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        match message.bytes {
            b"wait" => return Verdict::Wait(self.wait),
            b"quit" => return Verdict::Close,
            b"panic" => *panics = true,
            _ => {}
        }
        reply.send(message.bytes);
        Verdict::Go
    }

    fn batch(
        &self,
        panics: &mut bool,
        messages: &mut Messages<'_>,
        reply: &mut Reply<'_>,
    ) -> Verdict {
        let mut count = 0;
        let mut verdict = Verdict::Go;
        while verdict == Verdict::Go
            && let Some(message) = messages.next_message()
        {
            count += 1;
            verdict = self.message(panics, message, reply);
        }
        self.log.note(format!("{count} taken"));
        verdict
    }

    fn last_words(&self, panics: &mut bool, end: &End, reply: &mut Reply<'_>) {
        assert!(!*panics, "this panic is part of the test");
        reply.send(format!("bye: {end:?}"));
    }
}

const WAIT: Duration = Duration::from_secs(2);

#[test]
fn a_paused_client_is_served_later_in_order_and_costs_no_worker() {
    in_time(WAIT, is_paused_twice);
}

fn is_paused_twice(race: &Race) {
    let mut options = options();
    options.workers = 1;
    let (moody, _) = Moody::new(WAIT);
    let (server, address) = serve(options, moody);
    let (client, other) = (connect(&address), connect(&address));
    let begin = Instant::now();
    race.begin();
    send(&client, "a\nwait\nb\nwait\nc\n");
    assert_eq!(take_line(&client), "a");
    send(&client, "d\n");
    // The only worker serves others meanwhile.
    send(&other, "x\n");
    assert_eq!(take_line(&other), "x");
    assert!(begin.elapsed() < WAIT, "it held the worker");
    race.end();
    assert_eq!(take_line(&client), "b");
    assert!(begin.elapsed() >= WAIT);
    assert_eq!(
        (take_line(&client), take_line(&client)),
        ("c".into(), "d".into())
    );
    assert!(begin.elapsed() >= WAIT * 2);
    drop((client, other));
    finish(server);
}

#[test]
fn after_a_wait_the_service_is_called_though_nothing_came() {
    let (moody, log) = Moody::new(Duration::from_millis(50));
    let (server, address) = serve(options(), moody);
    let client = connect(&address);
    send(&client, "wait\n");
    wait_until("it is called again", || log.lines().len() == 2);
    assert_eq!(log.lines(), ["1 taken", "0 taken"]);
    // What it takes in a drain it takes in its time.
    send(&client, "wait\na\nwait\nb\n");
    wait_until("it waits", || log.lines().len() >= 3);
    server.handle().drain();
    assert_eq!(take_to_end(&client), b"a\nb\nbye: Drained\n");
    drop(client);
    let report = server.wait();
    assert_eq!((report.received, report.cut_off), (5, 0));
}

#[test]
fn a_paused_client_is_not_read_from_and_its_end_comes_after_the_pause() {
    const WAIT: Duration = Duration::from_millis(1500);
    let (moody, log) = Moody::new(WAIT);
    let (server, address) = serve(options(), moody);
    let client = connect(&address);
    let begin = Instant::now();
    send(&client, "wait\n");
    wait_until("it waits", || log.lines().len() == 1);
    // All that the system takes, and then what it does not.
    client.set_nonblocking(true).expect("a socket");
    let line = [&[b'x'; 50_000][..], b"\n"].concat();
    let mut sent = 0;
    while is_writable_within(&client, Duration::from_millis(300)) {
        match (&client).write(&line[sent % line.len()..]) {
            Ok(length) => sent += length,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    let taken = server.handle().stats().bytes_in;
    let waits = log.lines().len() == 1;
    assert!(taken < 1 << 19 || !waits, "{taken} of {sent}");
    client.set_nonblocking(false).expect("a socket");
    assert!(server.handle().registry().close(1, "enough"));
    let (heard, _) = take_all(&client);
    assert!(begin.elapsed() >= WAIT);
    assert!(heard.ends_with(b"x\nbye: Closed(\"enough\")\n"));
    drop(client);
    finish(server);
}

fn is_writable_within(client: &std::net::TcpStream, most: Duration) -> bool {
    let most = Timespec::try_from(most).expect("fits");
    let mut polled = [PollFd::new(client, PollFlags::OUT)];
    poll(&mut polled, Some(&most)).expect("poll works") > 0
}

const IDLE: Duration = Duration::from_secs(2);

#[test]
fn the_service_has_the_last_word_when_the_server_ends_it() {
    in_time(IDLE, it_has_the_last_word);
}

fn it_has_the_last_word(race: &Race) {
    let mut options = options();
    options.times.idle = Some(IDLE);
    let (moody, _) = Moody::new(Duration::ZERO);
    let (server, address) = serve(options, moody);
    let idle = connect(&address);
    assert_eq!(take_to_end(&idle), b"bye: Limit(Idle)\n");
    drop(idle);
    race.begin();
    // When the client or the service itself ends it, there is nothing more to say.
    for (said, heard) in [("a\nb", "a\nb\n"), ("a\nquit\nb\n", "a\n")] {
        race.step();
        let client = connect(&address);
        send(&client, said);
        end(&client);
        assert_eq!(take_to_end(&client), heard.as_bytes());
    }
    race.step();
    let closed = connect(&address);
    send(&closed, "a\n");
    assert_eq!(take_line(&closed), "a");
    let id = id_of(&server, &closed);
    assert!(server.handle().registry().close(id, "enough"));
    assert_eq!(take_to_end(&closed), b"bye: Closed(\"enough\")\n");
    drop(closed);
    finish(server);
}

#[test]
fn last_words_come_after_all_output_and_a_panic_in_them_does_no_harm() {
    let (moody, _) = Moody::new(Duration::ZERO);
    let (server, address) = serve(options(), moody);
    let registry = server.handle();
    let long = "x".repeat(60_000);
    let lines = 100;
    let (slow, panics) = (connect(&address), connect(&address));
    // More than the system buffers for a client that does not read.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..lines {
                send(&slow, format!("{long}\n"));
            }
        });
        wait_until("it is owed something", || {
            registry.registry().list().iter().any(|one| one.owed > 0)
        });
        let heard = take(&slow, lines * (long.len() + 1) - 10_000);
        assert!(heard.iter().all(|byte| b"x\n".contains(byte)));
    });
    send(&panics, "panic\n");
    assert_eq!(take_line(&panics), "panic");
    registry.drain();
    let rest = take_to_end(&slow);
    assert_eq!(rest.len(), 10_000 + "bye: Drained\n".len());
    assert!(rest.ends_with(b"x\nbye: Drained\n"));
    assert_eq!(take_to_end(&panics), b"");
    drop((slow, panics));
    let report = server.wait();
    assert_eq!((report.left, report.cut_off), (2, 0));
    assert_eq!(registry.stats().panics, 1);
}

/// What the system takes of a reply of 16 MiB for a client that reads nothing: so much at least, or
/// what it is when it has not grown for a while.
fn kept(send_buffer: Option<usize>, at_least: u64) -> u64 {
    let mut options = options();
    options.send_buffer = send_buffer;
    let reply = vec![b'x'; 16 << 20];
    let (server, address) = serve(options, answer(move |_: &[u8]| reply.clone()));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a socket");
    let address: std::net::SocketAddr = address.parse().expect("an address");
    socket
        .connect(&SockAddr::from(address))
        .expect("it listens");
    let client = std::net::TcpStream::from(socket);
    send(&client, "go\n");
    let list = || server.handle().registry().list();
    let (mut kept, mut since) = (0, Instant::now());
    wait_until("it rests and owes", || {
        let list = list();
        let Some(one) = list.first() else {
            return false;
        };
        if one.bytes_out != kept {
            (kept, since) = (one.bytes_out, Instant::now());
        }
        let rests = one.owed > 0 && one.phase == Phase::Resting;
        rests && kept >= at_least && since.elapsed() > Duration::from_millis(200)
    });
    crate::support::net::reset(client);
    finish(server);
    kept
}

#[test]
fn the_system_keeps_no_more_than_it_is_asked_to() {
    let little = kept(Some(64 << 10), 1);
    // A hint, and the client's own buffer comes to it.
    assert!(little < 256 << 10, "{little} bytes");
    kept(None, 1 << 20);
}

/// Waits again and again, with or without messages.
struct Ticking;

impl Service for Ticking {
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), _: Message<'_>, _: &mut Reply<'_>) -> Verdict {
        Verdict::Go
    }

    fn batch(&self, (): &mut (), messages: &mut Messages<'_>, reply: &mut Reply<'_>) -> Verdict {
        while messages.next_message().is_some() {}
        reply.send("tick");
        Verdict::Wait(Duration::from_millis(50))
    }
}

#[test]
fn a_service_that_always_waits_keeps_no_client_from_being_closed() {
    let (server, address) = serve(options(), Ticking);
    let (closed, drained) = (connect(&address), connect(&address));
    for client in [&closed, &drained] {
        send(client, "go\n");
        assert_eq!(
            (take_line(client), take_line(client)),
            ("tick".into(), "tick".into())
        );
    }
    let id = id_of(&server, &closed);
    assert!(server.handle().registry().close(id, "enough"));
    take_to_end(&closed);
    server.handle().drain();
    take_to_end(&drained);
    drop((closed, drained));
    assert_eq!(server.wait().cut_off, 0);
}
