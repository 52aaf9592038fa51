//! What packages ship beside the binary, made from the argument parser: manual pages and
//! completions for shells.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::exit;
use super::values::VALUES;

/// What all pages have towards their end.
const END: &str = r".SH EXIT STATUS
.TP
0
It has drained, or done what it was asked for.
.TP
1
It could not start, or could not do it; one line says why.
.TP
2
What was typed makes no sense.
.TP
3
Somebody was cut off, or not everything could be delivered.
.TP
130
Ctrl-C ended a client, or a flood at once.
.TP
141
Nobody reads the output any more.
";

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

pub(super) fn man(args: &ManArgs, parser: Command) -> ExitCode {
    // `help` is for a terminal.
    let mut all = parser.disable_help_subcommand(true);
    // So that each command knows its page's name: poold-recv(1).
    all.build();
    let page = match &args.command {
        None => Some(all),
        Some(name) => all.find_subcommand(name).cloned(),
    };
    let Some(page) = page else {
        return exit::usage("there is no such command; see poold --help");
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
