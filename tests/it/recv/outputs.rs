//! Files as outputs: what happens to them, and when. Each message is there once, and what can't be
//! found is told.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::handover::takeover::Line;
use crate::support::daemon::poold;
use crate::support::net::{connect, end, send, take_to_end};
use crate::support::passed::cannot;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::wait_until;

/// How the file is an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `-o FILE`
    Named,
    /// `> FILE`
    Stdout,
    /// `-o /dev/stdout > FILE`
    DevStdout,
    /// `-o MOUNT`, where the file is mounted: a container's volume of a single file.
    Mounted,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Nothing,
    Renamed,
    Removed,
    /// Copied, then removed, as `mv` does to another file system.
    Replaced,
}

/// The state of the server when the output changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Running,
    Draining,
    TakeOver,
}

const LINES: usize = 100;

/// A file under a daemon.
struct Stage {
    dir: Scratch,
    line: Line,
    /// The file that was open at the start, under any name.
    first: File,
    mounted: Option<Mounted>,
}

/// A file that is mounted on another.
pub struct Mounted(PathBuf);

impl Mounted {
    /// `None` if this user may not mount.
    pub fn bind(what: &Path, at: &Path) -> Option<Mounted> {
        fs::write(at, "").expect("our directory");
        Mounted::run(&["--bind", text(what)], at)
    }

    /// A small file system in memory.
    pub fn disk(size: &str, at: &Path) -> Option<Mounted> {
        fs::create_dir(at).expect("our directory");
        let size = format!("size={size}");
        Mounted::run(&["-t", "tmpfs", "-o", &size, "tmpfs"], at)
    }

    fn run(args: &[&str], at: &Path) -> Option<Mounted> {
        let output = Command::new("mount").args(args).arg(at).output();
        if output.is_ok_and(|output| output.status.success()) {
            return Some(Mounted(at.to_owned()));
        }
        let must = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!must, "nothing can be mounted, and this is CI");
        cannot("allow this user to mount a file system");
        None
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

impl Stage {
    fn set(kind: Kind) -> Option<Stage> {
        let dir = Scratch::new();
        let (file, mount) = (dir.join("out"), dir.join("mount"));
        fs::write(&file, "").expect("our directory");
        let mounted = match kind {
            Kind::Mounted => Some(Mounted::bind(&file, &mount)?),
            _ => None,
        };
        let output = match kind {
            Kind::Named => text(&file),
            Kind::Stdout => "-",
            Kind::DevStdout => "/dev/stdout",
            Kind::Mounted => text(&mount),
        };
        let mut command = poold(&["recv", "127.0.0.1:0", "-f", "raw", "-o", output]);
        command.stdout(match kind {
            Kind::Stdout | Kind::DevStdout => {
                let file = fs::OpenOptions::new().append(true).open(&file);
                Stdio::from(file.expect("it is there"))
            }
            _ => Stdio::null(),
        });
        let line = Line::spawn(&dir, &mut command);
        let first = File::open(&file).expect("it is there");
        Some(Stage {
            dir,
            line,
            first,
            mounted,
        })
    }

    fn happen(&self, event: Event) {
        let file = self.dir.join("out");
        let (away, done) = (self.dir.join("away"), "our directory");
        match event {
            Event::Nothing => {}
            Event::Renamed => fs::rename(&file, away).expect(done),
            Event::Removed => fs::remove_file(&file).expect(done),
            Event::Replaced => {
                fs::remove_file(&file).expect(done);
                fs::write(&file, "").expect(done);
            }
        }
    }

    /// All that is in the first file, and in the one in its place.
    fn written(&self) -> String {
        let mut all = String::new();
        let mut first = &self.first;
        std::io::Seek::rewind(&mut first).expect("a file");
        first.read_to_string(&mut all).expect("UTF-8");
        let now = File::open(self.dir.join("out"));
        if let Ok(mut now) = now
            && now.metadata().expect("open").ino() != self.first.metadata().expect("open").ino()
        {
            now.read_to_string(&mut all).expect("UTF-8");
        }
        all
    }

    fn wait_written(&self, lines: usize) {
        let what = format!("{lines} lines are there");
        wait_until(&what, || self.written().lines().count() >= lines);
    }
}

fn lines(from: usize) -> String {
    (from..from + LINES)
        .map(|n| format!("line {n}\n"))
        .collect()
}

/// `false` if it can't be tried here.
fn play(kind: Kind, event: Event, time: Time) -> bool {
    let Some(mut stage) = Stage::set(kind) else {
        return false;
    };
    let first = connect(&stage.line.first.address);
    send(&first, lines(0));
    stage.wait_written(LINES);
    if time == Time::Draining {
        stage.line.first.interrupt();
        assert_eq!(take_to_end(&first), b"");
    }
    stage.happen(event);
    if time == Time::TakeOver {
        stage.line.restart();
    }
    send(&first, lines(LINES));
    end(&first);
    let log = if time == Time::TakeOver {
        let second = connect(&stage.line.first.address);
        send(&second, lines(2 * LINES));
        end(&second);
        assert_eq!(take_to_end(&second), b"");
        stage.line.stop()
    } else {
        assert_eq!(take_to_end(&first), b"");
        drop(first);
        if time == Time::Running {
            stage.line.first.interrupt();
        }
        let exit = stage.line.first.wait_exit();
        let report = exit.report();
        assert_eq!((report.received, report.delivered), (200, 200));
        exit.stderr
    };
    let count = if time == Time::TakeOver { 300 } else { 200 };
    let mut written: Vec<_> = stage.written().lines().map(str::to_owned).collect();
    written.sort_unstable();
    if matches!(event, Event::Removed | Event::Replaced) {
        // What is written while the file is removed goes to the new file as well.
        written.dedup();
    }
    let mut expected: Vec<_> = (0..count).map(|n| format!("line {n}")).collect();
    expected.sort_unstable();
    assert_eq!(written, expected, "each once: {log}");
    let is_gone = matches!(event, Event::Removed | Event::Replaced) && kind != Kind::Named;
    let told = log.matches("what is written to it has no name").count();
    // Each process says it once; the first may have nothing more to write.
    let most = if time == Time::TakeOver { 2 } else { 1 };
    match is_gone {
        true => assert!((1..=most).contains(&told), "{told} times: {log}"),
        false => assert_eq!(told, 0, "{log}"),
    }
    drop(stage.mounted);
    true
}

#[test]
fn whatever_happens_to_the_file_each_message_is_written_once_and_a_nameless_file_is_told() {
    use Event::{Nothing, Removed, Renamed, Replaced};
    for kind in [Kind::Named, Kind::Stdout, Kind::DevStdout, Kind::Mounted] {
        for event in [Nothing, Renamed, Removed, Replaced] {
            for time in [Time::Running, Time::Draining, Time::TakeOver] {
                let name = format!("{kind:?}, {event:?}, {time:?}");
                let run = std::panic::catch_unwind(|| play(kind, event, time));
                match run {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(_) => panic!("{name}"),
                }
            }
        }
    }
}
