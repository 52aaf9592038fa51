//! A network that can be cut, or slow: a Unix socket that passes on what it gets to another one.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::support::scratch::{Scratch, text};

/// Between two looks whether it is cut.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes a millisecond: more than pass at once.
const FAST: u64 = 1 << 30;

/// It runs until the end of the test.
pub struct Relay {
    dir: Scratch,
    /// Bytes a millisecond; none: it is cut.
    pace: Arc<AtomicU64>,
}

impl Relay {
    /// Passes on to this socket.
    pub fn to(socket: &str) -> Relay {
        let dir = Scratch::new();
        let listener = UnixListener::bind(dir.join("relay")).expect("a socket");
        let pace = Arc::new(AtomicU64::new(FAST));
        let (to, its_pace) = (socket.to_owned(), Arc::clone(&pace));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that is not there is a connection that ends.
                let Ok(server) = UnixStream::connect(&to) else {
                    continue;
                };
                let both = |socket: &UnixStream| socket.try_clone().expect("a descriptor");
                pass(both(&client), both(&server), Arc::clone(&its_pace));
                pass(server, client, Arc::clone(&its_pace));
            }
        });
        Relay { dir, pace }
    }

    pub fn url(&self, query: &str) -> String {
        format!("unix:{}?{query}", text(&self.dir.join("relay")))
    }

    /// From now on nothing passes, and no connection ends.
    pub fn cut(&self) {
        self.pace.store(0, Ordering::SeqCst);
    }

    /// What did not pass does so now.
    pub fn mend(&self) {
        self.pace.store(FAST, Ordering::SeqCst);
    }

    /// From now on so many bytes pass in a millisecond.
    pub fn slow(&self, pace: u64) {
        self.pace.store(pace, Ordering::SeqCst);
    }
}

fn pass(mut from: UnixStream, mut to: UnixStream, pace: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = from.read(&mut buffer).unwrap_or(0);
            let mut now = pace.load(Ordering::SeqCst);
            while now == 0 {
                std::thread::sleep(LOOK);
                now = pace.load(Ordering::SeqCst);
            }
            std::thread::sleep(Duration::from_millis(length as u64 / now));
            if length == 0 || to.write_all(&buffer[..length]).is_err() {
                let _ = to.shutdown(std::net::Shutdown::Both);
                let _ = from.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    });
}
