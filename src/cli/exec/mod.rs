//! `poold exec`: any program behind the port.

mod args;

use std::process::ExitCode;

pub(super) use args::ExecArgs;
use args::ProgramArgs;

use super::{exit, serve};
use crate::error::{Error, Result};
use crate::framing::Framing;
use crate::service::exec::{Exec, Filter, Patience, Program, Runner};

/// Runs the program for each client until the server drains.
pub(super) fn run(args: &ExecArgs) -> Result<ExitCode> {
    let program = match program(&args.program) {
        Ok(program) => program,
        Err(problem) => return Ok(exit::usage(&problem)),
    };
    let patience = Patience {
        timeout: args.limits.timeout,
        kill_after: args.limits.kill_after,
    };
    let runner = Runner::new(program, patience).map_err(|source| Error::Start {
        what: "a descriptor",
        source,
    })?;
    let ended = if args.program.lines {
        let framing = args.serve.framing.unwrap_or(Framing::Lines);
        let filter = Filter::new(runner.clone(), framing, args.program.reply_max);
        serve::lines("exec", &args.serve, filter)
    } else {
        let queue = serve::Waiting {
            queue_max: Some(args.limits.queue),
            wait_max: args.limits.max_wait,
        };
        serve::streams("exec", &args.serve, queue, Exec::new(runner.clone()))
    };
    ended.inspect(|_| tracing::info!("{}", runner.summary()))
}

fn program(args: &ProgramArgs) -> std::result::Result<Program, String> {
    let words = match &args.shell {
        Some(string) => vec!["sh".into(), "-c".into(), string.clone()],
        None => args.words.clone(),
    };
    Program::new(words)
}
