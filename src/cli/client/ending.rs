//! How it went.

use std::process::ExitCode;

use crate::cli::exit;

/// How the client ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// All was sent, and the server ended or was left.
    Well,
    /// Not connected, or lost; in one line.
    Failed(String),
    /// What was typed makes no sense; in one line.
    Usage(String),
    /// Ctrl-C.
    Interrupted,
    /// Nobody reads the output any more.
    OutputClosed,
}

impl Ending {
    /// Tells a person, and the shell.
    pub fn tell(self) -> ExitCode {
        match self {
            Ending::Well => exit::DONE.into(),
            Ending::Failed(why) => {
                eprintln!("poold client: {why}");
                exit::FAILED.into()
            }
            Ending::Usage(why) => {
                eprintln!("poold client: {why}");
                exit::USAGE.into()
            }
            Ending::Interrupted => exit::INTERRUPTED.into(),
            Ending::OutputClosed => exit::OUTPUT_CLOSED.into(),
        }
    }
}
