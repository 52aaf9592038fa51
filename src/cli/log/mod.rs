//! The log on the standard error: one line for each event.

mod line;
mod lines;
pub(crate) mod nonblocking;
mod panics;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::OnceLock;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use super::terminal::is_capable;
use line::{LineFormat, Priority, Style};
use lines::LogWriter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people: the message, then its fields
    #[default]
    Text,
    /// For machines: key=value pairs, with the time
    Logfmt,
    /// One JSON object per line, with the time
    Json,
}

/// The current level, which may change at any time.
static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// Starts logging, and makes each panic a line of the log. Called once, at the start.
pub(super) fn start(level: Level, format: LogFormat) {
    let priority = if stderr_is_journal() {
        Priority::Journal
    } else {
        Priority::Unsaid
    };
    let (filter, handle) = reload::Layer::new(LevelFilter::from_level(level));
    let subscriber = tracing_subscriber::registry().with(filter);
    // A second start (as in a test) keeps the first.
    if subscriber.with(writer(format, priority)).try_init().is_ok() {
        let _ = LEVEL.set(handle);
    }
    std::panic::set_hook(Box::new(panics::log));
}

/// Sets the level; `false` before the log was started.
pub fn set_level(level: Level) -> bool {
    let changed = LEVEL.get().map(|handle| {
        let filter = LevelFilter::from_level(level);
        handle.reload(filter).is_ok()
    });
    changed.unwrap_or(false)
}

/// The current level: this and all more severe events are written.
pub fn level() -> Option<Level> {
    let filter = LEVEL.get()?.clone_current()?;
    filter.into_level()
}

fn writer<S>(format: LogFormat, priority: Priority) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let wants_none = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    let lines = LogWriter::new();
    let layer = fmt::layer()
        .with_writer(move || lines.clone())
        .with_ansi(io::stderr().is_terminal() && is_capable() && !wants_none);
    let style = match format {
        LogFormat::Json => return layer.json().flatten_event(true).with_target(false).boxed(),
        LogFormat::Text => Style::Text,
        LogFormat::Logfmt => Style::Logfmt,
    };
    layer.event_format(LineFormat(style, priority)).boxed()
}

/// Whether the standard error goes to systemd's journal, by its device and inode in
/// `JOURNAL_STREAM`.
fn stderr_is_journal() -> bool {
    let Some(named) = std::env::var_os("JOURNAL_STREAM") else {
        return false;
    };
    rustix::fs::fstat(io::stderr().as_fd())
        .is_ok_and(|found| named == *format!("{}:{}", found.st_dev, found.st_ino))
}

#[cfg(test)]
mod tests;
