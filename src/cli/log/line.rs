//! An event as a line of text or logfmt.

use std::fmt::{self, Write};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::escape::is_dangerous;

/// The column of the first field, unless the message is longer.
const FIELDS_AT: usize = 48;

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `warning: the message (key=value, …)`, at a terminal with the values in a column; without a
    /// time: terminals and journals have their own.
    Text,
    /// `ts=… level=warn msg="the message" key=value`
    Logfmt,
}

/// Whether a line begins with its priority (sd-daemon(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    /// `<4>`: the journal removes it, and can filter by it.
    Journal,
    Unsaid,
}

/// See the head of the file.
pub(super) struct LineFormat(pub(super) Style, pub(super) Priority);

impl<S, N> FormatEvent<S, N> for LineFormat
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
        let level = *event.metadata().level();
        let mut parts = Parts::default();
        event.record(&mut parts);
        let is_colourful = writer.has_ansi_escapes();
        let mut line = String::new();
        if self.1 == Priority::Journal {
            write!(line, "<{}>", priority(level))?;
        }
        match self.0 {
            Style::Text => text(&mut line, level, &parts, is_colourful)?,
            Style::Logfmt => {
                let now = humantime::format_rfc3339_millis(SystemTime::now());
                let level = level.as_str().to_ascii_lowercase();
                let message = quoted(&parts.message);
                write!(
                    line,
                    "ts={now} level={level} msg={message}{}",
                    parts.pairs()
                )?;
            }
        }
        writeln!(writer, "{line}")
    }
}

fn text(line: &mut String, level: Level, parts: &Parts, is_colourful: bool) -> fmt::Result {
    let (prefix, colour) = match level {
        Level::ERROR => ("error: ", "\x1b[31m"),
        Level::WARN => ("warning: ", "\x1b[33m"),
        Level::INFO => ("", ""),
        _ => ("debug: ", "\x1b[2m"),
    };
    let Parts { message, fields } = parts;
    let (colour, dim, plain) = match is_colourful {
        true => (colour, "\x1b[2m", "\x1b[0m"),
        false => ("", "", ""),
    };
    match colour {
        "" => write!(line, "{prefix}{message}")?,
        colour => write!(line, "{colour}{prefix}{plain}{message}")?,
    }
    if !fields.is_empty() && !is_colourful {
        let pairs = fields.iter().map(|(name, value)| format!("{name}={value}"));
        write!(line, " ({})", pairs.collect::<Vec<_>>().join(", "))?;
    } else if !fields.is_empty() {
        let width = prefix.len() + message.chars().count();
        let gap = FIELDS_AT.saturating_sub(width).max(1);
        write!(line, "{:gap$}{dim}{}{plain}", "", parts.pairs())?;
    }
    Ok(())
}

/// As syslog(3) counts them.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// The parts of an event. Characters that end a line or control a terminal are escaped, so no peer
/// can forge a line.
#[derive(Default)]
struct Parts {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Parts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, &format!("{value:?}"));
    }
}

impl Parts {
    fn record(&mut self, field: &Field, value: &str) {
        let mut text = String::new();
        for character in value.chars() {
            match is_dangerous(character) {
                true => text.extend(character.escape_default()),
                false => text.push(character),
            }
        }
        if field.name() == "message" {
            self.message = text;
        } else {
            self.fields.push((field.name(), text));
        }
    }

    /// ` key=value` for each.
    fn pairs(&self) -> String {
        let pairs = self.fields.iter();
        pairs
            .map(|(name, value)| format!(" {name}={}", quoted(value)))
            .collect()
    }
}

/// Unquoted if that is unambiguous, else in quotes.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !"\"=\\".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        assert_eq!(quoted("127.0.0.1:80"), "127.0.0.1:80");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("a b"), "\"a b\"");
        assert_eq!(quoted("a=\"b\""), "\"a=\\\"b\\\"\"");
        assert_eq!(quoted("a\\"), "\"a\\\\\"", "it does not hide the end");
    }

    #[test]
    fn fields_stand_in_a_column() {
        let parts = |message: &str| Parts {
            message: message.into(),
            fields: vec![("id", "1".into()), ("peer", "unix:7".into())],
        };
        let written = |level, message: &str| {
            let mut line = String::new();
            text(&mut line, level, &parts(message), true).expect("a string");
            line
        };
        let plain = |line: String| line.replace("\x1b[2m", "").replace("\x1b[0m", "");
        let short = plain(written(Level::INFO, "connected"));
        let graver = plain(written(Level::WARN, "slow")).replace("\x1b[33m", "");
        assert_eq!(short.find(" id="), graver.find(" id="));
        let long = plain(written(Level::INFO, &"x".repeat(60)));
        assert!(long.ends_with("x  id=1 peer=unix:7"), "{long}");
    }
}
