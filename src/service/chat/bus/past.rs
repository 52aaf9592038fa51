//! The last lines of the rooms, for a daemon that joins.
//!
//! Those of a house are told with its state, as they were shown: an entry alone does not say
//! whether its speaker was muted, gone or renamed by then. Only a house that begins anew takes the
//! lines of the entries themselves.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::service::chat::port::snapshot::LineState;
use crate::service::chat::rooms::{Entry, Event, Kind, Name, Text};
use crate::service::chat::state::ChatState;

/// Bytes of the lines of a state: the oldest are left out.
const TOLD_MAX: usize = 1 << 20;

/// The last lines of all rooms, the oldest first.
pub(super) fn lines(chat: &ChatState) -> Vec<LineState> {
    let mut lines: Vec<LineState> = Vec::new();
    for room in chat.directory.rooms() {
        let name = room.name.as_str();
        lines.extend(room.history().into_iter().map(|entry| told(name, entry)));
    }
    // Those of one room stay in their order.
    lines.sort_by(|a, b| (a.at, &a.room).cmp(&(b.at, &b.room)));
    let mut bytes = 0;
    let newest = lines.iter().rev().take_while(|line| {
        bytes += line.text.len() + line.by.len();
        bytes <= TOLD_MAX
    });
    let left_out = lines.len() - newest.count();
    lines.split_off(left_out)
}

fn told(room: &str, entry: Entry) -> LineState {
    let since = entry.at.duration_since(SystemTime::UNIX_EPOCH);
    LineState {
        at: since.unwrap_or_default().as_millis() as u64,
        room: room.to_owned(),
        by: entry.by.as_str().to_owned(),
        text: entry.text.into(),
        me: entry.kind == Kind::Acted,
    }
}

/// Fills the histories, with the oldest line first. `opens`: rooms that are not there are made.
pub(super) fn remember(chat: &ChatState, lines: impl Iterator<Item = LineState>, opens: bool) {
    let directory = &chat.directory;
    for line in lines {
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(line.at));
        let Some((room, event)) = checked(line) else {
            continue;
        };
        let found = match opens {
            true => directory.open_shared(&room),
            false => directory.room(&room),
        };
        if let (Some(room), Some(at)) = (found, at) {
            directory.remember(&room, &event, at);
        }
    }
}

fn checked(line: LineState) -> Option<(Name, Event)> {
    let (by, room) = (
        Arc::new(Name::new(&line.by).ok()?),
        Name::new(&line.room).ok()?,
    );
    let text = Text::checked(line.text)?;
    let event = match line.me {
        true if text.as_str().contains('\n') => return None,
        true => Event::Acted { by, text },
        false => Event::Said { by, lines: text },
    };
    Some((room, event))
}
