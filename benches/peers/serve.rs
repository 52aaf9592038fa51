//! The role of a server: `serve PEER WORK WORKERS`, one peer in a process of its own.

use std::env;
use std::io::{self, BufRead};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use nix::sys::resource::{UsageWho, getrusage};
use socket2::{Domain, Socket, Type};

use super::work::Work;
use super::{receivers, relay, runtimes, sessions, stream, subject, threads, tls_servers};

/// Says where files of a server may lie, which the driver removes.
pub const SCRATCH: &str = "POOLD_BENCH_SCRATCH";

/// Connections that may wait to be accepted; what `may` and net-io ask for, so all do.
const BACKLOG: i32 = 1024;

/// Serves until the driver ends this process, or has ended itself.
pub fn run(arguments: &[String]) -> io::Result<()> {
    let [peer, work, workers] = arguments else {
        return Err(io::Error::other("usage: serve PEER WORK WORKERS"));
    };
    let workers: usize = workers.parse().map_err(io::Error::other)?;
    let scratch = env::var_os(SCRATCH).map_or_else(env::temp_dir, PathBuf::from);
    rlimit::increase_nofile_limit(u64::MAX)?;
    thread::spawn(obey);
    if peer == "spawner" {
        return threads::spawner(&listen()?, work, workers);
    }
    if peer == "relay" {
        return relay::serve(listen()?);
    }
    if peer == "stream-relay" {
        return stream::relay(&listen()?, work);
    }
    // The work of servers with TLS may be the name of a kind of key.
    let (work, key) = match work.as_str() {
        "rsa" => ("fast", "rsa"),
        work => (work, "p256"),
    };
    let work = Arc::new(Work::named(work, &scratch)?);
    match peer.as_str() {
        "poold" => subject::serve_poold(&work, workers, announce),
        "tokio" => runtimes::plain(listen()?, &work, workers),
        "tokio-codec" => runtimes::codec(listen()?, &work, workers),
        "tokio-codec-feed" => runtimes::codec_feed(listen()?, &work, workers),
        "tokio-spawn-blocking" => runtimes::spawned(listen()?, &work, workers),
        "tokio-block-in-place" => runtimes::in_place(listen()?, &work, workers),
        "threads" => threads::each(&listen()?, &work),
        "book" => threads::book(&listen()?, &work, workers),
        "may" => threads::coroutines(&work, workers, announce),
        "net-io" => threads::net_io(&work, workers, announce),
        "epoll" => sessions::echo(listen()?, &work),
        "limit-recv" => sessions::receive(listen()?),
        "poold-tls" => subject::serve_poold_with_tls(&work, workers, key, announce),
        "tokio-rustls" => tls_servers::plain(listen()?, &work, workers, key),
        "tokio-rustls-codec-feed" => tls_servers::codec_feed(listen()?, &work, workers, key),
        "epoll-tls" => tls_servers::bare(listen()?, &work, key),
        "tokio-recv" => receivers::codec(listen()?, workers),
        _ => Err(io::Error::other(format!("no peer is called {peer}"))),
    }
}

fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    announce(listener.local_addr()?);
    Ok(listener)
}

fn announce(address: SocketAddr) {
    println!("listening on {address}");
}

/// Each line that the driver sends is a question for what this process has used, threads that
/// have ended included, which `/proc` forgets. No more lines: the driver is gone.
fn obey() {
    for line in io::stdin().lock().lines() {
        let Ok(usage) = line.and_then(|_| Ok(getrusage(UsageWho::RUSAGE_SELF)?)) else {
            break;
        };
        let (user, system) = (usage.user_time(), usage.system_time());
        let seconds = (user.tv_sec() + system.tv_sec()) as f64;
        let micros = (user.tv_usec() + system.tv_usec()) as f64;
        let switches = usage.voluntary_context_switches() + usage.involuntary_context_switches();
        println!("used {} {switches}", seconds + micros / 1e6);
    }
    std::process::exit(0);
}
