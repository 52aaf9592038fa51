//! A network that can be cut: a Unix socket that passes on what it gets to another one.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::scratch::{Scratch, text};

/// Between two looks whether it is cut.
const LOOK: Duration = Duration::from_millis(20);

/// It runs until the end of the test.
pub struct Relay {
    dir: Scratch,
    is_cut: Arc<AtomicBool>,
}

impl Relay {
    /// Passes on to this socket.
    pub fn to(socket: &str) -> Relay {
        let dir = Scratch::new();
        let listener = UnixListener::bind(dir.join("relay")).expect("a socket");
        let is_cut = Arc::new(AtomicBool::new(false));
        let (to, cut) = (socket.to_owned(), Arc::clone(&is_cut));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that is not there is a connection that ends.
                let Ok(server) = UnixStream::connect(&to) else {
                    continue;
                };
                let both = |socket: &UnixStream| socket.try_clone().expect("a descriptor");
                pass(both(&client), both(&server), Arc::clone(&cut));
                pass(server, client, Arc::clone(&cut));
            }
        });
        Relay { dir, is_cut }
    }

    pub fn url(&self, query: &str) -> String {
        format!("unix:{}?{query}", text(&self.dir.join("relay")))
    }

    /// From now on nothing passes, and no connection ends.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    /// What did not pass does so now.
    pub fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

fn pass(mut from: UnixStream, mut to: UnixStream, is_cut: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = from.read(&mut buffer).unwrap_or(0);
            while is_cut.load(Ordering::SeqCst) {
                std::thread::sleep(LOOK);
            }
            if length == 0 || to.write_all(&buffer[..length]).is_err() {
                let _ = to.shutdown(std::net::Shutdown::Both);
                let _ = from.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    });
}
