//! What should not happen, one row each: the row is in `/metrics`, `/status`, the page, `poold
//! status` and the log of SIGUSR1.

use serde::{Deserialize, Serialize};

use super::families::Families;
use crate::server::Stats;

/// How often something has happened, and what it means.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CountRow {
    pub(crate) name: String,
    pub(crate) what: String,
    pub(crate) count: u64,
}

struct Figure {
    /// As people read it, and what it means.
    name: &'static str,
    what: &'static str,
    /// Neighbours with the same metric are one family, whose help the first one has.
    metric: &'static str,
    help: &'static str,
    label: Option<(&'static str, &'static str)>,
    count: fn(&Stats) -> u64,
}

const ACCEPT_ERRORS: &str = "poold_accept_errors_total";

const FAULTS: [Figure; 6] = [
    Figure {
        name: "truncated",
        what: "messages cut at --message-max",
        metric: "poold_messages_truncated_total",
        help: "Messages truncated at --message-max. Raise it, or fix the sender.",
        label: None,
        count: |stats| stats.truncated,
    },
    Figure {
        name: "dropped",
        what: "messages over --message-max, skipped",
        metric: "poold_messages_dropped_total",
        help: "Messages read and not delivered. overlong: longer than --message-max with \
               --overlong drop; raise it, or fix the sender.",
        label: Some(("reason", "overlong")),
        count: |stats| stats.dropped,
    },
    Figure {
        name: "stray bytes",
        what: "bytes that belong to no message",
        metric: "poold_stray_bytes_total",
        help: "Bytes read that belong to no message: bytes between two messages, or a header \
               without its message. Fix the sender or --framing.",
        label: None,
        count: |stats| stats.stray_bytes,
    },
    Figure {
        name: "partial",
        what: "messages that ended with their connection",
        metric: "poold_messages_partial_total",
        help: "Messages that ended with their connection, not with a delimiter. Many: connections \
               break in the middle of a message.",
        label: None,
        count: |stats| stats.partial,
    },
    Figure {
        name: "accept: exhausted",
        what: "no descriptor or memory for a client",
        metric: ACCEPT_ERRORS,
        help: "Failed accepts. exhausted: descriptors or memory ran out (raise ulimit -n or lower \
               --max-clients); client: the client had already gone (nothing to do).",
        label: Some(("kind", "exhausted")),
        count: |stats| stats.accept_exhausted,
    },
    Figure {
        name: "accept: client gone",
        what: "clients that had gone before they were accepted",
        metric: ACCEPT_ERRORS,
        help: "",
        label: Some(("kind", "client")),
        count: |stats| stats.accept_client,
    },
];

pub(super) fn rows(stats: &Stats) -> Vec<CountRow> {
    let row = |fault: &Figure| CountRow {
        name: fault.name.to_owned(),
        what: fault.what.to_owned(),
        count: (fault.count)(stats),
    };
    FAULTS.iter().map(row).collect()
}

pub(super) fn metrics(stats: &Stats, to: &mut Families) {
    for family in FAULTS.chunk_by(|one, next| one.metric == next.metric) {
        let Figure { metric, help, .. } = family[0];
        match family[0].label {
            None => to.counter(metric, help, (family[0].count)(stats)),
            Some((label, _)) => {
                let values = family.iter().filter_map(|fault| {
                    let (_, value) = fault.label?;
                    Some((value, (fault.count)(stats)))
                });
                to.counters(metric, help, label, values);
            }
        }
    }
}
