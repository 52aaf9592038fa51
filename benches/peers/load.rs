//! One run of the load generator, which is a process of its own, and its result.

use std::env;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::launch::{Cpus, output_within};
use super::usage::Usage;

/// Connecting ten thousand clients, and the last answers of a slow server.
const SLACK: Duration = Duration::from_secs(20);

/// Of a run in which each message has its own. The system gives every second one of its usual 28
/// 232 ports first, and when they are used up it takes milliseconds to find another.
const CONNECTIONS: usize = 13_600;
/// Of the same with TLS, which takes several times as long.
const HANDSHAKES: usize = 3_200;

/// The settings of a run.
#[derive(Clone, Copy)]
pub struct Load {
    pub clients: usize,
    pub pipeline: usize,
    /// Clients that flood and are not measured; the others are.
    pub greedy: usize,
    pub size: usize,
    pub duration: Duration,
    pub warmup: Duration,
    pub shape: Shape,
    pub tls: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Each message is answered with itself.
    Echo,
    /// Nothing is answered; the run ends when the server has closed every connection, which
    /// it does when it has read all.
    Send,
    /// Each client connects, sends one message, waits for the answer and closes.
    Churn,
    /// One client sends, all receive; a message is counted for each receiver.
    Fan,
    /// As `Fan`, and the sender does not receive; beside readers that have stopped, and readers of
    /// a byte a second.
    Feed { stopped: usize, slow: usize },
}

/// The result of one run; times in microseconds.
#[derive(Clone)]
pub struct Figures {
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
    /// Of the server.
    pub cpu_per_message: f64,
    pub switches_per_message: Option<f64>,
    /// Messages that were not answered, and errors of any kind.
    pub faults: f64,
    /// What the load printed.
    pub load: Value,
}

impl Load {
    pub fn command(&self, program: &Path, address: SocketAddr) -> Command {
        let mut command = Command::new(program);
        command
            .arg("flood")
            .arg(address.to_string())
            .args(["--json", "--quiet"]);
        let millis = |time: Duration| format!("{}ms", time.as_millis());
        // A short name leaves room for short messages.
        command.args(["--run", "p", "--clients", &self.clients.to_string()]);
        if self.shape == Shape::Churn {
            let all = if self.tls { HANDSHAKES } else { CONNECTIONS };
            let each = all / self.clients;
            command.args(["--churn", "--messages", &each.to_string()]);
        } else {
            command.args(["--duration", &millis(self.duration)]);
            command.args(["--pipeline", &self.pipeline.to_string()]);
        }
        command.args(["--warmup", &millis(self.warmup)]);
        command.args(["--size", &self.size.to_string()]);
        if self.greedy > 0 {
            command.args(["--greedy", &self.greedy.to_string()]);
        }
        if self.tls {
            command.args(["--tls", "--insecure"]);
        }
        if self.shape == Shape::Send {
            command.args(["--expect", "nothing"]);
        }
        command
    }

    /// This benchmark as the readers: `poold flood --chat` would parse each line.
    fn fan(&self, address: SocketAddr, hindered: [usize; 2]) -> io::Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("fan").arg(address.to_string());
        let millis = |time: Duration| time.as_millis().to_string();
        command.args([self.clients, self.pipeline, self.size].map(|number| number.to_string()));
        command.args([millis(self.duration), millis(self.warmup)]);
        command.args(hindered.map(|number| number.to_string()));
        Ok(command)
    }

    /// Runs it to its end and gives what it printed.
    pub fn run(&self, program: &Path, address: SocketAddr, cpus: Cpus) -> io::Result<Value> {
        let limit = self.duration + self.warmup + SLACK;
        let command = match self.shape {
            Shape::Fan => self.fan(address, [0, 0])?,
            Shape::Feed { stopped, slow } => self.fan(address, [stopped, slow])?,
            _ => self.command(program, address),
        };
        let text = output_within(command, limit, cpus)?;
        let line = text.lines().rev().find(|line| line.starts_with('{'));
        let line = line.ok_or_else(|| io::Error::other("the load printed no figures"))?;
        serde_json::from_str(line).map_err(io::Error::other)
    }

    /// Joins the load's result with the server's CPU time.
    pub fn figures(&self, raw: &Value, used: Usage) -> io::Result<Figures> {
        let number = |path: &str| raw.pointer(path).and_then(Value::as_f64);
        let rate = match self.shape {
            Shape::Churn => number("/connections_per_second"),
            _ => number("/messages_per_second"),
        };
        let rate = rate.ok_or_else(|| io::Error::other("the load gave no rate"))?;
        // Those of the warm-up included, as the server's time includes it.
        let messages = match self.shape {
            Shape::Send => number("/sent"),
            _ => number("/answered"),
        };
        let messages = messages.unwrap_or(0.0).max(1.0);
        let latency = |name: &str| number(&format!("/latency_us/{name}")).unwrap_or(f64::NAN);
        Ok(Figures {
            rate,
            p50: latency("p50"),
            p99: latency("p99"),
            cpu_per_message: used.cpu * 1e6 / messages,
            switches_per_message: used.switches.map(|count| count / messages),
            faults: faults(raw) + self.clients as f64 - number("/connected").unwrap_or(0.0),
            load: kept(raw),
        })
    }
}

impl Figures {
    pub fn json(&self) -> Value {
        json!({
            "rate_per_second": self.rate,
            "server_cpu_us_per_message": self.cpu_per_message,
            "server_switches_per_message": self.switches_per_message,
            "faults": self.faults,
            "load": self.load,
        })
    }
}

/// Messages that were lost or came back changed, and failed connections.
fn faults(raw: &Value) -> f64 {
    let wrong = ["lost", "damaged", "duplicated", "reordered"];
    let wrong = wrong
        .iter()
        .filter_map(|kind| raw.get(kind)?.as_f64())
        .sum::<f64>();
    let errors = raw.get("errors").and_then(Value::as_object);
    wrong + errors.map_or(0.0, |kinds| kinds.values().filter_map(Value::as_f64).sum())
}

/// The load's report, without zeros and without figures that stand elsewhere.
fn kept(raw: &Value) -> Value {
    let mut kept = raw.as_object().cloned().unwrap_or_default();
    kept.retain(|name, value| name != "run" && value.as_f64() != Some(0.0));
    if let Some(errors) = kept.get_mut("errors").and_then(Value::as_object_mut) {
        errors.retain(|_, count| count.as_f64() != Some(0.0));
    }
    Value::Object(kept)
}
