//! Chaos: clients that do everything wrong, beside checkers that must not notice.
//!
//! Seeded and bounded. `CHAOS_SEED` and `CHAOS_SECONDS` choose; `scripts/chaos.sh` sets them. A
//! seed repeats what the clients decide to do, not how the threads interleave.
//!
//! Phase one: a real `recv --ack --output` and a real `echo`. Phase two: a server of the library
//! whose handler panics now and then. In both, what the checkers sent has to be there once and in
//! order, and the daemons have to be as they were before when all have gone.

mod checker;
mod panics;
mod vandal;
mod verdict;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::daemon::Daemon;
use crate::support::flood::flood;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::wait_until;
use vandal::Fate;

/// Numbers without a pattern: splitmix64.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, stream: u64) -> Dice {
        let mut dice = Dice(seed ^ stream.wrapping_mul(0xa076_1d64_78bd_642f));
        dice.throw();
        dice
    }

    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.throw() % bound as u64) as usize
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.throw() as u8).collect()
    }
}

/// When a phase ends: at its time, or as soon as a check has failed.
pub struct Clock {
    until: Instant,
    failed: AtomicBool,
}

impl Clock {
    pub fn new(time: Duration) -> Clock {
        Clock {
            until: Instant::now() + time,
            failed: AtomicBool::new(false),
        }
    }

    pub fn runs(&self) -> bool {
        Instant::now() < self.until && !self.failed.load(Ordering::Relaxed)
    }

    /// Tells the others when its thread panics.
    pub fn watch(&self) -> impl Drop + '_ {
        struct Watch<'a>(&'a Clock);
        impl Drop for Watch<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.failed.store(true, Ordering::Relaxed);
                }
            }
        }
        Watch(self)
    }
}

fn seed() -> u64 {
    let chosen = std::env::var("CHAOS_SEED").ok();
    let seed = chosen.map_or_else(
        || u64::from(std::process::id()) ^ 0x5eed,
        |seed| seed.parse().expect("CHAOS_SEED is a number"),
    );
    eprintln!("chaos: CHAOS_SEED={seed} repeats it");
    seed
}

fn time() -> Duration {
    let chosen = std::env::var("CHAOS_SECONDS").ok();
    let seconds = chosen.map_or(3, |time| time.parse().expect("CHAOS_SECONDS is a number"));
    Duration::from_secs(seconds)
}

/// What a daemon has without clients.
struct Quiet {
    descriptors: usize,
    threads: u64,
    memory_kib: u64,
}

impl Quiet {
    fn of(daemon: &Daemon) -> Quiet {
        Quiet {
            descriptors: daemon.descriptors(),
            threads: daemon.threads(),
            memory_kib: daemon.memory("VmRSS"),
        }
    }
}

/// Most memory in KiB that a daemon may have above its quiet moment, whatever is done to it: for
/// each of up to a hundred clients an outbox, a rest and a message, and each worker's buffers.
const MEMORY_KIB: u64 = 64 * 1024;

#[test]
fn chaos_harms_no_checker_and_leaves_nothing_behind() {
    let (seed, time) = (seed(), time());
    let scratch = Scratch::new();
    let file = scratch.join("received");
    let recv = Daemon::recv(&["--ack", "--output", text(&file)]);
    let echo = Daemon::echo(&[]);
    // Every buffer has been needed once before the quiet moment.
    flood(&echo.address, &["-c", "64", "-n", "50"]);
    flood(&recv.address, &["-c", "64", "-n", "50", "--expect", "ack"]);
    let warm_up = 64 * 50;
    let before = [Quiet::of(&recv), Quiet::of(&echo)];

    let clock = Clock::new(time);
    let mut sent = Vec::new();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (clock, dice) = (&clock, Dice::new(seed, number as u64));
            let (daemon, fate) = [(&recv, Fate::Stored), (&echo, Fate::Answered)][number % 2];
            scope.spawn(move || {
                let _watch = clock.watch();
                vandal::rage(&daemon.address, fate, clock, dice);
            });
        }
        let (clock, recv, echo) = (&clock, &recv, &echo);
        let senders: Vec<_> = (0..4)
            .map(|number| {
                let dice = Dice::new(seed, 100 + number);
                scope.spawn(move || {
                    let _watch = clock.watch();
                    checker::send_numbered(&recv.address, number, clock, dice)
                })
            })
            .collect();
        for number in 0..3 {
            let dice = Dice::new(seed, 200 + number);
            scope.spawn(move || {
                let _watch = clock.watch();
                checker::ask_and_compare(&echo.address, clock, dice);
            });
        }
        sent = senders
            .into_iter()
            .map(|sender| sender.join().expect("a checker"))
            .collect();
    });

    for (daemon, before) in [&recv, &echo].into_iter().zip(&before) {
        daemon.wait_descriptors_at_most(before.descriptors);
        wait_until("threads are as before", || {
            daemon.threads() == before.threads
        });
        let most = daemon.memory("VmHWM");
        eprintln!(
            "chaos: {} KiB before, {most} KiB at most",
            before.memory_kib
        );
        assert!(most <= before.memory_kib + MEMORY_KIB, "{most} KiB");
    }
    verdict::of_echo(echo);
    verdict::of_recv(recv, &file, &sent, warm_up);
}
