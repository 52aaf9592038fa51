//! `poold flood`: load generator whose clients send numbered messages and check the replies.
//!
//! From the outside in:
//!
//! | file | what it does |
//! | --- | --- |
//! | `args`, `plan` | the arguments, and the plan |
//! | `fleet`, `progress`, `interrupt` | the threads, their common start, an early end, the sum |
//! | `load`, `connecting`, `deadlines`, `work` | one thread: poll, clients, clock, count |
//! | `client`, `exchange`, `schedule` | one client; when a message is due |
//! | `replies`, `sorter`, `acks`, `ledger` | checks the replies |
//! | `message`, `line` | renders and parses a message |
//! | `stream`, `secured`, `descriptors` | a connection; its TLS; room for all of them |
//! | `tally`, `latencies`, `report` | the figures, and their output |
//! | `check`, `file_checker` | checks the output of a receiving server |
//! | `chat` | the same for a chat: all members must see the same |

mod acks;
mod args;
mod chat;
mod check;
mod client;
mod connecting;
mod deadlines;
mod descriptors;
mod exchange;
mod file_checker;
mod fleet;
mod interrupt;
mod latencies;
mod ledger;
mod line;
mod load;
mod message;
mod plan;
mod progress;
mod replies;
mod report;
mod schedule;
mod secured;
mod sorter;
mod stream;
mod tally;
#[cfg(test)]
mod tests;
mod work;

use std::path::Path;
use std::process::ExitCode;

pub(crate) use self::args::FloodArgs;
use self::file_checker::Expected;
use self::plan::Plan;
use self::progress::Progress;
use self::report::Report;
use crate::cli::exit::{self, Failure, print};

/// Runs `poold flood` and prints its result: 0 nothing is wrong, 1 something is, 2 usage. A run
/// that Ctrl-C ended early is judged by what it sent.
pub(crate) fn run(args: &FloodArgs) -> ExitCode {
    let outcome = match (&args.check, &args.address) {
        (Some(path), _) => check_file(args, path),
        (None, Some(address)) if args.chat.chat => chat::flood(args, address),
        (None, Some(address)) => flood(args, address),
        (None, None) => Err(Failure::usage("an ADDRESS or --check FILE is needed")),
    };
    exit::told(outcome)
}

fn flood(args: &FloodArgs, address: &str) -> Result<bool, Failure> {
    let plan = Plan::new(args, address)?;
    descriptors::allow(plan.clients, plan.threads)?;
    plan.interrupt.listen()?;
    let progress = if args.quiet {
        Progress::hidden()
    } else {
        Progress::visible(&plan)
    };
    let outcome = fleet::flood(&plan, &progress);
    progress.end();
    let tally = outcome.map_err(|e| Failure::Failed(e.to_string()))?;
    let report = Report::new(&plan, &tally);
    print(
        match args.json {
            true => format!("{}\n", report.json()),
            false => report.table(),
        }
        .as_bytes(),
    )?;
    if let Some(hint) = report.hint() {
        exit::say(hint);
    }
    Ok(report.is_good())
}

fn check_file(args: &FloodArgs, path: &Path) -> Result<bool, Failure> {
    let finding = check::check(path, &Expected::from(args))
        .map_err(|e| Failure::Failed(format!("{}: {e}", path.display())))?;
    print(
        match args.json {
            true => format!("{}\n", finding.json()),
            false => format!("{}\n", finding.text()),
        }
        .as_bytes(),
    )?;
    // A file without messages is an error: nothing was checked.
    Ok(finding.account.is_clean() && finding.account.received > 0)
}
