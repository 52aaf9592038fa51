//! The readers and the sender, as a process: `fan ADDRESS CLIENTS WINDOW SIZE MS WARMUP STOPPED
//! SLOW`.
//!
//! The same code for all servers: their first line, or its absence, shows which one it is. Each
//! message ends with a byte that occurs nowhere else, so a reader counts only these, whatever the
//! server puts around a message.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};

const END: u8 = b'~';
const READ: usize = 256 * 1024;
/// Parts of the window: the server has the next one while the last reader receives this one.
const PARTS: usize = 4;
/// The longest latency that is recorded, in nanoseconds; longer ones count as this.
const LATENCY_MAX: u64 = 60_000_000_000;
/// The longest time without an event.
const PATIENCE: Duration = Duration::from_secs(10);
/// The topic of a server that has none.
const SILENCE: Duration = Duration::from_millis(300);

/// How a server wants to be spoken to.
#[derive(Clone, Copy)]
enum Protocol {
    Chat,
    Nats,
    /// A feed, which says nothing of its own: the sender is no reader.
    Feed,
}

impl Protocol {
    fn of(first_words: &[u8]) -> io::Result<Protocol> {
        match first_words {
            words if words.starts_with(b"INFO ") => Ok(Protocol::Nats),
            words if words.starts_with(b"-- ") => Ok(Protocol::Chat),
            b"" => Ok(Protocol::Feed),
            _ => Err(io::Error::other("neither a chat nor NATS nor a feed")),
        }
    }

    /// What a client says to hear everything, and the answer that says that it will.
    fn join(self) -> (&'static [u8], &'static [u8]) {
        match self {
            // Of a client that says nothing it is waited whether it asks for a name.
            Protocol::Chat => (b"\n", b"welcome"),
            Protocol::Nats => (
                b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB room 1\r\nPING\r\n",
                b"PONG",
            ),
            Protocol::Feed => (b"", b""),
        }
    }

    /// A message whose text and line end have `size` bytes.
    fn message(self, size: usize) -> Vec<u8> {
        let mut text = vec![b'x'; size - 2];
        text.push(END);
        match self {
            Protocol::Chat | Protocol::Feed => [&text[..], b"\n"].concat(),
            Protocol::Nats => {
                let head = format!("PUB room {}\r\n", text.len());
                [head.as_bytes(), &text, b"\r\n"].concat()
            }
        }
    }
}

struct Reader {
    stream: TcpStream,
    /// Messages of the part that it is in.
    into_part: usize,
    /// Parts that it has seen.
    parts: u64,
}

struct Part {
    sent: Instant,
    left: usize,
}

struct Fan {
    poll: Poll,
    readers: Vec<Reader>,
    /// Of a feed; else the first reader speaks.
    sender: Option<TcpStream>,
    /// Connected, and never read.
    _stopped: Vec<std::net::TcpStream>,
    buffer: Vec<u8>,
    /// One part of the window, as bytes and as messages.
    part: Vec<u8>,
    part_messages: usize,
    /// What the server has not taken yet of the parts that are to be sent.
    unsent: VecDeque<usize>,
    /// Parts that not all readers have seen, and how many have gone before them.
    parts: VecDeque<Part>,
    gone: u64,
    delivered: u64,
    latency: Histogram<u64>,
}

/// Fans out for the time that was asked for, and prints what it found.
pub fn run(arguments: &[String]) -> io::Result<()> {
    let [address, numbers @ ..] = arguments else {
        return Err(usage());
    };
    let numbers: Result<Vec<usize>, _> = numbers.iter().map(|text| text.parse()).collect();
    let numbers = numbers.map_err(io::Error::other)?;
    let [clients, window, size, millis, warmup, stopped, slow] = numbers[..] else {
        return Err(usage());
    };
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut fan = Fan::gather(address, clients, window, size, stopped)?;
    dawdle(address, slow)?;
    let time = |millis: usize| Duration::from_millis(millis as u64);
    println!("{}", fan.measure(time(warmup), time(millis))?);
    Ok(())
}

fn usage() -> io::Error {
    io::Error::other("usage: fan ADDRESS CLIENTS WINDOW SIZE MS WARMUP STOPPED SLOW")
}

impl Fan {
    fn gather(
        address: &str,
        clients: usize,
        window: usize,
        size: usize,
        stopped: usize,
    ) -> io::Result<Fan> {
        let poll = Poll::new()?;
        let protocol = find_out(address)?;
        let part_messages = window.div_ceil(PARTS);
        let part = protocol.message(size).repeat(part_messages);
        let entered = (0..clients).map(|_| enter(address, protocol));
        let mut streams = entered.collect::<io::Result<Vec<_>>>()?;
        let stopped = (0..stopped).map(|_| std::net::TcpStream::connect(address));
        let stopped = stopped.collect::<io::Result<_>>()?;
        let mut sender = match protocol {
            Protocol::Feed => Some(first_words(address, &mut streams)?),
            Protocol::Chat | Protocol::Nats => None,
        };
        if let Some(sender) = &mut sender {
            let token = Token(clients);
            poll.registry()
                .register(sender, token, Interest::WRITABLE)?;
        }
        let mut readers = Vec::new();
        for (number, stream) in streams.into_iter().enumerate() {
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(number), both)?;
            readers.push(Reader {
                stream,
                into_part: 0,
                parts: 0,
            });
        }
        Ok(Fan {
            poll,
            readers,
            sender,
            _stopped: stopped,
            buffer: vec![0; READ],
            part,
            part_messages,
            unsent: VecDeque::new(),
            parts: VecDeque::new(),
            gone: 0,
            delivered: 0,
            latency: Histogram::new_with_bounds(1, LATENCY_MAX, 3).map_err(io::Error::other)?,
        })
    }

    fn measure(&mut self, warmup: Duration, whole: Duration) -> io::Result<Value> {
        let (start, mut from) = (Instant::now(), None);
        while start.elapsed() < whole {
            if from.is_none() && start.elapsed() >= warmup {
                from = Some((Instant::now(), self.delivered));
                self.latency.reset();
            }
            while self.parts.len() < PARTS {
                let left = self.readers.len();
                let sent = Instant::now();
                self.parts.push_back(Part { sent, left });
                self.unsent.push_back(0);
            }
            self.send()?;
            self.pass()?;
        }
        let (from, before) = from.unwrap_or((start, 0));
        let seconds = from.elapsed().as_secs_f64();
        let measured = self.delivered - before;
        // Whatever was sent arrives, or it is lost.
        let until = Instant::now() + PATIENCE;
        while !self.parts.is_empty() && Instant::now() < until {
            self.send()?;
            self.pass()?;
        }
        let lost: usize = self.parts.iter().map(|part| part.left).sum();
        let micros = |percent| self.latency.value_at_percentile(percent) as f64 / 1e3;
        Ok(json!({
            "messages_per_second": measured as f64 / seconds,
            "answered": self.delivered,
            "connected": self.readers.len(),
            "lost": lost,
            "latency_us": { "p50": micros(50.0), "p99": micros(99.0) },
        }))
    }

    /// The sender, or the first reader, speaks.
    fn send(&mut self) -> io::Result<()> {
        let sender = self.sender.as_mut().unwrap_or(&mut self.readers[0].stream);
        while let Some(at) = self.unsent.front_mut() {
            match sender.write(&self.part[*at..]) {
                Ok(length) => *at += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            if *at == self.part.len() {
                self.unsent.pop_front();
            }
        }
        Ok(())
    }

    fn pass(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        self.poll.poll(&mut events, Some(PATIENCE / 10))?;
        for event in events.iter().filter(|event| event.is_readable()) {
            self.read(event.token().0)?;
        }
        let now = Instant::now();
        while let Some(part) = self.parts.pop_front_if(|part| part.left == 0) {
            self.gone += 1;
            let took = (now - part.sent).as_nanos() as u64;
            self.latency.saturating_record(took.max(1));
        }
        Ok(())
    }

    fn read(&mut self, at: usize) -> io::Result<()> {
        let reader = &mut self.readers[at];
        loop {
            let length = match reader.stream.read(&mut self.buffer) {
                Ok(0) => return Err(io::Error::other("the server sent a reader away")),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                read => read?,
            };
            let count = memchr::memchr_iter(END, &self.buffer[..length]).count();
            self.delivered += count as u64;
            reader.into_part += count;
            while reader.into_part >= self.part_messages {
                reader.into_part -= self.part_messages;
                self.parts[(reader.parts - self.gone) as usize].left -= 1;
                reader.parts += 1;
            }
            if length < READ {
                return Ok(());
            }
        }
    }
}

/// A server that says nothing for a while is a feed.
fn find_out(address: &str) -> io::Result<Protocol> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(SILENCE))?;
    let mut heard = Vec::new();
    match hear(&mut stream, &mut heard, b"\n") {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Protocol::Feed),
        other => other.and_then(|()| Protocol::of(&heard)),
    }
}

/// Connects, and comes back when everything will be heard.
fn enter(address: &str, protocol: Protocol) -> io::Result<std::net::TcpStream> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut heard = Vec::new();
    let (words, answer) = protocol.join();
    stream.write_all(words)?;
    hear(&mut stream, &mut heard, answer)?;
    Ok(stream)
}

/// The sender of a feed speaks until each reader has heard it, and then says that it begins.
fn first_words(address: &str, readers: &mut [std::net::TcpStream]) -> io::Result<TcpStream> {
    let mut sender = std::net::TcpStream::connect(address)?;
    sender.set_nodelay(true)?;
    for reader in &mut *readers {
        let until = Instant::now() + PATIENCE;
        reader.set_read_timeout(Some(SILENCE / 10))?;
        while !matches!(reader.read(&mut [0; 1]), Ok(1..)) {
            if Instant::now() > until {
                return Err(io::Error::other("a reader hears nothing"));
            }
            sender.write_all(b"?\n")?;
        }
        reader.set_read_timeout(Some(PATIENCE))?;
    }
    sender.write_all(b"!\n")?;
    for reader in readers {
        hear(reader, &mut Vec::new(), b"!\n")?;
    }
    sender.set_nonblocking(true)?;
    Ok(TcpStream::from_std(sender))
}

/// Readers of a byte a second, until this process ends.
fn dawdle(address: &str, count: usize) -> io::Result<()> {
    let connected = (0..count).map(|_| std::net::TcpStream::connect(address));
    let mut all = connected.collect::<io::Result<Vec<_>>>()?;
    std::thread::spawn(move || {
        loop {
            for stream in &mut all {
                // Its end is the end of the run.
                let _ = stream.read(&mut [0; 1]);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    Ok(())
}

fn hear(stream: &mut std::net::TcpStream, heard: &mut Vec<u8>, what: &[u8]) -> io::Result<()> {
    let mut buffer = [0; 4096];
    while memchr::memmem::find(heard, what).is_none() {
        match stream.read(&mut buffer)? {
            0 => return Err(io::Error::other("the server admitted no client")),
            length => heard.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(())
}
