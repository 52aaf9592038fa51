//! `poold hub`: one feed to all clients, from them or from sources.

mod also;
mod feed;
mod figures;
mod open;
mod spec;
mod stream;
mod to;
mod writer;

use std::io::{PipeReader, PipeWriter};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use regex::bytes::Regex;
use tracing::info;

use self::also::{Also, matching, ports};
use self::feed::{Cutting, Feed};
use self::figures::Figures;
use self::spec::{Spec, stream};
use self::to::ToStream;
use super::args::ServeArgs;
use super::main_loop::MainLoop;
use super::serve;
use crate::cli::exit;
use crate::cli::values::time;
use crate::error::{Error, Result};
use crate::framing::Framing;
use crate::limits::options::Options;
use crate::net::listen::Listeners;
use crate::net::ready::is_readable;
use crate::redis::url::Target;
use crate::server::Server;
use crate::service::hub::{Hub, HubSettings, HubStats, Last, Slow};
use crate::service::recv::{RemoteFigures, StreamWriter};

/// How long the end of all sources is waited for.
const SOURCES_END: Duration = Duration::from_secs(1);

/// Send the messages of each client to all others; a slow reader delays no other
#[derive(Debug, Args)]
pub(crate) struct HubArgs {
    /// Source of the feed, opened again when it is lost: HOST:PORT, unix:PATH, file:PATH
    /// (followed), fifo:PATH, serial:/dev/ttyUSB0@4800, exec:PROGRAM, redis://HOST?stream=NAME
    /// (what others add to it) or -, the standard input; repeatable [default: the clients]
    #[arg(long, value_name = "SOURCE", value_delimiter = ',')]
    pub(crate) from: Vec<Spec>,

    /// Add all messages of the feed to this stream, too: redis://HOST?stream=NAME, as in recv
    /// --output; what it does not take is dropped and counted
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,

    /// With --from: send the messages of clients to the others, too
    #[arg(long, requires = "from")]
    pub(crate) clients_send: bool,

    /// With --from: send the messages of clients to the sources, whole and in order; what a source
    /// does not take is dropped and counted
    #[arg(long, requires = "from")]
    pub(crate) write_back: bool,

    /// With --from -: go on when the standard input ends, instead of draining
    #[arg(long, requires = "from")]
    pub(crate) keep: bool,

    /// With --from: longest pause before a lost source is opened again
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(crate) retry_max: Duration,

    /// Send a client its own messages, too
    #[arg(long)]
    pub(crate) echo: bool,

    /// What happens to a reader whose outbox and queue (--outbox-max each) are full
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub(crate) slow: Slow,

    /// With --slow wait: how long a slow reader may delay all others
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    pub(crate) slow_wait: Duration,

    /// What a new client is sent first: the last N messages, or those of the last TIME, as 10s; at
    /// most --outbox-max of them [default: none]
    #[arg(long, value_name = "N|TIME", value_parser = last)]
    pub(crate) last: Option<Last>,

    /// With --framing lines: send a reader that lost messages a line '# N messages dropped' in
    /// their place
    #[arg(long)]
    pub(crate) mark_drops: bool,

    /// Regular expression; messages without a match are not sent [default: all are]
    #[arg(long, value_name = "PATTERN")]
    pub(crate) filter: Option<Regex>,

    /// Another port of the same feed: ADDRESS, ADDRESS;framing=FRAMING, ADDRESS;filter=PATTERN or
    /// ADDRESS;framing=FRAMING;filter=PATTERN; --filter does not hold there; repeatable
    #[arg(long, value_name = "PORT")]
    pub(crate) also: Vec<Also>,

    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

pub(crate) fn run(mut args: HubArgs) -> Result<ExitCode> {
    let also = args.also.iter().map(|also| also.address.clone());
    args.serve.listen.address.extend(also);
    let args = &args;
    let to = args.to.as_deref().map(stream).transpose();
    let to = match to.map_err(|problem| format!("--to: {problem}")) {
        Ok(to) => to,
        Err(problem) => return Ok(exit::usage(&problem)),
    };
    if let Some(problem) = problem(args, to.as_ref()) {
        return Ok(exit::usage(&problem));
    }
    serve::prepare(&args.serve);
    let hub = Hub::new(settings(args));
    let (to, figures) = open_to(to.as_ref(), args, &hub)?;
    let own = Some(Box::new(Figures(hub.clone(), figures)) as _);
    let serve = |listeners: Listeners, options: Options| {
        hub.open_ports(ports(&args.also, &options.framing, listeners.addresses()));
        Server::serve(listeners, options, hub.clone())
    };
    let mut life = serve::announce("hub", &args.serve, Framing::Lines, own, serve)?;
    let streams = Streams::new()?;
    to.map(|to| streams.start(to)).transpose()?;
    let all_end = feed_from_sources(args, &hub, &mut life, &streams)?;
    let code = life.run();
    // Programs end with their sources. A source that is connecting is not waited for.
    is_readable(&all_end, SOURCES_END);
    streams.end();
    info!("{}", summary(&hub.stats()));
    Ok(code)
}

/// What can't be meant.
fn problem(args: &HubArgs, to: Option<&Target>) -> Option<String> {
    let wrong = args.from.iter().find_map(|spec| match spec {
        Spec::Wrong(problem) => Some(format!("--from: {problem}")),
        _ => None,
    });
    if wrong.is_some() {
        return wrong;
    }
    if let Some(twice) = first_twice(&args.from) {
        return Some(format!("--from {twice} is given twice"));
    }
    let is_of = |spec: &Spec, to: &Target| match spec {
        Spec::Stream(from) => (&from.server.place, &from.key) == (&to.server.place, &to.key),
        _ => false,
    };
    if let Some(to) = to
        && args.from.iter().any(|spec| is_of(spec, to))
    {
        return Some(format!(
            "--to {to}: it would get what comes from it, for ever; what clients send goes there \
             with --write-back"
        ));
    }
    let framing = args.serve.framing.as_ref();
    if args.mark_drops && framing.is_some_and(|framing| *framing != Framing::Lines) {
        return Some("--mark-drops is for --framing lines: its mark is a line".to_owned());
    }
    if args.write_back && !args.from.iter().any(Spec::takes_messages) {
        return Some(
            "--write-back: none of the sources can be written to; HOST:PORT, unix:, serial:, \
             exec: and redis: can"
                .to_owned(),
        );
    }
    None
}

/// Each source has one name in logs and figures.
fn first_twice(from: &[Spec]) -> Option<&Spec> {
    let names: Vec<_> = from.iter().map(Spec::to_string).collect();
    let is_twice = |at: &usize| names[..*at].contains(&names[*at]);
    (0..from.len()).find(is_twice).map(|at| &from[at])
}

/// The last line: what became of the messages.
fn summary(stats: &HubStats) -> String {
    let HubStats {
        published,
        given,
        dropped,
        ..
    } = stats;
    let plural = if *published == 1 { "" } else { "s" };
    let mut line = format!("{published} message{plural} published: {given} given to readers");
    for (count, what) in [
        (dropped, "dropped for slow ones"),
        (&stats.filtered, "kept back by --filter"),
        (&stats.ignored, "of clients ignored"),
        (&stats.open, "JSON values cut and not given"),
    ] {
        if *count > 0 {
            line += &format!(", {count} {what}");
        }
    }
    line
}

/// Threads that write to streams: they end after the drain.
struct Streams {
    /// At its end when they are to end.
    stop: PipeReader,
    running: PipeWriter,
    /// At its end when they have.
    ended: PipeReader,
    holds: PipeWriter,
}

impl Streams {
    fn new() -> Result<Streams> {
        let pipe = || std::io::pipe().map_err(Error::start("a stream: no descriptor"));
        let ((stop, running), (ended, holds)) = (pipe()?, pipe()?);
        Ok(Streams {
            stop,
            running,
            ended,
            holds,
        })
    }

    fn start(&self, to: ToStream) -> Result<()> {
        let no_descriptor = Error::start("a stream: no descriptor");
        let stop = self.stop.try_clone().map_err(no_descriptor)?;
        let holds = self.holds.try_clone().map_err(no_descriptor)?;
        let thread = std::thread::Builder::new().name("to-stream".to_owned());
        let run = move || {
            to.run(&stop);
            drop(holds);
        };
        thread
            .spawn(run)
            .map_err(Error::start("a stream's thread"))?;
        Ok(())
    }

    /// Lets them write what waits, for a second at most.
    fn end(self) {
        drop((self.running, self.holds));
        is_readable(&self.ended, SOURCES_END);
    }
}

/// The writer of `--to`, which gets messages from now on, and its figures.
fn open_to(
    target: Option<&Target>,
    args: &HubArgs,
    hub: &Hub,
) -> Result<(Option<ToStream>, Option<Arc<RemoteFigures>>)> {
    let Some(target) = target else {
        return Ok((None, None));
    };
    let writer = StreamWriter::open(target)?;
    let figures = writer.figures();
    let sink = Arc::new(hub.sink(target.to_string()));
    let to = ToStream::new(Arc::clone(&sink), writer, cutting(args))?;
    sink.connected();
    Ok((Some(to), Some(figures)))
}

fn cutting(args: &HubArgs) -> Cutting {
    Cutting {
        framing: args.serve.framing.clone().unwrap_or_default(),
        message_max: args.serve.message_max,
        overlong: args.serve.overlong,
    }
}

/// Starts a thread for each source. What it answers is at its end when all have ended: each thread
/// holds the pipe's writing end. A successor opens its sources at that end, which also comes if
/// this process is killed.
fn feed_from_sources(
    args: &HubArgs,
    hub: &Hub,
    main_loop: &mut MainLoop,
    streams: &Streams,
) -> Result<PipeReader> {
    let failed = |what| move |source| Error::Start { what, source };
    let no_descriptor = || failed("a source: no descriptor");
    let (all_end, holds) = std::io::pipe().map_err(no_descriptor())?;
    let (stop, running) = std::io::pipe().map_err(no_descriptor())?;
    let offered = all_end.try_clone().map_err(no_descriptor())?;
    main_loop.offer_held(offered.into());
    let predecessor = main_loop.take_predecessor().map(Arc::new);
    for (number, spec) in args.from.iter().enumerate() {
        let source = Arc::new(hub.source(spec.to_string()));
        if let Spec::Stream(target) = spec
            && args.write_back
        {
            let writer = StreamWriter::open(target)?;
            streams.start(ToStream::new(Arc::clone(&source), writer, cutting(args))?)?;
        }
        let feed = Feed {
            spec: spec.clone(),
            source,
            cutting: cutting(args),
            retry_max: args.retry_max,
            write_back: args.write_back,
            predecessor: predecessor.clone(),
            stop: stop.try_clone().map_err(no_descriptor())?,
        };
        let drains = *spec == Spec::Stdin && !args.keep;
        let handle = main_loop.handle();
        let thread = std::thread::Builder::new().name(format!("source-{number}"));
        let holds = holds.try_clone().map_err(no_descriptor())?;
        let run = move || {
            feed.run();
            drop(holds);
            if drains {
                handle.drain();
            }
        };
        thread.spawn(run).map_err(failed("a source's thread"))?;
    }
    main_loop.handle().when_draining(move || drop(running));
    Ok(all_end)
}

/// A number of messages, or a time.
fn last(text: &str) -> std::result::Result<Last, String> {
    match text.parse() {
        Ok(count) => Ok(Last::Count(count)),
        Err(_) => time(text).map(Last::Time),
    }
}

fn settings(args: &HubArgs) -> HubSettings {
    HubSettings {
        framing: args.serve.framing.clone().unwrap_or_default(),
        echo: args.echo,
        slow: args.slow,
        slow_wait: args.slow_wait,
        waiting_max: args.serve.outbox_max,
        last: args.last.unwrap_or_default(),
        mark_drops: args.mark_drops,
        write_back: args.write_back,
        filter: args.filter.clone().map(matching),
        clients_send: args.from.is_empty() || args.clients_send,
    }
}
