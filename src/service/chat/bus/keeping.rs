//! What outlives all daemons: topics and bans.
//!
//! The state lives as long as one daemon does, and the stream is trimmed. So the daemon whose
//! person changes a topic adds it to the stream once more, and with a ban all that is kept; and one
//! of the daemons adds all of it from time to time. A daemon that finds no other one begins with
//! the last of all that, and with the topics that follow it.

use std::collections::BTreeSet;

use super::context::Context;
use super::house::House;
use crate::service::chat::port::act::{Act, Entry};
use crate::service::chat::port::snapshot::KeptState;
use crate::service::chat::rooms::{Name, Text};
use crate::service::chat::state::ChatState;

/// Entries before its own that a daemon reads that begins anew.
pub(super) const REACH: usize = 10_000;
/// They are added again after half of that, or of what is kept of the stream: at least this many,
/// since it is trimmed by the hundred.
const OFTEN: u64 = 50;
/// Bytes of the topics.
pub(super) const TOPICS_MAX: usize = 1 << 20;

/// What acts of this daemon may have changed of what is kept.
#[derive(Default)]
pub(super) struct Changed {
    /// Rooms with their topics.
    topics: BTreeSet<String>,
    has_bans: bool,
}

impl House {
    /// None by those of another daemon, which keeps them.
    pub(super) fn changed_here(cx: &Context<'_>, entry: &Entry) -> Changed {
        let mut changed = Changed::default();
        for act in entry.acts.iter().filter(|_| entry.run == *cx.run) {
            match act {
                Act::Topic { room, .. } => drop(changed.topics.insert(room.clone())),
                Act::Ban { .. } | Act::Unban { .. } => changed.has_bans = true,
                _ => {}
            }
        }
        changed
    }

    /// Counts an entry, and adds what is due.
    pub(super) fn keep(&mut self, cx: &Context<'_>, changed: &Changed) {
        self.since_kept += 1;
        let is_due = || {
            let first = self.runs.first_key_value();
            let is_first = first.is_some_and(|(run, _)| **run == *cx.run);
            is_first && self.since_kept > (cx.port.keep.min(REACH as u64) / 2).max(OFTEN)
        };
        if changed.has_bans || is_due() {
            self.since_kept = 0;
            let kept = kept(cx.chat);
            if changed.has_bans || kept != KeptState::default() {
                return cx.port.add_own(&Act::Kept(Box::new(kept)));
            }
        }
        // Who changes one topic again and again does not make the stream grow by all of them.
        for room in &changed.topics {
            let room = Name::new(room).ok();
            if let Some(room) = room.and_then(|room| cx.chat.directory.room(&room)) {
                let text = room.topic().as_str().to_owned();
                let room = room.name.to_string();
                cx.port.add_own(&Act::KeptTopic { room, text });
            }
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
