//! What a server is asked once it is connected: whether it can keep what it is given, and how it
//! says that it has.
//!
//! A user may be allowed to add entries and nothing else. Then what can't be asked is not known;
//! only `--sync`, which promises something, needs the answer.

use std::time::{Duration, Instant};

use crate::redis::failure::Failure;
use crate::redis::link::Link;
use crate::redis::resp::Reply;
use crate::redis::url::{Keep, Key, Target};

/// How long the server may wait for its disk and its replicas.
const WAIT_MS: u32 = 2000;
/// The server drops about 10 000 entries a command. Commands at once, and entries below which there
/// are no more.
const TRIMS_MAX: u32 = 64;
const TRIM_FULL: i64 = 5000;

/// What says that a message is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirm {
    /// The reply to its command.
    Reply,
    /// WAIT for replicas, after that.
    Replicas,
    /// WAITAOF for the server's disk and replicas.
    Disk,
}

/// What is found out at the start alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Checked {
    /// The server takes memory without a bound.
    pub(super) is_unbounded: bool,
}

/// Asks a server that was just connected to. An error says why it can't be written to.
pub(super) fn check(
    link: &mut Link,
    target: &Target,
    sync: bool,
    deadline: Instant,
) -> Result<(Confirm, Checked), Failure> {
    let name = target.name().as_bytes();
    if let Key::Stream(_) = target.key {
        // It passes all of the server's checks, and is refused by the command itself.
        let probe = [b"XADD".as_slice(), name, b"0-0", b"n", b"0"];
        let answer = link.ask(&probe, deadline, |reply| match reply {
            Reply::Error(text) if is_too_small(text) => Ok(()),
            Reply::Error(text) => Err(Failure::refused(text)),
            _ => Err(Failure::unfit("the server adds an entry with the id 0-0")),
        });
        answer??;
    }
    has_type(link, target, deadline)?;
    let found = memory(link, deadline)?;
    if let Some(Keep::Time(keep)) = target.keep {
        trim(link, target, keep, deadline)?;
    }
    let confirm = match (sync, target.replicas) {
        (true, _) => disk(link, target.replicas, deadline)?,
        (false, 0) => Confirm::Reply,
        (false, _) => Confirm::Replicas,
    };
    Ok((confirm, found))
}

fn is_too_small(text: &[u8]) -> bool {
    text.starts_with(b"ERR The ID specified in XADD must be greater than 0-0")
}

/// A stream or a list, or nothing yet.
fn has_type(link: &mut Link, target: &Target, deadline: Instant) -> Result<(), Failure> {
    let wanted = match target.key {
        Key::Stream(_) => "stream",
        Key::List(_) => "list",
    };
    let name = target.name();
    let command = [b"TYPE".as_slice(), name.as_bytes()];
    link.ask(&command, deadline, |reply| match reply {
        Reply::Error(text) if is_forbidden(text) => Ok(()),
        Reply::Error(text) => Err(Failure::refused(text)),
        Reply::Status(kind) if kind != b"none" && kind != wanted.as_bytes() => {
            let kind = String::from_utf8_lossy(kind);
            Err(Failure::unfit(format!(
                "'{name}' is a {kind} there, not a {wanted}; choose another name"
            )))
        }
        _ => Ok(()),
    })?
}

fn memory(link: &mut Link, deadline: Instant) -> Result<Checked, Failure> {
    let info = link.ask(&[b"INFO", b"memory"], deadline, |reply| {
        let text = reply.text().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    })?;
    let value = |name: &str| {
        let mut lines = info.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    };
    let policy = value("maxmemory_policy").unwrap_or_default();
    let is_bounded = value("maxmemory").is_none_or(|bytes| bytes != "0");
    if is_bounded && policy.starts_with("allkeys-") {
        // It would drop the whole stream, and say nothing.
        return Err(Failure::unfit(format!(
            "the server throws streams away when its memory is full (maxmemory-policy {policy}): \
             set maxmemory-policy noeviction"
        )));
    }
    Ok(Checked {
        is_unbounded: !is_bounded,
    })
}

/// How the server tells that its disk has something.
fn disk(link: &mut Link, replicas: u32, deadline: Instant) -> Result<Confirm, Failure> {
    let config = |link: &mut Link, name: &[u8]| {
        link.ask(&[b"CONFIG", b"GET", name], deadline, |reply| {
            let pair = reply.array()?;
            let value = pair.get(1)?.text()?;
            Some(String::from_utf8_lossy(value).into_owned())
        })
    };
    let needs = "--sync needs a server with appendonly yes and appendfsync always";
    if config(link, b"appendonly")?.as_deref() == Some("no") {
        return Err(Failure::unfit(format!("{needs}; it has appendonly no")));
    }
    let fsync = config(link, b"appendfsync")?;
    match fsync.as_deref() {
        Some("always") if replicas == 0 => return Ok(Confirm::Reply),
        Some("always") => return Ok(Confirm::Replicas),
        Some("no") => return Err(Failure::unfit(format!("{needs}; it has appendfsync no"))),
        _ => {}
    }
    // Nothing was written on this connection: it answers at once.
    let probe = [b"WAITAOF".as_slice(), b"1", b"0", b"100"];
    let has_it = link.ask(&probe, deadline, |reply| reply.array().is_some())?;
    if has_it {
        return Ok(Confirm::Disk);
    }
    let has = fsync.map_or_else(
        || "its user may not ask for that (CONFIG GET)".to_owned(),
        |fsync| format!("it has appendfsync {fsync}"),
    );
    Err(Failure::unfit(format!(
        "{needs}, or one that knows WAITAOF (Redis and Valkey from 7.2); {has}"
    )))
}

/// Waits until the server's disk, or its replicas, have all that was written on this connection.
pub(super) fn wait(link: &mut Link, confirm: Confirm, replicas: u32) -> Result<(), Failure> {
    let (number, most) = (replicas.to_string(), WAIT_MS.to_string());
    let (number, most) = (number.as_bytes(), most.as_bytes());
    let words: &[&[u8]] = match confirm {
        Confirm::Reply => return Ok(()),
        Confirm::Replicas => &[b"WAIT", number, most],
        Confirm::Disk => &[b"WAITAOF", b"1", number, most],
    };
    let deadline = Instant::now() + crate::redis::link::CONNECT_MAX;
    let reached = link.ask(words, deadline, |reply| match reply {
        Reply::Error(text) => Err(Failure::refused(text)),
        Reply::Number(on) => Ok((1, on)),
        Reply::Array(both) => match both[..] {
            [Reply::Number(here), Reply::Number(on)] => Ok((here, on)),
            _ => Ok((0, 0)),
        },
        _ => Ok((0, 0)),
    });
    match reached?? {
        (0, _) => Err(Failure::full("the server's disk has not taken it yet")),
        (_, on) if on < i64::from(replicas) => Err(Failure::full(format!(
            "{on} of {replicas} replicas have it (wait=): start them, or look at their link"
        ))),
        _ => Ok(()),
    }
}

/// Drops entries that are older than this, by the server's clock.
pub(super) fn trim(
    link: &mut Link,
    target: &Target,
    keep: Duration,
    deadline: Instant,
) -> Result<(), Failure> {
    let now = link.ask(&[b"TIME"], deadline, |reply| match reply {
        Reply::Error(text) => Err(Failure::refused(text)),
        reply => Ok(seconds(reply).unwrap_or(0)),
    })??;
    let before = now.saturating_sub(keep.as_secs()) * 1000;
    let before = before.to_string();
    let name = target.name().as_bytes();
    let command = [b"XTRIM", name, b"MINID", b"~", before.as_bytes()];
    for _ in 0..TRIMS_MAX {
        let removed = link.ask(&command, deadline, |reply| match reply {
            Reply::Error(text) => Err(Failure::refused(text)),
            reply => Ok(reply.number().unwrap_or(0)),
        })??;
        if removed < TRIM_FULL {
            break;
        }
    }
    Ok(())
}

/// Of the reply to TIME.
fn seconds(reply: Reply<'_>) -> Option<u64> {
    let parts = reply.array()?;
    str::from_utf8(parts.first()?.text()?).ok()?.parse().ok()
}

fn is_forbidden(text: &[u8]) -> bool {
    text.starts_with(b"NOPERM") || Failure::is_unknown_command(text)
}
