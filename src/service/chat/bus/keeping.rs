//! What outlives all daemons: topics and bans.
//!
//! The state lives as long as one daemon does, and the stream is trimmed. So the daemon whose
//! person changes a topic or a ban adds all of them to the stream, and one of the daemons does so
//! from time to time. A daemon that finds no other one begins with the last ones of the stream.

use super::context::Context;
use super::house::House;
use crate::service::chat::port::act::Act;
use crate::service::chat::port::snapshot::KeptState;
use crate::service::chat::rooms::{Name, Text};
use crate::service::chat::state::ChatState;

/// Entries before its own that a daemon reads that begins anew.
pub(super) const REACH: usize = 10_000;
/// They are added again after half of that, or of what is kept of the stream: at least this many,
/// since it is trimmed by the hundred.
const OFTEN: u64 = 50;
/// Bytes of the topics.
const TOPICS_MAX: usize = 1 << 20;

impl House {
    /// Counts an entry. `is_changed`: what is kept, by an act of this daemon.
    pub(super) fn keep(&mut self, cx: &Context<'_>, is_changed: bool) {
        self.since_kept += 1;
        let is_due = || {
            let first = self.runs.first_key_value();
            let is_first = first.is_some_and(|(run, _)| **run == *cx.run);
            is_first && self.since_kept > (cx.port.keep.min(REACH as u64) / 2).max(OFTEN)
        };
        if !is_changed && !is_due() {
            return;
        }
        self.since_kept = 0;
        let kept = kept(cx.chat);
        if is_changed || kept != KeptState::default() {
            cx.port.add_own(&Act::Kept(Box::new(kept)));
        }
    }
}

fn kept(chat: &ChatState) -> KeptState {
    let rooms = chat.directory.rooms();
    let topics = rooms
        .iter()
        .map(|room| (room.name.to_string(), room.topic()));
    let topics = topics.filter(|(_, topic)| !topic.is_empty());
    let mut bytes = 0;
    let topics = topics.take_while(|(room, topic)| {
        bytes += room.len() + topic.as_str().len();
        bytes <= TOPICS_MAX
    });
    let (banned_names, banned_addresses) = chat.operators.bans();
    KeptState {
        topics: topics
            .map(|(room, topic)| (room, topic.as_str().to_owned()))
            .collect(),
        banned_names,
        banned_addresses,
    }
}

/// Begins a house anew, with what was kept.
pub(super) fn begin_with(chat: &ChatState, kept: Option<KeptState>) {
    let Some(kept) = kept else {
        return chat.directory.begin_again(0, Vec::new());
    };
    let topics = kept.topics.into_iter();
    let rooms =
        topics.filter_map(|(room, topic)| Some((Name::new(&room).ok()?, Text::checked(topic)?)));
    chat.directory.begin_again(0, rooms.collect());
    chat.operators
        .replace_bans(kept.banned_names, kept.banned_addresses);
}
