//! `poold client`: a client for servers of lines.
//!
//! | file | what it does |
//! | --- | --- |
//! | `args` | arguments |
//! | `dial`, `secure` | connecting; TLS |
//! | `pipe`, `introduce` | bytes in, bytes out; the name before them |
//! | `safe` | what may reach a terminal |
//! | `terminal` | a session at a terminal: two threads, and its end |
//! | `keys`, `paste`, `helper` | the line editor: keys, pastes, completions |
//! | `shared` | what the two threads share |
//! | `link`, `unsent` | the connection thread, reconnects |
//! | `wire`, `known` | parses a chat's lines, learns from them |
//! | `screen`, `paint`, `width` | how they are shown |
//! | `painted` | changes of the window's width |

mod args;
mod dial;
mod helper;
mod introduce;
mod keys;
mod known;
mod link;
mod paint;
mod painted;
mod paste;
mod pipe;
mod printer;
mod safe;
mod screen;
mod secure;
mod shared;
mod terminal;
mod unsent;
mod width;

use std::io::{ErrorKind, IsTerminal};
use std::process::ExitCode;

pub(crate) use self::args::ClientArgs;
use self::dial::NotConnected;
use self::printer::Passing;
use crate::cli::exit::{Ending, Failure, told};
use crate::cli::signals;
use crate::cli::terminal::is_capable;

/// Runs `poold client`: 0 all went well, 1 not connected or lost, 2 usage.
pub(crate) fn run(args: &ClientArgs) -> ExitCode {
    told(connect(args).map(|()| true))
}

fn connect(args: &ClientArgs) -> Ending {
    let tls = match args.trust.settings() {
        Ok(tls) => tls,
        Err(error) => return Err(error.to_string().into()),
    };
    let (typed, shown) = (
        std::io::stdin().is_terminal(),
        std::io::stdout().is_terminal(),
    );
    let has_editor = typed && shown && is_capable();
    if has_editor {
        // Before there are other threads, as that of TLS.
        signals::respect_nohup();
    }
    let (socket, loss) = match dial::dial(&args.address, tls.as_ref()) {
        Ok(connected) => connected,
        Err(NotConnected::Address(error)) => return Err(Failure::Usage(error.to_string())),
        Err(NotConnected::Name(error)) => return Err(error.to_string().into()),
        Err(NotConnected::Server(error)) => {
            let why = match error.kind() {
                ErrorKind::ConnectionRefused | ErrorKind::NotFound => {
                    "no server listens there; start it, or give its address".to_owned()
                }
                _ => error.to_string(),
            };
            return Err(format!("cannot connect to {}: {why}", args.address).into());
        }
    };
    let name = args.name.as_deref();
    match shown {
        _ if has_editor => terminal::run((socket, loss), &args.address, tls, name),
        true => pipe::run(socket, &loss, name, Passing::Escaped),
        false => pipe::run(socket, &loss, name, Passing::Exact),
    }
}
