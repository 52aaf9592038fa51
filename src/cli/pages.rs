//! Manual pages and shell completions, made from the argument parser, for packages to ship.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::exit;
use super::values::VALUES;

/// A section of all pages.
const END: &str = r".SH EXIT STATUS
.TP
0
Drained, or done.
.TP
1
Could not start, or failed; one line says why.
.TP
2
Usage error.
.TP
3
Clients were cut off, or messages were not delivered.
.TP
130
Ctrl-C ended client or tail, or flood before its result.
.TP
141
The output was closed.
";

/// Print the manual page as roff
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Command whose page is printed [default: poold itself]
    command: Option<String>,
}

/// Print the completion script of a shell
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn man(args: &ManArgs, parser: Command) -> ExitCode {
    // The `help` command has no page of its own.
    let mut all = parser.disable_help_subcommand(true);
    // So that each command knows its page's name: poold-recv(1).
    all.build();
    let page = match &args.command {
        None => Some(all),
        Some(name) => all.find_subcommand(name).cloned(),
    };
    let Some(page) = page else {
        return exit::usage(
            "there is no page of that name, only one of each command; see poold --help",
        );
    };
    match draw(page) {
        Ok(roff) => exit::told(exit::print(&roff).map(|()| true)),
        Err(error) => exit::failure(&error.to_string()),
    }
}

fn draw(mut command: Command) -> io::Result<Vec<u8>> {
    let usage = command.render_usage().to_string();
    let has_commands = command.has_subcommands();
    let after = command.get_after_help().map(ToString::to_string);
    let has_values = after.is_some_and(|after| after.contains(VALUES));
    let man = Man::new(command)
        .source(concat!("poold ", env!("CARGO_PKG_VERSION")))
        .manual("poold");
    let mut roff = Vec::new();
    man.render_title(&mut roff)?;
    man.render_name_section(&mut roff)?;
    // All options by name would be half a page.
    roff.extend_from_slice(b".SH SYNOPSIS\n.nf\n");
    for line in usage.lines() {
        let line = line.trim_start_matches("Usage:").trim();
        writeln!(roff, "{}", line.replace('-', "\\-"))?;
    }
    roff.extend_from_slice(b".fi\n");
    man.render_description_section(&mut roff)?;
    man.render_options_section(&mut roff)?;
    if has_commands {
        man.render_subcommands_section(&mut roff)?;
    }
    if has_values {
        writeln!(roff, ".SH VALUES\n{VALUES}")?;
    }
    roff.extend_from_slice(END.as_bytes());
    if !has_commands {
        roff.extend_from_slice(b".SH SEE ALSO\npoold(1)\n");
    }
    Ok(roff)
}

pub(super) fn completions(args: &CompletionsArgs, mut parser: Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut parser, "poold", &mut script);
    exit::told(exit::print(&script).map(|()| true))
}
