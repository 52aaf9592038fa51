//! Options that poold does not have under this name: one line that says what to write instead.

use clap::{Arg, Command};

use super::spelling::nearest;

/// Names of one thing in other programs, and its name here, for each kind of command. An empty text
/// has no answer.
struct Hint {
    /// Separated by spaces.
    options: &'static str,
    service: &'static str,
    client: &'static str,
    control: &'static str,
    restart: &'static str,
}

const fn of_services(options: &'static str, service: &'static str) -> Hint {
    Hint {
        options,
        service,
        client: "",
        control: "",
        restart: "",
    }
}

/// `EXAMPLE` stands for the command with an address.
const HINTS: [Hint; 11] = [
    Hint {
        options: "--port -p --listen -l --host --hostname --bind -b --address --addr \
                  --interface --socket --unix",
        service: "the address is an argument, as in EXAMPLE",
        client: "the address of the server is an argument, as in EXAMPLE",
        control: "the admin address of the daemon is --admin unix:PATH",
        restart: "the control socket of the daemon is --control PATH",
    },
    Hint {
        options: "--tls --ssl --cert --key",
        service: "--tls-cert FILE --tls-key FILE",
        client: "write --tls, and --ca FILE unless the system trusts the server",
        control: "write --tls-ca FILE for a daemon with --admin-tls-cert; unix:PATH needs no TLS",
        restart: "",
    },
    of_services(
        "--user --uid --group --gid",
        "start it as that user; systemd can open low ports (the address is systemd)",
    ),
    of_services(
        "--threads -t -j --jobs --processes",
        "the number of threads is --workers N",
    ),
    Hint {
        options: "--timeout",
        service: "the time limits are --first-byte, --idle, --message, --lifetime and --drain TIME",
        client: "run it under timeout, as in timeout 60s EXAMPLE",
        control: "it gives up after 5 s without an answer",
        restart: "the time limit of the new process is --ready-timeout TIME",
    },
    of_services(
        "--max-connections --max-conns --connections --clients -c",
        "the maximum number of clients is --max-clients N",
    ),
    of_services(
        "--verbose -v --debug --quiet -q",
        "the detail of the log is --log-level: error, warn, info, debug or trace",
    ),
    of_services(
        "--log --log-file --logfile",
        "the log goes to the standard error: append 2>>FILE",
    ),
    of_services(
        "--daemon --daemonize -d --background --pidfile --pid-file",
        "it stays in the foreground: let a service manager run it",
    ),
    of_services(
        "--config --conf",
        "options are also read from variables: --workers from POOLD_WORKERS",
    ),
    Hint {
        options: "--udp",
        service: "it serves TCP and Unix sockets",
        client: "it connects to TCP and Unix sockets",
        control: "",
        restart: "",
    },
];

/// What to write instead of an option that the command (`" recv"`, or nothing) does not have.
pub(super) fn instead(option: &str, command: &str, parser: &Command) -> Option<String> {
    let command = command.trim_start();
    from_table(option, command, parser)
        .or_else(|| of_another(option, parser))
        .or_else(|| misspelt(option, command, parser))
}

fn from_table(option: &str, command: &str, parser: &Command) -> Option<String> {
    let is_named = |hint: &&Hint| hint.options.split(' ').any(|one| one == option);
    let hint = HINTS.iter().find(is_named)?;
    let text = match command {
        "client" | "flood" => hint.client,
        "status" | "clients" | "close" | "pause" | "resume" | "drain" | "set" => hint.control,
        "restart" => hint.restart,
        _ if longs(of_name(command, parser)).any(|long| long == "workers") => hint.service,
        _ => "",
    };
    let example = match command {
        "" => "poold :8080".to_owned(),
        "exec" => "poold exec :8080 -- cat".to_owned(),
        other => format!("poold {other} :8080"),
    };
    (!text.is_empty()).then(|| text.replace("EXAMPLE", &example))
}

fn of_another(option: &str, parser: &Command) -> Option<String> {
    let name = option.strip_prefix("--")?;
    let mut commands = parser.get_subcommands();
    let other = commands.find(|command| longs(command).any(|long| long == name))?;
    Some(format!("it is an option of poold {}", other.get_name()))
}

fn misspelt(option: &str, command: &str, parser: &Command) -> Option<String> {
    let near = nearest(option.strip_prefix("--")?, longs(of_name(command, parser)))?;
    Some(format!("is --{near} meant?"))
}

/// The command; poold itself for none.
fn of_name<'a>(command: &str, parser: &'a Command) -> &'a Command {
    parser.find_subcommand(command).unwrap_or(parser)
}

fn longs(command: &Command) -> impl Iterator<Item = &str> {
    command.get_arguments().filter_map(Arg::get_long)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::parser;

    #[test]
    fn each_says_what_to_write() {
        let address = "the address is an argument, as in";
        for (command, options, says) in [
            (
                "",
                "--port -p --listen -l --host --bind",
                format!("{address} poold :8080"),
            ),
            (
                " recv",
                "--port -l --bind",
                format!("{address} poold recv :8080"),
            ),
            (
                " exec",
                "--port",
                format!("{address} poold exec :8080 -- cat"),
            ),
            (
                " client",
                "--host --port -p",
                "as in poold client :8080".into(),
            ),
            (" flood", "--port --host", "as in poold flood :8080".into()),
            (" status", "--port --host", "--admin unix:PATH".into()),
            (" restart", "--socket", "--control PATH".into()),
            (
                " recv",
                "--tls --ssl --cert",
                "--tls-cert FILE --tls-key FILE".into(),
            ),
            (" client", "--ssl", "write --tls, and --ca FILE".into()),
            (" status", "--tls", "--tls-ca FILE".into()),
            (" echo", "--user --group", "start it as that user".into()),
            (" exec", "--threads -j", "--workers N".into()),
            (" recv", "--timeout", "--idle".into()),
            (
                " client",
                "--timeout",
                "timeout 60s poold client :8080".into(),
            ),
            (" close", "--timeout", "after 5 s".into()),
            (" restart", "--timeout", "--ready-timeout TIME".into()),
            (" recv", "--history", "an option of poold chat".into()),
            (" chat", "--shell", "an option of poold exec".into()),
            (" recv", "--worker --wrokers", "is --workers meant?".into()),
            ("", "--ilde", "is --idle meant?".into()),
            (" status", "--wacth", "is --watch meant?".into()),
        ] {
            for option in options.split(' ') {
                let told = instead(option, command, &parser()).unwrap_or_default();
                assert!(told.contains(&says), "{command} {option}: {told}");
            }
        }
    }

    #[test]
    fn it_is_silent_about_the_rest() {
        for (command, option) in [
            ("", "--nonsense"),
            (" man", "--port"),
            (" set", "--threads="),
        ] {
            assert_eq!(instead(option, command, &parser()), None);
        }
    }
}
