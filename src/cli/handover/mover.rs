//! The running process's side of the move: gives its clients to the successor, batch by batch.
//!
//! ```text
//! running poold                                   its successor
//!      │── clients: states and descriptors ────────────▶│ checks them, serves none
//!      │◀───────────────────────── taken, these stay ───│
//!      │── go: what they are owed since ───────────────▶│ serves them
//! ```
//!
//! While a batch is under way, neither process serves its clients. Without `taken` in time they go
//! on here, `back` says so, and they are offered again. With `go` they are the successor's, which
//! serves them then, or when this process has ended: its descriptors are the last ones. An end of
//! the wire alone tells it nothing.
//!
//! It runs on a thread of its own, which ends with the move.

use std::io::{self, PipeReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing::warn;

use super::batch::{BATCH_WITHIN, MoveCounts, offer, patience, taken};
use super::protocol::{Answer, Wire};
use super::together::move_together;
use crate::drain::ServerPhase;
use crate::server::{Export, Handle, Parcel};

/// How long clients may stay in their handlers and still move.
const MOVE_WITHIN: Duration = Duration::from_secs(5);
/// The same, of clients that move together: all of them wait meanwhile. No handler of theirs
/// blocks, but on a busy machine it may wait for a processor.
const HOLD_WITHIN: Duration = Duration::from_secs(2);
/// How often the successor may be too slow: with a batch, and with clients that move together.
const TRIES_MAX: u32 = 10;
const TOGETHER_MAX: u32 = 5;

/// The thread that moves the clients to a ready successor.
pub(super) struct Moving {
    /// The successor's process id.
    pub(super) pid: u32,
    thread: JoinHandle<(Wire, io::Result<Export>)>,
    /// At its end of file when the thread has ended.
    ended: PipeReader,
}

impl Moving {
    pub(super) fn begin(mut wire: Wire, pid: u32, server: Handle) -> io::Result<Moving> {
        let (ended, held) = io::pipe()?;
        let thread = std::thread::Builder::new().name("mover".to_owned());
        let thread = thread.spawn(move || {
            let result = move_clients(&mut wire, &server);
            let result = wire.unblock().and(result).map_err(in_words);
            drop(held);
            (wire, result)
        })?;
        Ok(Moving { pid, thread, ended })
    }

    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// The wire, and what keeps clients from being accepted until it is dropped; or why not, and
    /// the wire, except after a panic.
    pub(super) fn end(self) -> Result<(Wire, Export), (Option<Wire>, io::Error)> {
        match self.thread.join() {
            Ok((wire, Ok(export))) => Ok((wire, export)),
            Ok((wire, Err(error))) => Err((Some(wire), error)),
            Err(_) => Err((None, io::Error::other("the thread panicked"))),
        }
    }
}

impl AsFd for Moving {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }
}

/// Moves all clients that can move, and logs how many.
///
/// # Errors
/// When the successor is gone, or has not answered in time. Clients that were not moved are served.
fn move_clients(wire: &mut Wire, server: &Handle) -> io::Result<Export> {
    let begun = Instant::now();
    let mut tally = MoveCounts::default();
    let moved = match server.moves_together() {
        true => move_all(wire, server, &mut tally),
        false => move_each(wire, server, &mut tally),
    };
    let clients = tally.moved;
    if moved.is_err() && clients > 0 {
        warn!(
            clients,
            "these clients had gone to the new process before it failed"
        );
    }
    let export = moved?;
    for (why, count) in export.stayed() {
        *tally.stayed.entry(why).or_default() += count;
    }
    if server.phase() != ServerPhase::Running {
        let reason = "the running one ends".to_owned();
        wire.say(&Answer::No { reason }, &[])?;
        return Err(io::Error::other("this process ends"));
    }
    tally.tell(wire, begun.elapsed())?;
    Ok(export)
}

fn move_all(wire: &mut Wire, server: &Handle, tally: &mut MoveCounts) -> io::Result<Export> {
    let mut export = server.export(HOLD_WITHIN);
    for slow in 0..TOGETHER_MAX {
        if move_together(wire, server, &mut export, tally, patience(slow))? {
            return Ok(export);
        }
    }
    Err(io::Error::other("it is too slow"))
}

fn move_each(wire: &mut Wire, server: &Handle, tally: &mut MoveCounts) -> io::Result<Export> {
    let mut export = server.export(MOVE_WITHIN);
    let (mut batch, mut tries) = (0, 0);
    while let Some(parcels) = export.next_batch() {
        batch += 1;
        let ids: Vec<u64> = parcels.iter().map(Parcel::id).collect();
        if !hand_on(wire, server, batch, parcels, tally, patience(tries))? {
            tries += 1;
            if tries == TRIES_MAX {
                return Err(io::Error::other("it is too slow"));
            }
            ids.into_iter().for_each(|id| export.again(id));
        }
    }
    Ok(export)
}

/// The system's text for a timeout does not say so.
fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::Error::other("it does not answer"),
        io::ErrorKind::UnexpectedEof => io::Error::other("it ended"),
        _ => error,
    }
}

/// `false`: the successor is slow, and all of them go on here for now. So do those that it does not
/// take: they are dropped.
fn hand_on(
    wire: &mut Wire,
    server: &Handle,
    batch: u64,
    parcels: Vec<Parcel>,
    tally: &mut MoveCounts,
    patience: Duration,
) -> io::Result<bool> {
    wire.block(patience)?;
    offer(wire, batch, &parcels)?;
    let stay = match taken(wire, batch) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            wire.block(BATCH_WITHIN)?;
            wire.say(&Answer::Back { batch }, &[])?;
            drop(parcels);
            taken(wire, batch)?;
            return Ok(false);
        }
        answer => answer?,
    };
    if server.phase() != ServerPhase::Running {
        // They are drained here.
        wire.say(&Answer::Back { batch }, &[])?;
        return Ok(true);
    }
    let mut moved = Vec::new();
    for (at, parcel) in parcels.into_iter().enumerate() {
        match stay.get(&at) {
            None => moved.push(parcel),
            Some(why) => tally.stay(why, 1),
        }
    }
    let late: Vec<Vec<u8>> = moved.iter_mut().map(Parcel::seal).collect();
    let late: Vec<&[u8]> = late.iter().map(Vec::as_slice).collect();
    let lengths = late.iter().map(|late| late.len()).collect();
    let go = Answer::Go {
        batch,
        late: lengths,
    };
    // A part of it is no `go`, so after an error they are still ours.
    wire.say_with(&go, &[], &late)?;
    tally.moved += moved.len() as u64;
    let ids: Vec<u64> = moved.iter().map(Parcel::id).collect();
    let requested: Vec<_> = moved.into_iter().map(Parcel::sent).collect();
    for (id, reason) in ids.into_iter().zip(requested) {
        if let Some(reason) = reason {
            wire.say(&Answer::Close { id, reason }, &[])?;
        }
    }
    Ok(true)
}
