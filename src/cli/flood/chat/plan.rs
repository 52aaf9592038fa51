//! The plan of a run, from the arguments.

use super::super::args::FloodArgs;
use super::super::plan::{Pace, Plan};
use crate::cli::exit::Failure;

/// Maximum bytes in flight in a room, so that its buffer stays small.
const WINDOW_BYTES_MAX: u64 = 64 << 20;

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

    /// Whether a client reads to the end.
    pub(crate) fn reads(&self, client: u64) -> bool {
        client < self.run.clients - self.stalled
    }

    /// The line that begins the run in a room: what comes after it counts.
    pub(crate) fn start_line(&self) -> String {
        format!("start of {}", self.run.shape.run())
    }
}
