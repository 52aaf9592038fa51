//! `poold chat`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::args::ServeArgs;
use super::{console, serve};
use crate::error::{Error, Result};
use crate::framing::Framing;
use crate::limits::options::Options;
use crate::server::Server;
use crate::service::chat::{Chat, Password, Settings};

/// What the system keeps for a reader: with megabytes it would take long until one that has
/// stopped is noticed, and ten thousand of them would take the machine's memory.
const SEND_BUFFER: usize = 1024 * 1024;
/// The environment's name of the operators' password.
const PASSWORD: &str = "POOLD_OPERATOR_PASSWORD";

/// Give a room to people who come with nc, telnet or `poold client`
#[derive(Debug, Args)]
#[command(
    mut_arg("rate", |rate| rate.default_value("10:100,4k:32k")),
    mut_arg("message_max", |most| most.default_value("8k"))
)]
pub(in crate::cli) struct ChatArgs {
    /// Lines of each room that a newcomer is shown, 64 KiB of them at most
    #[arg(
        long,
        value_name = "LINES",
        default_value_t = 100,
        env = "POOLD_HISTORY"
    )]
    pub(in crate::cli) history: usize,

    /// Append each room's lines to a file of its own in this directory, and show newcomers what
    /// is in it after a restart, too
    #[arg(long, value_name = "DIR", env = "POOLD_LOG")]
    pub(in crate::cli) log: Option<PathBuf>,

    /// The file whose first line makes an operator of whoever gives it to /op; or set
    /// POOLD_OPERATOR_PASSWORD. What operators ban is forgotten when this process ends or is
    /// restarted; a --deny file lasts
    #[arg(long, value_name = "FILE", env = "POOLD_OPERATOR_FILE")]
    pub(in crate::cli) operator_file: Option<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) serve: ServeArgs,
}

pub(in crate::cli) fn run(args: &ChatArgs) -> Result<ExitCode> {
    if args
        .serve
        .framing
        .as_ref()
        .is_some_and(|how| *how != Framing::Lines)
    {
        return Err(Error::Option {
            name: "framing",
            problem: "people in a chat write lines; leave it out".to_owned(),
        });
    }
    serve::prepare(&args.serve);
    if let Some(directory) = &args.log {
        std::fs::create_dir_all(directory).map_err(|source| Error::Output {
            name: directory.display().to_string(),
            source,
        })?;
    }
    let chat = Chat::new(Settings {
        history: args.history,
        log: args.log.clone(),
        password: password(args)?,
        rate: args.serve.guard.rate.0,
    });
    let life = serve::announce("chat", &args.serve, Framing::Typed, |listeners, options| {
        let options = Options {
            framing: Framing::Typed,
            send_buffer: Some(SEND_BUFFER),
            ..options
        };
        Server::serve(listeners, options, chat.clone())
    })?;
    let terminal = console::start(&chat)?;
    let code = serve::run(life);
    if let Some(terminal) = terminal {
        terminal.end();
    }
    Ok(code)
}

/// From the file, or from the environment: never from the command line, which everybody sees.
fn password(args: &ChatArgs) -> Result<Option<Password>> {
    let (name, text) = match &args.operator_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|source| Error::Option {
                name: "operator_file",
                problem: format!("can't read {}: {source}", path.display()),
            })?;
            (path.display().to_string(), text)
        }
        None => match std::env::var(PASSWORD) {
            Ok(text) => (PASSWORD.to_owned(), text),
            Err(_) => return Ok(None),
        },
    };
    let first = text.lines().next().unwrap_or_default().trim();
    match Password::new(first) {
        Some(password) => Ok(Some(password)),
        None => Err(Error::Option {
            name: "operator_file",
            problem: format!("the first line of {name} is no password: 1 to 256 bytes"),
        }),
    }
}
