//! The manual names what there is, and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use poold::{Options, Server, answer};

use crate::support::daemon::poold;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files under a directory whose names end so.
fn files(dir: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found
}

fn manual() -> String {
    let pages = files(&root().join("src/manual"), ".md");
    assert!(pages.len() >= 5);
    pages.iter().map(|page| read(page)).collect()
}

/// Words that begin with two dashes.
fn flags(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let flags = words.filter(|word| word.starts_with("--") && word.len() > 3);
    flags
        .map(|word| word.trim_end_matches('-').to_owned())
        .collect()
}

fn help() -> String {
    let ask = |args: &[&str]| {
        let output = poold(args).output().expect("poold starts");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let commands = [
        "recv", "chat", "hub", "exec", "client", "flood", "restart", "status", "tail",
    ];
    commands
        .iter()
        .map(|command| ask(&[command, "--help"]))
        .collect()
}

#[test]
fn every_flag_it_names_is_there_and_every_limit_is_named() {
    let (named, there) = (flags(&manual()), flags(&help()));
    // Docker's own, systemctl's and cargo's.
    let others = [
        "--bench", "--init", "--now", "--quick", "--time", "--ulimit",
    ];
    let others = others.map(str::to_owned);
    let unknown: Vec<_> = named.difference(&there).collect();
    assert!(
        unknown.iter().all(|flag| others.contains(flag)),
        "{unknown:?}"
    );
    let service = answer(|_: &[u8]| "");
    let server = Server::bind("127.0.0.1:0", Options::default(), service).expect("a free port");
    for (limit, _) in server.handle().stats().limits {
        assert!(manual().contains(limit.describe()), "{limit:?}");
    }
}

#[test]
fn every_exit_code_is_there() {
    let page = read(&root().join("src/manual/reference.md"));
    let codes = read(&root().join("src/cli/exit.rs"));
    let mut count = 0;
    for line in codes.lines().filter(|line| line.contains(": u8 = ")) {
        let value = line.split(" = ").nth(1).expect("a value");
        let numbers = value.trim_end_matches(';').split(" + ");
        let code: u32 = numbers.map(|n| n.parse::<u32>().expect("a number")).sum();
        assert!(page.contains(&format!("\n| {code} | ")), "{code}");
        count += 1;
    }
    assert_eq!(count, page.lines().filter(|line| is_code(line)).count());
}

fn is_code(line: &str) -> bool {
    let cell = line
        .strip_prefix("| ")
        .and_then(|row| row.split(' ').next());
    cell.is_some_and(|cell| !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The messages of a file's events above `debug`: what is said without its parameters.
fn messages(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["info!(", "warn!(", "error!("] {
        // Not `compile_error!`, which no log has.
        let is_event = |at: usize| !code[..at].ends_with('_');
        for (at, _) in code.match_indices(name).filter(|(at, _)| is_event(*at)) {
            let call = &code[at..code[at..].find(");").map_or(code.len(), |end| at + end)];
            let Some(message) = call.rsplit('"').nth(1) else {
                continue;
            };
            let said = message
                .split('{')
                .next()
                .unwrap_or("")
                .trim_end_matches(": ");
            // What is nothing but a parameter is named where it is made.
            if said.len() > 4 {
                found.push(said.trim().to_owned());
            }
        }
    }
    found
}

#[test]
fn every_log_event_is_there() {
    let page = manual();
    let (mut count, mut missing) = (0, Vec::new());
    for file in files(&root().join("src"), ".rs") {
        if file.starts_with(root().join("src/cli/flood")) {
            continue;
        }
        for message in messages(&read(&file)) {
            count += 1;
            if !page.contains(&message) {
                missing.push(format!("{}: {message}", file.display()));
            }
        }
    }
    assert!(missing.is_empty(), "not in src/manual: {missing:#?}");
    assert!(count > 25, "{count}");
}

#[test]
fn every_metric_is_there() {
    let page = read(&root().join("src/manual/metrics.md"));
    let code = [
        "admin/faults.rs",
        "admin/metrics.rs",
        "admin/tls.rs",
        "daemon/bus.rs",
        "daemon/exec/figures.rs",
        "daemon/hub/figures.rs",
        "daemon/remote.rs",
    ];
    let code = code.map(|file| read(&root().join("src/cli").join(file)));
    let code = code.concat();
    let names = code.split('"').filter(|text| text.starts_with("poold_"));
    let mut count = 0;
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "{name}");
        count += 1;
    }
    assert_eq!(count, page.matches("| `poold_").count());
}

#[test]
fn pages_and_completions_are_made_for_every_command() {
    let run = |args: &[&str]| {
        let output = poold(args).output().expect("poold starts");
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(run(&["man"]).contains(".TH poold 1"));
    assert!(run(&["man", "recv"]).contains("POOLD_FORMAT"));
    for command in ["recv", "exec", "chat"] {
        let values = "SIZE is in bytes";
        assert!(run(&[command, "--help"]).contains(values), "{command}");
        assert!(run(&["man", command]).contains(values), "{command}");
    }
    for command in ["recv", "echo", "discard", "exec", "flood", "restart"] {
        assert!(run(&["man", command]).contains(&format!(".TH poold-{command} 1")));
    }
    assert_eq!(
        poold(&["man", "x"])
            .output()
            .expect("poold starts")
            .status
            .code(),
        Some(2)
    );
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            run(&["completions", shell]).contains("take-over"),
            "{shell}"
        );
    }
}
