//! The output of a child process, collected while it runs; tests wait for lines in it.

use std::cell::Cell;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// The longest wait of any test; a busy machine needs far less.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Whether the tests check times and shares that only a quiet machine keeps.
pub fn is_quiet() -> bool {
    std::env::var_os("POOLD_TEST_QUIET").is_some()
}

/// The bound of a time: the given one on a quiet machine, else a far longer one.
pub fn at_most(quiet: Duration) -> Duration {
    if is_quiet() { quiet } else { PATIENCE / 2 }
}

/// So long a log's first episode has to be quiet before the next event gets a line again, and before
/// its end is told. A test that counts lines must not pause for longer.
pub const EPISODE: Duration = Duration::from_secs(5);

/// The parts of a test in which it has to be quicker than a limit of the server's.
pub struct Race {
    /// `None` in between.
    begin: Cell<Option<Instant>>,
    longest: Cell<Duration>,
}

impl Race {
    /// The time begins here, not where the test does, nor where the part before did.
    pub fn begin(&self) {
        self.begin.set(Some(Instant::now()));
    }

    /// What follows may take any time, until a next part begins.
    pub fn end(&self) {
        self.longest.set(self.longest());
        self.begin.set(None);
    }

    /// Ends a part, and begins the next: the limit is for each of them.
    pub fn step(&self) {
        self.end();
        self.begin();
    }

    fn longest(&self) -> Duration {
        let now = self.begin.get().map(|begin| begin.elapsed());
        self.longest.get().max(now.unwrap_or_default())
    }
}

/// Runs a test that has to be quicker than this limit. Where it was not, as on a busy machine, its
/// failure says nothing, and it runs again.
pub fn in_time(limit: Duration, test: impl Fn(&Race)) {
    const TRIES: usize = 8;
    for last in (0..TRIES).rev() {
        let race = Race {
            begin: Cell::new(Some(Instant::now())),
            longest: Cell::default(),
        };
        let Err(failure) = catch_unwind(AssertUnwindSafe(|| test(&race))) else {
            return;
        };
        let took = race.longest();
        if took < limit || last == 0 {
            resume_unwind(failure);
        }
        eprintln!("again: it took {took:?} of {limit:?}");
    }
}

/// Everything that was read from a pipe so far.
#[derive(Clone)]
pub struct Spool(Arc<Shared>);

#[derive(Default)]
struct Shared {
    text: Mutex<Text>,
    changed: Condvar,
}

#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    lines: usize,
    ended: bool,
}

impl Spool {
    /// Collects on a thread of its own until the other end is closed.
    pub fn of(mut pipe: impl Read + Send + 'static) -> Spool {
        let spool = Spool(Arc::default());
        let shared = Arc::clone(&spool.0);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            loop {
                let length = pipe.read(&mut buffer).unwrap_or(0);
                let mut text = shared.text.lock();
                text.bytes.extend_from_slice(&buffer[..length]);
                text.lines += buffer[..length].iter().filter(|b| **b == b'\n').count();
                text.ended = length == 0;
                shared.changed.notify_all();
                if text.ended {
                    return;
                }
            }
        });
        spool
    }

    /// An empty spool, for a pipe that is not collected.
    pub fn empty() -> Spool {
        Spool::of(std::io::empty())
    }

    /// Waits for at least this many lines.
    pub fn wait_lines(&self, count: usize) {
        self.wait(&format!("{count} lines"), |text| text.lines >= count);
    }

    /// Waits until `part` has come at least `count` times.
    pub fn wait_times(&self, part: &str, count: usize) {
        self.wait(&format!("{count} times '{part}'"), |text| {
            let all = String::from_utf8_lossy(&text.bytes);
            all.matches(part).count() >= count
        });
    }

    /// Waits for a whole line that contains `part`, and returns it.
    pub fn wait_line(&self, part: &str) -> String {
        let mut found = None;
        self.wait(&format!("a line with '{part}'"), |text| {
            let all = String::from_utf8_lossy(&text.bytes);
            let whole = all.rfind('\n').map_or("", |end| &all[..end]);
            found = whole
                .lines()
                .find(|line| line.contains(part))
                .map(str::to_owned);
            found.is_some()
        });
        found.unwrap_or_default()
    }

    /// Waits until the pipe is closed, and returns everything.
    pub fn wait_end(&self) -> Vec<u8> {
        self.wait("the end", |text| text.ended);
        self.bytes()
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.text.lock().bytes.clone()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    fn wait(&self, what: &str, mut found: impl FnMut(&Text) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut text = self.0.text.lock();
        while !found(&text) {
            let late = text.ended || self.0.changed.wait_until(&mut text, until).timed_out();
            if late && !found(&text) {
                let from = text.bytes.len().saturating_sub(2000);
                let came = String::from_utf8_lossy(&text.bytes[from..]).into_owned();
                panic!(
                    "{what} did not come (ended: {}); what came:\n{came}",
                    text.ended
                );
            }
        }
    }
}

/// Polls until the condition holds; for states that send no event.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
