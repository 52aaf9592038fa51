//! `poold flood`: many clients that send numbered messages, measure, and miss nothing.
//!
//! From the outside in:
//!
//! | room | knows |
//! | --- | --- |
//! | `args`, `plan` | what was typed, and what it means |
//! | `fleet`, `progress`, `interrupt` | the threads, their common start, an early end, the sum |
//! | `load`, `connecting`, `deadlines`, `work` | one thread: poll, clients, clock, count |
//! | `client`, `exchange`, `schedule` | one client; when a message is due |
//! | `replies`, `sorter`, `acks`, `ledger` | is what came back right, or what is wrong |
//! | `message`, `line`, `stream` | what a message looks like, read back; a connection |
//! | `tally`, `report` | the figures, and how they are shown |
//! | `check`, `books` | what a receiving server has printed |
//! | `chat` | the same for a room: everybody has to see the same |

mod acks;
mod args;
mod books;
mod chat;
mod check;
mod client;
mod connecting;
mod deadlines;
mod exchange;
mod fleet;
mod interrupt;
mod ledger;
mod line;
mod load;
mod message;
mod plan;
mod progress;
mod replies;
mod report;
mod schedule;
mod sorter;
mod stream;
mod tally;
#[cfg(test)]
mod tests;
mod work;

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

pub use self::args::FloodArgs;
use self::books::Expected;
use self::plan::Plan;
use self::progress::Progress;
use self::report::Report;
use crate::cli::exit;

/// Descriptors that are not connections: standard streams, polls, files.
const DESCRIPTORS_BESIDE: u64 = 64;

/// Why no result can be shown.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    /// What was typed makes no sense.
    Usage(String),
    /// It can't be done here and now.
    Failed(String),
    /// Nobody reads the output any more.
    Unread,
}

/// What makes no sense, in one line.
impl From<&str> for Trouble {
    fn from(why: &str) -> Trouble {
        Trouble::Usage(why.to_owned())
    }
}

/// Runs `poold flood` and prints its result: 0 nothing is wrong, 1 something is, 2 usage. A run
/// that Ctrl-C ended early is judged by what it sent.
pub fn run(args: &FloodArgs) -> ExitCode {
    let outcome = match (&args.check, &args.address) {
        (Some(path), _) => check_file(args, path),
        (None, Some(address)) if args.chat.chat => chat::flood(args, address),
        (None, Some(address)) => flood(args, address),
        (None, None) => Err(Trouble::Usage(
            "an ADDRESS or --check FILE is needed".to_owned(),
        )),
    };
    match outcome {
        Ok(true) => exit::DONE.into(),
        Ok(false) => exit::FAILED.into(),
        Err(Trouble::Failed(why)) => {
            eprintln!("poold flood: {why}");
            exit::FAILED.into()
        }
        Err(Trouble::Usage(why)) => {
            eprintln!("poold flood: {why}");
            exit::USAGE.into()
        }
        Err(Trouble::Unread) => exit::OUTPUT_CLOSED.into(),
    }
}

fn flood(args: &FloodArgs, address: &str) -> Result<bool, Trouble> {
    let plan = Plan::new(args, address)?;
    allow_descriptors(plan.clients + plan.silent + DESCRIPTORS_BESIDE)?;
    plan.interrupt.listen()?;
    let progress = if args.quiet {
        Progress::hidden()
    } else {
        Progress::visible(&plan)
    };
    let outcome = fleet::flood(&plan, &progress);
    progress.end();
    let tally = outcome.map_err(|e| Trouble::Failed(e.to_string()))?;
    let report = Report::new(&plan, &tally);
    print(&match args.json {
        true => format!("{}\n", report.json()),
        false => report.table(),
    })?;
    if let Some(hint) = report.hint() {
        eprintln!("poold flood: {hint}");
    }
    Ok(report.is_good())
}

fn check_file(args: &FloodArgs, path: &Path) -> Result<bool, Trouble> {
    let finding = check::check(path, &Expected::from(args))
        .map_err(|e| Trouble::Failed(format!("{}: {e}", path.display())))?;
    print(&match args.json {
        true => format!("{}\n", finding.json()),
        false => format!("{}\n", finding.text()),
    })?;
    // Where none of ours is, nothing was checked.
    Ok(finding.account.is_clean() && finding.account.received > 0)
}

fn print(result: &str) -> Result<(), Trouble> {
    let printed = std::io::stdout().write_all(result.as_bytes());
    printed.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Trouble::Unread,
        _ => Trouble::Failed(format!("cannot write: {error}")),
    })
}

/// Each client is a descriptor, and the usual limit of 1024 is soon reached.
fn allow_descriptors(needed: u64) -> Result<(), Trouble> {
    let allowed = rlimit::increase_nofile_limit(needed).unwrap_or(needed);
    if allowed >= needed {
        return Ok(());
    }
    Err(Trouble::Failed(format!(
        "{needed} open files are needed and {allowed} are allowed; raise the hard limit \
         (ulimit -Hn) or use fewer --clients"
    )))
}
