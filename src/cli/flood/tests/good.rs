//! Whole runs against servers that do what they should.

use std::time::Duration;

use super::super::fleet::flood;
use super::super::progress::Progress;
use super::super::report::Report;
use super::server::{DEADLINE, Server, answer, assert_complete, discard, echo, plan};

#[test]
fn every_message_comes_back() {
    let server = Server::new(echo);
    for args in [
        "-c 5 -n 40",
        "-c 5 -n 20 -p 7 --threads 2 -s 100",
        "-c 1 -n 100 -p 3",
    ] {
        let run = server.flood(args);
        assert_complete(&run, run.0.total().unwrap());
        assert_eq!(
            (run.1.measured, run.1.latency.len()),
            (run.1.sent, run.1.sent)
        );
        assert_eq!(run.1.connected, run.0.clients);
        assert_eq!(Report::new(&run.0, &run.1).hint(), None);
    }
}

#[test]
fn pieces_are_put_together_again() {
    let server = Server::new(echo);
    for seed in 0..4 {
        let run = server.flood(&format!("-c 3 -n 20 -p 4 -s 50 --pieces {seed}"));
        assert_complete(&run, 60);
    }
    assert_complete(&server.flood("-c 2 -n 20 -s 300k --pieces 9"), 40);
}

#[test]
fn what_the_server_reads_without_a_word_is_confirmed_by_its_end() {
    let server = Server::new(discard);
    assert_complete(&server.flood("--expect nothing -c 4 -n 500 -p 30"), 2000);
}

#[test]
fn acknowledgements_are_counted() {
    let ack = |number, _: &str| {
        if number % 3 == 2 {
            format!("ack {}\n", number + 1)
        } else {
            String::new()
        }
    };
    let server = Server::new(move |reader, stream| answer(reader, stream, ack));
    assert_complete(&server.flood("--expect ack -c 3 -n 30 -p 6"), 90);
    let server = Server::new(|reader, stream| answer(reader, stream, |_, _| "ack 999\n".into()));
    let (_, tally) = server.flood("--expect ack -c 1 -n 1 --timeout 300ms");
    assert_eq!(tally.account.faults(), [1, 0, 0, 1]);
}

#[test]
fn each_message_can_have_its_own_connection() {
    let server = Server::new(echo);
    let run = server.flood("--churn -c 4 -n 25");
    assert_complete(&run, 100);
    assert_eq!(run.1.connections, 100);
    let server = Server::new(discard);
    assert_complete(&server.flood("--churn --expect nothing -c 4 -n 25"), 100);
    let server = Server::new(|r, s| answer(r, s, |_, _| "ack 1\n".into()));
    assert_complete(&server.flood("--churn --expect ack -c 2 -n 10"), 20);
}

#[test]
fn latency_counts_from_when_a_message_was_due() {
    let server = Server::new(|reader, stream| {
        answer(reader, stream, |number, line| {
            if number == 0 {
                std::thread::sleep(Duration::from_millis(100));
            }
            line.to_owned()
        })
    });
    let run = server.flood("-c 1 -n 20 --rate 200");
    assert_complete(&run, 20);
    // Due every 5 ms and all stuck behind the first: half of them for 50 ms or more.
    let median = run.1.latency.at(50.0);
    assert!(median >= Duration::from_millis(45), "{median:?}");
}

#[test]
fn a_pause_of_a_low_rate_is_no_standstill() {
    let server = Server::new(echo);
    let run = server.flood("-c 2 -n 1 --rate 0.5 --timeout 1s");
    assert_complete(&run, 2);
    let server = Server::new(discard);
    let run = server.flood("--expect nothing -c 2 -n 1 --rate 0.5 --timeout 1s");
    assert_complete(&run, 2);
}

#[test]
fn time_ends_a_run_and_warms_it_up() {
    let server = Server::new(echo);
    let (plan, tally) = server.flood("-c 2 -t 300ms --warmup 100ms --threads 2");
    assert!(Report::new(&plan, &tally).is_good());
    assert_eq!(tally.sent, tally.account.received);
    assert!(tally.measured < tally.sent && tally.measured > 0);
    assert!(
        tally.elapsed >= Duration::from_millis(150),
        "{:?}",
        tally.elapsed
    );
}

#[test]
fn time_ends_a_run_that_is_too_fast_for_the_server() {
    let server = Server::new(echo);
    // All is due at once, and for ever; a write that would take for ever.
    for args in [
        "-c 2 -t 100ms --rate 1e300",
        "-c 2 -t 100ms -p 1000000 -s 1m",
    ] {
        let (plan, tally) = server.flood(args);
        assert!(Report::new(&plan, &tally).is_good(), "{args}");
        assert!(tally.sent > 0 && tally.elapsed < DEADLINE, "{args}");
    }
    // Nothing is due after the end, however late it is noticed.
    let (_, tally) = server.flood("-c 2 -t 99ms --rate 1000");
    assert_eq!(tally.sent, 100);
}

#[test]
fn what_was_not_measured_has_no_latency() {
    let server = Server::new(echo);
    let (plan, tally) = server.flood("-c 2 -n 5 --warmup 1h");
    assert!(Report::new(&plan, &tally).json()["latency_us"]["p99"].is_null());
    let (plan, tally) = server.flood("-c 2 -n 5");
    assert!(Report::new(&plan, &tally).json()["latency_us"]["p99"].is_f64());
}

#[test]
fn greedy_clients_are_checked_and_not_measured() {
    let server = Server::new(echo);
    // Two floods of a write and a half each, beside three clients that ask one by one.
    let run = server.flood("-c 5 --greedy 2 -n 1536 --threads 2");
    assert_complete(&run, 5 * 1536);
    assert_eq!((run.1.measured, run.1.latency.len()), (3 * 1536, 3 * 1536));
    let server = Server::new(discard);
    let run = server.flood("--expect nothing -c 5 --greedy 2 -n 1536");
    assert_complete(&run, 5 * 1536);
    assert_eq!(run.1.measured, 3 * 1536);
}

#[test]
fn unix_sockets_do_as_well() {
    let name = format!("flood-{}.sock", std::process::id());
    let path = std::env::temp_dir().join(name);
    // What a run with this process id has left that was killed.
    let _ = std::fs::remove_file(&path);
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut writer = stream.try_clone().unwrap();
        std::io::copy(&mut stream, &mut writer).unwrap();
    });
    let plan = plan(&format!("unix:{} -c 1 -n 50", path.display()));
    let tally = flood(&plan, &Progress::hidden()).unwrap();
    std::fs::remove_file(&path).unwrap();
    server.join().unwrap();
    assert_complete(&(plan, tally), 50);
}
