//! The client's end and exit code.

use crate::cli::exit;

/// How the client ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All was sent, and the server or the client ended the connection.
    Well,
    /// Not connected, or lost; in one line.
    Failed(String),
    /// A usage error; in one line.
    Usage(String),
    /// Ctrl-C.
    Interrupted,
    /// The output was closed.
    OutputClosed,
}

impl Ending {
    /// Prints the end; answers the exit code.
    pub(crate) fn tell(self) -> u8 {
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
