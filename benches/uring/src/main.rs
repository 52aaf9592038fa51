//! Echo on runtimes that use io_uring: `uring RUNTIME THREADS`.
//!
//! A thread has a runtime and a listening socket of its own, and the system shares the clients
//! out, as both runtimes recommend. What was read is sent back as it is: the other peers look for
//! lines in it, so this is a little less work.

use std::env;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::thread;

use socket2::{Domain, Socket, Type};

/// As the other peers have it.
const BACKLOG: i32 = 1024;
const READ_MAX: usize = 16 * 1024;
/// Entries of a ring: with fewer, ten thousand clients make the runtime wait for room.
const ENTRIES: u32 = 32 * 1024;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("uring: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let usage = || io::Error::other("usage: uring monoio|compio THREADS");
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [runtime, threads] = &arguments[..] else {
        return Err(usage());
    };
    let serve = match runtime.as_str() {
        "monoio" => on_monoio,
        "compio" => on_compio,
        _ => return Err(usage()),
    };
    let threads: usize = threads.parse().map_err(|_| usage())?;
    let first = listen(([127, 0, 0, 1], 0).into())?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..threads {
        listeners.push(listen(address)?);
    }
    eprintln!("listening on {address}");
    let serving = listeners
        .into_iter()
        .map(|listener| thread::spawn(move || serve(listener)));
    for thread in serving.collect::<Vec<_>>() {
        thread.join().map_err(|_| io::Error::other("a panic"))??;
    }
    Ok(())
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn on_monoio(listener: TcpListener) -> io::Result<()> {
    use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
    use monoio::net::TcpStream;

    async fn converse(mut stream: TcpStream) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(READ_MAX);
        loop {
            buffer.clear();
            let (read, filled) = stream.read(buffer).await;
            if read? == 0 {
                return Ok(());
            }
            let (written, emptied) = stream.write_all(filled).await;
            written?;
            buffer = emptied;
        }
    }

    let builder = monoio::RuntimeBuilder::<monoio::IoUringDriver>::new();
    let mut runtime = builder.with_entries(ENTRIES).build()?;
    runtime.block_on(async {
        let listener = monoio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            monoio::spawn(converse(stream));
        }
    })
}

fn on_compio(listener: TcpListener) -> io::Result<()> {
    use compio::BufResult;
    use compio::io::{AsyncRead, AsyncWriteExt};
    use compio::net::TcpStream;

    async fn converse(mut stream: TcpStream) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(READ_MAX);
        loop {
            buffer.clear();
            let BufResult(read, filled) = stream.read(buffer).await;
            if read? == 0 {
                return Ok(());
            }
            let BufResult(written, emptied) = stream.write_all(filled).await;
            written?;
            buffer = emptied;
        }
    }

    let runtime = compio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let listener = compio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            compio::runtime::spawn(converse(stream)).detach();
        }
    })
}
