use std::sync::Arc;

use parking_lot::Mutex;

use super::*;
use crate::series::Told;

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines of this thread meanwhile.
fn logged(act: impl FnOnce()) -> String {
    let log = Log::default();
    let to = log.clone();
    let format = LineFormat(Style::Text, Priority::Unsaid);
    let layer = fmt::layer().with_writer(move || to.clone());
    let layer = layer.with_ansi(false).event_format(format);
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, act);
    let bytes = log.0.lock().clone();
    String::from_utf8(bytes).expect("UTF-8")
}

fn told(is_new: bool, earlier: u64) -> Told {
    Told { is_new, earlier }
}

#[test]
fn nothing_in_a_value_ends_the_line_or_turns_it_round() {
    let value = "a\nb\u{2028}c\u{202e}d\u{1b}[2J";
    let log = logged(|| panics::write("here", value, told(true, 0)));
    let escaped = r"error: panic (place=here, says=a\nb\u{2028}c\u{202e}d\u{1b}[2J)";
    assert_eq!(log, format!("{escaped}\n"));
}

#[test]
fn a_panic_is_called_one() {
    let log = logged(|| {
        panics::write("src/a.rs:1:2", "no such thing", told(true, 0));
        panics::write("src/a.rs:1:2", "no such thing", told(false, 7));
    });
    assert_eq!(
        log,
        "error: panic (place=src/a.rs:1:2, says=no such thing)\n\
         error: panic again (place=src/a.rs:1:2, says=no such thing, earlier=7)\n"
    );
}

#[test]
fn the_level_changes_while_it_runs() {
    assert!(!set_level(Level::ERROR), "there is no log yet");
    let hook = std::panic::take_hook();
    start(Level::INFO, LogFormat::Text);
    std::panic::set_hook(hook);
    assert_eq!(level(), Some(Level::INFO));
    assert!(!tracing::enabled!(Level::DEBUG));
    assert!(set_level(Level::DEBUG));
    assert_eq!(level(), Some(Level::DEBUG));
    assert!(tracing::enabled!(Level::DEBUG));
    assert!(set_level(Level::ERROR));
    assert!(!tracing::enabled!(Level::WARN));
}
