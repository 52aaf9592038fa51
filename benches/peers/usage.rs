//! What a process uses, as the kernel counts it.

use std::fs;
use std::io;
use std::ops::Sub;

/// Processor time in seconds, and context switches where they can be counted.
#[derive(Clone, Copy)]
pub struct Usage {
    pub cpu: f64,
    pub switches: Option<f64>,
}

impl Sub for Usage {
    type Output = Usage;

    fn sub(self, before: Usage) -> Usage {
        let switches = self
            .switches
            .zip(before.switches)
            .map(|(after, before)| after - before);
        Usage {
            cpu: self.cpu - before.cpu,
            switches,
        }
    }
}

/// Ticks of `/proc/PID/stat`; 100 on every Linux that Rust's binaries run on.
const TICKS: f64 = 100.0;

/// Fields of `/proc/PID/stat` after the name in parentheses: user and system time of the
/// process, then of the children it has waited for (a server may fork one for each client).
const TIMES: std::ops::Range<usize> = 11..15;

/// For a program that cannot be asked. Threads and children that have ended take their
/// switches with them, so a process with children gives none.
pub fn of_process(pid: u32) -> io::Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(')').ok_or(io::ErrorKind::InvalidData)?;
    let fields: Vec<f64> = rest
        .split_whitespace()
        .map(|x| x.parse().unwrap_or(0.0))
        .collect();
    let times = fields.get(TIMES).ok_or(io::ErrorKind::InvalidData)?;
    let forks = times[2] + times[3] > 0.0;
    let mut switches = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end while the others are read.
        let status = fs::read_to_string(task?.path().join("status")).unwrap_or_default();
        switches += field(&status, "voluntary_ctxt_switches:").unwrap_or(0.0);
        switches += field(&status, "nonvoluntary_ctxt_switches:").unwrap_or(0.0);
    }
    let cpu = times.iter().sum::<f64>() / TICKS;
    Ok(Usage {
        cpu,
        switches: (!forks).then_some(switches),
    })
}

/// What a server of ours answers when asked.
pub fn parse(line: &str) -> io::Result<Usage> {
    let mut words = line
        .strip_prefix("used ")
        .into_iter()
        .flat_map(str::split_whitespace);
    let mut next = || words.next().and_then(|word| word.parse().ok());
    let cpu = next().ok_or(io::ErrorKind::InvalidData)?;
    Ok(Usage {
        cpu,
        switches: next(),
    })
}

/// Bytes of memory that a process holds.
pub fn resident(pid: u32) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = field(&status, "VmRSS:").ok_or(io::ErrorKind::InvalidData)?;
    Ok(kib * 1024.0)
}

/// Whether a process listens on a port of this machine. Connecting to check would be a client.
pub fn listens(port: u16) -> io::Result<bool> {
    const LISTEN: &str = "0A";
    let wanted = format!(":{port:04X}");
    let mut tables = fs::read_to_string("/proc/net/tcp")?;
    tables += &fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    Ok(tables.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        let local = words.next().is_some_and(|word| word.ends_with(&wanted));
        local && words.nth(1) == Some(LISTEN)
    }))
}

fn field(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
