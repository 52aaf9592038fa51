//! Echo on tokio, in the four ways that its users write it.

use std::future::Future;
use std::io;
use std::net;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_util::codec::{Framed, LinesCodec};

use super::lines::Inbox;
use super::work::Work;

/// Lines that are handled before what they were answered with is sent on.
const CHUNK: usize = 64;

/// A read, every whole line in it handled on the spot, one write.
pub fn plain(listener: net::TcpListener, work: &Arc<Work>, workers: usize) -> io::Result<()> {
    serve(&runtime(workers, 1)?, listener, |mut stream| {
        let work = Arc::clone(work);
        async move { converse(&mut stream, work).await }
    })
}

/// The same with `LinesCodec`, each answer sent by itself, as its documentation shows.
pub fn codec(listener: net::TcpListener, work: &Arc<Work>, workers: usize) -> io::Result<()> {
    serve(&runtime(workers, 1)?, listener, |stream| {
        let work = Arc::clone(work);
        async move {
            let mut framed = Framed::new(stream, LinesCodec::new());
            while let Some(Ok(line)) = framed.next().await {
                work.run(line.as_bytes())?;
                framed.send(line).await.map_err(io::Error::other)?;
            }
            Ok(())
        }
    })
}

/// `LinesCodec` at its best: all lines that are there are answered with one flush.
pub fn codec_feed(listener: net::TcpListener, work: &Arc<Work>, workers: usize) -> io::Result<()> {
    serve(&runtime(workers, 1)?, listener, |stream| {
        feed(stream, Arc::clone(work))
    })
}

pub async fn feed(stream: impl AsyncRead + AsyncWrite, work: Arc<Work>) -> io::Result<()> {
    let (mut sink, lines) = Framed::new(stream, LinesCodec::new()).split();
    let mut chunks = lines.ready_chunks(CHUNK);
    while let Some(chunk) = chunks.next().await {
        for line in chunk {
            let line = line.map_err(io::Error::other)?;
            work.run(line.as_bytes())?;
            sink.feed(line).await.map_err(io::Error::other)?;
        }
        sink.flush().await.map_err(io::Error::other)?;
    }
    sink.close().await.map_err(io::Error::other)
}

/// Every message in `spawn_blocking`, on as many blocking threads as poold has workers.
pub fn spawned(listener: net::TcpListener, work: &Arc<Work>, workers: usize) -> io::Result<()> {
    serve(&runtime(2, workers)?, listener, |stream| {
        let work = Arc::clone(work);
        async move {
            let mut framed = Framed::new(stream, LinesCodec::new());
            while let Some(Ok(line)) = framed.next().await {
                let work = Arc::clone(&work);
                let handled = tokio::task::spawn_blocking(move || {
                    work.run(line.as_bytes())?;
                    Ok::<_, io::Error>(line)
                });
                let line = handled.await.map_err(io::Error::other)??;
                framed.send(line).await.map_err(io::Error::other)?;
            }
            Ok(())
        }
    })
}

/// Every message in `block_in_place`: another thread takes over the runtime's worker, which
/// costs nothing to hand over, but only as long as a spare thread is left.
pub fn in_place(listener: net::TcpListener, work: &Arc<Work>, workers: usize) -> io::Result<()> {
    serve(&runtime(2, workers)?, listener, |stream| {
        let work = Arc::clone(work);
        async move {
            let mut framed = Framed::new(stream, LinesCodec::new());
            while let Some(Ok(line)) = framed.next().await {
                tokio::task::block_in_place(|| work.run(line.as_bytes()))?;
                framed.send(line).await.map_err(io::Error::other)?;
            }
            Ok(())
        }
    })
}

/// See [`plain`].
pub async fn converse(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    work: Arc<Work>,
) -> io::Result<()> {
    let mut inbox = Inbox::default();
    let mut replies = Vec::new();
    loop {
        let count = stream.read(inbox.room()).await?;
        if count == 0 {
            break;
        }
        inbox.arrived(count);
        inbox.lines(|line| work.answer(line, &mut replies))?;
        stream.write_all(&replies).await?;
        replies.clear();
    }
    if let Some(line) = inbox.rest() {
        work.answer(line, &mut replies)?;
        stream.write_all(&replies).await?;
    }
    Ok(())
}

/// A multi-threaded runtime with these many workers and, beside them, blocking threads.
pub fn runtime(workers: usize, blocking: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(blocking)
        .enable_io()
        .build()
}

/// Accepts for ever; each connection is a task of what `converse` makes of it.
pub fn serve<F>(
    runtime: &Runtime,
    listener: net::TcpListener,
    converse: impl Fn(TcpStream) -> F,
) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    runtime.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            // How a connection ends is the load's business: it counts what it did not get.
            tokio::spawn(converse(stream));
        }
    })
}
