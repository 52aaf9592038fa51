//! What the admin endpoint tells, and that it tells it when nothing else goes on.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::admin::Watched;
use crate::support::daemon::Guard;
use crate::support::flood::flood;
use crate::support::net::{connect, crowd_turn, end, send, take_line, take_to_end};
use crate::support::passed::lacks;
use crate::support::spool::{at_most, wait_until};

/// The shortest of a few: the machine may be busy with something else once.
fn best(mut what: impl FnMut()) -> Duration {
    let times = (0..5).map(|_| {
        let begin = Instant::now();
        what();
        begin.elapsed()
    });
    times.min().expect("five")
}

#[test]
fn figures_are_those_of_what_was_done() {
    let watched = Watched::start(&["echo", "127.0.0.1:0", "--framing", "lines", "-w", "3"]);
    let address = &watched.daemon.address;
    flood(address, &["-c", "5", "-n", "100", "-s", "40"]);
    let client = connect(address);
    send(&client, "last");
    end(&client);
    assert_eq!(take_to_end(&client), b"last\n");
    drop(client);
    wait_until("all have gone", || {
        watched.metric("poold_clients{state=\"resting\"}") == 0.0
    });
    assert_eq!(watched.metric("poold_clients_accepted_total"), 6.0);
    assert_eq!(watched.metric("poold_messages_received_total"), 501.0);
    assert_eq!(watched.metric("poold_messages_sent_total"), 501.0);
    assert_eq!(watched.metric("poold_messages_partial_total"), 1.0);
    assert_eq!(watched.metric("poold_received_bytes_total"), 20_004.0);
    assert_eq!(watched.metric("poold_sent_bytes_total"), 20_005.0);
    let turns = watched.metric("poold_turn_seconds_count");
    assert!(turns > 500.0, "{turns}");
    assert_eq!(watched.metric("poold_ready_wait_seconds_count"), turns);
    assert_eq!(
        watched.metric("poold_turn_seconds_bucket{le=\"+Inf\"}"),
        turns
    );
    let seconds = watched.metric("poold_turn_seconds_sum");
    assert!(seconds > 0.0 && seconds < 60.0, "{seconds}");
    assert_eq!(watched.metric("poold_workers"), 3.0);
    let status = watched.status();
    assert_eq!(status["traffic"]["messages_in"], 501);
    assert_eq!(status["service"], "echo");
}

#[test]
fn promtool_finds_nothing_wrong() {
    let watched = Watched::start(&["recv", "127.0.0.1:0", "--deny", "127.0.0.1"]);
    drop(connect(&watched.daemon.address));
    let refused = "poold_clients_refused_total{reason=\"address_list\"}";
    wait_until("it is refused", || watched.metric(refused) == 1.0);
    check(&watched.get("/metrics").body);
}

#[test]
fn promtool_finds_nothing_wrong_with_the_figures_of_services() {
    for (args, has) in [
        (
            &["hub", ":0", "--from", "fifo:none", "--from", "exec:sleep 9"][..],
            "poold_source_up{source=\"exec:sleep 9\"} 1",
        ),
        (&["exec", ":0", "--shell", "true"], "poold_programs_running"),
    ] {
        let watched = Watched::start(args);
        wait_until("it is told", || watched.get("/metrics").body.contains(has));
        check(&watched.get("/metrics").body);
    }
}

/// Each help is a sentence, and `promtool` has no objection.
fn check(text: &str) {
    for line in text
        .lines()
        .filter(|line| line.starts_with("# HELP poold_"))
    {
        assert!(line.ends_with('.'), "{line}");
    }
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(child) = command.spawn() else {
        return lacks("promtool");
    };
    let mut guard = Guard(child);
    let mut stdin = guard.0.stdin.take().expect("piped");
    stdin.write_all(text.as_bytes()).expect("it reads");
    drop(stdin);
    let (out, err) = (guard.0.stdout.take(), guard.0.stderr.take());
    let said = [
        crate::support::spool::Spool::of(out.expect("piped")),
        crate::support::spool::Spool::of(err.expect("piped")),
    ];
    let code = guard.wait_exit();
    let said = said.map(|spool| String::from_utf8_lossy(&spool.wait_end()).into_owned());
    assert_eq!((code, said.concat().as_str()), (Some(0), ""));
}

#[test]
fn it_answers_and_names_them_when_all_workers_are_stuck() {
    let args = [
        "exec",
        "127.0.0.1:0",
        "-w",
        "2",
        "--lines",
        "--stuck-after",
        "300ms",
    ];
    let watched = Watched::start_with(&args, |command| {
        command.args(["--", "sleep", "1000"]).stdout(Stdio::piped());
    });
    let clients: Vec<_> = (0..4).map(|_| connect(&watched.daemon.address)).collect();
    clients.iter().for_each(|client| send(client, "one\n"));
    wait_until("both are stuck", || watched.get("/healthz").status == 503);
    for path in [
        "/healthz", "/metrics", "/readyz", "/status", "/clients", "/",
    ] {
        let took = best(|| {
            watched.get(path);
        });
        // Twice as much for a build without optimization.
        assert!(
            took < at_most(Duration::from_millis(20)),
            "{path}: {took:?}"
        );
    }
    let health = watched.get("/healthz").body;
    let metrics = watched.get("/metrics").body;
    let (_, status, _) = watched.tool(&["status"]);
    for name in ["worker-00", "worker-01"] {
        assert!(health.contains(name), "{health}");
        let metric = format!("poold_worker_stuck_seconds{{worker=\"{name}\"}}");
        assert!(metrics.contains(&metric), "{metrics}");
        let line = status.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("not named:\n{status}"));
        assert!(
            line.contains("stuck for") && line.contains("127.0.0.1:"),
            "{line}"
        );
    }
    let (is_well, ..) = watched.tool(&["status"]);
    assert!(!is_well, "without a worker it is not well");
}

#[test]
fn ten_thousand_clients_make_it_neither_longer_nor_slower() {
    const SILENT: usize = 10_000;
    let _turn = crowd_turn();
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    let address = &watched.daemon.address;
    flood(address, &["-c", "8", "-n", "50"]);
    let size = |text: &str| text.lines().count();
    let before = watched.get("/metrics").body;
    let silent: Vec<_> = (0..SILENT).map(|_| connect(address)).collect();
    let resting = "poold_clients{state=\"resting\"}";
    wait_until("all are in", || watched.metric(resting) == SILENT as f64);
    let took = best(|| {
        watched.get("/metrics");
    });
    assert!(took < at_most(Duration::from_millis(20)), "{took:?}");
    let after = watched.get("/metrics").body;
    assert_eq!(size(&before), size(&after));
    assert!(
        after.len() < before.len() + 200,
        "{} {}",
        before.len(),
        after.len()
    );
    // All of them, page by page.
    let (_, listed, _) = watched.tool(&["clients", "--json"]);
    assert_eq!(listed.lines().count(), SILENT);
    let page: Value = serde_json::from_str(&watched.get("/clients?limit=7").body).expect("JSON");
    assert_eq!(page["clients"].as_array().map(Vec::len), Some(7));
    assert_eq!(
        (&page["open"], &page["matching"]),
        (&SILENT.into(), &SILENT.into())
    );
    drop(silent);
}

#[test]
fn clients_are_found_by_address_state_and_age() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    let client = connect(&watched.daemon.address);
    send(&client, "hello\n");
    assert_eq!(take_line(&client), "hello");
    let found = |query: &str| {
        let answer = watched.get(&format!("/clients?{query}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let page: Value = serde_json::from_str(&answer.body).expect("JSON");
        page["matching"].as_u64().expect("a number")
    };
    wait_until("it rests", || found("state=resting") == 1);
    for (query, count) in [
        ("", 1),
        ("address=127.0.0.0/8", 1),
        ("address=127.0.0.1", 1),
        ("address=10.0.0.0%2F8", 0),
        ("state=running", 0),
        ("max_age=1h", 1),
        ("min_age=1h", 0),
        ("min_quiet=1h&state=resting", 0),
        ("after=1", 0),
    ] {
        assert_eq!(found(query), count, "{query}");
    }
    let (_, listed, _) = watched.tool(&["clients", "--address", "127.0.0.1"]);
    let peer = client.local_addr().expect("connected").to_string();
    assert!(listed.contains(&peer), "{listed}");
}

#[test]
fn where_to_look_may_be_typed_as_where_to_change_something_is() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    for command in ["status", "clients"] {
        for place in [&[watched.unix.as_str()][..], &["--admin", &watched.unix]] {
            let mut asked = crate::support::daemon::poold(&[&[command], place].concat());
            // No server answers there, which does not matter.
            asked.env("POOLD_ADMIN", "unix:/nowhere");
            let output = asked.output().expect("poold starts");
            assert!(output.status.success(), "{output:?}");
        }
    }
}

#[test]
fn a_page_that_was_open_before_a_restart_gets_the_samples_of_the_new_process() {
    let watched = Watched::start(&["echo", "127.0.0.1:0"]);
    let numbers = |after: u64| -> Vec<u64> {
        let answer = watched.get(&format!("/status?after={after}"));
        let status: Value = serde_json::from_str(&answer.body).expect("JSON");
        let samples = status["history"].as_array().expect("a list").iter();
        samples
            .map(|sample| sample["number"].as_u64().expect("a number"))
            .collect()
    };
    wait_until("there are two", || numbers(0).len() >= 2);
    assert_eq!(numbers(1)[0], 2, "those that it has not");
    // It asks with the number of the last one that it has, of a process that ran for days.
    assert_eq!(numbers(1_000_000)[..2], [1, 2]);
}
