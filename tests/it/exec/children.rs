//! Processes, looked up in /proc: whose children there are, and what is left of a test's own.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Pid;

use crate::support::daemon::Daemon;
use crate::support::spool::wait_until;

/// A process as /proc shows it.
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub state: String,
    pub words: String,
}

/// All processes.
pub fn processes() -> Vec<Process> {
    let all = fs::read_dir("/proc").expect("Linux").flatten();
    let found = all.filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        Some(Process {
            pid,
            state: fields.next()?.to_owned(),
            parent: fields.next()?.parse().ok()?,
            words: String::from_utf8_lossy(&words).replace('\0', " "),
        })
    });
    found.collect()
}

/// The process that serves: the only child of the one that was started.
pub fn server(daemon: &Daemon) -> i32 {
    let keeper = daemon.pid().as_raw_pid();
    let all = processes();
    let server = all.iter().find(|one| one.parent == keeper);
    server.expect("the keeper's child").pid
}

pub fn children(pid: i32) -> Vec<Process> {
    let mut all = processes();
    all.retain(|one| one.parent == pid);
    all
}

/// Waits until neither the server nor its keeper has children, zombies included.
pub fn wait_no_children(daemon: &Daemon) {
    let server = server(daemon);
    wait_until("all children are gone", || {
        children(server).is_empty() && children(daemon.pid().as_raw_pid()).len() == 1
    });
}

pub fn pid(number: i32) -> Pid {
    Pid::from_raw(number).expect("not 0")
}

/// A sleep of a time that no other process has, so that the process can be found.
pub struct Nap(pub String);

impl Nap {
    pub fn new() -> Nap {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Nap(format!("900.{:07}{count:03}1", std::process::id()))
    }

    /// The processes that sleep it.
    pub fn sleepers(&self) -> usize {
        let wanted = format!("sleep {} ", self.0);
        let all = processes();
        let sleeps = |one: &&Process| one.words == wanted && one.state != "Z";
        all.iter().filter(sleeps).count()
    }

    pub fn wait_sleepers(&self, count: usize) {
        wait_until("so many sleep", || self.sleepers() == count);
    }
}
