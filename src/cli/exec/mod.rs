//! `poold exec`: any program behind the port.

mod args;

use std::process::ExitCode;

pub(super) use args::ExecArgs;

use super::serve;
use crate::error::Result;
use crate::service::exec::{Exec, Program};

/// Runs the program for each client until the server drains.
pub(super) fn run(args: &ExecArgs) -> Result<ExitCode> {
    let program = Program::new(&args.program);
    serve::streams("exec", &args.serve, Exec::new(program))
}
