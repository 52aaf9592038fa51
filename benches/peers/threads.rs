//! Echo on threads: one for each connection, or a pool that gives each connection a thread; and
//! programs for connections.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use may::go;
use net_io::{AllowAll, Limits, ListenerSpec, MinRate, PrefixPolicy, ServerBuilder};
use threadpool::ThreadPool;

use super::lines::converse;
use super::work::Work;

/// A thread for each connection; small stacks, since there may be ten thousand of them.
pub fn each(listener: &TcpListener, work: &Arc<Work>) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_nodelay(true)?;
        let work = Arc::clone(work);
        thread::Builder::new()
            .stack_size(128 * 1024)
            .spawn(move || converse(stream, &work))?;
    }
    Ok(())
}

/// The server of the Rust Book: a pool, and a job for each connection, which keeps its worker until
/// it ends. A client that comes when all workers have one waits until another leaves.
pub fn book(listener: &TcpListener, work: &Arc<Work>, workers: usize) -> io::Result<()> {
    let pool = ThreadPool::new(workers);
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_nodelay(true)?;
        let work = Arc::clone(work);
        pool.execute(move || {
            // A connection that breaks is the load's to count.
            let _ = converse(stream, &work);
        });
    }
    Ok(())
}

/// Threads that each accept a connection, start a program on it, and wait for its end: no queue, no
/// limits, nothing to tell.
pub fn spawner(listener: &TcpListener, program: &str, workers: usize) -> io::Result<()> {
    let serve = || -> io::Result<()> {
        loop {
            let (stream, _) = listener.accept()?;
            let output = OwnedFd::from(stream.try_clone()?);
            let mut command = Command::new(program);
            command.stdin(OwnedFd::from(stream)).stdout(output);
            let mut child = command.spawn()?;
            // Its socket is the program's alone from here on, and closes with it.
            drop(command);
            child.wait()?;
        }
    };
    thread::scope(|scope| {
        let all: Vec<_> = (0..workers).map(|_| scope.spawn(serve)).collect();
        let joined = all.into_iter().map(|one| one.join());
        joined.flatten().collect()
    })
}

/// Coroutines with stacks of their own. They are not pinned to cores, as they would be by default:
/// the load needs a core as well, and no other server here takes one for itself.
pub fn coroutines(work: &Arc<Work>, workers: usize, ready: fn(SocketAddr)) -> io::Result<()> {
    may::config().set_workers(workers).set_worker_pin(false);
    let listener = may::net::TcpListener::bind("127.0.0.1:0")?;
    ready(listener.local_addr()?);
    let work = Arc::clone(work);
    let accept = go!(move || -> io::Result<()> {
        loop {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            let work = Arc::clone(&work);
            go!(move || converse(stream, &work));
        }
    });
    accept
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the acceptor panicked")))
}

/// net-io's blocking driver: a bounded pool, and a worker for each connection until it ends.
/// What it refuses by default (more than 64 clients from one address, slow ones) is allowed.
pub fn net_io(work: &Arc<Work>, workers: usize, ready: fn(SocketAddr)) -> io::Result<()> {
    let count = u16::try_from(workers).map_err(io::Error::other)?;
    let hour = Duration::from_secs(3600);
    let limits = Limits::builder()
        .max_connections(u32::from(count))
        .max_per_source(u32::from(count), PrefixPolicy::HOST)
        .idle_timeout(hour)
        .read_timeout(hour)
        .min_rate(MinRate::off())
        .buffer_budget(1 << 32)
        .build()?;
    let work = Arc::clone(work);
    let server = ServerBuilder::new()
        .listener(ListenerSpec::tcp("127.0.0.1:0"))
        .workers(count)
        .limits(limits)
        .handler(move |connection| {
            // As above: the load counts.
            let _ = converse(connection, &work);
            Ok(())
        })
        .gate(AllowAll)
        .build()?;
    server.open_door()?;
    for listener in server.listeners() {
        if let Some(address) = listener.local.socket_addr() {
            ready(address);
        }
    }
    server.wait_for_stop();
    Ok(())
}
