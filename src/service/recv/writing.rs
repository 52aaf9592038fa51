//! Writes one piece, and retries as long as needed.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{error, info};

use super::sink::{Durability, Found, Sink};
use super::standstill::LineBudget;

/// Wait after a failed write.
pub(super) const RETRY: Duration = Duration::from_millis(200);

/// Writes one piece; retries failed writes. An error means that it can never be written.
pub(super) fn write(
    sink: &mut dyn Sink,
    piece: &[u8],
    durability: Durability,
    lines: &Mutex<LineBudget>,
) -> io::Result<()> {
    let mut trouble = Trouble::default();
    while let Err(error) = try_write(sink, piece, durability, &mut trouble.written) {
        match error.kind() {
            io::ErrorKind::BrokenPipe if !sink.may_be_read_again() => return Err(error),
            io::ErrorKind::WouldBlock => {
                sink.wait(RETRY);
                continue;
            }
            _ => trouble.report(&error, sink.path(), lines),
        }
        std::thread::sleep(RETRY);
    }
    trouble.over();
    Ok(())
}

/// Writes what is left of the piece; `written` is how much of it is out.
pub(super) fn try_write(
    sink: &mut dyn Sink,
    piece: &[u8],
    durability: Durability,
    written: &mut usize,
) -> io::Result<()> {
    loop {
        if sink.prepare()? == Found::Other {
            // The old file keeps its whole lines; an unfinished line goes to the new file.
            *written = sink.kept_of(&piece[..*written]);
        }
        let begin = *written;
        let all = write_rest(sink, piece, written);
        if sink.is_nameless() {
            // The file was removed meanwhile: the new bytes go to the file in its place.
            let upto = std::mem::replace(written, begin);
            if sink.prepare()? == Found::Other {
                *written = sink.kept_of(&piece[..begin]);
                continue;
            }
            *written = upto;
            sink.tell_nameless();
        }
        all?;
        if durability == Durability::Synced
            && let Err(error) = sink.sync()
        {
            // After a failed sync the system forgets the data: the next sync would succeed without
            // it.
            *written = 0;
            return Err(error);
        }
        return Ok(());
    }
}

fn write_rest(sink: &mut dyn Sink, piece: &[u8], written: &mut usize) -> io::Result<()> {
    while *written < piece.len() {
        match sink.write(&piece[*written..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => *written += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The trouble of a piece that is not written at once.
#[derive(Default)]
struct Trouble {
    written: usize,
    /// The last kind of error, and whether it was logged.
    kind: Option<io::ErrorKind>,
    has_line: bool,
}

impl Trouble {
    /// Logs each kind of error once.
    fn report(&mut self, error: &io::Error, path: Option<&Path>, lines: &Mutex<LineBudget>) {
        if self.kind.replace(error.kind()) == Some(error.kind()) {
            return;
        }
        let left_out = lines.lock().next(Instant::now());
        if let Some(left_out) = left_out {
            self.has_line = true;
            error!(
                path = path.map(tracing::field::debug),
                earlier = Some(left_out).filter(|left_out| *left_out > 0),
                error = match error.kind() {
                    io::ErrorKind::BrokenPipe => "nothing reads it any more".to_owned(),
                    _ => error.to_string(),
                },
                "cannot write the output; nothing is lost, clients wait, trying again"
            );
        }
    }

    fn over(&self) {
        if self.has_line {
            info!("writing the output again");
        }
    }
}
