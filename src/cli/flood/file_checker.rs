//! The check of a file: what it expects, and a ledger for each client of each run.

use std::collections::BTreeMap;

use serde_json::json;

use super::args::FloodArgs;
use super::ledger::{Account, Ledger, Tail};
use super::line::{Parsed, parse};

/// What the file must contain.
#[derive(Debug, Default, Clone)]
pub(crate) struct Expected {
    /// Only this run.
    pub(crate) run: Option<String>,
    /// The number of clients, which count from 0.
    pub(crate) clients: Option<u64>,
    /// The number of messages of each.
    pub(crate) messages: Option<u64>,
    /// The length of each message, with its newline.
    pub(crate) size: Option<usize>,
    /// The run was interrupted: the end of a sequence may be missing.
    pub(crate) cut: bool,
}

impl From<&FloodArgs> for Expected {
    fn from(args: &FloodArgs) -> Expected {
        Expected {
            run: args.run.clone(),
            clients: args.clients,
            messages: args.messages,
            size: args.size,
            cut: args.cut,
        }
    }
}

/// The result.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Clients with at least one message.
    pub(crate) clients: u64,
    /// The sum over all clients.
    pub(crate) account: Account,
    /// Messages that the end of the run cut.
    pub(crate) partial: u64,
    /// Lines of no run.
    pub(crate) other: u64,
}

impl Finding {
    /// One line for people.
    pub(crate) fn text(&self) -> String {
        let (received, clients) = (self.account.received, self.clients);
        format!(
            "{received} messages from {clients} clients: {}",
            self.account
        )
    }

    /// One line for programs.
    pub(crate) fn json(&self) -> serde_json::Value {
        json!({
            "messages": self.account.received,
            "clients": self.clients,
            "lost": self.account.lost,
            "reordered": self.account.reordered,
            "duplicated": self.account.duplicated,
            "damaged": self.account.damaged,
            "partial": self.partial,
            "other_lines": self.other,
        })
    }
}

/// The ledgers of all runs and clients.
pub(crate) struct FileChecker<'a> {
    expected: &'a Expected,
    runs: BTreeMap<Box<[u8]>, Run>,
    finding: Finding,
    /// Damaged lines without a client.
    damaged: u64,
}

struct Run {
    /// The length of all its messages: the expected one, or that of the first.
    size: usize,
    clients: BTreeMap<u64, Ledger>,
}

impl<'a> FileChecker<'a> {
    /// An empty check.
    pub(crate) fn new(expected: &'a Expected) -> FileChecker<'a> {
        FileChecker {
            expected,
            runs: BTreeMap::new(),
            finding: Finding::default(),
            damaged: 0,
        }
    }

    /// Counts a line of no run.
    pub(crate) fn pass_over(&mut self) {
        self.finding.other += 1;
    }

    /// Enters a message, whole or cut.
    pub(crate) fn enter(&mut self, message: &[u8]) {
        self.damaged += u64::from(!self.accept(message));
    }

    /// Whether it is undamaged.
    fn accept(&mut self, message: &[u8]) -> bool {
        let expected = self.expected;
        let (run, client, seq, size) = match parse(message) {
            Parsed::Whole {
                run,
                client,
                seq,
                size,
            } => (run, client, seq, size),
            Parsed::Cut if expected.cut => {
                self.finding.partial += 1;
                return true;
            }
            Parsed::Cut | Parsed::Damaged => return false,
        };
        if expected
            .run
            .as_ref()
            .is_some_and(|only| only.as_bytes() != run)
        {
            self.finding.other += 1;
            return true;
        }
        if !self.runs.contains_key(run) {
            let size = expected.size.unwrap_or(size);
            self.runs.insert(
                run.into(),
                Run {
                    size,
                    clients: BTreeMap::new(),
                },
            );
        }
        let Some(book) = self.runs.get_mut(run) else {
            return false;
        };
        if size != book.size || expected.clients.is_some_and(|clients| client >= clients) {
            return false;
        }
        let limit = expected.messages.unwrap_or(u64::MAX);
        book.clients.entry(client).or_default().note(seq, limit);
        true
    }

    /// The sum of all ledgers.
    pub(crate) fn close(mut self) -> Finding {
        let expected = self.expected;
        let due = |ledger: &Ledger| match expected {
            Expected {
                cut: false,
                messages: Some(messages),
                ..
            } => Tail::Due(*messages),
            Expected {
                cut: false,
                messages: None,
                ..
            } => Tail::Due(ledger.next()),
            Expected { cut: true, .. } => Tail::CutOff,
        };
        let finding = &mut self.finding;
        for run in self.runs.values() {
            finding.clients += run.clients.len() as u64;
            for ledger in run.clients.values() {
                finding.account.add(&ledger.close(due(ledger)));
            }
        }
        // Of a client without messages, at least one is missing.
        let all = expected.clients.unwrap_or(0) * self.runs.len().max(1) as u64;
        if !expected.cut {
            let missing = all.saturating_sub(finding.clients);
            finding.account.lost += missing * expected.messages.unwrap_or(1);
        }
        // A client is cut off once; more beginnings than clients are damage.
        let excess = finding.partial.saturating_sub(finding.clients.max(all));
        finding.account.damaged += self.damaged + excess;
        finding.account.lost = finding.account.lost.saturating_sub(self.damaged);
        self.finding
    }
}
