//! Signals; the only file that names `ctrlc`.

use crate::drain::ServerPhase;
use crate::error::{Error, Result};
use crate::server::Handle;

/// Ctrl-C, SIGTERM and SIGHUP drain the server; the next one brings the deadline forward to now.
///
/// # Errors
/// When the handler can't be installed, because the process has one.
pub(super) fn drain_on_signal(server: &Handle) -> Result<()> {
    let server = server.clone();
    let installed = ctrlc::set_handler(move || match server.phase() {
        ServerPhase::Running => {
            tracing::info!("draining; press Ctrl-C again to end at once");
            server.drain();
        }
        _ => server.hurry(),
    });
    installed.map_err(|error| Error::Start {
        what: "the signal handler",
        source: std::io::Error::other(error),
    })
}
