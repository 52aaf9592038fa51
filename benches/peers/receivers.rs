//! The receiver that a user of tokio would write.

use std::io::{self, BufWriter, Write};
use std::net;

use futures_util::StreamExt;
use tokio_util::codec::{FramedRead, LinesCodec};

use super::runtimes;
use super::sessions::{label, nowhere};

/// Lines that are written before the writer is flushed, if as many are there.
const CHUNK: usize = 1024;

/// `LinesCodec`, a task for each connection, labelled lines through a `BufWriter` that is
/// flushed when no further line is there. Each task has a writer of its own: a shared one
/// would need a lock, and the file is the same.
pub fn codec(listener: net::TcpListener, workers: usize) -> io::Result<()> {
    let runtime = runtimes::runtime(workers, 1)?;
    runtimes::serve(&runtime, listener, |stream| async move {
        let label = label(stream.peer_addr()?);
        let mut output = BufWriter::new(nowhere()?);
        let mut chunks = FramedRead::new(stream, LinesCodec::new()).ready_chunks(CHUNK);
        while let Some(chunk) = chunks.next().await {
            for line in chunk {
                writeln!(output, "{label}{}", line.map_err(io::Error::other)?)?;
            }
            output.flush()?;
        }
        Ok(())
    })
}
