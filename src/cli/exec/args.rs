//! What was typed after `poold exec`.

use std::ffi::OsString;

use clap::Args;

use crate::cli::args::ServeArgs;

/// Run a program for each client, with the connection as its input and output
#[derive(Debug, Args)]
pub(in crate::cli) struct ExecArgs {
    #[command(flatten)]
    pub(in crate::cli) serve: ServeArgs,

    /// The program and its arguments, after --
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub(super) program: Vec<OsString>,
}
