//! The last painted prompt line, and how a change of the window's width moves it.
//!
//! The editor clears the rows that a line had in the old width. If the terminal has broken the line
//! anew, its cursor is in another row, and the editor would clear the lines above.

use std::io::Write;
use std::time::Duration;

use console::measure_text_width;
use parking_lot::{Condvar, Mutex};

use super::width::columns;

/// The prompt.
pub(crate) const PROMPT: &str = "> ";
/// Maximum time for the editor to notice the window's new width.
const NOTICED_WITHIN: Duration = Duration::from_millis(250);

/// See the head of the file. The editor's thread notes, the connection thread waits.
#[derive(Default)]
pub(crate) struct Painted {
    last: Mutex<Last>,
    noted: Condvar,
}

#[derive(Default)]
struct Last {
    columns: usize,
    line: String,
}

impl Painted {
    /// Called before the line is painted. If the window's width has changed, moves the cursor to
    /// where the editor expects it.
    pub(crate) fn note(&self, line: &str, pos: usize) {
        let columns = columns();
        let mut last = self.last.lock();
        if let Some(columns) = columns {
            let before = std::mem::replace(&mut last.columns, columns);
            // A key paints another line, after the new width was noticed.
            if before != columns && before > 0 && last.line == line {
                move_cursor(rows(width(&line[..pos]), before, columns));
            }
        }
        line.clone_into(&mut last.line);
        self.noted.notify_all();
    }

    /// The last painted line.
    pub(crate) fn line(&self) -> String {
        self.last.lock().line.clone()
    }

    /// Waits until a line of several rows was painted in the window's current width.
    pub(crate) fn settle(&self) {
        let mut last = self.last.lock();
        let is_settled = |last: &Last| {
            let is_low = width(&last.line) < last.columns;
            is_low || columns().is_none_or(|columns| columns == last.columns)
        };
        if !is_settled(&last) {
            self.noted.wait_for(&mut last, NOTICED_WITHIN);
        }
    }
}

/// Whether it takes more than a row.
pub(crate) fn is_wide(line: &str) -> bool {
    columns().is_some_and(|columns| width(line) >= columns)
}

/// Columns of the prompt and what is typed.
fn width(line: &str) -> usize {
    PROMPT.len() + measure_text_width(line)
}

/// The row of a cursor with this many columns before it, in the old width and in the new one. After
/// a full row the editor has begun another one, which stays.
fn rows(width: usize, old: usize, new: usize) -> (usize, usize) {
    match width.is_multiple_of(old) {
        true => (width / old, (width - 1) / new + 1),
        false => (width / old, width / new),
    }
}

fn move_cursor((old, new): (usize, usize)) {
    let moved = match old > new {
        true => "\n".repeat(old - new),
        false if new > old => format!("\x1b[{}A", new - old),
        false => return,
    };
    let mut output = std::io::stdout();
    // An error here only affects the display.
    let _ = output.write_all(moved.as_bytes());
    let _ = output.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_s_row_in_both_widths() {
        assert_eq!(rows(63, 25, 70), (2, 0));
        assert_eq!(rows(63, 70, 25), (0, 2));
        // At the end of two full rows.
        assert_eq!(rows(50, 25, 70), (2, 1));
        assert_eq!(rows(2, 25, 70), (0, 0));
    }
}
