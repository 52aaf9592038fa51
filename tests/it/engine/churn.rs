//! Clients that come and go: nothing of them stays.

use crate::support::daemon::Daemon;
use crate::support::flood::flood;

const CYCLES: &str = "100000";
const WARM_UP: &str = "5000";

#[test]
fn a_client_that_has_gone_leaves_no_deadline_behind() {
    let daemon = Daemon::start(&[
        "discard",
        "127.0.0.1:0",
        "--idle",
        "1h",
        "--first-byte",
        "1h",
    ]);
    let churn = |messages| {
        let shape = ["-c", "20", "-n", messages, "--churn", "--expect", "nothing"];
        flood(&daemon.address, &shape);
        daemon.memory("VmRSS")
    };
    let before = churn("250");
    let after = churn("1500");
    eprintln!("{before} KiB after 5 000 clients, {after} KiB after 30 000 more");
    assert!(after <= before + 2048, "{before} KiB, then {after} KiB");
}

#[test]
fn a_hundred_thousand_clients_leave_nothing_behind() {
    let daemon = Daemon::start(&["discard", "127.0.0.1:0"]);
    let churn = |messages: &str| {
        let shape = ["-c", "20", "-n", messages, "--churn", "--expect", "nothing"];
        let result = flood(&daemon.address, &shape);
        (result["connections"].as_u64(), daemon.threads())
    };
    // Each of the 20 clients connects once for each message.
    let each = |total: &str| (total.parse::<u64>().expect("a number") / 20).to_string();
    let (_, threads) = churn(&each(WARM_UP));
    let idle = daemon.descriptors();
    let memory = daemon.memory("VmRSS");

    let (connections, threads_after) = churn(&each(CYCLES));
    assert_eq!(connections, CYCLES.parse().ok());
    daemon.wait_descriptors_at_most(idle);
    assert_eq!(daemon.descriptors(), idle);
    assert_eq!(threads_after, threads);
    let memory_after = daemon.memory("VmRSS");
    eprintln!("{memory} KiB at the start, {memory_after} KiB at the end");
    // Less than 11 bytes a client: the buffers of workers that were not called in before, and
    // nothing kept.
    assert!(
        memory_after <= memory + 1024,
        "{memory} KiB, then {memory_after} KiB"
    );
}
