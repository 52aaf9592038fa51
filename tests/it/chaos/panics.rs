//! Phase two: handlers that panic, in the test's own process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use poold::answer;

use super::vandal::{self, Fate};
use super::{Clock, Dice, seed, time};
use crate::support::net::{connect, end, send, take_line, take_to_end};
use crate::support::server::{finish, options, serve};
use crate::support::spool::wait_until;

/// What the handler can't stand.
const BOOM: &str = "boom";

#[test]
fn chaos_with_handlers_that_panic_harms_no_checker() {
    let (seed, time) = (seed(), time() / 2);
    let panicked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&panicked);
    let (server, address) = serve(
        options(),
        answer(move |line: &[u8]| {
            if line == BOOM.as_bytes() {
                counted.fetch_add(1, Ordering::Relaxed);
                // Without the hook, which would print a trace for each of thousands.
                std::panic::resume_unwind(Box::new("this panic is part of the test"));
            }
            line.to_vec()
        }),
    );
    let clock = Clock::new(time);
    std::thread::scope(|scope| {
        for number in 0..2 {
            let (address, clock) = (&address, &clock);
            scope.spawn(move || {
                let _watch = clock.watch();
                vandal::rage(
                    address,
                    Fate::Answered,
                    clock,
                    Dice::new(seed, 300 + number),
                );
            });
            scope.spawn(move || {
                let _watch = clock.watch();
                break_handlers(address, clock);
            });
            scope.spawn(move || {
                let _watch = clock.watch();
                ask(address, clock, Dice::new(seed, 400 + number));
            });
        }
    });
    let handle = server.handle();
    wait_until("all have gone", || handle.registry().count() == 0);
    let panics = handle.stats().panics;
    let report = finish(server);
    let expected = panicked.load(Ordering::Relaxed);
    eprintln!("chaos: {expected} panics; {report}");
    assert!(
        panics > 0 && panics == expected,
        "{panics} of {expected} counted"
    );
    // A message that broke its handler was received, and not delivered.
    assert!(report.received >= report.delivered + panics, "{report}");
    assert_eq!((report.left, report.cut_off), (0, 0));
}

/// Gets the reply before the one that panics, then the end.
fn break_handlers(address: &str, clock: &Clock) {
    while clock.runs() {
        let client = connect(address);
        send(&client, format!("fine\n{BOOM}\nnever\n"));
        assert_eq!(take_to_end(&client), b"fine\n");
    }
}

/// Never notices any of it.
fn ask(address: &str, clock: &Clock, mut dice: Dice) {
    while clock.runs() {
        let client = connect(address);
        for number in 0..dice.below(200) {
            send(&client, format!("ask {number}\n"));
            assert_eq!(take_line(&client), format!("ask {number}"));
        }
        send(&client, "the last");
        end(&client);
        assert_eq!(take_to_end(&client), b"the last\n");
    }
}
