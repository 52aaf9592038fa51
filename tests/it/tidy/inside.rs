//! The order of imports inside of the larger folders, as `ORDER` has it for the folders themselves.

use super::report;
use super::source::{Named, sources};

/// A folder, and what is in it: each may import from the lines above its own, and from its own line.
/// The folder's `mod.rs` may import all.
const INSIDE: &[(&str, &[&[&str]])] = &[
    (
        "cli",
        &[
            &[
                "exit", "figures", "groups", "kept", "spelling", "stdout", "terminal", "values",
            ],
            &["trust"],
            &["environment", "hints", "log", "signals"],
            &[
                "cert",
                "client",
                "flood",
                "handover",
                "pages",
                "tail",
                "usage_error",
            ],
            &["sockets"],
            &["admin"],
            &["ask", "daemon"],
            &["args"],
        ],
    ),
    (
        "cli/daemon",
        &[
            &["tls"],
            &["args", "bus", "console", "notify", "remote"],
            &["main_loop"],
            &["serve"],
            &["chat", "exec", "hub", "recv"],
        ],
    ),
    (
        "cli/admin",
        &[
            &["args", "families", "history", "own", "request"],
            &["faults", "response", "tls"],
            &["clients", "hosts", "http"],
            &["top_clients"],
            &["view"],
            &["actions", "metrics", "status"],
            &["dump", "routes"],
        ],
    ),
    (
        "service/chat",
        &[
            &["command", "grammar", "rooms", "telnet"],
            &["operators", "probe", "screen", "stranger"],
            &["lines", "newcomers", "port", "speakers"],
            &["state"],
            &["awaited", "bus"],
            &["session"],
            &[
                "certified",
                "commands",
                "console",
                "ghost",
                "leaving",
                "moving",
                "operator_commands",
                "pace",
                "shared",
            ],
        ],
    ),
    (
        "service/exec",
        &[
            &[
                "client_watch",
                "environment",
                "filter",
                "launch",
                "program",
                "pump",
                "socket",
                "stderr",
            ],
            &["family", "pipes"],
            &["child"],
            &["supervisor"],
            &["stats"],
        ],
    ),
    (
        "service/recv",
        &[
            &["json", "record", "sink", "stamp", "standstill"],
            &["format", "named"],
            &["output", "printed"],
            &["remote"],
        ],
    ),
];

/// The name in the folder, of a path from the crate's root that leads into it.
fn entry<'a>(folder: &str, path: &'a [String]) -> Option<&'a str> {
    let depth = folder.split('/').count();
    let leads = path.len() > depth
        && folder
            .split('/')
            .eq(path[..depth].iter().map(String::as_str));
    leads.then(|| path[depth].as_str())
}

#[test]
fn imports_go_one_way_inside_of_the_larger_folders() {
    let all = sources();
    let mut problems = Vec::new();
    for (folder, order) in INSIDE {
        let rank = |name: &str| order.iter().position(|line| line.contains(&name));
        let mut found = 0;
        for source in all.iter().filter(|source| !source.is_test()) {
            let module = source.module();
            let Some(name) = entry(folder, &module) else {
                continue;
            };
            found += 1;
            let Some(own) = rank(name) else {
                problems.push(format!(
                    "{}: give `{name}` its place in INSIDE in tests/it/tidy/inside.rs",
                    source.path
                ));
                continue;
            };
            for Named { line, path, .. } in source.inner_paths() {
                let other = entry(folder, &path).and_then(rank);
                if other.is_some_and(|other| other > own) {
                    problems.push(format!(
                        "{}:{line}: `{name}` imports `{}`, which stands after it in {folder}; pass \
                         it in as an argument or a closure, or move what both need to an earlier \
                         file",
                        source.path,
                        path.join("::")
                    ));
                }
            }
        }
        let names: usize = order.iter().map(|line| line.len()).sum();
        assert!(found >= names, "{folder}: a name in INSIDE is gone from it");
    }
    report(problems);
}
