//! The terminal's width, and the wrapping of lines.

use console::measure_text_width;
use rustix::termios::tcgetwinsize;

/// Indent of wrapped rows: after the time.
const INDENT: usize = "00:00 ".len();
/// Minimum width for that indent.
const INDENTED_FROM: usize = 40;

/// Columns; `None` if the terminal does not tell.
pub(crate) fn columns() -> Option<usize> {
    let size = tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then(|| size.ws_col.into())
}

/// Breaks a line between words. The terminal breaks a word that is longer than a row, so it can be
/// copied in one piece.
pub(crate) fn wrap(line: &str, columns: usize) -> String {
    let indent = if columns < INDENTED_FROM { 0 } else { INDENT };
    let mut wrapped = String::with_capacity(line.len());
    let mut column = 0;
    for (number, word) in line.split(' ').enumerate() {
        let width = measure_text_width(word);
        if number > 0 && column + 1 + width > columns && indent + width <= columns && width > 0 {
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if number > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += width;
        if column > columns {
            column %= columns;
        }
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        let line = "09:30 -- a notice that is a little wider than this narrow window of 60";
        let expected =
            "09:30 -- a notice that is a little wider than this narrow\n      window of 60";
        assert_eq!(wrap(line, 60), expected);
        assert_eq!(wrap(line, 100), line);
        assert_eq!(wrap("a bb ccc dddd", 6), "a bb\nccc\ndddd");
        // As wide as a row, and an address that is wider.
        assert_eq!(wrap("12 456", 6), "12 456");
        assert_eq!(
            wrap("see http://a.example/x now", 10),
            "see http://a.example/x now"
        );
        assert_eq!(wrap("a  b ", 10), "a  b ");
        // Colours have no width.
        let red = "\u{1b}[31mred\u{1b}[0m";
        assert_eq!(wrap(&format!("a {red} b"), 7), format!("a {red} b"));
    }
}
