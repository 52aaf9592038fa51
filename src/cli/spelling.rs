//! Finds the known word nearest to a misspelt one.

/// A word counts as misspelt if at most this many letters differ, and at most one in three.
const SLIPS_MAX: usize = 3;

/// The known word with the fewest differences, if they are few.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (slips, near) = known
        .map(|one| (distance(word, one), one))
        .min_by_key(|(slips, _)| *slips)?;
    (slips <= SLIPS_MAX.min(near.len() / 3)).then_some(near)
}

/// Letters to change, insert, delete or swap with the next one (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut before = vec![0; other.len() + 1];
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, byte) in one.iter().enumerate() {
        let mut now = vec![row + 1];
        for (column, theirs) in other.iter().enumerate() {
            let changed = last[column] + usize::from(byte != theirs);
            let mut least = changed.min(last[column + 1] + 1).min(now[column] + 1);
            let is_exchanged =
                row > 0 && column > 0 && *byte == other[column - 1] && one[row - 1] == *theirs;
            if is_exchanged {
                least = least.min(before[column - 1] + 1);
            }
            now.push(least);
        }
        before = std::mem::replace(&mut last, now);
    }
    last[other.len()]
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
