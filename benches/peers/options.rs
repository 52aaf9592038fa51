//! The options of the driver.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use super::subject;

/// Added to the warm-up for each client.
const SETTLING: Duration = Duration::from_micros(100);

/// Measures poold side by side with its alternatives.
#[derive(Parser)]
#[command(name = "peers")]
pub struct Options {
    /// What to measure; everything by default
    #[arg(value_enum)]
    pub sections: Vec<Section>,
    /// Clients, where a section goes through several counts
    #[arg(long, value_delimiter = ',')]
    pub clients: Option<Vec<usize>>,
    /// Messages that a client sends before it waits for an answer
    #[arg(long, value_delimiter = ',')]
    pub pipeline: Option<Vec<usize>>,
    /// Only these peers; `yardstick` adds how a bare loop or bare threads do against them
    #[arg(long, value_delimiter = ',')]
    pub peers: Option<Vec<String>>,
    /// Pairs of runs behind each ratio; 5 by default
    #[arg(long)]
    pub pairs: Option<NonZeroUsize>,
    /// Length of a run with its warm-up, but for what each client adds; 2s by default
    #[arg(long, value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// How much at its beginning is not measured; by default 300ms, and 100us for each client,
    /// which makes the run so much longer
    #[arg(long, value_parser = humantime::parse_duration)]
    pub warmup: Option<Duration>,
    /// Workers of poold, and of each peer that is given as many
    #[arg(long, default_value_t = 8)]
    pub workers: usize,
    /// One short pair of everything, to see that it works; the figures are worth nothing
    #[arg(long)]
    pub quick: bool,
    /// Processors that a server may use, such as 0 or 0,1
    #[arg(long, value_delimiter = ',')]
    pub server_cpus: Option<Vec<usize>>,
    /// Processors that the load may use
    #[arg(long, value_delimiter = ',')]
    pub load_cpus: Option<Vec<usize>>,
    /// The peer that stands where poold's library stands, to compare others
    #[arg(long, default_value = "poold")]
    pub subject: String,
    /// The program that makes the load
    #[arg(long, env = "POOLD_LOAD", default_value = subject::BINARY, hide_default_value = true)]
    pub load: PathBuf,
    /// Where the evidence goes; benches/runs, or a temporary place for --quick
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part of the benchmark that can be run by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// Echo of 64-byte lines
    Echo,
    /// Handlers that block, or might
    Blocking,
    /// Receiving 100-byte lines
    Receive,
    /// What ten thousand silent clients cost
    Rest,
    /// Connect, one message, close
    Connect,
    /// One client that floods beside 63 that ask and wait
    Fairness,
    /// One sender and many readers, in one room
    Chat,
    /// One source and many readers: a feed
    Hub,
    /// A line of `chat --bus` from one daemon to another
    Bus,
    /// Encrypted: echo, handshakes, receiving, idle clients
    Tls,
    /// A program for each connection
    Exec,
    /// How throughput and CPU a message change with the number of clients: two pictures
    Clients,
    /// How throughput changes with workers and size: pictures
    Growth,
}

impl Options {
    pub fn wants(&self, section: Section) -> bool {
        self.sections.is_empty() || self.sections.contains(&section)
    }

    pub fn wants_peer(&self, name: &str) -> bool {
        let named = |all: &Vec<String>| all.iter().any(|one| one == name);
        self.peers.as_ref().is_none_or(named)
    }

    /// Only if the options choose no peers.
    pub fn wants_yardstick(&self) -> bool {
        self.peers.is_none() || self.wants_peer("yardstick")
    }

    pub fn pairs(&self) -> usize {
        let usual = if self.quick { 1 } else { 5 };
        self.pairs.map_or(usual, NonZeroUsize::get)
    }

    /// Length of a run with so many clients.
    pub fn duration(&self, clients: usize) -> Duration {
        let usual = if self.quick { 200 } else { 2000 };
        self.duration.unwrap_or(Duration::from_millis(usual)) + self.settling(clients)
    }

    /// How much of it is not measured.
    pub fn warmup(&self, clients: usize) -> Duration {
        let usual = if self.quick { 50 } else { 300 };
        self.warmup.unwrap_or(Duration::from_millis(usual)) + self.settling(clients)
    }

    /// Ten thousand clients ask for the second time after a tenth of a second, and their first
    /// message is not like the others: memory is asked for, sessions are made.
    fn settling(&self, clients: usize) -> Duration {
        match self.quick || self.warmup.is_some() {
            true => Duration::ZERO,
            false => SETTLING * u32::try_from(clients).unwrap_or(u32::MAX),
        }
    }

    /// The counts of clients that were asked for, else `usual`, or only its ends for --quick.
    pub fn clients_or(&self, usual: &[usize]) -> Vec<usize> {
        self.clients.clone().unwrap_or_else(|| self.some_of(usual))
    }

    pub fn pipelines_or(&self, usual: &[usize]) -> Vec<usize> {
        self.pipeline.clone().unwrap_or_else(|| usual.to_vec())
    }

    /// All of them, or the first and the last for --quick.
    pub fn some_of<T: Copy>(&self, all: &[T]) -> Vec<T> {
        match (self.quick, all) {
            (true, [first, .., last]) => vec![*first, *last],
            _ => all.to_vec(),
        }
    }
}
