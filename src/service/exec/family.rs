//! Finds a program's descendants that have left its process group, in /proc.
//!
//! A descendant with a living parent is found through it. An orphan is a child of poold or of its
//! keeper, and is recognized by the client in its environment, unless it has changed that.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, getppid, pidfd_open, pidfd_send_signal};

use super::environment::CLIENT;

/// One search at a time: it takes a few descriptors, and many programs may be asked to end at once.
static LOOK: Mutex<()> = Mutex::new(());

/// A handle to a process, valid even if its id is used again.
pub(super) struct Member {
    pidfd: OwnedFd,
}

impl Member {
    pub(super) fn signal(&self, signal: Signal) {
        // It may have ended.
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }
}

/// A process's fields of proc_pid_stat(5).
struct Seen {
    pid: Pid,
    parent: i32,
    group: i32,
    /// Its start time, which distinguishes it from a later process with the same id.
    begun: i64,
}

/// The descendants of the program `head` of client number `client` that are not in its group.
///
/// Searches for orphans also among the children of `keeper`, if that is still the parent.
pub(super) fn strays(head: Pid, client: u64, keeper: Option<Pid>) -> Vec<Member> {
    let _looking = LOOK.lock();
    let all = processes();
    let mut family = vec![head.as_raw_pid()];
    let own = getpid();
    let keeper = keeper.filter(|keeper| getppid() == Some(*keeper));
    let is_orphan = |seen: &&Seen| {
        let is_adopted = [Some(own), keeper].contains(&Pid::from_raw(seen.parent));
        // This process itself may be a program of another poold.
        is_adopted && ![head, own].contains(&seen.pid) && is_of(seen.pid, client)
    };
    family.extend(
        all.iter()
            .filter(is_orphan)
            .map(|seen| seen.pid.as_raw_pid()),
    );
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        let children = all.iter().filter(|seen| seen.parent == parent);
        let children: Vec<_> = children.map(|seen| seen.pid.as_raw_pid()).collect();
        family.extend(children.into_iter().filter(|pid| *pid != parent));
        at += 1;
    }
    let group = head.as_raw_pid();
    let outside = all.iter().filter(|seen| seen.group != group);
    let members = outside.filter(|seen| family.contains(&seen.pid.as_raw_pid()));
    members.filter_map(caught).collect()
}

/// A handle to the process that was seen, unless its id is another's by now.
fn caught(seen: &Seen) -> Option<Member> {
    let pidfd = pidfd_open(seen.pid, PidfdFlags::empty()).ok()?;
    let is_same = look_at(seen.pid)?.begun == seen.begun;
    is_same.then_some(Member { pidfd })
}

fn processes() -> Vec<Seen> {
    let Ok(all) = Path::new("/proc").read_dir() else {
        return Vec::new();
    };
    let numbers = all.flatten().filter_map(|entry| {
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        look_at(Pid::from_raw(number)?)
    });
    numbers.collect()
}

fn look_at(pid: Pid) -> Option<Seen> {
    let stat = fs::read_to_string(place(pid, "stat")).ok()?;
    // After the name in parentheses: the state, which is field 3, the parent, the group.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(1);
    Some(Seen {
        pid,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
        begun: fields.nth(16)?.parse().ok()?,
    })
}

/// Whether a process was started for this client.
fn is_of(pid: Pid, client: u64) -> bool {
    let variables = fs::read(place(pid, "environ")).unwrap_or_default();
    let wanted = format!("{CLIENT}={client}");
    let mut variables = variables.split(|byte| *byte == 0);
    variables.any(|variable| variable == wanted.as_bytes())
}

fn place(pid: Pid, file: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(file)
}
