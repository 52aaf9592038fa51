//! Style as a test: the order of imports, one file for each outside crate, limits on sizes.
//!
//! Each failure names the file, the line and what to do.

mod graph;
mod inside;
mod interface;
mod source;

use self::source::{Named, Source, sources};

/// The rooms of the library in the order of their imports: a room may import from the lines above
/// its own, and from its own line.
const ORDER: &[&[&str]] = &[
    // It is prose.
    &["manual"],
    &["error", "escape", "series", "system"],
    &["framing"],
    &["net", "tls"],
    &["scheduler"],
    &["redis"],
    &["limits"],
    &["connection", "drain"],
    &["service"],
    &["turn"],
    &["server"],
    // The crate's root, for `lib.rs` itself.
    &[""],
    &["cli"],
];

/// Crates that only these files may name: their uses are found at once, and a change of theirs is a
/// change of one file.
const CRATES: &[(&str, &[&str])] = &[
    ("threadpool", &["src/scheduler/pool.rs"]),
    ("ctor", &["src/system.rs"]),
    ("ctrlc", &["src/cli/signals.rs"]),
    ("listenfd", &["src/cli/sockets/mod.rs"]),
    ("rcgen", &["src/cli/cert.rs", "src/tls/tests/"]),
    ("rustls", &["src/tls/"]),
    ("webpki", &["src/tls/names.rs"]),
    ("rustls_native_certs", &["src/tls/client.rs"]),
    ("mio", &["src/scheduler/poller.rs", "src/cli/flood/"]),
];

/// What no crate has a safe form of; the file says why.
const UNSAFE: &[&str] = &["src/system.rs"];

const LINE_MAX: usize = 100;
const FILE_MAX: usize = 400;
const FUNCTION_MAX: usize = 60;

fn report(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn rank(room: &str) -> Option<usize> {
    ORDER.iter().position(|line| line.contains(&room))
}

#[test]
fn imports_go_one_way() {
    let mut problems = Vec::new();
    for source in sources() {
        let module = source.module();
        let room = module.first().map_or("", String::as_str);
        let Some(own) = rank(room) else {
            problems.push(format!(
                "{}: a new room; give `{room}` its place in ORDER in tests/it/tidy/mod.rs",
                source.path
            ));
            continue;
        };
        for Named { line, path, .. } in source.inner_paths() {
            let at = format!("{}:{line}", source.path);
            let path_text = path.join("::");
            match path.first().and_then(|first| rank(first)) {
                Some(other) if other > own => problems.push(format!(
                    "{at}: `{room}` imports `{path_text}`, which stands after it; pass it in as an \
                     argument or a closure, or move what both need to an earlier room"
                )),
                Some(_) => {}
                // What the root defines is the same thing by a longer way, and makes a circle.
                None if room.is_empty() || room == "cli" => {}
                None => problems.push(format!(
                    "{at}: `{path_text}` comes through the crate's root; import it from its room"
                )),
            }
        }
    }
    report(problems);
}

#[test]
fn services_know_nothing_of_each_other() {
    let mut problems = Vec::new();
    let all = sources();
    let modules: Vec<_> = all.iter().map(Source::module).collect();
    let services: Vec<_> = modules
        .iter()
        .filter(|module| module.len() == 2 && module[0] == "service")
        .map(|module| module[1].as_str())
        .collect();
    assert!(services.len() > 1, "found {services:?}");
    for source in all.iter().filter(|source| source.module().len() > 1) {
        let module = source.module();
        if module[0] != "service" {
            continue;
        }
        for Named { line, path, .. } in source.inner_paths() {
            if let [room, other, ..] = &path[..]
                && room == "service"
                && services.contains(&other.as_str())
                && *other != module[1]
            {
                problems.push(format!(
                    "{}:{line}: the service `{}` imports its sibling `{other}`; what both need \
                     belongs in src/service/mod.rs",
                    source.path, module[1]
                ));
            }
        }
    }
    report(problems);
}

#[test]
fn each_outside_crate_has_its_file() {
    let mut problems = Vec::new();
    let all = sources();
    for (name, files) in CRATES {
        for file in *files {
            let names_it = |source: &&Source| {
                source.path.starts_with(file)
                    && source.paths().iter().any(|named| named.path[0] == *name)
            };
            if all.iter().find(names_it).is_none() {
                problems.push(format!(
                    "{file}: does not name `{name}` any more; fix CRATES in tests/it/tidy/mod.rs"
                ));
            }
        }
        for source in &all {
            if files.iter().any(|file| source.path.starts_with(file)) {
                continue;
            }
            for Named { line, path, .. } in source.paths() {
                if path.first().is_some_and(|first| first == name) && path.len() > 1 {
                    problems.push(format!(
                        "{}:{line}: names `{name}`, which only {} may; ask there for what is needed",
                        source.path,
                        files.join(", ")
                    ));
                }
            }
        }
    }
    report(problems);
}

#[test]
fn lines_and_files_have_a_bound() {
    let mut problems = Vec::new();
    for source in sources() {
        let count = source.text.lines().count();
        if count > FILE_MAX {
            problems.push(format!(
                "{}: {count} lines, more than {FILE_MAX}; find the seam and make it two rooms",
                source.path
            ));
        }
        for (number, line) in source.text.lines().enumerate() {
            let width = line.chars().count();
            // A row of a table can't be broken.
            if width > LINE_MAX && !line.starts_with("//! | ") {
                problems.push(format!(
                    "{}:{}: {width} characters, more than {LINE_MAX}; break the line",
                    source.path,
                    number + 1
                ));
            }
        }
    }
    report(problems);
}

#[test]
fn functions_have_a_bound() {
    let mut problems = Vec::new();
    for source in sources() {
        for (line, name, length) in functions(&source.code) {
            if length >= FUNCTION_MAX {
                problems.push(format!(
                    "{}:{line}: `{name}` has {length} lines, not under {FUNCTION_MAX}; name its \
                     steps and make them functions",
                    source.path
                ));
            }
        }
    }
    report(problems);
}

/// The functions with a body: first line, name, number of lines.
fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("fn ") {
        if start > 0 && !code[..start].ends_with([' ', '\n', '(']) {
            continue;
        }
        let rest = &code[start + 3..];
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let Some(open) = body(rest).filter(|_| !name.is_empty()) else {
            continue;
        };
        let mut depth = 0;
        let close = rest[open..].char_indices().find(|(_, character)| {
            depth += i32::from(*character == '{') - i32::from(*character == '}');
            depth == 0
        });
        let end = close.map_or(rest.len(), |(at, _)| open + at);
        let line = code[..start].matches('\n').count() + 1;
        found.push((line, name, rest[..end].matches('\n').count() + 1));
    }
    found
}

/// Where a function's body begins, after its name: not in `[u8; 4]` and not at a bare `;`.
fn body(code: &str) -> Option<usize> {
    let mut depth = 0;
    let (at, first) = code.char_indices().find(|(_, character)| {
        depth += i32::from("([".contains(*character)) - i32::from(")]".contains(*character));
        depth == 0 && "{;".contains(*character)
    })?;
    (first == '{').then_some(at)
}

#[test]
fn visibility_has_one_dialect() {
    let mut problems = Vec::new();
    for source in sources() {
        // What these two show is the command's own, and for the tests.
        let shows = ["src/cli/mod.rs", "src/cli/log/mod.rs"].contains(&source.path.as_str());
        let is_command = source.path.starts_with("src/cli/") && !shows;
        for (number, line) in source.code.lines().enumerate() {
            let is_public = line.trim_start().starts_with("pub ");
            if line.contains("pub(in ") || (is_command && is_public) {
                problems.push(format!(
                    "{}:{}: write `pub` for the library's users, `pub(super)` for the parent, else \
                     `pub(crate)`",
                    source.path,
                    number + 1
                ));
            }
        }
    }
    report(problems);
}

#[test]
fn some_things_are_not_done_at_all() {
    let banned = [
        ("unsafe", "find a crate that has done it and was reviewed"),
        ("todo", "do it"),
        ("unimplemented", "do it, or let the type rule it out"),
        ("dbg", "use tracing, or nothing"),
    ];
    let mut problems = Vec::new();
    for source in sources() {
        for (number, line) in source.code.lines().enumerate() {
            let words = || line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            for (word, instead) in banned {
                let is_macro = word != "unsafe";
                let is_allowed = !is_macro && UNSAFE.contains(&source.path.as_str());
                if is_allowed {
                    continue;
                }
                if words().any(|each| each == word)
                    && (!is_macro || line.contains(&format!("{word}!")))
                {
                    let at = format!("{}:{}", source.path, number + 1);
                    problems.push(format!("{at}: `{word}`; {instead}"));
                }
            }
        }
        for Named { line, path, .. } in source.paths() {
            if path.ends_with(&["mpsc".to_owned(), "channel".to_owned()]) {
                problems.push(format!(
                    "{}:{line}: a channel without a bound; take `mpsc::sync_channel` and say what \
                     happens when it is full",
                    source.path
                ));
            }
        }
    }
    report(problems);
}
