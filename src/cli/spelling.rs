//! Finds the known word nearest to a misspelt one.

/// A word counts as misspelt if at most this many letters differ, and at most one in three.
const SLIPS_MAX: usize = 3;

/// The known word with the fewest differences, if they are few.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (slips, near) = known
        .map(|one| (strsim::osa_distance(word, one), one))
        .min_by_key(|(slips, _)| *slips)?;
    (slips <= SLIPS_MAX.min(near.len() / 3)).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_two_are_forgiven() {
        let known = ["status", "set", "recv", "chat"];
        for (word, near) in [
            ("stauts", Some("status")),
            ("satus", Some("status")),
            ("statusses", None),
            ("ste", Some("set")),
            ("chatt", Some("chat")),
            ("localhost", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), near, "{word}");
        }
    }
}
