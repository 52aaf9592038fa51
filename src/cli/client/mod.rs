//! `poold client`: the other end of every server of lines.
//!
//! | room | knows |
//! | --- | --- |
//! | `args`, `ending` | what was typed, how it went |
//! | `dial` | connecting |
//! | `pipe` | bytes in, bytes out |
//! | `safe` | what may reach a terminal |

mod args;
mod dial;
mod ending;
mod pipe;
mod safe;

use std::io::IsTerminal;
use std::process::ExitCode;

pub use self::args::ClientArgs;
use self::dial::NotConnected;
use self::ending::Ending;
use self::pipe::Passing;

/// Runs `poold client`: 0 all went well, 1 not connected or lost, 2 usage.
pub fn run(args: &ClientArgs) -> ExitCode {
    let socket = match dial::dial(&args.address) {
        Ok(socket) => socket,
        Err(NotConnected::Address(error)) => return Ending::Usage(error.to_string()).tell(),
        Err(NotConnected::Server(error)) => {
            let why = format!("cannot connect to {}: {error}", args.address);
            return Ending::Failed(why).tell();
        }
    };
    let greeting = args.name.as_ref().map(|name| format!("/nick {name}\n"));
    let passing = match std::io::stdout().is_terminal() {
        true => Passing::Escaped,
        false => Passing::Exact,
    };
    pipe::run(socket, greeting.as_deref().unwrap_or_default(), passing).tell()
}
