//! `poold flood --chat`: does everybody in a room see the same lines in the same order?
//!
//! | room | knows |
//! | --- | --- |
//! | `args`, `plan` | what was typed, and what it means |
//! | `crowd` | one thread: poll, clients, clock |
//! | `member`, `sender` | a client until it begins; one that speaks |
//! | `room` | what everybody has to see |
//! | `tally` | the figures |

mod args;
mod crowd;
mod member;
mod plan;
mod room;
mod sender;
mod tally;

pub use self::args::ChatArgs;
use self::crowd::Crowd;
use self::plan::ChatPlan;
use super::args::FloodArgs;
use super::tally::thread_cpu;
use super::{DESCRIPTORS_BESIDE, Trouble, allow_descriptors, print};

/// Floods a chat and prints what came of it: whether nothing was wrong.
pub fn flood(args: &FloodArgs, address: &str) -> Result<bool, Trouble> {
    let plan = ChatPlan::new(args, address)?;
    allow_descriptors(plan.clients + DESCRIPTORS_BESIDE)?;
    let failed = |error: std::io::Error| Trouble::Failed(error.to_string());
    plan.interrupt.listen()?;
    let crowd = Crowd::gather(&plan).map_err(failed)?;
    plan.interrupt.begin();
    let before = thread_cpu();
    let mut tally = crowd.flood().map_err(failed)?;
    tally.cpu = thread_cpu()
        .zip(before)
        .map(|(after, before)| after - before);
    print(&match args.json {
        true => format!("{}\n", tally.json(&plan)),
        false => tally.table(&plan),
    })?;
    Ok(tally.is_good())
}
