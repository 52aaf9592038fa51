//! A source file as the rules see it: without comments, without what is in quotes, its imports
//! written out in full.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) struct Source {
    /// From the package's root.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with comments and the insides of literals blanked, line for line.
    pub(super) code: String,
}

/// Something that a file names: `["crate", "peer", "Address"]`, and in which line.
pub(super) struct Named {
    pub(super) line: usize,
    pub(super) path: Vec<String>,
    /// It is in a `pub use`.
    pub(super) is_export: bool,
}

/// All of `src`.
pub(super) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the package") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.iter().map(|path| Source::read(root, path)).collect()
}

impl Source {
    fn read(root: &Path, path: &PathBuf) -> Source {
        let text = fs::read_to_string(path).expect("UTF-8");
        let path = path.strip_prefix(root).expect("it was found there");
        let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
        Source {
            path: names.join("/"),
            code: blank(&text),
            text,
        }
    }

    /// Its module: `src/service/recv.rs` is `["service", "recv"]`, and the crate's root is empty.
    pub(super) fn module(&self) -> Vec<String> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let names = path.split('/').map(str::to_owned);
        names
            .filter(|name| !["lib", "main", "mod"].contains(&name.as_str()))
            .collect()
    }

    /// Everything that it imports or names from the crate's root, before its own tests begin:
    /// `super` is written out, so that each path begins at the root.
    pub(super) fn inner_paths(&self) -> Vec<Named> {
        let module = self.module();
        let mut found = self.paths();
        // A lone `crate` or `super` is how far something can be seen.
        found.retain(|named| named.path.len() > 1);
        found.retain_mut(|named| {
            let ups = named.path.iter().take_while(|name| *name == "super");
            let ups = ups.count();
            if ups > 0 && ups <= module.len() {
                let from = module[..module.len() - ups].iter().cloned();
                named.path.splice(..ups, from);
                return true;
            }
            named.path.first().is_some_and(|name| name == "crate") && {
                named.path.remove(0);
                true
            }
        });
        found
    }

    /// It is there for tests alone.
    pub(super) fn is_test(&self) -> bool {
        self.module().iter().any(|name| name == "tests")
    }

    /// What it imports from other files, or exports again, written out from the crate's root; `files`
    /// are all modules.
    pub(super) fn outside(&self, files: &BTreeSet<String>) -> Vec<Named> {
        let module = self.module();
        let is_child = |name: &String| {
            files.contains(
                &[&module[..], std::slice::from_ref(name)]
                    .concat()
                    .join("::"),
            )
        };
        let mut found = self.inner_paths();
        for mut named in self.paths() {
            if named.path[0] == "self" {
                named.path.remove(0);
            }
            if named.path.first().is_some_and(is_child) && named.path.len() > 1 {
                named.path.splice(..0, module.iter().cloned());
                found.push(named);
            }
        }
        found
    }

    /// Every path in the code before its own tests begin, those of a `use` with braces one by one.
    pub(super) fn paths(&self) -> Vec<Named> {
        let tests = self.code.find("#[cfg(test)]\nmod tests {");
        let code = &self.code[..tests.unwrap_or(self.code.len())];
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(start) = next_word(code, at) {
            let line = code[..start].matches('\n').count() + 1;
            let before = code[..start].rsplit(['\n', ';']).next().unwrap_or("");
            let is_export = before.starts_with("pub") && before.ends_with("use ");
            let is_visibility = before.ends_with("pub(in ");
            let mut paths = Vec::new();
            at = start + expand(&code[start..], &[], &mut paths);
            if !is_visibility {
                found.extend(paths.into_iter().map(|path| Named {
                    line,
                    path,
                    is_export,
                }));
            }
        }
        found
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn next_word(code: &str, from: usize) -> Option<usize> {
    let found = code[from..].find(is_word)?;
    Some(from + found)
}

/// Reads `a::b::{c, d::*}` at the beginning of `code`; answers how far it goes.
fn expand(code: &str, stem: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = stem.to_vec();
    let mut at = 0;
    loop {
        let rest = &code[at..];
        if rest.starts_with('{') {
            return at + expand_braces(rest, &path, found);
        }
        let word = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let length = word + usize::from(word == 0 && rest.starts_with('*'));
        if length > 0 {
            path.push(rest[..length].to_owned());
        }
        at += length;
        if !code[at..].starts_with("::") {
            found.push(path);
            // At least one character, so that the caller makes progress.
            return at.max(1).min(code.len());
        }
        at += 2;
    }
}

fn expand_braces(code: &str, stem: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut at = 1;
    while let Some(next) = code[at..].chars().next() {
        match next {
            '}' => return at + 1,
            _ if is_word(next) => at += expand(&code[at..], stem, found),
            _ => at += next.len_utf8(),
        }
    }
    at
}

/// Blanks comments and the insides of literals; lines stay where they are.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let before = code.chars().next_back();
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '\'' {
            character(rest)
        } else if before.is_some_and(is_word) && before != Some('b') {
            0
        } else {
            string(rest)
        };
        let length = skipped.max(first.len_utf8());
        if skipped == 0 {
            code.push(first);
        } else {
            let kept = rest[..length].chars();
            code.extend(kept.map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = &rest[length..];
    }
    code
}

/// The length of a string literal, raw or not, at the beginning of `text`; 0 if there is none.
fn string(text: &str) -> usize {
    let hashes = text.strip_prefix('r').map(|rest| {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        (hashes, rest[hashes..].starts_with('"'))
    });
    if let Some((hashes, true)) = hashes {
        let close = format!("\"{}", "#".repeat(hashes));
        let open = hashes + 2;
        let end = text[open..].find(&close);
        return end.map_or(text.len(), |end| open + end + close.len());
    }
    if !text.starts_with('"') {
        return 0;
    }
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal at the beginning of `text`; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let after = at + escaped.len_utf8();
            text[after..].find('\'').map_or(0, |end| after + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_comments_are_blanked() {
        for (text, code) in [
            ("a // b", "a     "),
            ("a /* b */ c", "a         c"),
            (r#"a("b\"c") d"#, "a(      ) d"),
            ("r#\"a\"b\"# c", "         c"),
            ("b\"a\" c", "b    c"),
            ("'\"' a '\\'' b 'c", "    a      b 'c"),
            ("&'a str", "&'a str"),
        ] {
            assert_eq!(blank(text), code, "{text}");
        }
    }

    #[test]
    fn imports_are_written_out() {
        let mut found = Vec::new();
        expand("crate::a::{self, b::C, d::{E, F}};", &[], &mut found);
        let found: Vec<_> = found.iter().map(|path| path.join("::")).collect();
        assert_eq!(
            found,
            [
                "crate::a::self",
                "crate::a::b::C",
                "crate::a::d::E",
                "crate::a::d::F"
            ]
        );
    }
}
