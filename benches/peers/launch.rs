//! Child processes: servers and loads. Every wait for one has a deadline, and dropping its
//! handle ends it.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::usage::{self, Usage};

const READY: Duration = Duration::from_secs(10);

/// How a server reports its address and its CPU time.
pub enum Announces {
    /// This benchmark as a server: on standard output; it answers queries.
    Itself,
    /// In a line on standard error.
    OnStderr,
    /// Not at all: the address was given to it.
    Chosen(SocketAddr),
}

/// A running server.
pub struct Server {
    child: Child,
    lines: Receiver<String>,
    answers: bool,
    pub address: SocketAddr,
}

impl Server {
    pub fn start(mut command: Command, announces: Announces, cpus: Cpus) -> io::Result<Server> {
        // The write end of its standard input is held until this ends, however it ends.
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match announces {
            Announces::Itself => command.stdout(Stdio::piped()).stderr(Stdio::inherit()),
            Announces::OnStderr => command.stderr(Stdio::piped()),
            Announces::Chosen(_) => &mut command,
        };
        let child = spawn_on(&mut command, cpus)?;
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let (_, lines) = mpsc::channel();
        let mut server = Server {
            child,
            lines,
            answers: false,
            address: unknown,
        };
        match announces {
            Announces::Chosen(address) => {
                server.address = address;
                server.wait_until_it_listens()?;
            }
            Announces::Itself => {
                server.answers = true;
                server.lines = lines_of(server.child.stdout.take());
                server.address = server.announced()?;
            }
            Announces::OnStderr => {
                server.lines = lines_of(server.child.stderr.take());
                server.address = server.announced()?;
            }
        }
        Ok(server)
    }

    /// CPU time and context switches since its start.
    pub fn usage(&mut self) -> io::Result<Usage> {
        if !self.answers {
            return usage::of_process(self.child.id());
        }
        let input = self.child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(b"usage\n")?;
        let line = self.lines.recv_timeout(READY).map_err(io::Error::other)?;
        usage::parse(&line)
    }

    /// Its resident memory, in bytes.
    pub fn resident(&self) -> io::Result<f64> {
        usage::resident(self.child.id())
    }

    fn announced(&mut self) -> io::Result<SocketAddr> {
        loop {
            let Ok(line) = self.lines.recv_timeout(READY) else {
                return Err(io::Error::other("it did not say where it listens"));
            };
            let Some((_, rest)) = line.split_once("listening on ") else {
                continue;
            };
            let word = rest.split_whitespace().next().unwrap_or_default();
            let address = word.trim_end_matches([',', ';', '.', ':']);
            return address.parse().map_err(io::Error::other);
        }
    }

    fn wait_until_it_listens(&mut self) -> io::Result<()> {
        let step = Duration::from_millis(20);
        for _ in 0..READY.as_millis() / step.as_millis() {
            if usage::listens(self.address.port())? {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("it ended at once: {status}")));
            }
            thread::sleep(step);
        }
        Err(io::Error::other("it does not listen"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A program that the kernel ends when this process ends, however it ends. Without `setpriv` it
/// ends only when this process ends normally.
pub fn mortal(program: &str) -> Command {
    let tool = "setpriv";
    let path = env::var_os("PATH").unwrap_or_default();
    if !env::split_paths(&path).any(|place| place.join(tool).is_file()) {
        return Command::new(program);
    }
    let mut command = Command::new(tool);
    command.args(["--pdeathsig", "KILL", "--", program]);
    command
}

/// Runs a command to its end and gives what it printed, or ends it after `limit`.
pub fn output_within(mut command: Command, limit: Duration, cpus: Cpus) -> io::Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = spawn_on(&mut command, cpus)?;
    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        let result = stdout.map_or(Ok(0), |mut out| out.read_to_string(&mut text));
        // Fails only if the limit has passed.
        let _ = sender.send(result.map(|_| text));
    });
    let text = receiver.recv_timeout(limit);
    end(&mut child);
    drop(reader);
    text.map_err(|_| io::Error::other(format!("not done within {limit:?}")))?
}

/// Processors that a process may use; `None`: all.
pub type Cpus<'a> = Option<&'a [usize]>;

/// A child inherits the processors of the thread that starts it, so this one changes its own
/// for that moment.
pub fn spawn_on(command: &mut Command, cpus: Cpus) -> io::Result<Child> {
    let Some(cpus) = cpus else {
        return command.spawn();
    };
    let myself = Pid::from_raw(0);
    let mine = sched_getaffinity(myself)?;
    let mut wanted = CpuSet::new();
    for cpu in cpus {
        wanted.set(*cpu)?;
    }
    sched_setaffinity(myself, &wanted)?;
    let child = command.spawn();
    sched_setaffinity(myself, &mine)?;
    child
}

fn lines_of(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let lines = pipe
            .into_iter()
            .flat_map(|pipe| BufReader::new(pipe).lines());
        // Read to its end even without a receiver: a full pipe would stop the child.
        for line in lines.map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

/// It may have ended already.
pub fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
