//! `poold flood --chat`: does everybody in a room see the same lines in the same order?
//!
//! | room | knows |
//! | --- | --- |
//! | `args`, `plan` | what was typed, and what it means |
//! | `crowd` | one thread: poll, clients, clock |
//! | `member`, `sender` | a client until it begins; one that speaks |
//! | `room` | what everybody has to see |
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

/// Floods a chat and prints what came of it: whether nothing was wrong.
pub fn flood(args: &FloodArgs, address: &str) -> Result<bool, Failure> {
    let plan = ChatPlan::new(args, address)?;
    descriptors::allow(plan.clients)?;
    let failed = |error: std::io::Error| Failure::Failed(error.to_string());
    plan.interrupt.listen()?;
    let crowd = Crowd::gather(&plan).map_err(failed)?;
    plan.interrupt.begin();
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
