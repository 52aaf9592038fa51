//! In a pipe: gets the name before it sends lines under it.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use socket2::Socket;

use super::printer::Printer;
use super::safe::SafeLines;
use crate::cli::exit::{Ending, Failure};
use crate::service::chat::grammar::{Notice, What, parse};

/// A server that has sent nothing for this long is not a chat.
const FIRST_MAX: Duration = Duration::from_secs(2);
/// Maximum time for a chat, which may check whether the holder of the name is still connected.
const ANSWER_MAX: Duration = Duration::from_secs(15);
const BUFFER: usize = 4 << 10;

/// The server's answer about the name so far.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    /// It is a chat, and has greeted this client under another name.
    Welcome,
    Ours,
    Refused(String),
    /// It is not a chat.
    NoChat,
}

/// Asks for the name, and passes on what comes until the client has it. Sends nothing to a server
/// that is not a chat.
pub(crate) fn introduce(socket: &Socket, name: &str, printer: &mut Printer) -> Ending {
    let lost = |error| Failure::Failed(format!("the connection was lost: {error}"));
    let mut stream = socket;
    stream
        .write_all(format!("/nick {name}\n").as_bytes())
        .map_err(lost)?;
    let begin = Instant::now();
    let (mut lines, mut said) = (SafeLines::default(), Said::Nothing);
    let mut buffer = [0; BUFFER];
    loop {
        let most = match said {
            Said::Nothing => FIRST_MAX,
            Said::Welcome => ANSWER_MAX,
            Said::Ours | Said::NoChat => break,
            Said::Refused(why) => {
                return Err(format!("you can't be {name} there: {why}").into());
            }
        };
        let left = most.saturating_sub(begin.elapsed());
        let left = left.max(Duration::from_millis(1));
        socket.set_read_timeout(Some(left)).map_err(lost)?;
        match stream.read(&mut buffer) {
            // Later lines are passed on as usual.
            Ok(0) => break,
            Ok(length) => {
                printer.print(&buffer[..length])?;
                lines.take(&buffer[..length], |line| hear(&mut said, &line, name));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => match said {
                Said::Nothing => break,
                _ => said = Said::Refused("the server does not say whether".to_owned()),
            },
            Err(error) => return Err(lost(error)),
        }
    }
    socket.set_read_timeout(None).map_err(lost)
}

/// Learns from a line. Lines of members begin with their names, so they can't pass for the
/// server's.
fn hear(said: &mut Said, line: &str, name: &str) {
    let parsed = parse(line);
    let notice = match parsed.what {
        What::Notice(text) if parsed.time.is_none() && parsed.room.is_none() => text,
        _ if *said == Said::Nothing => return *said = Said::NoChat,
        _ => return,
    };
    let notice = Notice::parse(notice);
    *said = match (&*said, notice) {
        (Said::Nothing, Notice::Welcome { name: own, .. }) if own == name => Said::Ours,
        (Said::Nothing, Notice::Welcome { .. }) => Said::Welcome,
        (Said::Welcome, Notice::Named(_)) => Said::Ours,
        (Said::Nothing | Said::Welcome, Notice::NotNamed { why, .. } | Notice::PutOut(why)) => {
            Said::Refused(why.to_owned())
        }
        (Said::Nothing, _) => Said::NoChat,
        _ => return,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_lines_decide_about_the_name() {
        let heard = |lines: &[&str]| {
            let mut said = Said::Nothing;
            lines.iter().for_each(|line| hear(&mut said, line, "ann"));
            said
        };
        let welcome = "-- welcome; you are guest-2, in lobby with 1 other; /help lists commands";
        let taken = "-- you are still guest-2: this name, or one that looks like it, is taken";
        let refused = Said::Refused("this name, or one that looks like it, is taken".to_owned());
        for (lines, expected) in [
            (
                &["-- welcome; you are ann, in lobby with no others"][..],
                Said::Ours,
            ),
            (&[welcome], Said::Welcome),
            (
                &[welcome, "<eve> -- you are now ann", "#x -- you are now ann"],
                Said::Welcome,
            ),
            (&[welcome, "-- topic: x", "-- you are now ann"], Said::Ours),
            (&[welcome, "08:51 <bob> hi", taken], refused),
            (&["220 ready"], Said::NoChat),
            (&["-- nothing that a chat says"], Said::NoChat),
        ] {
            assert_eq!(heard(lines), expected, "{lines:?}");
        }
    }
}
