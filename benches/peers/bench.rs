//! Starts a server, runs a load against it, and records the result.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::bars::Question;
use super::launch::{Cpus, Server};
use super::load::{Figures, Load, Shape};
use super::options::Options;
use super::pairs::{Cell, Contender, Pairing, ratio};
use super::report::Report;

pub struct Bench {
    pub options: Options,
    pub report: Report,
    pub scratch: Scratch,
}

/// A place on a disk, not in memory, for what servers write; removed at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> io::Result<Scratch> {
        let name = format!("peers-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path)?;
        Ok(Scratch(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Files that are left over are in cargo's target folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Bench {
    /// The server that is compared with all others, with this many workers.
    pub fn ours(&self, workers: usize) -> Contender {
        Contender::own(&self.options.subject, workers)
    }

    /// A load of short lines, as most sections use it.
    pub fn load(&self, clients: usize, pipeline: usize, shape: Shape) -> Load {
        let (duration, warmup) = (self.options.duration(clients), self.options.warmup(clients));
        Load {
            clients,
            pipeline,
            greedy: 0,
            size: 64,
            duration,
            warmup,
            shape,
            tls: false,
        }
    }

    pub fn start(&self, contender: &Contender, work: &str) -> io::Result<Server> {
        let (command, announces) = (contender.launch)(work, self.scratch.path())?;
        Server::start(command, announces, cpus(self.options.server_cpus.as_ref()))
    }

    /// One run against a server that runs already.
    pub fn run(&self, server: &mut Server, load: &Load) -> io::Result<Figures> {
        let before = server.usage()?;
        let cpus = cpus(self.options.load_cpus.as_ref());
        let raw = load.run(&self.options.load, server.address, cpus)?;
        load.figures(&raw, server.usage()? - before)
    }

    /// One run against a fresh server.
    pub fn measure(&self, server: &Contender, work: &str, load: &Load) -> io::Result<Figures> {
        self.run(&mut self.start(server, work)?, load)
    }

    /// Runs both in turn, as many pairs as the options say. A server that cannot run is skipped,
    /// and the report says so.
    pub fn pair(&mut self, cell: &Cell, ours: &Contender, peer: &Contender) {
        self.pair_by(cell, ours, peer, measure);
    }

    /// As [`pair`](Bench::pair), with another measurement.
    pub fn pair_by(
        &mut self,
        cell: &Cell,
        ours: &Contender,
        peer: &Contender,
        measure: impl Fn(&Bench, &Contender, &Cell) -> io::Result<Figures>,
    ) {
        let pairing = self.in_turn(cell, ours, peer, measure);
        self.report.pairings.extend(pairing);
    }

    /// The ratio of a bare loop to a peer: the most that a server can reach on this machine. The
    /// report shows it beside the bar against that peer.
    pub fn yardstick(&mut self, cell: &Cell, yardstick: &Contender, peer: &Contender) {
        self.yardstick_by(cell, yardstick, peer, measure);
    }

    /// As [`yardstick`](Bench::yardstick), with another measurement.
    pub fn yardstick_by(
        &mut self,
        cell: &Cell,
        yardstick: &Contender,
        peer: &Contender,
        measure: impl Fn(&Bench, &Contender, &Cell) -> io::Result<Figures>,
    ) {
        if self.options.wants_yardstick() {
            let pairing = self.in_turn(cell, yardstick, peer, measure);
            self.report.yardsticks.extend(pairing);
        }
    }

    fn in_turn(
        &mut self,
        cell: &Cell,
        first: &Contender,
        second: &Contender,
        measure: impl Fn(&Bench, &Contender, &Cell) -> io::Result<Figures>,
    ) -> Option<Pairing> {
        let mut runs = Vec::new();
        for pair in 0..self.options.pairs() {
            let mut run = |server: &Contender| match measure(self, server, cell) {
                Ok(figures) => Some(figures),
                Err(error) => {
                    let place = format!("{}, {}", cell.section, cell.situation());
                    self.report.pass_over(&server.label, &place, &error);
                    None
                }
            };
            // The order alternates: the second server may run on a warmer machine.
            runs.push(if pair % 2 == 0 {
                (run(first)?, run(second)?)
            } else {
                let figures = run(second)?;
                (run(first)?, figures)
            });
        }
        let pairing = Pairing {
            section: cell.section.to_owned(),
            situation: cell.situation(),
            ours: first.label.clone(),
            peer: second.label.clone(),
            runs,
        };
        println!(
            "{}: {}: {} / {}: {}, p99 {}, CPU {}",
            pairing.section,
            pairing.situation,
            pairing.ours,
            pairing.peer,
            ratio(pairing.ratio(|f| f.rate)),
            ratio(pairing.ratio(|f| f.p99)),
            ratio(pairing.ratio(|f| f.cpu_per_message)),
        );
        Some(pairing)
    }

    /// Records whether poold reached a bar. A peer that the options exclude is not reported as
    /// missing.
    pub fn judge(&mut self, question: &Question) {
        let verdict = question.answer(&self.report.pairings, &self.report.yardsticks);
        if verdict.found.is_some() || self.options.peers.is_none() {
            self.report.verdicts.push(verdict);
        }
    }
}

fn measure(bench: &Bench, server: &Contender, cell: &Cell) -> io::Result<Figures> {
    bench.measure(server, cell.work, &cell.load)
}

fn cpus(list: Option<&Vec<usize>>) -> Cpus<'_> {
    list.map(Vec::as_slice)
}
