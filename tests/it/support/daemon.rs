//! `poold` as a process: starts it, measures it, sends it signals, waits for it; it never outlives
//! its test.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::support::spool::{PATIENCE, Spool, wait_until};
use crate::support::tunnel;

pub const POOLD: &str = env!("CARGO_BIN_EXE_poold");

/// A child process, killed and reaped at the end of the test, also after a panic.
pub struct Guard(pub Child);

impl Guard {
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// Waits for the process to end; kills it after the deadline.
    pub fn wait_exit(&mut self) -> Option<i32> {
        let ended = pidfd_open(self.pid(), PidfdFlags::empty()).map(|pidfd| {
            // It may have work to do until then.
            let most = Timespec::try_from(PATIENCE * 4).expect("fits");
            poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&most)).unwrap_or(0)
        });
        if ended == Ok(0) {
            let _ = self.0.kill();
            let _ = self.0.wait();
            panic!("the process did not end in time");
        }
        self.0.wait().expect("our own child").code()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running daemon that has logged `listening on`.
pub struct Daemon {
    guard: Guard,
    /// The address as the daemon printed it: `127.0.0.1:PORT` or `unix:PATH`.
    pub address: String,
    pub stdout: Spool,
    pub stderr: Spool,
}

/// The exit of a process.
#[derive(Debug)]
pub struct Exit {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// The line `drained in 12 ms: 3 clients left, 0 cut off, 1204 messages received, 1204 delivered`.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    pub ms: u64,
    pub left: u64,
    pub cut_off: u64,
    pub received: u64,
    pub delivered: u64,
}

/// `poold` with these arguments, and no variable `POOLD_…`.
pub fn poold(args: &[&str]) -> Command {
    let mut command = Command::new(POOLD);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("POOLD_") {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Stops a process and waits until all its threads stand still: the first that is told tells the
/// others, and has to have the machine for that.
pub fn stand_still(pid: Pid) {
    kill_process(pid, Signal::STOP).expect("our own child");
    let stands = |task: std::io::Result<std::fs::DirEntry>| {
        let stat = task.and_then(|task| std::fs::read_to_string(task.path().join("stat")));
        // One that has ended meanwhile stands still.
        stat.map_or(true, |stat| {
            let state = stat.rsplit(") ").next();
            state.is_some_and(|state| state.starts_with('T'))
        })
    };
    wait_until("it stands still", || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
        tasks.expect("it runs").all(stands)
    });
}

/// These arguments, and `--overload off` for services that have it: other tests that keep the
/// machine busy must not make a daemon refuse clients. And a certificate in tests over TLS.
pub fn calm<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let mut args = args.to_vec();
    let has_it = matches!(args.first(), Some(&"recv" | &"echo" | &"discard" | &"chat"));
    if has_it && !args.contains(&"--overload") {
        args.extend(["--overload", "off"]);
    }
    // Before a program's own arguments.
    args.splice(1..1, tunnel::arguments());
    args
}

impl Daemon {
    /// Starts `poold ARGS…` and collects its standard output.
    pub fn start(args: &[&str]) -> Daemon {
        Daemon::spawn(poold(&calm(args)).stdout(Stdio::piped()))
    }

    /// `poold recv 127.0.0.1:0 ARGS…`.
    pub fn recv(args: &[&str]) -> Daemon {
        Daemon::start(&[&["recv", "127.0.0.1:0"], args].concat())
    }

    /// `poold echo 127.0.0.1:0 ARGS…`.
    pub fn echo(args: &[&str]) -> Daemon {
        Daemon::start(&[&["echo", "127.0.0.1:0"], args].concat())
    }

    /// Starts a daemon after `set` has chosen its standard output; collects it if it is a new pipe.
    pub fn spawn(command: &mut Command) -> Daemon {
        let child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("poold starts");
        let mut guard = Guard(child);
        let stdout = guard.0.stdout.take().map_or_else(Spool::empty, Spool::of);
        let stderr = Spool::of(guard.0.stderr.take().expect("piped"));
        let line = stderr.wait_line("listening on ");
        let address = line
            .split("listening on ")
            .nth(1)
            .expect("it is in it")
            .to_owned();
        stderr.wait_line("Press Ctrl-C to stop");
        Daemon {
            guard,
            address,
            stdout,
            stderr,
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.guard.pid(), signal).expect("our own child");
    }

    /// Stops it; [`Signal::CONT`] lets it go on.
    pub fn stand_still(&self) {
        stand_still(self.guard.pid());
    }

    /// Sends Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// The exit code; children of the daemon may still hold its pipes.
    pub fn wait_exit_alone(&mut self) -> Option<i32> {
        self.guard.wait_exit()
    }

    pub fn wait_exit(&mut self) -> Exit {
        let code = self.guard.wait_exit();
        Exit {
            code,
            stdout: self.stdout.wait_end(),
            stderr: String::from_utf8_lossy(&self.stderr.wait_end()).into_owned(),
        }
    }

    /// Sends Ctrl-C and waits for the exit.
    pub fn stop(&mut self) -> Exit {
        self.interrupt();
        self.wait_exit()
    }

    /// A figure in KiB of `/proc/PID/status`, such as `VmRSS` or `VmHWM`.
    pub fn memory(&self, name: &str) -> u64 {
        self.status(name)
    }

    /// Processor time of the process, in user mode and in the kernel.
    pub fn cpu(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.guard.pid().as_raw_nonzero());
        let stat = std::fs::read_to_string(path).expect("it runs");
        // The second field is a name in parentheses; the 14th and 15th are what is wanted.
        let (_, after_name) = stat.rsplit_once(") ").expect("a name");
        let fields: Vec<&str> = after_name.split(' ').collect();
        let ticks: u64 = fields[11..13]
            .iter()
            .map(|field| field.parse::<u64>().expect("a number"))
            .sum();
        let each = 1000 / rustix::param::clock_ticks_per_second();
        Duration::from_millis(ticks * each)
    }

    /// Asserts that the process uses at most this share of one processor, at once or after some
    /// retries. Returns the share.
    pub fn takes_at_most(&self, most: f64, over: Duration) -> f64 {
        let mut shares = Vec::new();
        for _ in 0..5 {
            let (cpu, begin) = (self.cpu(), std::time::Instant::now());
            std::thread::sleep(over);
            let share = (self.cpu() - cpu).as_secs_f64() / begin.elapsed().as_secs_f64();
            if share <= most {
                return share;
            }
            shares.push(share);
        }
        panic!("{shares:.3?} of a processor, never {most}");
    }

    pub fn pid(&self) -> Pid {
        self.guard.pid()
    }

    pub fn threads(&self) -> u64 {
        self.status("Threads")
    }

    /// How often a thread has waited for something.
    pub fn waits_of(&self, thread: &str) -> u64 {
        let path = format!("/proc/{}/task", self.guard.pid().as_raw_nonzero());
        let mut tasks = std::fs::read_dir(path).expect("it runs").flatten();
        let read = |task: &std::fs::DirEntry, file| std::fs::read_to_string(task.path().join(file));
        let is_it = |task: &std::fs::DirEntry| {
            read(task, "comm").is_ok_and(|name| name.trim_end() == thread)
        };
        let task = tasks.find(is_it).expect("it has this thread");
        let status = read(&task, "status").expect("it runs");
        let waits = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        waits
            .and_then(|waits| waits.trim().parse().ok())
            .expect("a number")
    }

    /// The number of open descriptors.
    pub fn descriptors(&self) -> usize {
        let path = format!("/proc/{}/fd", self.guard.pid().as_raw_nonzero());
        std::fs::read_dir(path).expect("it runs").count()
    }

    /// The highest open descriptor.
    pub fn highest_descriptor(&self) -> usize {
        let numbers = self.descriptor_numbers().into_iter();
        numbers.max().expect("at least one")
    }

    /// The open descriptors.
    pub fn descriptor_numbers(&self) -> Vec<usize> {
        let path = format!("/proc/{}/fd", self.guard.pid().as_raw_nonzero());
        let names = std::fs::read_dir(path).expect("it runs").flatten();
        let numbers = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.collect()
    }

    /// Waits until at most this many descriptors are open.
    pub fn wait_descriptors_at_most(&self, most: usize) {
        wait_until("descriptors are given back", || self.descriptors() <= most);
    }

    fn status(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.guard.pid().as_raw_nonzero());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status
            .lines()
            .find(|line| line.split(':').next() == Some(name));
        let value = line.and_then(|line| line.split_whitespace().nth(1));
        value
            .and_then(|value| value.parse().ok())
            .expect("a number")
    }
}

impl Exit {
    pub fn report(&self) -> Report {
        let line = self
            .stderr
            .lines()
            .find(|line| line.starts_with("drained in "));
        let line = line.unwrap_or_else(|| panic!("no report in:\n{}", self.stderr));
        let numbers: Vec<u64> = line
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|part| part.parse().ok())
            .collect();
        let (ms, left, cut_off, received, delivered) = match numbers[..] {
            [ms, left, cut_off, received, delivered] => (ms, left, cut_off, received, delivered),
            // A service of streams has no messages.
            [ms, left, cut_off, _served] => (ms, left, cut_off, 0, 0),
            _ => panic!("neither five figures nor four: {line}"),
        };
        Report {
            ms,
            left,
            cut_off,
            received,
            delivered,
        }
    }

    /// Lines printed.
    pub fn lines(&self) -> Vec<&str> {
        str::from_utf8(&self.stdout)
            .expect("text is UTF-8")
            .lines()
            .collect()
    }
}

impl Report {
    pub fn took(&self) -> Duration {
        Duration::from_millis(self.ms)
    }
}
