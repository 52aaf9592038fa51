//! What the reader asks the server.

use std::time::{Duration, Instant};

use crate::redis::failure::Failure;
use crate::redis::link::Link;
use crate::redis::resp::Reply;
use crate::service::chat::port::act::{Entries, Id, entries};

/// Entries of one reply.
pub(super) const COUNT: usize = 100;
/// The server holds back an empty reply for this long, in milliseconds.
const BLOCK_MS: &[u8] = b"500";
/// After such a silence the server counts as away. A reply may be long, and the network slow.
const ANSWER_MAX: Duration = Duration::from_millis(1500);
/// The same for what a server may have to look for.
const LONG_MAX: Duration = Duration::from_secs(10);

/// Whether the server can be a bus: a user may be allowed less than the question.
pub(super) fn check(link: &mut Link, stream: &str) -> Result<(), Failure> {
    let deadline = Instant::now() + LONG_MAX;
    // It passes all of the server's checks, and is refused by the command itself.
    let probe = [b"XADD".as_slice(), stream.as_bytes(), b"0-0", b"n", b"0"];
    let too_small = b"ERR The ID specified in XADD must be greater than 0-0";
    link.ask(&probe, deadline, |reply| match reply {
        Reply::Error(text) if text.starts_with(too_small) => Ok(()),
        Reply::Error(text) => Err(Failure::refused(text)),
        _ => Err(Failure::unfit("the server adds an entry with the id 0-0")),
    })??;
    before(link, stream, "+", 1)?;
    let policy = link.ask(&[b"INFO", b"memory"], deadline, |reply| {
        let text = String::from_utf8_lossy(reply.text().unwrap_or_default()).into_owned();
        let mut lines = text.lines();
        let policy = lines.find_map(|line| line.strip_prefix("maxmemory_policy:"));
        policy.map(str::to_owned)
    })?;
    match policy.filter(|policy| policy.starts_with("allkeys-")) {
        // It would drop the whole stream, and say nothing.
        Some(policy) => Err(Failure::unfit(format!(
            "the server throws streams away when its memory is full (maxmemory-policy {policy}): \
             set maxmemory-policy noeviction"
        ))),
        None => Ok(()),
    }
}

/// Adds an entry; answers its id.
pub(super) fn add(link: &mut Link, command: &[u8]) -> Result<Id, Failure> {
    let deadline = Instant::now() + LONG_MAX;
    link.send(command, deadline)?;
    link.reply(deadline, |reply| match reply {
        Reply::Error(text) => Err(Failure::refused(text)),
        reply => { reply.text().and_then(Id::read) }
            .ok_or_else(|| Failure::unfit("the server's reply has no id")),
    })?
}

/// The entries up to `end`, the last one first.
pub(super) fn before(
    link: &mut Link,
    stream: &str,
    end: &str,
    count: usize,
) -> Result<Entries, Failure> {
    let count = count.to_string();
    let command: [&[u8]; 6] = [
        b"XREVRANGE",
        stream.as_bytes(),
        end.as_bytes(),
        b"-",
        b"COUNT",
        count.as_bytes(),
    ];
    link.ask_slowly(&command, LONG_MAX, read)?
}

/// The entries after `last`, once there are any; none if nothing comes for a while.
pub(super) fn after(link: &mut Link, stream: &str, last: Id) -> Result<Entries, Failure> {
    let (last, count) = (last.to_string(), COUNT.to_string());
    let command: [&[u8]; 8] = [
        b"XREAD",
        b"COUNT",
        count.as_bytes(),
        b"BLOCK",
        BLOCK_MS,
        b"STREAMS",
        stream.as_bytes(),
        last.as_bytes(),
    ];
    link.ask_slowly(&command, ANSWER_MAX, |reply| {
        let streams = match reply {
            Reply::Text(None) => return Ok(Vec::new()),
            Reply::Error(text) => return Err(Failure::refused(text)),
            reply => reply.array().unwrap_or_default(),
        };
        // The only stream's name, and its entries.
        let stream = streams.into_iter().next().and_then(Reply::array);
        read(
            stream
                .and_then(|mut both| both.pop())
                .unwrap_or(Reply::Text(None)),
        )
    })?
}

fn read(reply: Reply<'_>) -> Result<Entries, Failure> {
    if let Reply::Error(text) = reply {
        return Err(Failure::refused(text));
    }
    entries(reply).ok_or_else(|| Failure::unfit("the server's reply has no entries"))
}
