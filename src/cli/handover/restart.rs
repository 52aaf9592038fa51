//! `poold restart`: asks a running poold to start its successor.

use std::io::ErrorKind;
use std::process::ExitCode;
use std::time::Duration;

use super::args::RestartArgs;
use super::protocol::{Answer, Ask, Wire};
use crate::cli::exit;
use crate::net::connect;

/// Time for the running process to answer, on top of the successor's own time.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) fn restart(args: &RestartArgs) -> ExitCode {
    let path = args.control.display();
    let answered = connect::unix(&args.control, GRACE).and_then(|stream| {
        let ready_within = args.ready_timeout;
        stream.set_read_timeout(Some(ready_within + GRACE))?;
        let mut wire = Wire::new(stream);
        wire.say(&Ask::Restart { ready_within }, &[])?;
        wire.hear()
    });
    exit::failure(&match answered {
        Ok(Some(Answer::Done { pid })) => {
            let done = format!("restarted: process {pid} serves, the old one drains\n");
            return exit::told(exit::print(done.as_bytes()).map(|()| true));
        }
        Ok(Some(Answer::No { reason })) => {
            format!("not restarted: {reason}; the running process goes on")
        }
        Ok(Some(_)) => format!("not restarted: {path} is another poold's language"),
        Ok(None) => {
            format!("not restarted: the process that listens on {path} ended, or is no poold")
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => format!(
            "no answer from {path} within {:?}; look in its log whether it was restarted",
            args.ready_timeout + GRACE
        ),
        Err(error) => {
            format!("cannot reach a poold at {path}: {error}; is that its --control?")
        }
    })
}
