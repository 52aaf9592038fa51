//! Environment variables that begin with `POOLD_` and that poold does not know.

use std::collections::BTreeSet;

use clap::Command;

use super::spelling::nearest;

/// The prefix of all variables of poold.
const OURS: &str = "POOLD_";
/// Variables that belong to no option: between processes of poold, and for programs of `exec`.
const INNER: [&str; 6] = [
    "POOLD_CLIENT",
    "POOLD_FIRST_KEEPER",
    "POOLD_GO_BETWEEN",
    "POOLD_KEPT_BY",
    "POOLD_OPERATOR_PASSWORD",
    "POOLD_VIA",
];
/// Other programs' names of the address.
const ADDRESSES: [&str; 4] = ["POOLD_BIND", "POOLD_HOST", "POOLD_LISTEN", "POOLD_PORT"];

/// A warning for each variable that no command knows.
pub(super) fn strangers(parser: &Command) -> Vec<String> {
    let set = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        Some((name, value.to_string_lossy().into_owned()))
    });
    unknown(set, &known(parser))
}

/// The variables of all commands, because one environment may serve several of them.
fn known(parser: &Command) -> BTreeSet<String> {
    let mut known: BTreeSet<_> = INNER.map(str::to_owned).into();
    let commands = std::iter::once(parser).chain(parser.get_subcommands());
    for argument in commands.flat_map(Command::get_arguments) {
        let name = argument.get_env().and_then(|name| name.to_str());
        known.extend(name.map(str::to_owned));
    }
    known
}

fn unknown(set: impl Iterator<Item = (String, String)>, known: &BTreeSet<String>) -> Vec<String> {
    let unknown = set.filter(|(name, value)| {
        name.starts_with(OURS) && !known.contains(name) && !is_of_containers(name, value)
    });
    let names: BTreeSet<_> = unknown.map(|(name, _)| name).collect();
    let told = |name: &String| match meant(name, known) {
        Some(near) => format!("{name} says nothing to poold; is {near} meant?"),
        None => format!("{name} says nothing to poold; see poold --help for those that do"),
    };
    names.iter().map(told).collect()
}

/// Kubernetes and Docker's links set such variables in every container if a service is named poold,
/// or poold-something: `POOLD_SERVICE_HOST`, `POOLD_PORT=tcp://10.0.0.1:5140`,
/// `POOLD_PORT_5140_TCP_ADDR`.
fn is_of_containers(name: &str, value: &str) -> bool {
    let is_link = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| value.starts_with(scheme));
    let is_part = name.split_once("_PORT_").is_some_and(|(_, rest)| {
        let mut words = rest.split('_');
        let is_number = words.next().is_some_and(|port| port.parse::<u16>().is_ok());
        is_number
            && words
                .next()
                .is_some_and(|kind| matches!(kind, "TCP" | "UDP" | "SCTP"))
    });
    is_link || is_part || name.contains("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
}

/// The known name that is meant.
fn meant<'a>(name: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    if ADDRESSES.contains(&name) {
        return Some("POOLD_ADDRESS");
    }
    let known = known.iter().filter(|one| !INNER.contains(&one.as_str()));
    // The common beginning makes no two names similar.
    let near = nearest(
        &name[OURS.len()..],
        known.clone().map(|one| &one[OURS.len()..]),
    )?;
    known
        .map(String::as_str)
        .find(|one| &one[OURS.len()..] == near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::parser;

    fn told(name: &str, value: &str) -> Vec<String> {
        unknown(
            [(name.to_owned(), value.to_owned())].into_iter(),
            &known(&parser()),
        )
    }

    #[test]
    fn a_slip_is_told_with_what_is_meant() {
        for (name, meant) in [
            ("POOLD_WORKER", Some("POOLD_WORKERS")),
            ("POOLD_WOKRERS", Some("POOLD_WORKERS")),
            ("POOLD_MAXCLIENTS", Some("POOLD_MAX_CLIENTS")),
            ("POOLD_MESAGE_MAX", Some("POOLD_MESSAGE_MAX")),
            ("POOLD_ADRESS", Some("POOLD_ADDRESS")),
            ("POOLD_LOGLEVEL", Some("POOLD_LOG_LEVEL")),
            ("POOLD_", None),
            ("POOLD_PORT", Some("POOLD_ADDRESS")),
            ("POOLD_X", None),
            ("POOLD_ENTIRELY_OTHER", None),
            ("POOLD_KEPT_BI", None),
        ] {
            let told = told(name, "5140");
            let [line] = &told[..] else {
                panic!("{name}: {told:?}");
            };
            assert!(line.starts_with(&format!("{name} says nothing")), "{line}");
            let end = meant.map_or("see poold --help for those that do".into(), |meant| {
                format!("is {meant} meant?")
            });
            assert!(line.ends_with(&end), "{line}");
        }
    }

    #[test]
    fn what_is_known_or_of_others_is_not_told() {
        for (name, value) in [
            ("POOLD_WORKERS", "4"),
            ("POOLD_ADMIN", "unix:/run/a"),
            ("POOLD_KEPT_BY", "1"),
            ("POOLD_TAKE_OVER", "true"),
            ("POOLD_OPERATOR_PASSWORD", "x"),
            ("POOLD_SERVICE_HOST", "10.0.0.1"),
            ("POOLD_SERVICE_PORT", "5140"),
            ("POOLD_SERVICE_PORT_SYSLOG", "5140"),
            ("POOLD_PORT", "tcp://10.0.0.1:5140"),
            ("POOLD_PORT_5140_TCP", "tcp://10.0.0.1:5140"),
            ("POOLD_PORT_5140_TCP_ADDR", "10.0.0.1"),
            ("POOLD_RECV_PORT_5140_UDP_PROTO", "udp"),
            ("PATH", "/bin"),
            ("poold_workers", "4"),
        ] {
            assert!(told(name, value).is_empty(), "{name}");
        }
    }
}
