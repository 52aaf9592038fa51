//! How it went.

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
    /// The output was closed.
    OutputClosed,
}

impl Ending {
    /// Tells a person; answers what to tell the shell.
    pub fn tell(self) -> u8 {
        match self {
            Ending::Well => exit::DONE,
            Ending::Failed(why) => {
                eprintln!("poold client: {why}");
                exit::FAILED
            }
            Ending::Usage(why) => {
                eprintln!("poold client: {why}");
                exit::USAGE
            }
            Ending::Interrupted => exit::INTERRUPTED,
            Ending::OutputClosed => exit::OUTPUT_CLOSED,
        }
    }
}
