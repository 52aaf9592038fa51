//! How a daemon joins the others: at its start, and again when it has lost its place among them.
//!
//! It says hello. Each of the others answers with the state as it was right after that hello, so
//! the new one reads on from there, and has the same state as all. If none of them has written
//! shortly before, or none answers in time, the house is empty, and has the lines, the topics and
//! the bans that are in the stream.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;
use tracing::info;

use super::house::House;
use super::keeping::{self, REACH, TOPICS_MAX};
use super::link::{COUNT, add, after, before};
use super::past;
use crate::redis::failure::Failure;
use crate::redis::link::Link;
use crate::redis::url::Target;
use crate::service::chat::port::Port;
use crate::service::chat::port::act::{self, Act, Entry, Id};
use crate::service::chat::port::snapshot::{HouseState, KeptState, LineState};
use crate::service::chat::state::ChatState;

/// A daemon that has written within this time may be alive, in milliseconds.
const ALIVE_MS: u64 = 15_000;
/// Longest wait for an answer: less than the time after which the others take it for gone.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of the lines of the past that are read.
const PAST_BYTES_MAX: usize = 16 << 20;

/// See the head of the file.
pub(super) struct Joining<'a> {
    pub(super) chat: &'a ChatState,
    pub(super) port: &'a Port,
    pub(super) target: &'a Target,
    pub(super) keep: u64,
}

/// Where the daemon stands once it has joined.
pub(super) struct Joined {
    pub(super) run: Arc<str>,
    pub(super) house: House,
    /// It has read up to here.
    pub(super) last: Id,
    /// How far its run before this had come, as the others say.
    pub(super) was_last: u64,
}

/// What stands before the hello.
#[derive(Default)]
struct Past {
    /// The last one first.
    lines: Vec<LineState>,
    bytes: usize,
    kept: Option<KeptState>,
    /// Those that were set after that, and their bytes.
    topics: BTreeMap<String, String>,
    topic_bytes: usize,
}

impl Joining<'_> {
    pub(super) fn join(
        &self,
        link: &mut Link,
        run: Arc<str>,
        was: Option<&str>,
    ) -> Result<Joined, Failure> {
        let mut list = Vec::new();
        let was = was.map(str::to_owned);
        act::append(&Act::Hello { was: was.clone() }, &mut list);
        list.push(b']');
        let stream = self.target.name();
        let hello = add(link, &act::add(stream, self.keep, &run, 1, &list))?;
        let state = match self.finds_others(link, hello, was.as_deref())? {
            true => self.answer(link, hello)?,
            false => None,
        };
        let was_last = state.as_ref().map_or(0, |state| state.was_last);
        let house = match state.and_then(|state| House::restore(self.chat, *state)) {
            Some(house) => house,
            None => {
                let past = self.past(link, hello)?;
                let (kept, lines) = past.end();
                keeping::begin_with(self.chat, kept);
                past::remember(self.chat, lines.into_iter().rev(), true);
                House::empty(hello, &run)
            }
        };
        info!(
            bus = self.port.name,
            daemons = house.runs.len(),
            people = house.people(),
            "joined the house as {run}"
        );
        Ok(Joined {
            run,
            house,
            last: hello,
            was_last,
        })
    }

    /// Whether others may be alive: the last entry of one is not old, and no farewell.
    fn finds_others(&self, link: &mut Link, hello: Id, was: Option<&str>) -> Result<bool, Failure> {
        let mut ended = FxHashSet::default();
        ended.extend(was.map(str::to_owned));
        let mut finds = false;
        self.look_back(link, hello, |id, entry| {
            let is_old = id.ms + ALIVE_MS < hello.ms;
            if let Some(entry) = entry.filter(|one| !is_old && !ended.contains(&one.run)) {
                match is_last(&entry) {
                    true => drop(ended.insert(entry.run)),
                    false => finds = true,
                }
            }
            !is_old && !finds
        })?;
        Ok(finds)
    }

    /// Reads what stands before the hello.
    fn past(&self, link: &mut Link, hello: Id) -> Result<Past, Failure> {
        let mut past = Past::default();
        let mut seen = FxHashSet::default();
        self.look_back(link, hello, |id, entry| {
            // The first copy counts, which is read last: the lines are the same.
            let is_new = |one: &Entry| seen.insert((one.run.clone(), one.number));
            if let Some(entry) = entry.filter(is_new) {
                past.take(id, entry);
            }
            past.kept.is_none() || past.bytes < PAST_BYTES_MAX
        })?;
        Ok(past)
    }

    /// Gives entries to `take`, the last one before the hello first, as long as it wants more.
    fn look_back(
        &self,
        link: &mut Link,
        hello: Id,
        mut take: impl FnMut(Id, Option<Entry>) -> bool,
    ) -> Result<(), Failure> {
        let mut end = format!("({hello}");
        let mut count = 0;
        while count < REACH {
            let entries = before(link, self.target.name(), &end, COUNT)?;
            let Some((first, _)) = entries.last() else {
                break;
            };
            end = format!("({first}");
            count += entries.len();
            if !entries.into_iter().all(|(id, entry)| take(id, entry)) {
                break;
            }
        }
        Ok(())
    }

    /// Waits for the state as another daemon tells it.
    fn answer(&self, link: &mut Link, hello: Id) -> Result<Option<Box<HouseState>>, Failure> {
        let deadline = Instant::now() + ANSWERS_WITHIN;
        let (mut last, of) = (hello, hello.to_string());
        while Instant::now() < deadline && !self.port.is_ending() {
            for (id, entry) in after(link, self.target.name(), last)? {
                last = id;
                let acts = entry.map(|entry| entry.acts).unwrap_or_default();
                let state = acts.into_iter().find_map(|act| match act {
                    Act::State { of: asked, state } if asked == of => Some(state),
                    _ => None,
                });
                if state.is_some() {
                    return Ok(state);
                }
            }
        }
        Ok(None)
    }
}

impl Past {
    /// What was kept, and the lines.
    fn end(self) -> (Option<KeptState>, Vec<LineState>) {
        let Past {
            lines,
            kept,
            topics,
            ..
        } = self;
        let kept = match (kept, topics.is_empty()) {
            (None, true) => None,
            (kept, _) => {
                let mut kept = kept.unwrap_or_default();
                kept.topics.retain(|(room, _)| !topics.contains_key(room));
                let set = topics.into_iter().filter(|(_, text)| !text.is_empty());
                kept.topics.extend(set);
                Some(kept)
            }
        };
        (kept, lines)
    }

    /// Takes the lines of an entry, and what was kept.
    fn take(&mut self, id: Id, entry: Entry) {
        for act in entry.acts.into_iter().rev() {
            match act {
                Act::Kept(kept) => {
                    self.kept.get_or_insert(*kept);
                }
                Act::KeptTopic { room, text }
                    if self.kept.is_none() && self.topic_bytes < TOPICS_MAX =>
                {
                    self.topic_bytes += room.len() + text.len();
                    // The last one is read first.
                    self.topics.entry(room).or_insert(text);
                }
                Act::Say {
                    name,
                    room,
                    text,
                    me,
                    ..
                } if self.bytes < PAST_BYTES_MAX => {
                    self.bytes += text.len();
                    self.lines.push(LineState {
                        at: id.ms,
                        room,
                        by: name,
                        text,
                        me,
                    });
                }
                _ => {}
            }
        }
    }
}

/// Whether a daemon says nothing after this.
fn is_last(entry: &Entry) -> bool {
    matches!(entry.acts.last(), Some(Act::Bye))
}

/// A name for a run of this daemon, in eight characters.
pub(super) fn name_of_run() -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    // The standard library's hasher is seeded by the system.
    let random = RandomState::new().hash_one((std::process::id(), Instant::now()));
    let digits = (0..8).map(|at| DIGITS[(random >> (5 * at)) as usize % 32]);
    digits.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_those_that_were_set_last() {
        let topic = |room: &str, text: &str| Act::KeptTopic {
            room: room.to_owned(),
            text: text.to_owned(),
        };
        let pair = |room: &str, text: &str| (room.to_owned(), text.to_owned());
        let all = KeptState {
            topics: vec![pair("a", "1"), pair("b", "2"), pair("c", "3")],
            banned_names: vec!["eve".to_owned()],
            ..KeptState::default()
        };
        let mut past = Past::default();
        // From the end of the stream on.
        for acts in [
            vec![topic("b", "4"), topic("b", "5")],
            vec![topic("c", "")],
            vec![topic("a", "old"), Act::Kept(Box::new(all))],
            vec![topic("d", "old")],
        ] {
            let run = "r".to_owned();
            let number = 1;
            past.take(Id::default(), Entry { run, number, acts });
        }
        let (kept, _) = past.end();
        let kept = kept.expect("all");
        assert_eq!(kept.topics, [pair("a", "1"), pair("b", "5")]);
        assert_eq!(kept.banned_names, ["eve"]);
    }
}
