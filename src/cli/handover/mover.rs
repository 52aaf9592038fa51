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
//! serves them then, or when this process is dead: its descriptors are the last ones. An end of the
//! wire alone tells it nothing.
//!
//! It runs on a thread of its own, which ends with the move.

use std::collections::BTreeMap;
use std::io::{self, PipeReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing::info;

use super::protocol::{Answer, Ask, Wire};
use crate::connection::held::Stays;
use crate::drain::ServerPhase;
use crate::server::{Export, Handle, Parcel};

/// How long clients may stay in their handlers before they stay for good.
const MOVE_WITHIN: Duration = Duration::from_secs(5);
/// How long the clients of a batch wait for the successor.
const TAKEN_WITHIN: Duration = Duration::from_millis(200);
/// How often the successor may be too slow.
const TRIES_MAX: u32 = 10;
/// How long the successor may take for one batch.
const BATCH_WITHIN: Duration = Duration::from_secs(2);

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

/// What became of the clients.
#[derive(Default)]
struct Tally {
    moved: u64,
    stayed: BTreeMap<Stays, u64>,
}

/// Moves all clients that can move, and logs how many.
///
/// # Errors
/// When the successor is gone, or has not answered in time. Clients that were not moved are served.
fn move_clients(wire: &mut Wire, server: &Handle) -> io::Result<Export> {
    let begun = Instant::now();
    let mut tally = Tally::default();
    let mut export = server.export(MOVE_WITHIN);
    let (mut batch, mut tries) = (0, 0);
    while let Some(parcels) = export.next_batch() {
        batch += 1;
        let ids: Vec<u64> = parcels.iter().map(Parcel::id).collect();
        if !hand_on(wire, server, batch, parcels, &mut tally)? {
            tries += 1;
            if tries == TRIES_MAX {
                return Err(io::Error::other("it is too slow"));
            }
            ids.into_iter().for_each(|id| export.again(id));
        }
    }
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
    tally: &mut Tally,
) -> io::Result<bool> {
    wire.block(TAKEN_WITHIN)?;
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
            Some(why) => {
                let why = Stays::named(why).unwrap_or(Stays::Version);
                *tally.stayed.entry(why).or_default() += 1;
            }
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

fn offer(wire: &Wire, batch: u64, parcels: &[Parcel]) -> io::Result<()> {
    let states: Vec<&[u8]> = parcels.iter().map(Parcel::state).collect();
    let sockets: Vec<BorrowedFd> = parcels.iter().map(Parcel::socket).collect();
    let lengths = states.iter().map(|state| state.len()).collect();
    let clients = Answer::Clients {
        batch,
        states: lengths,
    };
    wire.say_with(&clients, &sockets, &states)
}

/// The clients of the batch that the successor does not take, by their places, and why.
fn taken(wire: &mut Wire, batch: u64) -> io::Result<BTreeMap<usize, String>> {
    match wire.hear()? {
        Some(Ask::Taken { batch: taken, stay }) if taken == batch => Ok(stay.into_iter().collect()),
        Some(_) => Err(io::Error::other("its answer makes no sense")),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl Tally {
    /// To the log and the successor.
    fn tell(&self, wire: &Wire, took: Duration) -> io::Result<()> {
        let stayed: u64 = self.stayed.values().sum();
        let why = self.stayed.iter();
        let why: Vec<_> = why.map(|(why, count)| format!("{count} {why}")).collect();
        let why = Some(why.join(", ")).filter(|why| !why.is_empty());
        let (moved, ms) = (self.moved, took.as_millis() as u64);
        info!(moved, stayed, why, ms, "clients moved to the new process");
        let stayed = self.stayed.iter();
        let stayed = stayed.map(|(why, count)| (why.name().to_owned(), *count));
        let stayed = stayed.collect();
        wire.say(&Answer::Kept { stayed, took }, &[])
    }
}
