//! The clients that send most, that do not read their output, and whose bytes are malformed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::clients::{hint, phase_name, via};
use crate::connection::registry::{ClientInfo, Registry};

/// Rows of each list.
const ROWS: usize = 8;
/// The lists need a look at every client: at most this often, for any number of requests.
const EACH: Duration = Duration::from_millis(900);

/// A client, with its rates since the last look.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ClientRow {
    pub(crate) id: u64,
    pub(crate) peer: String,
    #[serde(default)]
    pub(crate) via: Option<String>,
    pub(crate) state: String,
    pub(crate) messages_s: f64,
    pub(crate) bytes_s: f64,
    pub(crate) owed: usize,
    /// Messages dropped because it reads too slowly, by a service that drops.
    #[serde(default)]
    pub(crate) dropped: Option<u64>,
    pub(crate) quiet_s: f64,
}

/// A client, and what its bytes look like.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HintRow {
    pub(crate) id: u64,
    pub(crate) peer: String,
    #[serde(default)]
    pub(crate) via: Option<String>,
    pub(crate) hint: String,
}

/// See the head of the file. Computed only while the page is open.
#[derive(Default)]
pub(super) struct Board {
    at: Option<Instant>,
    /// The messages and bytes of each client at the last look.
    before: HashMap<u64, (u64, u64)>,
    /// The last one, and the latest clients whose bytes do not fit the framing.
    lists: Lists,
}

/// The clients that send most, those that do not read, and those with a hint.
type Lists = (Vec<ClientRow>, Vec<ClientRow>, Vec<HintRow>);

impl Board {
    /// Looks at every client, if the last look is old enough; answers the lists.
    pub(super) fn look(&mut self, registry: &Registry) -> Lists {
        let now = Instant::now();
        let passed = self.at.map(|at| now.saturating_duration_since(at));
        if passed.is_some_and(|passed| passed < EACH) {
            return self.lists.clone();
        }
        self.at = Some(now);
        let list = registry.list();
        let hinted = list.iter().rev().filter_map(hinted).take(ROWS).collect();
        let before = std::mem::take(&mut self.before);
        let mut rows: Vec<_> = list
            .iter()
            .map(|info| row(info, before.get(&info.id), passed))
            .collect();
        self.before = list
            .iter()
            .map(|info| (info.id, (info.messages_in, moved(info))))
            .collect();
        let busy = |row: &ClientRow| row.messages_s + row.bytes_s / 64.0;
        rows.sort_unstable_by(|one, other| busy(other).total_cmp(&busy(one)));
        let busiest = rows.iter().filter(|row| busy(row) > 0.0);
        let busiest = busiest.take(ROWS).cloned().collect();
        rows.retain(|row| row.owed > 0);
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.owed));
        rows.truncate(ROWS);
        self.lists = (busiest, rows, hinted);
        self.lists.clone()
    }
}

fn hinted(info: &ClientInfo) -> Option<HintRow> {
    Some(HintRow {
        id: info.id,
        peer: info.peer.to_string(),
        via: via(info),
        hint: hint(info)?,
    })
}

fn moved(info: &ClientInfo) -> u64 {
    info.bytes_in + info.bytes_out
}

/// A row with the client's rates since the last look, or since it connected.
fn row(info: &ClientInfo, before: Option<&(u64, u64)>, passed: Option<Duration>) -> ClientRow {
    let age = info.since.elapsed().unwrap_or_default();
    let (messages, bytes) = before.copied().unwrap_or_default();
    let seconds = match (before, passed) {
        (Some(_), Some(passed)) => passed.as_secs_f64(),
        _ => age.as_secs_f64().max(1.0),
    };
    ClientRow {
        id: info.id,
        peer: info.peer.to_string(),
        via: via(info),
        state: phase_name(info.phase).to_owned(),
        messages_s: info.messages_in.saturating_sub(messages) as f64 / seconds,
        bytes_s: moved(info).saturating_sub(bytes) as f64 / seconds,
        owed: info.owed,
        dropped: None,
        quiet_s: info.last_heard.as_secs_f64(),
    }
}
