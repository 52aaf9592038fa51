//! `poold chat`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::args::ServeArgs;
use super::bus::Figures;
use super::{console, serve};
use crate::cli::admin::OwnFigures;
use crate::error::{Error, Result};
use crate::framing::Framing;
use crate::limits::options::Options;
use crate::limits::user_file;
use crate::server::Server;
use crate::service::chat::{Bus, Chat, Password, Settings};

/// Kernel send buffer of each client. With several megabytes, a client that stops reading is
/// noticed late, and ten thousand such clients fill the machine's memory.
const SEND_BUFFER: usize = 1024 * 1024;
/// Maximum bytes of --operator-file.
const PASSWORD_FILE_MAX: usize = 64 * 1024;
/// The environment variable with the operators' password.
const PASSWORD: &str = "POOLD_OPERATOR_PASSWORD";
/// Longest line with --bus: what is said in a turn is one act.
const BUS_MESSAGE_MAX: usize = 256 * 1024;

/// Give people who connect with nc, telnet or `poold client` a chat room
#[derive(Debug, Args)]
#[command(
    mut_arg("rate", |rate| rate.default_value("10:100,4k:32k")),
    mut_arg("message_max", |most| most.default_value("8k"))
)]
pub(crate) struct ChatArgs {
    /// Last lines of a room that a new member is shown, at most 64 KiB of them
    #[arg(long, value_name = "LINES", default_value_t = 100)]
    pub(crate) history: usize,

    /// Append the lines of each room to a file in this directory; after a restart the history
    /// comes from these files [default: no files]
    #[arg(long, value_name = "DIR")]
    pub(crate) log: Option<PathBuf>,

    /// File whose first line is the password for /op, which makes a member an operator; the
    /// alternative is POOLD_OPERATOR_PASSWORD. Bans by operators end with the server, not at a
    /// take-over; a --deny file lasts [default: no operators]
    #[arg(long, value_name = "FILE")]
    pub(crate) operator_file: Option<PathBuf>,

    /// With --tls-client-ca: members have the name in their certificate, of an e-mail address what
    /// is before the @, and no other; those without a name that fits, or whose name is taken, are
    /// guests
    #[arg(long, requires = "tls_client_ca")]
    pub(crate) name_from_certificate: bool,

    /// One chat on several machines: all daemons with this stream of a Redis or Valkey server have
    /// the same rooms, people and order of lines. redis://HOST?stream=NAME
    #[arg(long, value_name = "URL")]
    pub(crate) bus: Option<String>,

    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

pub(crate) fn run(args: &ChatArgs) -> Result<ExitCode> {
    if args
        .serve
        .framing
        .as_ref()
        .is_some_and(|how| *how != Framing::Lines)
    {
        return Err(Error::option(
            "framing",
            "people in a chat write lines; leave it out",
        ));
    }
    serve::prepare(&args.serve);
    if let Some(directory) = &args.log {
        std::fs::create_dir_all(directory).map_err(|source| Error::Output {
            name: directory.display().to_string(),
            source,
        })?;
    }
    let settings = Settings {
        history: args.history,
        log: args.log.clone(),
        password: password(args)?,
        rate: args.serve.guard.rate.0,
        names_from_certificates: args.name_from_certificate,
    };
    let chat = match &args.bus {
        Some(url) => join(args, settings, url)?,
        None => Chat::new(settings),
    };
    let own = args.bus.is_some().then(|| {
        let figures: Box<dyn OwnFigures> = Box::new(Figures(chat.clone()));
        figures
    });
    let life = serve::announce(
        "chat",
        &args.serve,
        Framing::Typed,
        own,
        |listeners, options| {
            let options = Options {
                framing: Framing::Typed,
                send_buffer: Some(SEND_BUFFER),
                ..options
            };
            Server::serve(listeners, options, chat.clone())
        },
    )?;
    // With --bus each person needs a connection: the console is not known on the other machines.
    let terminal = match args.bus {
        Some(_) => None,
        None => console::start(&chat, &life.handle())?,
    };
    let code = life.run();
    if let Some(terminal) = terminal {
        terminal.end();
    }
    Ok(code)
}

fn join(args: &ChatArgs, settings: Settings, url: &str) -> Result<Chat> {
    if args.serve.message_max > BUS_MESSAGE_MAX {
        let problem = "with --bus lines have at most 256k";
        return Err(Error::option("message_max", problem));
    }
    Chat::join(settings, &Bus::parse(url)?)
}

/// From the file or the environment, never from the command line, which all users of the machine
/// can read.
fn password(args: &ChatArgs) -> Result<Option<Password>> {
    let (name, text) = match &args.operator_file {
        Some(path) => {
            let text = user_file::read(path, PASSWORD_FILE_MAX).map_err(|source| {
                Error::option(
                    "operator_file",
                    format!("can't read {}: {source}", path.display()),
                )
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
        None => Err(Error::option(
            "operator_file",
            format!("the first line of {name} is no password: 1 to 256 bytes"),
        )),
    }
}
