//! Errors of parsing a framing.

/// The text is not a framing. The error says what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FramingError(pub(super) String);

impl FramingError {
    pub(super) fn new(problem: String) -> FramingError {
        FramingError(problem)
    }
}

/// Escapes backslashes, commas and all that is not printable ASCII, as `--framing` takes them.
pub(super) fn escape(bytes: &[u8]) -> String {
    let written = bytes.iter().map(|byte| match byte {
        b'\n' => r"\n".into(),
        b'\r' => r"\r".into(),
        b'\t' => r"\t".into(),
        0 => r"\0".into(),
        b'\\' => r"\\".into(),
        b',' => r"\,".into(),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!(r"\x{byte:02x}"),
    });
    written.collect()
}
