//! The state of all daemons, as one of them tells it to a new one.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// See the head of the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct HouseState {
    pub(crate) clock: u64,
    pub(crate) at: u64,
    pub(crate) guests: u64,
    pub(crate) runs: Vec<RunState>,
    /// Names and topics.
    pub(crate) rooms: Vec<(String, String)>,
    /// The last lines of the rooms, the oldest first.
    pub(crate) lines: Vec<LineState>,
    pub(crate) banned_names: Vec<String>,
    pub(crate) banned_addresses: Vec<IpAddr>,
    /// How far the run had come that the new daemon was before.
    pub(crate) was_last: u64,
    /// Runs that are gone, and how far they had come.
    #[serde(default)]
    pub(crate) buried: Vec<(String, u64)>,
    /// Until then, on the clock of all, the house may turn out not to be all of it.
    #[serde(default)]
    pub(crate) doubted_until: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunState {
    pub(crate) run: String,
    pub(crate) last: u64,
    pub(crate) seen: u64,
    pub(crate) people: Vec<PersonState>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PersonState {
    pub(crate) who: u64,
    pub(crate) name: String,
    pub(crate) rooms: Vec<String>,
    pub(crate) away: Option<String>,
    /// On the clock of all.
    pub(crate) muted_until: u64,
}

/// What outlives all daemons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptState {
    /// Rooms with their topics.
    pub(crate) topics: Vec<(String, String)>,
    pub(crate) banned_names: Vec<String>,
    pub(crate) banned_addresses: Vec<IpAddr>,
}

/// A line as it was shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LineState {
    /// In milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) room: String,
    pub(crate) by: String,
    pub(crate) text: String,
    /// Whether the person acted (`/me`).
    pub(crate) me: bool,
}
