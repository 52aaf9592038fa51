//! Where a decoder is in its stream, written down so that another process's decoder goes on there.

/// A place between two pieces. Empty between two messages, unless the framing remembers something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// What came of the message under way.
    pub(crate) begun: Vec<u8>,
    /// Whether the message under way is skipped; its bound; then what the framing remembers.
    pub(crate) marks: Vec<u64>,
}

impl Place {
    pub(crate) fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.marks.is_empty()
    }
}

/// A flag among the marks.
pub(super) fn flag(mark: u64) -> Option<bool> {
    match mark {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// A number of bytes of `delimiter` that came last. They are the end of what was gathered, except
/// of a message that is skipped.
pub(super) fn matched(
    mark: u64,
    delimiter: &super::Delimiter,
    begun: &[u8],
    is_skipped: bool,
) -> Option<u8> {
    let matched = u8::try_from(mark).ok()?;
    let came = delimiter.as_bytes().get(..matched.into())?;
    let is_whole = came.len() == delimiter.len();
    (!is_whole && (is_skipped || begun.ends_with(came))).then_some(matched)
}
