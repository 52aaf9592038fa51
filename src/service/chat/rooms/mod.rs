//! Chat rooms: names, members, history, and the order of events.
//!
//! Nothing here knows lines or sockets. A [`Frontend`] encodes events and reaches members; the
//! rooms keep one order for all members.
//!
//! Locks, each held for a few moves: names, the list of rooms, a room. Never two of them at once,
//! except that the list's lock is held while empty rooms are searched. Chunks are given to outlets
//! under the room's lock, so all members see the same order.

mod directory;
mod event;
mod history;
mod journal;
mod moving;
mod name;
mod people;
mod person;
mod room;
mod shared;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use directory::{Directory, Keeping, RoomError};
pub(crate) use event::{Crowd, Event, Text};
pub(crate) use history::{Entry, Kind};
pub(crate) use moving::DirectoryState;
pub(crate) use name::{Name, NameError};
pub(crate) use person::{Person, PersonState};
pub(crate) use room::{Arrival, NOT_READING, Posted, Room};
pub(crate) use shared::is_nameless;

/// How events are encoded, and how they reach members.
pub(crate) trait Frontend: Send + Sync + 'static {
    /// An encoded event: made once for all members, so it should be cheap to clone.
    type Chunk: Clone + Send;
    /// Where a member gets its chunks.
    type Outlet: Clone + Send + Sync;

    /// Encodes an event of a room.
    fn encode(&self, room: &Name, event: &Event) -> Self::Chunk;
    /// Gives a member a chunk. Never blocks.
    fn give(&self, outlet: &Self::Outlet, chunk: Self::Chunk) -> Given;
    /// How long a member has taken none of its chunks.
    fn stalled_for(&self, outlet: &Self::Outlet) -> Duration;
    /// Ends a member's connection, for a reason that it is told.
    fn dismiss(&self, outlet: &Self::Outlet, why: &str);
    /// Records for the operator why a member's connection is ended.
    fn record(&self, outlet: &Self::Outlet, who: &Name, why: &str);
}

/// The result of giving a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// The member will have it.
    Taken,
    /// It has not taken enough of what it was given before.
    Full,
    /// It has left.
    Gone,
}
