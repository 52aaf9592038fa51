//! Runs a daemon: options, server, signals, report.

use std::process::ExitCode;
use std::time::Duration;

use tracing::info;

use super::args::ServeArgs;
use super::main_loop::MainLoop;
use super::tls::TlsArgs;
use crate::cli::admin::{Admin, OwnFigures, View};
use crate::cli::handover::{HandoverServer, Inherited, SERVICE};
use crate::cli::sockets;
use crate::cli::{log, signals};
use crate::error::Result;
use crate::framing::Framing;
use crate::limits::admission::{AddressList, ProxyFrom};
use crate::limits::options::{Options, TIME_MAX, clients_most};
use crate::limits::times::Times;
use crate::net::listen::Listeners;
use crate::server::{Server, Stats};
use crate::service::{Service, StreamService};

/// Maximum descriptors to ask for, one for each client: more clients than that need more than one
/// machine.
const DESCRIPTORS_MAX: u64 = 1024 * 1024;

/// Runs a message service that has no arguments of its own.
pub(crate) fn plain(
    name: &'static str,
    args: &ServeArgs,
    service: impl Service,
) -> Result<ExitCode> {
    prepare(args);
    let serve = |listeners, options| Server::serve(listeners, options, service);
    announce(name, args, Framing::Raw, None, serve).map(MainLoop::run)
}

/// Sets up the log, the signals, and as many descriptors as the system allows.
pub(crate) fn prepare(args: &ServeArgs) {
    signals::respect_nohup();
    log::start(args.log_level, args.log_format);
    for problem in &args.strangers {
        tracing::warn!("{problem}");
    }
    signals::outlive_file_limit();
    signals::outlive_user_signals();
    if let Err(error) = rlimit::increase_nofile_limit(DESCRIPTORS_MAX) {
        tracing::debug!(%error, "the descriptor limit stays as it is");
    }
}

/// A client of a stream service gets no line from poold, except a refusal.
const REFUSAL_MAX: usize = 1024;

/// The wait queue of a stream service.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) queue_max: Option<usize>,
    pub(crate) wait_max: Option<Duration>,
    /// Descriptors for each served client, beside its own.
    pub(crate) descriptors: usize,
    /// Bytes that the service may leave to be sent to a client.
    pub(crate) left_max: usize,
}

/// Runs a stream service.
pub(crate) fn streams(
    name: &'static str,
    args: &ServeArgs,
    waiting: Waiting,
    own: Option<Box<dyn OwnFigures>>,
    service: impl StreamService,
) -> Result<MainLoop> {
    prepare(args);
    // It cuts no messages.
    announce(name, args, Framing::Lines, own, |listeners, options| {
        Server::serve_streams(listeners, for_streams(options, args, waiting), service)
    })
}

fn for_streams(options: Options, args: &ServeArgs, waiting: Waiting) -> Options {
    Options {
        queue_max: waiting.queue_max,
        wait_max: waiting.wait_max,
        outbox_max: waiting.left_max.max(REFUSAL_MAX),
        // A worker stays as long as its client does, so it never counts as stuck.
        stuck_after: args.guard.stuck_after.unwrap_or(TIME_MAX),
        ..with_descriptors(options, args, waiting.descriptors)
    }
}

/// Runs a message service, which needs this many descriptors for each message.
pub(crate) fn lines(
    name: &'static str,
    args: &ServeArgs,
    descriptors: usize,
    own: Option<Box<dyn OwnFigures>>,
    service: impl Service,
) -> Result<MainLoop> {
    prepare(args);
    announce(name, args, Framing::Lines, own, |listeners, options| {
        let options = Options {
            // Programs may run long, so a wait is no sign of overload.
            overload: args.guard.overload.and_then(|wait| wait.0),
            ..with_descriptors(options, args, descriptors)
        };
        Server::serve(listeners, options, service)
    })
}

fn with_descriptors(options: Options, args: &ServeArgs, each: usize) -> Options {
    let most = || clients_most(options.workers, each);
    Options {
        clients_max: args.max_clients.unwrap_or_else(most),
        worker_descriptors: each,
        ..options
    }
}

/// Opens what the daemon listens on, serves, and says so.
pub(crate) fn announce(
    name: &'static str,
    args: &ServeArgs,
    framing: Framing,
    own: Option<Box<dyn OwnFigures>>,
    serve: impl FnOnce(Listeners, Options) -> Result<Server>,
) -> Result<MainLoop> {
    let options = Options {
        plain_after: TlsArgs::plain_after(name),
        ..options(args, framing)?
    };
    let mut inherited = match &args.control.control {
        Some(path) if args.control.take_over => Inherited::ask(path)?,
        _ => None,
    };
    args.tls.check_addresses(&args.listen)?;
    let (listeners, with_files) = sockets::open(&args.listen, inherited.as_mut())?;
    let addresses = sockets::each_of(&args.listen, &listeners);
    let control = args.control.control.as_ref();
    let keeps_clients = args.control.keep_clients;
    let handover =
        control.map(|path| HandoverServer::open(path, inherited.as_mut(), keeps_clients));
    let mut handover = handover.transpose()?;
    let mut server = serve(listeners, options)?;
    let delay = args.admin.drain_delay;
    let view = View::new(server.handle(), name, addresses.join(" and "), own, delay);
    let private = args.listen.private();
    let mut admin = Admin::start(&args.admin, &private, view, inherited.as_mut())?;
    signals::drain_on_signal(&server.handle(), delay)?;
    if let Some(handover) = &mut handover {
        handover.offer(SERVICE, server.handle(), with_files.clone());
        admin.offer(handover);
    }
    let predecessor = inherited.as_mut().and_then(Inherited::take_held);
    if let Some(inherited) = inherited {
        if let Err(error) = inherited.confirm(&server.handle()) {
            drain_alone(server);
            return Err(error);
        }
        server.own_files_of(&with_files);
        admin.own_files();
        handover.iter_mut().for_each(HandoverServer::own);
    }
    let what = what_it_is(name, &server);
    let main_loop = MainLoop::new(server, handover, admin).follows(predecessor);
    // Last: a supervisor may then count descriptors or send a signal.
    main_loop.tell(&addresses, &what);
    Ok(main_loop)
}

/// A daemon in a line.
fn what_it_is(name: &str, server: &Server) -> String {
    let memory = indicatif::BinaryBytes(server.handle().memory_max());
    let Stats {
        workers,
        clients_max,
        ..
    } = server.handle().stats();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let (ws, cs) = (plural(workers), plural(clients_max));
    format!("{name}: {workers} worker{ws}, at most {clients_max} client{cs} and {memory} of memory")
}

/// Serves the clients that came meanwhile to their end; the backlog belongs to the other process.
fn drain_alone(server: Server) {
    server.handle().hand_over();
    let report = server.wait();
    if report.left + report.cut_off > 0 {
        info!("{report}");
    }
}

/// The arguments as the library's options.
pub(crate) fn options(args: &ServeArgs, framing: Framing) -> Result<Options> {
    let guard = &args.guard;
    let defaults = Options::default();
    Ok(Options {
        name: defaults.name,
        workers: args.workers.unwrap_or(defaults.workers),
        clients_max: args.max_clients.unwrap_or(defaults.clients_max),
        framing: args.framing.clone().unwrap_or(framing),
        message_max: args.message_max,
        overlong: args.overlong,
        outbox_max: args.outbox_max,
        send_buffer: None,
        drain: args.drain,
        when_full: guard.when_full,
        shed_after: guard.shed_after,
        per_address_max: guard.max_per_address,
        when_address_full: guard.when_address_full,
        allow: list(&guard.allow)?,
        deny: list(&guard.deny)?,
        proxy_from: balancers(&guard.proxy_from)?,
        accept_rate: guard.accept_rate,
        times: Times {
            first_byte: guard.first_byte,
            idle: guard.idle,
            message: guard.message,
            min_rate: guard.min_rate,
            write_stall: guard.write_stall,
            lifetime: guard.lifetime,
        },
        rate: guard.rate.0,
        overload: guard.overload.map_or(defaults.overload, |wait| wait.0),
        queue_max: defaults.queue_max,
        wait_max: defaults.wait_max,
        tls: args.tls.settings()?,
        tls_optional: args.tls.is_optional(),
        plain_after: defaults.plain_after,
        tls_strict_end: args.tls.tls_strict_end,
        handshake: args.tls.handshake,
        hints: defaults.hints,
        stuck_after: guard.stuck_after.unwrap_or(defaults.stuck_after),
        worker_descriptors: defaults.worker_descriptors,
    })
}

fn list(entries: &[String]) -> Result<AddressList> {
    let mut list = AddressList::default();
    entries.iter().try_for_each(|entry| list.add(entry))?;
    Ok(list)
}

fn balancers(entries: &[String]) -> Result<ProxyFrom> {
    let mut balancers = ProxyFrom::default();
    entries.iter().try_for_each(|entry| balancers.add(entry))?;
    Ok(balancers)
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    #[test]
    fn a_worker_that_stays_with_its_client_is_stuck_only_if_that_is_asked_for() {
        for (typed, of_lines, of_streams) in [
            (vec![""], Duration::from_secs(30), TIME_MAX),
            (
                vec!["", "--stuck-after", "5s"],
                Duration::from_secs(5),
                Duration::from_secs(5),
            ),
        ] {
            let parser = ServeArgs::augment_args(Command::new(""));
            let args = ServeArgs::from_arg_matches(&parser.get_matches_from(typed));
            let args = args.expect("valid");
            let options = options(&args, Framing::Raw).expect("valid");
            assert_eq!(options.stuck_after, of_lines);
            let options = for_streams(options, &args, Waiting::default());
            assert_eq!(options.stuck_after, of_streams);
        }
    }
}
