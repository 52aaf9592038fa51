//! The running process's side of the move of clients that have something in common: all or none.
//!
//! ```text
//! running poold                                   its successor
//!      │── shared: what they have in common ───────────▶│ reads it, accepts no client
//!      │◀───────────────────────── taken, or these stay │
//!      │── clients: states and descriptors ────────────▶│ checks them, serves none
//!      │◀───────────────────────── taken, these stay ───│ … and so on, batch by batch
//!      │── late: what they are owed since ─────────────▶│
//!      │── go all ─────────────────────────────────────▶│ serves them, accepts
//! ```
//!
//! All are held before the first is written down. From then until `go all` neither process serves
//! one of them, and what they have in common changes in neither: so its order is cut once, at the
//! same place for all. Before `go all`, an end of the successor, or its silence, changes nothing:
//! all of them go on here. With it they are the successor's, which serves them then, or those that
//! it has when this process has ended.

use std::io;
use std::time::{Duration, Instant};

use super::batch::{BATCH_WITHIN, MoveCounts, offer, taken};
use super::protocol::{Answer, Wire};
use crate::drain::ServerPhase;
use crate::server::{Export, Handle, Parcel};

/// How long all may stay between the processes.
const ALL_WITHIN: Duration = Duration::from_secs(2);
/// The answer to what they have in common has this number.
const SHARED: u64 = 0;

/// A batch that the successor has answered.
struct Offered {
    batch: u64,
    taken: Vec<Parcel>,
    /// On this side they go on when all others have gone.
    _stay: Vec<Parcel>,
}

/// What became of an offer.
enum Outcome {
    Taken(Vec<Offered>),
    /// The successor takes none.
    Refused,
    /// It has not answered this batch in time.
    Late(u64),
}

/// `false`: the successor is slow, and all of them go on here for now.
///
/// # Errors
/// When the successor is gone, or its answers make no sense. All go on here.
pub(super) fn move_together(
    wire: &mut Wire,
    server: &Handle,
    export: &mut Export,
    tally: &mut MoveCounts,
    patience: Duration,
) -> io::Result<bool> {
    let Some(shared) = export.hold_all() else {
        return Ok(true);
    };
    let mut counted = MoveCounts::default();
    match offer_all(wire, export, &shared, &mut counted, patience)? {
        Outcome::Refused => {
            counted.stay("service", export.release_all());
            tally.add(counted);
            Ok(true)
        }
        Outcome::Late(batch) => {
            export.release_all();
            wire.block(BATCH_WITHIN)?;
            wire.say(&Answer::Back { batch }, &[])?;
            taken(wire, batch)?;
            Ok(false)
        }
        Outcome::Taken(_) if server.phase() != ServerPhase::Running => {
            // They are drained here.
            export.release_all();
            wire.say(&Answer::Back { batch: SHARED }, &[])?;
            Ok(true)
        }
        Outcome::Taken(all) => {
            let_go(wire, all, &mut counted)?;
            export.all_moved();
            tally.add(counted);
            Ok(true)
        }
    }
}

fn offer_all(
    wire: &mut Wire,
    export: &mut Export,
    shared: &[u8],
    counted: &mut MoveCounts,
    patience: Duration,
) -> io::Result<Outcome> {
    let until = Instant::now() + ALL_WITHIN;
    let is_late = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
    wire.block(patience)?;
    let length = shared.len();
    wire.say_with(&Answer::Shared { length }, &[], &[shared])?;
    match taken(wire, SHARED) {
        Err(error) if is_late(&error) => return Ok(Outcome::Late(SHARED)),
        Ok(stay) if !stay.is_empty() => return Ok(Outcome::Refused),
        answer => drop(answer?),
    }
    let mut all = Vec::new();
    let mut batch = SHARED;
    while let Some(parcels) = export.next_batch() {
        batch += 1;
        let left = until.saturating_duration_since(Instant::now());
        wire.block(patience.min(left.max(Duration::from_millis(1))))?;
        offer(wire, batch, &parcels)?;
        let stay = match taken(wire, batch) {
            Err(error) if is_late(&error) => return Ok(Outcome::Late(batch)),
            answer => answer?,
        };
        let (mut taken, mut others) = (Vec::new(), Vec::new());
        for (at, parcel) in parcels.into_iter().enumerate() {
            match stay.get(&at) {
                None => taken.push(parcel),
                Some(why) => {
                    counted.stay(why, 1);
                    others.push(parcel);
                }
            }
        }
        all.push(Offered {
            batch,
            taken,
            _stay: others,
        });
    }
    Ok(Outcome::Taken(all))
}

/// After an error they are still ours: a part of `go all` is none.
fn let_go(wire: &mut Wire, mut all: Vec<Offered>, counted: &mut MoveCounts) -> io::Result<()> {
    wire.block(BATCH_WITHIN)?;
    for Offered { batch, taken, .. } in &mut all {
        let late: Vec<Vec<u8>> = taken.iter_mut().map(Parcel::seal).collect();
        if late.iter().all(Vec::is_empty) {
            continue;
        }
        let lengths = late.iter().map(Vec::len).collect();
        let late: Vec<&[u8]> = late.iter().map(Vec::as_slice).collect();
        let batch = *batch;
        let said = Answer::Late {
            batch,
            late: lengths,
        };
        wire.say_with(&said, &[], &late)?;
    }
    wire.say(&Answer::GoAll, &[])?;
    let mut requested = Vec::new();
    for parcel in all.iter_mut().flat_map(|offered| offered.taken.drain(..)) {
        counted.moved += 1;
        let id = parcel.id();
        requested.extend(parcel.sent().map(|reason| (id, reason)));
    }
    for (id, reason) in requested {
        wire.say(&Answer::Close { id, reason }, &[])?;
    }
    Ok(())
}
