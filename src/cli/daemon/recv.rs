//! `poold recv`: its output.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::args::RecvArgs;
use super::remote::Figures;
use super::serve::{announce, prepare};
use crate::cli::admin::OwnFigures;
use crate::cli::{exit, stdout};
use crate::error::{Error, Result};
use crate::framing::{Framing, Overlong};
use crate::server::Server;
use crate::service::recv::{
    Acknowledge, Durability, Format, Holds, Output, Recv, RemoteOutput, acknowledgement, is_remote,
};

/// Longest message for a server: it refuses an entry above half a gigabyte.
const REMOTE_MESSAGE_MAX: usize = 256 << 20;

pub(crate) fn recv(args: &RecvArgs) -> Result<ExitCode> {
    if let Some(problem) = problem(args) {
        return Ok(exit::usage(problem));
    }
    prepare(&args.serve);
    let acknowledge = match args.ack {
        true => Acknowledge::Safe,
        false => Acknowledge::Never,
    };
    let (output, format, own) = open(args)?;
    let output = Arc::new(output);
    let service = Recv::new(Arc::clone(&output), format, acknowledge);
    let serve = |listeners, options| Server::serve(listeners, options, service);
    let main_loop = announce("recv", &args.serve, Framing::Lines, own, serve)?;
    let handle = main_loop.handle();
    output.follow({
        let handle = handle.clone();
        move || handle.drain_left()
    });
    output.when_closed(move || handle.drain());
    let code = main_loop.run();
    Ok(if output.is_closed() {
        exit::OUTPUT_CLOSED.into()
    } else {
        code
    })
}

/// What can't be meant.
fn problem(args: &RecvArgs) -> Option<&'static str> {
    let output = args.output.as_deref().and_then(Path::to_str);
    if output.is_some_and(|name| name.contains("://") && !is_remote(name)) {
        return Some("--output: it takes a file, or redis://HOST?stream=NAME");
    }
    if args.time && args.format == Format::Raw {
        return Some("--time: raw has no room for it; leave out --format raw");
    }
    if args.ack && args.serve.overlong == Overlong::Drop {
        return Some(
            "--ack: it counts messages, and a client would take the one that --overlong drop drops \
             for one that is safe; write --overlong truncate or close",
        );
    }
    if args.ack && args.serve.framing.as_ref().is_some_and(has_no_ack) {
        return Some(
            "--ack: an acknowledgement does not fit into this --framing: it is shorter than the \
             bytes behind the length, or too long for its digits",
        );
    }
    None
}

/// Whether the shortest or the longest acknowledgement is not sent whole.
fn has_no_ack(framing: &Framing) -> bool {
    let is_sent = |safe| {
        let text = acknowledgement(safe);
        framing.encode_to_bytes(text.as_bytes()).len() >= text.len()
    };
    !is_sent(1) || !is_sent(u64::MAX)
}

/// The output, the format of what it gets, and its figures.
type Opened = (Output, Format, Option<Box<dyn OwnFigures>>);

fn open(args: &RecvArgs) -> Result<Opened> {
    let (format, holds) = match (args.format, &args.serve.framing) {
        (Format::Text, _) if args.time => (Format::Timed, Holds::Lines),
        // One read is not a message: a newline after it would be inside one.
        (Format::Raw, Some(Framing::Raw)) => (Format::Bytes, Holds::Bytes),
        (format, _) => (format, Holds::Lines),
    };
    let path = args.output.as_deref().unwrap_or(Path::new("-"));
    if let Some(url) = path.to_str().filter(|name| is_remote(name)) {
        return open_remote(url, format, args);
    }
    let durability = match args.sync {
        true => Durability::Synced,
        false => Durability::Written,
    };
    Ok((open_file(path, holds, durability)?, format, None))
}

fn open_remote(url: &str, format: Format, args: &RecvArgs) -> Result<Opened> {
    if args.serve.message_max > REMOTE_MESSAGE_MAX {
        return Err(Error::Option {
            name: "message_max",
            problem: "a server takes no messages above 256m".to_owned(),
        });
    }
    let remote = Output::remote(url, format, args.sync)?;
    let RemoteOutput {
        output,
        format,
        figures,
    } = remote;
    Ok((output, format, Some(Box::new(Figures(figures)))))
}

fn open_file(path: &Path, holds: Holds, durability: Durability) -> Result<Output> {
    let is_stdout = path == Path::new("-");
    if is_stdout || stdout::is_at(path) {
        stdout::check()?;
    }
    let output = match is_stdout {
        true => Output::stdout(durability),
        false => Output::file(path, holds, durability),
    };
    output.map_err(|source| Error::Output {
        name: path.display().to_string(),
        source,
    })
}
