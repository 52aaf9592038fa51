//! Paints a line: time, colours, mentions of the client's own name.

use crate::service::chat::grammar::{Line, What};

/// The terminal's colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    /// No colour.
    None,
    /// The usual eight.
    Eight,
    /// 256.
    Many,
}

/// Colours of the 256 that are easy to read on black and on white, and easy to distinguish.
const MANY: [u8; 18] = [
    32, 34, 37, 62, 64, 70, 98, 100, 130, 133, 136, 161, 166, 168, 170, 172, 202, 205,
];
/// Red to cyan.
const EIGHT: [u8; 6] = [1, 2, 3, 4, 5, 6];

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const MENTION: &str = "\x1b[1;7m";

impl Colours {
    /// From the environment: `NO_COLOR`, `TERM`, `COLORTERM`.
    pub(crate) fn of_terminal() -> Colours {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let term = std::env::var("TERM").unwrap_or_default();
        if is_set("NO_COLOR") {
            Colours::None
        } else if is_set("COLORTERM") || term.contains("256") || term.contains("direct") {
            Colours::Many
        } else {
            Colours::Eight
        }
    }

    /// Dim, if there are colours.
    pub(crate) fn dim(self, text: &str) -> String {
        match self {
            Colours::None => text.to_owned(),
            _ => format!("{DIM}{text}{RESET}"),
        }
    }

    /// A name in its colour, which is the same in every client.
    fn name(self, name: &str, shown: &str) -> String {
        let pick = |among: &[u8]| among[(hash(name) % among.len() as u32) as usize];
        match self {
            Colours::None => shown.to_owned(),
            Colours::Eight => format!("\x1b[3{}m{shown}{RESET}", pick(&EIGHT)),
            Colours::Many => format!("\x1b[38;5;{}m{shown}{RESET}", pick(&MANY)),
        }
    }

    /// The painted line. `clock` is the time for lines without one.
    pub(crate) fn line(self, line: &Line<'_>, own: Option<&str>, clock: &str) -> String {
        let time = self.dim(line.time.unwrap_or(clock));
        let room = line.room.map(|room| format!("#{room} "));
        let room = self.name(line.room.unwrap_or_default(), &room.unwrap_or_default());
        let room = if line.room.is_some() {
            room
        } else {
            String::new()
        };
        let rest = match line.what {
            What::Said { name, text } => {
                let shown = self.name(name, &format!("<{name}>"));
                format!("{shown} {}", self.text(name, text, own))
            }
            What::Did { name, text } => {
                let shown = self.name(name, &format!("* {name}"));
                format!("{shown} {}", self.text(name, text, own))
            }
            What::Told { name, text } => {
                format!("{} {text}", self.name(name, &format!("[{name}]")))
            }
            What::Sent { name, text } => {
                format!("{} {text}", self.name(name, &format!("[to {name}]")))
            }
            What::Notice(text) => self.dim(&format!("-- {text}")),
            What::Other(text) => text.to_owned(),
        };
        format!("{time} {room}{rest}")
    }

    /// A member's text, with the client's own name marked.
    fn text(self, name: &str, text: &str, own: Option<&str>) -> String {
        let found = own.filter(|own| *own != name && self != Colours::None);
        let Some((from, to)) = found.and_then(|own| mention(text, own)) else {
            return text.to_owned();
        };
        let (before, own, after) = (&text[..from], &text[from..to], &text[to..]);
        format!("{before}{MENTION}{own}{RESET}{after}")
    }
}

/// Whether the line is for this client: it has its name, or is private.
pub(crate) fn is_for_us(line: &Line<'_>, own: Option<&str>) -> bool {
    if line.time.is_some() {
        return false;
    }
    match line.what {
        What::Told { .. } => true,
        What::Said { name, text } | What::Did { name, text } => {
            own.is_some_and(|own| own != name && mention(text, own).is_some())
        }
        _ => false,
    }
}

/// Where the client's name is a word of its own, in any case.
fn mention(text: &str, own: &str) -> Option<(usize, usize)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.char_indices().find_map(|(from, _)| {
        let rest = &text[from..];
        let length = prefix_ignoring_case(rest, own)?;
        let begins = !text[..from].chars().next_back().is_some_and(is_part);
        let ends = !rest[length..].chars().next().is_some_and(is_part);
        (begins && ends).then_some((from, from + length))
    })
}

/// The length of the word in the text.
fn prefix_ignoring_case(text: &str, word: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    for wanted in word.chars() {
        let (_, found) = characters.next()?;
        if found != wanted && !found.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
    }
    Some(characters.next().map_or(text.len(), |(at, _)| at))
}

/// FNV-1a of the name in lower case: the same in every client and version.
fn hash(name: &str) -> u32 {
    let bytes = name.to_lowercase().into_bytes();
    let hashed = bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    // The low bits alone are too similar for similar names.
    hashed ^ (hashed >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::chat::grammar::parse;

    #[test]
    fn without_colours_a_line_is_its_text() {
        let plain = |line| Colours::None.line(&parse(line), Some("bob"), "09:30");
        assert_eq!(plain("<ann> hi bob"), "09:30 <ann> hi bob");
        assert_eq!(plain("#ops * ann waves"), "09:30 #ops * ann waves");
        assert_eq!(plain("08:51 [to ann] x"), "08:51 [to ann] x");
        assert_eq!(plain("-- ann left"), "09:30 -- ann left");
    }

    #[test]
    fn a_name_has_one_colour_whatever_its_case() {
        let colour = |name: &str| Colours::Many.name(name, "");
        assert_eq!(colour("Ann"), colour("aNN"));
        let people = [
            "ann", "bob", "cleo", "dora", "eve", "fred", "guest-1", "guest-2",
        ];
        let mut colours: Vec<_> = people.into_iter().map(colour).collect();
        colours.sort();
        colours.dedup();
        assert!(colours.len() >= 6, "{colours:?}");
    }

    #[test]
    fn a_mention_is_a_whole_word() {
        let is_mention = |text| mention(text, "ann").is_some();
        for yes in ["ann", "ANN: look", "(ann)", "hi Ann!", "joann ann"] {
            assert!(is_mention(yes), "{yes}");
        }
        for no in ["annex", "joann", "an n", "", "ann_b"] {
            assert!(!is_mention(no), "{no}");
        }
        assert!(mention("\u{c4}nne!", "\u{e4}nne").is_some());
    }

    #[test]
    fn the_bell_is_for_others_words_and_only_now() {
        let rings = |line| is_for_us(&parse(line), Some("bob"));
        assert!(rings("<ann> bob?") && rings("[ann] psst"));
        assert!(!rings("<bob> bob here") && !rings("08:51 <ann> bob?") && !rings("-- bob left"));
    }
}
