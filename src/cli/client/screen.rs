//! Shows lines above the prompt.

use std::sync::mpsc::sync_channel;
use std::thread::Builder;
use std::time::Duration;

use super::paint::{Colours, is_for_us};
use super::safe::safe;
use super::shared::Session;
use super::width::{columns, wrap};
use crate::service::chat::grammar::{PUT_OUT, What, parse};

/// Up a row and down again: a text that leaves the screen as it is.
const NO_TRACE: &str = "\x1b[A\n";
/// Maximum time for the editor to show the last lines.
const SHOWN_WITHIN: Duration = Duration::from_millis(500);

/// Prints whole lines above the prompt.
pub(crate) type Print = Box<dyn FnMut(String) + Send>;

/// Paints and shows lines.
pub(crate) struct Screen {
    print: Print,
    colours: Colours,
    /// The server's last notice.
    last_notice: String,
}

impl Screen {
    pub(crate) fn new(print: Print, colours: Colours) -> Screen {
        Screen {
            print,
            colours,
            last_notice: String::new(),
        }
    }

    /// Shows received lines, and learns from them.
    pub(crate) fn show(&mut self, lines: impl IntoIterator<Item = String>, session: &Session) {
        let (clock, mut shown, mut bell) = (clock(), String::new(), false);
        let columns = columns();
        let mut known = session.known.lock();
        for text in lines {
            let line = parse(&text);
            let is_told_again = known.is_told_again(&line);
            if line.time.is_none() {
                known.learn(&line);
            }
            if is_told_again {
                continue;
            }
            if let What::Notice(notice) = line.what {
                notice.clone_into(&mut self.last_notice);
            }
            let own = known.own.as_deref();
            bell |= is_for_us(&line, own);
            let line = self.colours.line(&line, own, &clock);
            shown.push_str(&columns.map_or(line.clone(), |columns| wrap(&line, columns)));
            shown.push('\n');
        }
        drop(known);
        if bell {
            // One bell for all lines that came together.
            shown.insert(0, '\x07');
        }
        if !shown.is_empty() {
            (self.print)(shown);
        }
    }

    /// Shows a notice of the client itself.
    pub(crate) fn note(&mut self, text: &str) {
        let text = format!("{} == {}", clock(), safe(text.as_bytes()));
        (self.print)(self.colours.dim(&text) + "\n");
    }

    /// Waits until the editor has shown all, unless it does something else for too long.
    pub(crate) fn wait_shown(self) {
        let mut print = self.print;
        let (done, is_done) = sync_channel(1);
        // The editor takes one text after the other, while at most one more waits: once the second
        // of these waits, all before the first is shown.
        let push = move || {
            (0..2).for_each(|_| print(NO_TRACE.to_owned()));
            // Not awaited any more, if it took too long.
            let _ = done.send(());
        };
        if Builder::new().spawn(push).is_ok() {
            let _ = is_done.recv_timeout(SHOWN_WITHIN);
        }
    }

    /// Shows a typed line.
    pub(crate) fn echo(&mut self, lines: &[u8]) {
        let clock = clock();
        let lines = lines.split(|byte| *byte == b'\n');
        let shown: String = lines
            .filter(|line| !line.is_empty())
            .map(|line| format!("{} > {}\n", self.colours.dim(&clock), safe(line)))
            .collect();
        (self.print)(shown);
    }

    /// Whether the server has disconnected this client on purpose: then it does not reconnect.
    pub(crate) fn was_sent_away(&self) -> bool {
        let why = self.last_notice.strip_prefix(PUT_OUT);
        let is_final = |why: &str| why.starts_with("kicked by ") || why.contains("banned");
        why.is_some_and(is_final)
    }
}

/// The local time.
fn clock() -> String {
    jiff::Zoned::now().strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bell_for_all_that_came_at_once() {
        let (shown, screen) = sync_channel(10);
        let print = move |text| shown.send(text).expect("room for all");
        let (session, _wake) = Session::new().expect("a socket pair");
        let mut ours = Screen::new(Box::new(print), Colours::None);
        let mut rings = |lines: &[&str]| {
            ours.show(lines.iter().map(|line| (*line).to_owned()), &session);
            screen.recv().expect("shown").matches('\x07').count()
        };
        assert_eq!(
            rings(&["-- welcome; you are ann, in lobby", "<bob> hello"]),
            0
        );
        assert_eq!(rings(&["<bob> ann?", "<bob> Ann!", "[bob] psst"]), 1);
        assert_eq!(rings(&["<ann> I, ann", "08:51 <bob> ann?"]), 0);
    }

    #[test]
    fn a_disconnected_member_does_not_reconnect() {
        let mut ours = Screen::new(Box::new(drop), Colours::None);
        let (session, _wake) = Session::new().expect("a socket pair");
        let put_out = "-- you are disconnected: ";
        for (why, is_final) in [
            ("kicked by bob: enough", true),
            ("your address is banned", true),
            ("you did not read what was said", false),
        ] {
            ours.show([format!("{put_out}{why}")], &session);
            assert_eq!(ours.was_sent_away(), is_final, "{why}");
        }
    }
}
