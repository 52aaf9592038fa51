//! `Handle::pause`: after it has returned, no more clients are admitted.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use poold::service::Echo;
use poold::{
    Bytes, Client, Handle, Limit, Message, Options, Reply, Server, Service, Verdict, WhenFull,
};

use crate::support::net::{connect, send, take_all, take_line};
use crate::support::server::{finish, options, serve};
use crate::support::spool::{PATIENCE, wait_until};

#[test]
fn none_is_let_in_after_it() {
    let options = Options {
        clients_max: 10_000,
        ..options()
    };
    let (server, address) = serve(options, Echo);
    let handle = server.handle();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // They come without pause, so that the acceptor is admitting one most of the time.
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    drop(TcpStream::connect(&address));
                    wait_until("the backlog has room", || {
                        handle.stats().clients < 1000 || over.load(Ordering::Relaxed)
                    });
                }
            });
        }
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..200 {
                let before = handle.stats().accepted;
                wait_until("they come", || handle.stats().accepted > before);
                handle.pause();
                let at_once = handle.stats().accepted;
                let probe = handle.probe();
                wait_until("the acceptor looks again", || probe.acceptor_answered());
                assert_eq!(handle.stats().accepted, at_once);
                handle.resume();
            }
        }));
        over.store(true, Ordering::Relaxed);
        handle.resume();
        judged.expect("none is let in");
    });
    finish(server);
}

/// Pauses its own server from a message and from a refusal.
#[derive(Default)]
struct Pauses {
    handle: Arc<OnceLock<Handle>>,
    took: Arc<Mutex<Vec<Duration>>>,
}

impl Pauses {
    fn pause(&self) {
        let begin = Instant::now();
        self.handle.get().expect("it is set").pause();
        self.took.lock().push(begin.elapsed());
    }
}

impl Service for Pauses {
    type Session = ();

    fn opened(&self, _: &Client, _: &mut Reply<'_>) {}

    fn message(&self, (): &mut (), message: Message<'_>, reply: &mut Reply<'_>) -> Verdict {
        self.pause();
        reply.send(message.bytes);
        Verdict::Go
    }

    /// The acceptor's own thread calls it.
    fn refusal(&self, _: Limit) -> Option<Bytes> {
        self.pause();
        None
    }
}

#[test]
fn a_handler_and_the_acceptor_itself_may_call_it() {
    let service = Pauses::default();
    let (handle, took) = (Arc::clone(&service.handle), Arc::clone(&service.took));
    let options = Options {
        workers: 1,
        clients_max: 1,
        when_full: WhenFull::Refuse,
        ..options()
    };
    let (server, address) = serve(options, service);
    let _ = handle.set(server.handle());
    let client = connect(&address);
    for _ in 0..10 {
        send(&client, "x\n");
        assert_eq!(take_line(&client), "x");
        assert!(server.handle().is_paused());
        server.handle().resume();
    }
    let refused = connect(&address);
    assert_eq!(take_all(&refused).0, b"");
    wait_until("it is paused again", || server.handle().is_paused());
    let waits = connect(&address);
    let probe = server.handle().probe();
    wait_until("the acceptor looks", || probe.acceptor_answered());
    assert_eq!(server.handle().stats().limit(Limit::Clients), 1, "it waits");
    drop((client, waits));
    let longest = took.lock().iter().max().copied();
    assert!(longest.expect("it was called") < PATIENCE / 2);
    finish(server);
}

#[test]
fn it_returns_where_there_is_no_acceptor_any_more() {
    let (server, address) = serve(options(), Echo);
    let handle = server.handle();
    let client = connect(&address);
    send(&client, "x\n");
    assert_eq!(take_line(&client), "x");
    let paused = Arc::new(AtomicBool::new(false));
    handle.when_draining({
        let (handle, paused) = (handle.clone(), Arc::clone(&paused));
        move || {
            handle.pause();
            paused.store(true, Ordering::SeqCst);
        }
    });
    handle.drain();
    assert!(paused.load(Ordering::SeqCst));
    drop(client);
    let _ = server.wait();
    let begin = Instant::now();
    handle.pause();
    assert!(begin.elapsed() < PATIENCE / 2);
}

#[test]
fn a_server_that_is_paused_at_once_lets_none_in() {
    for _ in 0..20 {
        let server = Server::bind("127.0.0.1:0", options(), Echo).expect("it starts");
        let handle = server.handle();
        handle.pause();
        let waits = connect(&server.address().to_string());
        let probe = handle.probe();
        wait_until("the acceptor looks", || probe.acceptor_answered());
        assert_eq!(handle.stats().accepted, 0);
        handle.resume();
        send(&waits, "x\n");
        assert_eq!(take_line(&waits), "x");
        drop(waits);
        finish(server);
    }
}
