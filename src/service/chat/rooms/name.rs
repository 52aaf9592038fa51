//! Names of persons and rooms.
//!
//! A name is 1 to 24 letters, digits, `-`, `_` or `.` of any script, begins with a letter or a
//! digit, and does not mix scripts that look alike. Two names are the same if they differ only in
//! case, and too much alike if they look the same (Unicode Technical Standard 39).

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::general_security_profile::IdentifierType;
use unicode_security::{
    GeneralSecurityProfile, MixedScript, RestrictionLevel, RestrictionLevelDetection,
};

/// Maximum characters of a name.
const LENGTH_MAX: usize = 24;
/// Maximum combining marks on a letter; no script needs more.
const MARKS_MAX: usize = 3;

/// A valid name. See the head of the file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Name {
    shown: Box<str>,
    /// `None` if it equals `shown`.
    key: Option<Box<str>>,
    look: Box<str>,
    /// `None` if it equals `look`.
    written_look: Option<Box<str>>,
}

/// Why a text is not a valid name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("a name has 1 to 24 characters")]
    Length,
    #[error("a name has letters, digits and -_. and begins with a letter or a digit")]
    Characters,
    #[error("a name can't mix scripts that look alike")]
    Scripts,
    #[error("this name is the server's own")]
    Reserved,
    #[error("this name, or one that looks like it, is taken")]
    Taken,
    #[error("you are disconnected")]
    Gone,
}

impl Name {
    /// Checks a text.
    pub(crate) fn new(text: &str) -> Result<Name, NameError> {
        // At most four bytes for each letter and mark: reject longer text before the other checks.
        if text.len() > LENGTH_MAX * 4 * (1 + MARKS_MAX) {
            return Err(NameError::Length);
        }
        let shown: String = text.nfc().collect();
        if !(1..=LENGTH_MAX).contains(&shown.chars().count()) {
            return Err(NameError::Length);
        }
        check_characters(&shown)?;
        if !shown.as_str().is_single_script()
            && !shown.check_restriction_level(RestrictionLevel::ModeratelyRestrictive)
        {
            return Err(NameError::Scripts);
        }
        let key = fold(&shown);
        let (look, written) = (look(&key), look(&shown));
        Ok(Name {
            key: (key != shown).then(|| key.into()),
            shown: shown.into(),
            written_look: (written != look).then_some(written),
            look,
        })
    }

    /// The name as shown.
    pub(crate) fn as_str(&self) -> &str {
        &self.shown
    }

    /// Equal for names that differ only in case.
    pub(crate) fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.shown)
    }

    /// Equal for names that look alike in lower case.
    pub(crate) fn look(&self) -> &str {
        &self.look
    }

    /// Names that share one of these look alike, in lower case or as written.
    pub(crate) fn looks(&self) -> impl Iterator<Item = &str> {
        [Some(&*self.look), self.written_look.as_deref()]
            .into_iter()
            .flatten()
    }

    /// Whether the two names look alike.
    pub(crate) fn is_like(&self, other: &Name) -> bool {
        self.looks()
            .any(|look| other.looks().any(|one| one == look))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown, out)
    }
}

fn check_characters(name: &str) -> Result<(), NameError> {
    let mut marks = 0;
    for (at, character) in name.chars().enumerate() {
        marks = if is_combining_mark(character) {
            marks + 1
        } else {
            0
        };
        let is_letter = is_letter(character);
        let joins = matches!(character, '-' | '_' | '.') || marks > 0;
        if !(is_letter || (at > 0 && joins)) || marks > MARKS_MAX || is_invisible(character) {
            return Err(NameError::Characters);
        }
    }
    Ok(())
}

fn is_letter(character: char) -> bool {
    character.is_alphanumeric() && !is_combining_mark(character)
}

/// Letters of Unicode that show nothing.
fn is_invisible(character: char) -> bool {
    !character.is_ascii()
        && !character.identifier_allowed()
        && character.identifier_type() == Some(IdentifierType::Default_Ignorable)
}

fn fold(text: &str) -> String {
    text.to_lowercase().nfc().collect()
}

fn look(text: &str) -> Box<str> {
    let skeleton: String = unicode_security::skeleton(text).collect();
    fold(&skeleton).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        let (one, other) = (Name::new(one).expect(one), Name::new(other).expect(other));
        one.is_like(&other)
    }

    #[test]
    fn names_of_any_script() {
        for name in [
            "a",
            "Jürgen",
            "Δημήτρης",
            "Иван",
            "नमस्ते",
            "山田太郎",
            "عمر",
            "x_1.y-z",
        ] {
            assert!(Name::new(name).is_ok(), "{name}: {:?}", Name::new(name));
        }
        assert_eq!(Name::new("Jürgen").expect("valid").key(), "jürgen");
    }

    #[test]
    fn what_is_no_name() {
        for (text, why) in [
            ("", NameError::Length),
            ("abcdefghijklmnopqrstuvwxy", NameError::Length),
            ("-x", NameError::Characters),
            ("a b", NameError::Characters),
            ("a\u{200b}b", NameError::Characters),
            ("a\u{3164}", NameError::Characters),
            ("<x>", NameError::Characters),
            ("\u{301}a", NameError::Characters),
            ("a\u{316}\u{317}\u{318}\u{319}", NameError::Characters),
            ("p\u{430}ypal", NameError::Scripts),
        ] {
            assert_eq!(Name::new(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn what_looks_alike() {
        for (one, other) in [
            ("ann", "ANN"),
            ("Iron", "lron"),
            ("O1", "Ol"),
            ("corn", "com"),
            ("caxap", "\u{441}\u{430}\u{445}\u{430}\u{440}"),
            ("ann", "ａｎｎ"),
            ("e\u{301}ve", "éve"),
        ] {
            assert!(alike(one, other), "{one} and {other}");
        }
        assert!(!alike("ann", "anna"));
        assert!(!alike("guest-1", "guest-2"));
    }

    proptest! {
        #[test]
        fn a_name_holds_nothing_that_a_line_is_made_of(text in "\\PC{0,30}|[a-z<>* #-]{1,9}") {
            if let Ok(name) = Name::new(&text) {
                let shown = name.as_str();
                let odd = |c: char| c.is_whitespace() || c.is_control() || "<>*#[]/,:".contains(c);
                prop_assert!(!shown.contains(odd));
                prop_assert!(!shown.starts_with(['-', '_', '.']));
                prop_assert!((1..=LENGTH_MAX).contains(&shown.chars().count()));
                let again = Name::new(shown).expect("what is shown is a name");
                prop_assert_eq!(again, name);
            }
        }
    }
}
