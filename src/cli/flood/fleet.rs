//! The threads of a run: starts them together, watches them, adds up their results.
//!
//! A thread first connects its clients and reports that; then the main thread gives all threads the
//! same start time. No wait here hangs: each is for a message whose sender either sends it or is
//! dropped, because a thread that fails drops its sender.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::Builder;
use std::time::Instant;

use mio::Events;

use super::deadlines::TICK;
use super::load::Load;
use super::plan::Plan;
use super::progress::Progress;
use super::tally::{Tally, thread_cpu};
use crate::error::start_advice;

const EVENTS_MAX: usize = 1024;

enum Note {
    Connected,
    Done(Box<io::Result<Tally>>),
}

/// Carries the plan out.
pub(crate) fn flood(plan: &Plan, progress: &Progress) -> io::Result<Tally> {
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        // A thread sends two messages and gets one, so the bounded channels never block a send.
        let (notes, inbox) = sync_channel(2 * plan.threads as usize);
        let mut gates = Vec::new();
        for thread in 0..plan.threads {
            let (gate, open) = sync_channel(1);
            gates.push(gate);
            let (notes, done) = (notes.clone(), &done);
            Builder::new()
                .name(format!("flood-{thread:02}"))
                .spawn_scoped(scope, move || {
                    let share = run_share(plan, thread, &notes, &open, done);
                    // The receiver is gone only if the run has failed.
                    let _ = notes.send(Note::Done(Box::new(share)));
                })
                .map_err(|error| io::Error::other(start_advice(&error)))?;
        }
        drop(notes);
        collect(plan, &inbox, gates, &|| {
            progress.show(done.load(Ordering::Relaxed), &plan.interrupt)
        })
    })
}

/// Starts the threads when all are connected, and adds up what they report.
fn collect(
    plan: &Plan,
    inbox: &Receiver<Note>,
    gates: Vec<SyncSender<Instant>>,
    show: &dyn Fn(),
) -> io::Result<Tally> {
    let mut sum = Tally::new();
    let (mut connected, mut finished) = (0, 0);
    while finished < plan.threads {
        match inbox.recv_timeout(TICK) {
            Ok(Note::Connected) => {
                connected += 1;
                if connected == plan.threads {
                    plan.interrupt.begin();
                    let start = Instant::now();
                    for gate in &gates {
                        // A thread that failed has ended, and reports that itself.
                        let _ = gate.send(start);
                    }
                }
            }
            // An error drops the channels, which ends the threads that still wait.
            Ok(Note::Done(share)) => {
                sum.add(&(*share)?);
                finished += 1;
            }
            Err(RecvTimeoutError::Timeout) => show(),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("a thread of the load failed"));
            }
        }
    }
    Ok(sum)
}

fn run_share(
    plan: &Plan,
    thread: u64,
    notes: &SyncSender<Note>,
    gate: &Receiver<Instant>,
    done: &AtomicU64,
) -> io::Result<Tally> {
    let mut events = Events::with_capacity(EVENTS_MAX);
    let mut load = Load::new(plan, thread)?;
    load.connect_all(&mut events)?;
    let gone = || io::Error::other("the run failed before it began");
    notes.send(Note::Connected).map_err(|_| gone())?;
    let start = gate.recv().map_err(|_| gone())?;
    let cpu = thread_cpu();
    load.begin(start);
    let mut shown = 0;
    while !load.is_over() {
        load.pass(&mut events)?;
        if load.work.done != shown {
            done.fetch_add(load.work.done - shown, Ordering::Relaxed);
            shown = load.work.done;
        }
    }
    let is_interrupted = load.work.is_interrupted();
    let mut tally = load.work.tally;
    tally.interrupted = is_interrupted;
    tally.cpu = thread_cpu().zip(cpu).map(|(after, before)| after - before);
    let end = tally.last.unwrap_or(load.work.measure_from);
    tally.elapsed = end.saturating_duration_since(load.work.measure_from);
    Ok(tally)
}
