//! `poold flood --chat`: checks that all members of a room see the same lines in the same order.
//!
//! | file | what it does |
//! | --- | --- |
//! | `args`, `plan` | the arguments, and the plan |
//! | `crowd` | one thread: poll, clients, clock |
//! | `member`, `sender` | a client; a client that sends |
//! | `room` | what all readers must see |
//! | `tally` | the figures |

pub(super) mod args;
mod crowd;
mod member;
mod plan;
mod room;
mod sender;
mod tally;

use self::crowd::Crowd;
use self::plan::ChatPlan;
use super::args::FloodArgs;
use super::descriptors;
use super::tally::thread_cpu;
use crate::cli::exit::{Failure, print};

/// Floods a chat and prints the result; answers whether all was right.
pub(crate) fn flood(args: &FloodArgs, address: &str) -> Result<bool, Failure> {
    let plan = ChatPlan::new(args, address)?;
    descriptors::allow(plan.run.clients, 1)?;
    let failed = |error: std::io::Error| Failure::Failed(error.to_string());
    plan.run.interrupt.listen()?;
    let crowd = Crowd::gather(&plan).map_err(failed)?;
    plan.run.interrupt.begin();
    let before = thread_cpu();
    let mut tally = crowd.flood().map_err(failed)?;
    tally.cpu = thread_cpu()
        .zip(before)
        .map(|(after, before)| after - before);
    print(
        match args.json {
            true => format!("{}\n", tally.json(&plan)),
            false => tally.table(&plan),
        }
        .as_bytes(),
    )?;
    Ok(tally.is_good())
}
