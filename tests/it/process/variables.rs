//! Variables of options, beside what is typed.

use std::process::Stdio;

use crate::support::daemon::{Daemon, calm, poold};
use crate::support::net::{connect, end, send, take_to_end};

/// Runs it to its end: the exit code and what it says.
fn run(args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = poold(args);
    command.envs(variables.iter().copied());
    let output = command.output().expect("poold starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn a_variable_that_says_no_needs_nothing_else() {
    let mut command = poold(&calm(&["recv", "127.0.0.1:0"]));
    command
        .env("POOLD_SYNC", "false")
        .env("POOLD_TAKE_OVER", "no");
    command.env("POOLD_TLS_CLIENT_CA_OPTIONAL", "0");
    let mut daemon = Daemon::spawn(command.stdout(Stdio::null()));
    assert_eq!(daemon.stop().code, Some(0));
    // Nor does it stand for what another option needs.
    let (code, said) = run(&["recv", "0", "--sync"], &[("POOLD_ACK", "off")]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--ack"), "{said}");
}

#[test]
fn what_is_typed_counts_more_than_a_variable_that_it_rules_out() {
    let args = ["exec", "127.0.0.1:0", "--", "cat"];
    let mut command = poold(&calm(&args));
    command.env("POOLD_SHELL", "exit 1");
    let daemon = Daemon::spawn(command.stdout(Stdio::null()));
    let client = connect(&daemon.address);
    send(&client, "from cat\n");
    end(&client);
    assert_eq!(take_to_end(&client), b"from cat\n");

    let tls = [("POOLD_CLIENT_TLS", "true"), ("POOLD_CA", "/not/there")];
    let (code, said) = run(&["flood", "--check", "-"], &tls);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    let (code, said) = run(&["client", "unix:/not/there", "--insecure"], &tls);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot connect"), "{said}");
    // Both typed are a mistake.
    for args in [
        &["client", "--tls", "--insecure", "--ca", "x"][..],
        &["exec", "0", "--shell", "true", "--", "true"],
    ] {
        let (code, said) = run(args, &[]);
        assert_eq!(code, Some(2), "{args:?}: {said}");
    }
}

#[test]
fn a_wrong_value_is_told_by_the_name_of_its_variable() {
    for (command, variable) in [
        ("client", "POOLD_CLIENT_TLS"),
        ("recv", "POOLD_ACK"),
        ("recv", "POOLD_WORKERS"),
    ] {
        let (code, said) = run(&[command], &[(variable, "maybe")]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(&format!("for {variable}")), "{said}");
    }
}
