//! One batch of clients for the successor, and what became of all of them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use tracing::info;

use super::protocol::{Answer, Ask, Wire};
use crate::connection::held::Stays;
use crate::server::Parcel;

/// How long the clients of a batch wait for the successor at first.
const TAKEN_WITHIN: Duration = Duration::from_millis(200);
/// How long the successor may take for one batch.
pub(super) const BATCH_WITHIN: Duration = Duration::from_secs(2);

/// How long the clients of a batch wait for a successor that was too slow so often: each time twice
/// as long, or a busy machine would never end the move.
pub(super) fn patience(slow: u32) -> Duration {
    let times = 1_u32.checked_shl(slow).unwrap_or(u32::MAX);
    TAKEN_WITHIN.saturating_mul(times).min(BATCH_WITHIN)
}

/// What became of the clients.
#[derive(Default)]
pub(super) struct MoveCounts {
    pub(super) moved: u64,
    pub(super) stayed: BTreeMap<Stays, u64>,
}

pub(super) fn offer(wire: &Wire, batch: u64, parcels: &[Parcel]) -> io::Result<()> {
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
pub(super) fn taken(wire: &mut Wire, batch: u64) -> io::Result<BTreeMap<usize, String>> {
    match wire.hear()? {
        Some(Ask::Taken { batch: taken, stay }) if taken == batch => Ok(stay.into_iter().collect()),
        Some(_) => Err(io::Error::other("its answer does not fit the question")),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl MoveCounts {
    /// Counts clients that stay for a reason that the successor has named.
    pub(super) fn stay(&mut self, why: &str, count: u64) {
        let why = Stays::named(why).unwrap_or(Stays::Version);
        *self.stayed.entry(why).or_default() += count;
    }

    pub(super) fn add(&mut self, other: MoveCounts) {
        self.moved += other.moved;
        for (why, count) in other.stayed {
            *self.stayed.entry(why).or_default() += count;
        }
    }

    /// To the log and the successor.
    pub(super) fn tell(&self, wire: &Wire, took: Duration) -> io::Result<()> {
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
