//! Names of people and rooms: who may be called what.
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

/// Characters in a name.
const LENGTH_MAX: usize = 24;
/// Marks on one letter: more are no writing.
const MARKS_MAX: usize = 3;

/// A valid name. See the head of the file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Name {
    shown: Box<str>,
    key: Box<str>,
    looks: [Box<str>; 2],
}

/// Why a text is no name.
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
    #[error("somebody has this name, or one that looks like it")]
    Taken,
}

impl Name {
    /// Checks a text.
    pub(crate) fn new(text: &str) -> Result<Name, NameError> {
        // Each character is at most four bytes; the first look is cheap.
        if text.len() > LENGTH_MAX * 16 {
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
        let looks = [look(&key), look(&shown)];
        Ok(Name {
            shown: shown.into(),
            key: key.into(),
            looks,
        })
    }

    /// As it is shown.
    pub(crate) fn as_str(&self) -> &str {
        &self.shown
    }

    /// The same for all names that differ only in case.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Shared by names that look alike: in small letters, or as they are written.
    pub(crate) fn looks(&self) -> &[Box<str>; 2] {
        &self.looks
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

/// Letters to Unicode, nothing to the eye.
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
