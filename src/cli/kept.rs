//! Whether this process has a keeper, whether the keeper has gone, and what it starts for this
//! process: see `daemon/exec/keeper.rs`.

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, getppid, pidfd_open, pidfd_send_signal,
    set_child_subreaper, waitpid,
};
use rustix::stdio::dup2_stdin;

use crate::net::ready::is_readable;

/// The variable that names the keeper to the server.
pub(super) const KEPT_BY: &str = "POOLD_KEPT_BY";
/// The variable that names the first keeper to those that it starts.
pub(super) const FIRST_KEEPER: &str = "POOLD_FIRST_KEEPER";
/// What a server asks of the first keeper, and how a refusal begins. Any other answer is the number
/// of the process that was started.
pub(super) const START: &str = "start\n";
pub(super) const NO: &str = "no ";
/// Maximum wait for the answer: it starts a process, and does nothing else.
const START_WITHIN: Duration = Duration::from_secs(5);
/// Maximum wait for the end of killed processes.
const END_MAX: Duration = Duration::from_secs(2);
/// How long a keeper whose server was killed may take to end what is left.
const END_WITHIN: Duration = Duration::from_secs(3);

/// The socket to the first keeper, until an answer does not come: a late one would be another
/// request's.
static SOCKET: OnceLock<Mutex<Option<UnixStream>>> = OnceLock::new();

/// In the server: whether its keeper has gone. Then the server adopts its programs' orphans, and
/// ends them with `end_the_rest`.
pub(super) fn is_gone() -> bool {
    let is_gone = is_server() && keeper().is_none();
    if is_gone {
        // This can't fail: the keeper did it before.
        let _ = set_child_subreaper(Some(getpid()));
    }
    is_gone
}

/// Whether a keeper started this process as its server.
pub(super) fn is_server() -> bool {
    env::var_os(KEPT_BY).is_some()
}

/// The keeper of this process.
pub(super) fn keeper() -> Option<Pid> {
    parent_named(KEPT_BY)
}

/// This process's parent, if the variable names it.
pub(super) fn parent_named(variable: &str) -> Option<Pid> {
    let named = env::var(variable).ok()?.parse().ok();
    getppid().filter(|parent| Some(parent.as_raw_pid()) == named)
}

/// In the server: takes the socket to the first keeper, which is its standard input.
pub(super) fn take_socket() -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.set_read_timeout(Some(START_WITHIN))?;
    socket.set_write_timeout(Some(START_WITHIN))?;
    dup2_stdin(File::open("/dev/null")?)?;
    // Once in a process.
    let _ = SOCKET.set(Mutex::new(Some(socket)));
    Ok(())
}

/// The keeper of a successor, which the first keeper has started.
pub(super) struct KeptSuccessor {
    pid: Pid,
    /// `None` if it has ended already.
    pidfd: Option<OwnedFd>,
}

impl KeptSuccessor {
    /// Has the first keeper start one; `None` if this process has none.
    pub(super) fn start() -> io::Result<Option<KeptSuccessor>> {
        let Some(socket) = SOCKET.get() else {
            return Ok(None);
        };
        let Some(asked) = socket.lock().take() else {
            return Err(io::Error::other("the first process does not answer"));
        };
        let answer = ask(&asked)?;
        *socket.lock() = Some(asked);
        if let Some(reason) = answer.strip_prefix(NO) {
            return Err(io::Error::other(reason.trim_end().to_owned()));
        }
        let pid = answer.trim_end().parse().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the first process is another version"))?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok();
        Ok(Some(KeptSuccessor { pid, pidfd }))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.pidfd
            .as_ref()
            .is_none_or(|pidfd| is_readable(pidfd, Duration::ZERO))
    }

    /// Kills its server; then it ends what that has left, and ends.
    pub(super) fn kill(&self) {
        let Some(pidfd) = &self.pidfd else {
            return;
        };
        let servers = children(self.pid).into_iter();
        let servers: Vec<_> = servers
            .filter_map(|server| pidfd_open(server, PidfdFlags::empty()).ok())
            .collect();
        for server in &servers {
            // It may have ended.
            let _ = pidfd_send_signal(server, Signal::KILL);
        }
        if servers.is_empty() || !is_readable(pidfd, END_WITHIN) {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }
}

fn ask(mut keeper: &UnixStream) -> io::Result<String> {
    keeper.write_all(START.as_bytes())?;
    let mut answer = String::new();
    match BufReader::new(keeper).read_line(&mut answer) {
        Ok(0) => Err(io::Error::other("the first process has ended")),
        Ok(_) => Ok(answer),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(io::Error::other("the first process does not answer"))
        }
        Err(error) => Err(error),
    }
}

/// Kills the children that are left, except these, and orphans that this makes.
pub(super) fn end_the_rest(except: &[Pid]) {
    let until = Instant::now() + END_MAX;
    loop {
        let mut left = children(getpid());
        left.retain(|child| !except.contains(child));
        if left.is_empty() || Instant::now() >= until {
            return;
        }
        for child in left {
            if let Ok(pidfd) = pidfd_open(child, PidfdFlags::empty()) {
                let _ = pidfd_send_signal(&pidfd, Signal::KILL);
                let most = until.saturating_duration_since(Instant::now());
                is_readable(&pidfd, most);
            }
            let _ = waitpid(Some(child), WaitOptions::NOHANG);
        }
    }
}

/// The children of a process, zombies included.
fn children(of: Pid) -> Vec<Pid> {
    let Ok(all) = Path::new("/proc").read_dir() else {
        return Vec::new();
    };
    let numbers = all.flatten().filter_map(|entry| {
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // After the name in parentheses: the state, then the parent.
        let (_, fields) = stat.rsplit_once(") ")?;
        let parent: i32 = fields.split(' ').nth(1)?.parse().ok()?;
        (parent == of.as_raw_pid()).then_some(number)
    });
    numbers.filter_map(Pid::from_raw).collect()
}
