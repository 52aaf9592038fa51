//! What the terminal can do.

/// Whether the terminal can move its cursor, which colours, redrawing and the line editor need.
pub(crate) fn is_capable() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    !["", "dumb", "cons25", "emacs"].contains(&term.as_str())
}
