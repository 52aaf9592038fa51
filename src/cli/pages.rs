//! What packages ship beside the binary, made from the argument parser: manual pages and
//! completions for shells.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use super::{args, exit};

/// Print the manual page, as roff
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Of this command; without it, of poold itself
    command: Option<String>,
}

/// Print what a shell needs to complete poold's arguments
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// For this shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn man(args: &ManArgs) -> ExitCode {
    // So that each command knows its page's name: poold-recv(1).
    let mut all = args::parser();
    all.build();
    let page = match &args.command {
        None => Some(all),
        Some(name) => all.find_subcommand(name).cloned(),
    };
    let Some(page) = page else {
        return exit::usage("there is no such command");
    };
    let mut roff = Vec::new();
    match clap_mangen::Man::new(page).render(&mut roff) {
        Ok(()) => print(&roff),
        Err(error) => exit::failure(&error.to_string()),
    }
}

pub(super) fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::parser(), "poold", &mut script);
    print(&script)
}

fn print(bytes: &[u8]) -> ExitCode {
    match io::stdout().write_all(bytes) {
        Ok(()) => exit::DONE.into(),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::OUTPUT_CLOSED.into(),
        Err(error) => exit::failure(&format!("cannot write: {error}")),
    }
}
