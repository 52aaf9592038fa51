//! A line through a stream of Redis by hand: `XADD` on one connection, `XREAD` on another; and two
//! processes that relay with these, as daemons of one house do.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Ends each line, and occurs nowhere else.
pub const END: &[u8] = b"~\n";

const KEY: &[u8] = b"line";

/// Adds lines. There is one in each stream, so it numbers the entries itself.
pub struct Adder {
    redis: TcpStream,
    stream: String,
    last: u64,
}

/// Reads all that is added.
pub struct Watcher {
    redis: TcpStream,
    stream: String,
    seen: u64,
}

impl Adder {
    pub fn new(redis: SocketAddr, stream: &str) -> io::Result<Adder> {
        let redis = connect(redis)?;
        let stream = stream.to_owned();
        Ok(Adder {
            redis,
            stream,
            last: 0,
        })
    }

    pub fn add(&mut self, line: &[u8]) -> io::Result<()> {
        self.last += 1;
        let id = format!("{}-1", self.last);
        let parts: [&[u8]; 5] = [b"XADD", self.stream.as_bytes(), id.as_bytes(), KEY, line];
        self.redis.write_all(&command(&parts))
    }

    /// Waits for the answer to the last line.
    pub fn is_added(&mut self) -> io::Result<()> {
        let answer = read_until(&mut self.redis, b"\r\n")?;
        match answer.starts_with(b"$") {
            true if answer.ends_with(b"-1\r\n") => Ok(()),
            true => read_until(&mut self.redis, b"-1\r\n").map(drop),
            false => Err(io::Error::other(
                String::from_utf8_lossy(&answer).into_owned(),
            )),
        }
    }
}

impl Watcher {
    /// Asks for the first line.
    pub fn new(redis: SocketAddr, stream: &str) -> io::Result<Watcher> {
        let redis = connect(redis)?;
        let stream = stream.to_owned();
        let mut watcher = Watcher {
            redis,
            stream,
            seen: 0,
        };
        watcher.ask()?;
        Ok(watcher)
    }

    /// Waits for the next line, of which each answer has one: a line follows when the one before
    /// has come.
    pub fn next(&mut self) -> io::Result<Vec<u8>> {
        let answer = read_until(&mut self.redis, &[END, b"\r\n"].concat())?;
        let line = &answer[..answer.len() - 2];
        let begin = memchr::memrchr(b'\n', &line[..line.len() - 1]).map_or(0, |at| at + 1);
        self.seen += 1;
        Ok(line[begin..].to_vec())
    }

    /// Asks for what follows.
    pub fn ask(&mut self) -> io::Result<()> {
        let last = format!("{}-1", self.seen);
        let before: [&[u8]; 4] = [b"XREAD", b"BLOCK", b"0", b"STREAMS"];
        let place = [self.stream.as_bytes(), last.as_bytes()];
        self.redis
            .write_all(&command(&[&before[..], &place].concat()))
    }
}

/// One of two relays: adds the lines of its client that speaks to the stream, and gives each client
/// what it reads there. `place` is `ADDRESS/STREAM`.
pub fn relay(listener: &TcpListener, place: &str) -> io::Result<()> {
    let (redis, stream) = place.split_once('/').unwrap_or((place, "relay"));
    let redis: SocketAddr = redis.parse().map_err(io::Error::other)?;
    let clients = Arc::new(Mutex::new(Vec::<TcpStream>::new()));
    let mut watcher = Watcher::new(redis, stream)?;
    let readers = Arc::clone(&clients);
    thread::spawn(move || -> io::Result<()> {
        loop {
            let line = watcher.next()?;
            for mut client in readers.lock().expect("no thread panics").iter() {
                client.write_all(&line)?;
            }
            watcher.ask()?;
        }
    });
    for client in listener.incoming() {
        let mut client = client?;
        client.set_nodelay(true)?;
        clients
            .lock()
            .expect("no thread panics")
            .push(client.try_clone()?);
        // It hears everything from here on.
        client.write_all(END)?;
        let mut adder = Adder::new(redis, stream)?;
        thread::spawn(move || -> io::Result<()> {
            loop {
                adder.add(&read_until(&mut client, END)?)?;
                adder.is_added()?;
            }
        });
    }
    Ok(())
}

pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads to these bytes. Nothing follows them yet.
pub fn read_until(stream: &mut TcpStream, end: &[u8]) -> io::Result<Vec<u8>> {
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    while !heard.ends_with(end) {
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => heard.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(heard)
}

/// As a server of Redis reads it: an array of byte strings.
fn command(parts: &[&[u8]]) -> Vec<u8> {
    let mut text = format!("*{}\r\n", parts.len()).into_bytes();
    for part in parts {
        text.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        text.extend_from_slice(part);
        text.extend_from_slice(b"\r\n");
    }
    text
}
