//! Checks what a receiving server has printed: each client's messages, all, once, in order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde_json::json;

use super::args::FloodArgs;
use super::ledger::{Account, Ledger, Tail};
use super::message::{Line, parse};

/// The text before a message in the format for people.
const LABEL: &[u8] = b"Message from ";
const WORD: &[u8] = b"flood ";
/// A message at its longest, and its envelope, escaped.
const LINE_MAX: u64 = 64 << 20;

/// What must have come.
#[derive(Debug, Default, Clone)]
pub struct Expected {
    run: Option<String>,
    clients: Option<u64>,
    messages: Option<u64>,
    size: Option<usize>,
    cut: bool,
}

impl From<&FloodArgs> for Expected {
    fn from(args: &FloodArgs) -> Self {
        Self {
            run: args.run.clone(),
            clients: args.clients,
            messages: args.messages,
            size: args.size,
            cut: args.cut,
        }
    }
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// Clients of whom something came.
    pub clients: u64,
    /// The sum over all clients.
    pub account: Account,
    /// Beginnings of messages that the end of the run cut off.
    pub partial: u64,
    /// Lines that are no business of ours.
    pub other: u64,
}

impl Finding {
    /// One line for people.
    pub fn text(&self) -> String {
        let Account {
            received,
            lost,
            reordered,
            duplicated,
            damaged,
        } = self.account;
        format!(
            "{received} messages from {} clients: {lost} lost, {reordered} reordered, \
             {duplicated} duplicated, {damaged} damaged",
            self.clients
        )
    }

    /// One line for programs.
    pub fn json(&self) -> serde_json::Value {
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

/// Checks a file; `-` is standard input.
pub fn check(path: &Path, expected: &Expected) -> io::Result<Finding> {
    if path.as_os_str() == "-" {
        return read(io::stdin().lock(), expected);
    }
    read(
        BufReader::with_capacity(1 << 18, File::open(path)?),
        expected,
    )
}

fn read(mut lines: impl BufRead, expected: &Expected) -> io::Result<Finding> {
    let mut books = Books {
        expected,
        runs: BTreeMap::new(),
        finding: Finding::default(),
    };
    let mut damaged = 0;
    let mut line = Vec::new();
    while lines.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        match message(text.strip_suffix(b"\r").unwrap_or(text)) {
            Some(message) => damaged += u64::from(!books.enter(&message)),
            None => books.finding.other += 1,
        }
        line.clear();
    }
    Ok(books.close(damaged))
}

/// The message in a line, out of its envelope: a label with the sender, or JSON, or none.
fn message(line: &[u8]) -> Option<Box<[u8]>> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        message: String,
    }
    if line.starts_with(b"{") {
        let envelope: Envelope = serde_json::from_slice(line).ok()?;
        let ours = envelope.message.starts_with("flood ");
        return ours.then(|| envelope.message.into_bytes().into());
    }
    let start = memchr::memmem::find(line, WORD)?;
    let labelled = line[..start].ends_with(b": ") && line.starts_with(LABEL);
    // Anything else before it is damage, and must stay to be seen as that.
    Some(line[if labelled { start } else { 0 }..].into())
}

/// The ledgers of all runs and clients.
struct Books<'a> {
    expected: &'a Expected,
    runs: BTreeMap<Box<[u8]>, Run>,
    finding: Finding,
}

struct Run {
    /// All its messages are as long as the first, or as long as expected.
    size: usize,
    clients: BTreeMap<u64, Ledger>,
}

impl Books<'_> {
    /// Enters a message; says whether it was one.
    fn enter(&mut self, message: &[u8]) -> bool {
        let expected = self.expected;
        let (run, client, seq, size) = match parse(message) {
            Line::Whole {
                run,
                client,
                seq,
                size,
            } => (run, client, seq, size),
            Line::Cut if expected.cut => {
                self.finding.partial += 1;
                return true;
            }
            Line::Cut | Line::Damaged => return false,
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

    fn close(mut self, damaged: u64) -> Finding {
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
        // Clients of whom nothing came at all: at least one message of each is missing.
        let all = expected.clients.unwrap_or(0) * self.runs.len().max(1) as u64;
        if !expected.cut {
            let missing = all.saturating_sub(finding.clients);
            finding.account.lost += missing * expected.messages.unwrap_or(1);
        }
        // A client is cut off once; more beginnings than clients are damage.
        let excess = finding.partial.saturating_sub(finding.clients.max(all));
        finding.account.damaged += damaged + excess;
        finding.account.lost = finding.account.lost.saturating_sub(damaged);
        self.finding
    }
}
