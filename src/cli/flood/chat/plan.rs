//! The plan of a run, from the arguments.

use super::super::args::FloodArgs;
use super::super::plan::{Pace, Plan};
use crate::cli::exit::Failure;

/// Maximum bytes in flight in a room, so that its buffer stays small.
const WINDOW_BYTES_MAX: u64 = 64 << 20;

/// Maximum lines in flight of a sender that the clock drives.
const OUTSTANDING_MAX: u64 = 100_000;

/// A run that can be carried out; its messages are lines.
#[derive(Debug, Clone)]
pub(crate) struct ChatPlan {
    pub(crate) run: Plan,
    /// The first of the clients.
    pub(crate) senders: u64,
    /// Client N is in room N modulo this.
    pub(crate) rooms: u64,
    /// The last of the clients.
    pub(crate) stalled: u64,
}

impl ChatPlan {
    /// Makes the plan from the arguments; the error is for the command line.
    pub(crate) fn new(args: &FloodArgs, address: &str) -> Result<ChatPlan, Failure> {
        let plan = Plan::new(args, address)?;
        let chat = &args.chat;
        let stalled = chat.stalled.of(plan.clients);
        if chat.senders.saturating_add(stalled) > plan.clients {
            return Err(Failure::usage(
                "--senders and --stalled: together at most --clients",
            ));
        }
        if chat.rooms > plan.clients - stalled {
            let why = "--rooms: at most as many as --clients that are not stalled";
            return Err(Failure::usage(why));
        }
        let size = plan.shape.size() as u64;
        if let Pace::Replies(window) = plan.pace
            && window.saturating_mul(size).saturating_mul(chat.senders) > WINDOW_BYTES_MAX
        {
            return Err(Failure::usage(
                "--pipeline: at most 64 MiB may be on their way",
            ));
        }
        Ok(ChatPlan {
            run: plan,
            senders: chat.senders,
            rooms: chat.rooms,
            stalled,
        })
    }

    /// With a rate: maximum lines of a sender that not all readers have seen.
    pub(crate) fn outstanding_max(&self) -> u64 {
        let size = self.run.shape.size() as u64;
        (WINDOW_BYTES_MAX / size / self.senders).clamp(1, OUTSTANDING_MAX)
    }

    /// Whether a client reads to the end.
    pub(crate) fn reads(&self, client: u64) -> bool {
        client < self.run.clients - self.stalled
    }

    /// The line that begins the run in a room: what comes after it counts.
    pub(crate) fn start_line(&self) -> String {
        format!("start of {}", self.run.shape.run())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        args: FloodArgs,
    }

    #[test]
    fn what_is_in_flight_is_bounded_in_bytes() {
        for (senders, size) in [(1, 64), (1, 64 << 10), (8, 4 << 10), (10_000, 16 << 20)] {
            let line = format!("flood 1 --chat -c 10000 --senders {senders} -s {size} --rate 9");
            let typed = Typed::try_parse_from(line.split(' ')).expect("valid");
            let plan = ChatPlan::new(&typed.args, "1").expect("it makes sense");
            let most = plan.outstanding_max();
            assert!((1..=OUTSTANDING_MAX).contains(&most));
            assert!(most == 1 || most * senders * size <= WINDOW_BYTES_MAX);
        }
    }
}
