//! What a server does with each message before it answers: the same for every peer.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// A blocking handler, shared by all threads of a server.
pub enum Work {
    /// Answers at once.
    Fast,
    /// Answers at once, but its author could not know that: a runtime that must not be blocked has
    /// to hand it to a thread where blocking is allowed.
    MightBlock,
    /// Sleeps one millisecond.
    Sleep,
    /// Appends the line to a file, which is on the disk before the answer goes out.
    Sync(File),
    /// Uses 50 microseconds of processor time.
    Compute,
    /// Sleeps ten milliseconds for one message in a hundred; this many came before.
    Rare(AtomicU64),
}

impl Work {
    /// The handler that is called `name`; files that it needs are made in `scratch`.
    pub fn named(name: &str, scratch: &Path) -> io::Result<Work> {
        Ok(match name {
            "fast" => Work::Fast,
            "might-block" => Work::MightBlock,
            "sleep1ms" => Work::Sleep,
            "fsync" => Work::Sync(log_in(scratch)?),
            "compute50us" => Work::Compute,
            "rare10ms" => Work::Rare(AtomicU64::new(0)),
            _ => return Err(io::Error::other(format!("no work is called {name}"))),
        })
    }

    /// Handles one message, however long that takes.
    pub fn run(&self, line: &[u8]) -> io::Result<()> {
        match self {
            Work::Fast | Work::MightBlock => {}
            Work::Sleep => thread::sleep(Duration::from_millis(1)),
            Work::Sync(file) => {
                let mut whole = Vec::with_capacity(line.len() + 1);
                whole.extend_from_slice(line);
                whole.push(b'\n');
                (&*file).write_all(&whole)?;
                file.sync_data()?;
            }
            Work::Compute => compute(Duration::from_micros(50)),
            Work::Rare(count) => {
                if count.fetch_add(1, Ordering::Relaxed) % 100 == 99 {
                    thread::sleep(Duration::from_millis(10));
                }
            }
        }
        Ok(())
    }

    /// Handles one message and appends its answer, the same line, to `replies`.
    pub fn answer(&self, line: &[u8], replies: &mut Vec<u8>) -> io::Result<()> {
        self.run(line)?;
        replies.extend_from_slice(line);
        replies.push(b'\n');
        Ok(())
    }
}

fn log_in(scratch: &Path) -> io::Result<File> {
    let name = format!("synced-{}", std::process::id());
    File::options()
        .append(true)
        .create(true)
        .open(scratch.join(name))
}

/// Counted on this thread's own clock: a thread that is interrupted must not get its work
/// for nothing while it waits.
fn compute(long: Duration) {
    let end = thread_time() + long;
    let mut state = 1_u64;
    while thread_time() < end {
        for _ in 0..500 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
        }
        std::hint::black_box(state);
    }
}

fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::MAX, Duration::from)
}
