//! What is told on the standard error.

use std::fmt;
use std::io::IsTerminal;
use std::sync::OnceLock;

use clap::ValueEnum;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people: the message, then what belongs to it
    #[default]
    Text,
    /// One JSON object on a line, with its time
    Json,
}

/// Changes the level, once [`start`] has been called.
static LEVEL: OnceLock<Box<dyn Fn(Level) + Send + Sync>> = OnceLock::new();

/// From now on, tells what is of this level or above.
pub(super) fn set_level(level: Level) {
    if let Some(set) = LEVEL.get() {
        set(level);
    }
}

/// Starts logging, and makes a panic one line of the log. Called once, at the start.
pub(super) fn start(level: Level, format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start (as in a test) keeps the first.
    let _ = match format {
        LogFormat::Text => {
            let builder = builder.event_format(Plain);
            let builder = builder.with_env_filter(only(level)).with_filter_reloading();
            let handle = builder.reload_handle();
            let _ = LEVEL.set(Box::new(move |level| drop(handle.reload(only(level)))));
            builder.try_init()
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_target(false);
            let builder = builder.with_env_filter(only(level)).with_filter_reloading();
            let handle = builder.reload_handle();
            let _ = LEVEL.set(Box::new(move |level| drop(handle.reload(only(level)))));
            builder.try_init()
        }
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "panic");
    }));
}

/// What is of this level or above.
fn only(level: Level) -> EnvFilter {
    EnvFilter::new(level.as_str())
}

/// `warning: the message (key=value, …)`, without a time: terminals and journals have their own.
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (prefix, colour) = match *event.metadata().level() {
            Level::ERROR => ("error: ", "\x1b[31m"),
            Level::WARN => ("warning: ", "\x1b[33m"),
            Level::INFO => ("", ""),
            _ => ("debug: ", "\x1b[2m"),
        };
        let mut parts = Parts::default();
        event.record(&mut parts);
        let Parts { message, fields } = parts;
        let fields = if fields.is_empty() {
            fields
        } else {
            format!(" ({fields})")
        };
        if writer.has_ansi_escapes() && !colour.is_empty() {
            writeln!(writer, "{colour}{prefix}\x1b[0m{message}{fields}")
        } else {
            writeln!(writer, "{prefix}{message}{fields}")
        }
    }
}

/// An event taken apart. Control characters are escaped, so that no peer forges a line.
#[derive(Default)]
struct Parts {
    message: String,
    fields: String,
}

impl Visit for Parts {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        for character in format!("{value:?}").chars() {
            match character.is_control() {
                true => text.extend(character.escape_default()),
                false => text.push(character),
            }
        }
        if field.name() == "message" {
            self.message = text;
        } else {
            let comma = if self.fields.is_empty() { "" } else { ", " };
            self.fields
                .push_str(&format!("{comma}{}={text}", field.name()));
        }
    }
}
