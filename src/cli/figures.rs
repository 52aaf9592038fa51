//! Figures and times for people.

use std::time::Duration;

/// In milliseconds, a little more than the 2^36 ns of `meter.rs`.
const LAST_BOUND: f64 = 68_720.0;
/// Bars for a line of small columns.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `1 234` or `12.3 M`.
pub(super) fn count(value: f64) -> String {
    for (unit, name) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")] {
        if value >= unit {
            let unit = if name == "k" { 1e3 } else { unit };
            return format!("{:.1} {name}", value / unit);
        }
    }
    format!("{value:.0}")
}

/// `12.3 MiB`.
pub(super) fn bytes(value: f64) -> String {
    for (power, name) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] {
        let unit = f64::from(2).powi(power);
        if value >= unit {
            return format!("{:.1} {name}", value / unit);
        }
    }
    format!("{value:.0} B")
}

/// Milliseconds as `350 µs`, `3.5 ms` or `2.1 s`.
pub(super) fn millis(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        ..1.0 => format!("{:.0} µs", value * 1e3),
        ..10.0 => format!("{value:.1} ms"),
        ..1000.0 => format!("{value:.0} ms"),
        _ => format!("{:.1} s", value / 1e3),
    }
}

/// A histogram's bound in milliseconds: `≤ 8.6 s`; the last bucket has no bound.
pub(super) fn at_most(bound: f64) -> String {
    match bound {
        0.0 => "0".into(),
        ..LAST_BOUND => format!("≤ {}", millis(bound)),
        _ => format!("> {}", millis(LAST_BOUND)),
    }
}

/// Seconds as `3s`, `2m 5s` or `4days 3h`, the two largest parts.
pub(super) fn span(seconds: f64) -> String {
    let whole = Duration::from_secs(seconds.clamp(0.0, 1e12) as u64);
    let text = humantime::format_duration(whole).to_string();
    let parts: Vec<_> = text.split(' ').take(2).collect();
    parts.join(" ")
}

/// The last `width` values as columns, scaled to the highest.
pub(super) fn spark(values: impl DoubleEndedIterator<Item = f64>, width: usize) -> String {
    let mut last: Vec<_> = values.rev().take(width).collect();
    last.reverse();
    let top = last.iter().copied().fold(0.0, f64::max);
    let bar = |value: &f64| {
        let share = if top > 0.0 { value / top } else { 0.0 };
        BARS[((share * 7.0).round() as usize).min(7)]
    };
    last.iter().map(bar).collect()
}

/// Text from elsewhere, without characters that control a terminal.
pub(super) fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '?' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!((count(0.0), count(9999.0)), ("0".into(), "9999".into()));
        assert_eq!(
            (count(12_345.0), count(2.5e9)),
            ("12.3 k".into(), "2.5 G".into())
        );
        assert_eq!(
            (bytes(10.0), bytes(2048.0)),
            ("10 B".into(), "2.0 KiB".into())
        );
        assert_eq!(
            (millis(0.35), millis(2.0)),
            ("350 µs".into(), "2.0 ms".into())
        );
        assert_eq!(
            (millis(150.0), millis(2100.0)),
            ("150 ms".into(), "2.1 s".into())
        );
        let bounds = [0.0, 8589.935, 68_719.477, 137_438.953].map(at_most);
        assert_eq!(bounds, ["0", "≤ 8.6 s", "≤ 68.7 s", "> 68.7 s"]);
        assert_eq!((span(5.9), span(3725.0)), ("5s".into(), "1h 2m".into()));
    }

    #[test]
    fn columns_show_the_last_values() {
        assert_eq!(spark([9.0, 0.0, 3.5, 7.0].into_iter(), 3), "▁▅█");
        assert_eq!(spark([0.0, 0.0].into_iter(), 3), "▁▁");
        assert_eq!(plain("a\x1b[2Jb"), "a?[2Jb");
    }
}
