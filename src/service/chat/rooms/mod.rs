//! Rooms in which people talk: names, members, what was said and in which order.
//!
//! Nothing here knows how a line looks or what a socket is. A [`Frontend`] says how events are put
//! to its members and how they are reached; the rooms only keep one order for everybody.
//!
//! Locks, each held for a few moves: names, the list of rooms, a room. Never two of them at once,
//! but for a look under the list's lock at which rooms are deserted. Under a room's lock its
//! members' outlets are given what was said, so that the order in which two people speak is the
//! same for all who hear them.

mod directory;
mod event;
mod history;
mod journal;
mod name;
mod person;
mod room;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use directory::{Directory, Keeping};
pub(crate) use event::{Crowd, Event, Text};
pub(crate) use history::{Entry, Kind};
pub(crate) use name::{Name, NameError};
pub(crate) use person::Person;
pub(crate) use room::{Arrival, DEAF, Posted, Room};

/// How events reach members, and how they look on the way.
pub(crate) trait Frontend: Send + Sync + 'static {
    /// What members are given: made once for all of them, so it should be cheap to clone.
    type Chunk: Clone + Send;
    /// Where a member is reached.
    type Outlet: Clone + Send + Sync;

    /// Puts an event of a room as this front's members are told it.
    fn encode(&self, room: &Name, event: &Event) -> Self::Chunk;
    /// Gives a member something. Never blocks.
    fn give(&self, outlet: &Self::Outlet, chunk: Self::Chunk) -> Given;
    /// How long a member has taken nothing of what it was given.
    fn stalled_for(&self, outlet: &Self::Outlet) -> Duration;
    /// Ends a member's connection, for a reason that it is told.
    fn dismiss(&self, outlet: &Self::Outlet, why: &str);
    /// Records for the operator why a member's connection is ended.
    fn record(&self, outlet: &Self::Outlet, who: &Name, why: &str);
}

/// What became of something that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// The member will have it.
    Taken,
    /// It has not taken enough of what it was given before.
    Full,
    /// It has left.
    Gone,
}
