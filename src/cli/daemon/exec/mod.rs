//! `poold exec`: any program behind the port.

mod args;
mod figures;
mod keeper;
mod setup;
mod wards;

use std::process::ExitCode;
use std::time::Duration;

pub(crate) use args::ExecArgs;

use figures::Figures;
use keeper::Role;
use setup::Setup;

use super::args::ServeArgs;
use super::main_loop::MainLoop;
use super::serve;
use crate::cli::{exit, kept, signals};
use crate::error::{Error, Result};
use crate::limits::options::{Options, TIME_MAX};
use crate::service::exec::{Exec, Filter, Inherits, Job, Patience, Program, Runner};
use crate::system;

/// Maximum time between TERM and KILL.
const KILL_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Default number of clients that wait for a worker.
const QUEUE_MAX: usize = 1024;

/// Runs the program for each client until the server drains.
pub(crate) fn run(args: &ExecArgs) -> Result<ExitCode> {
    let job = match job(args) {
        Ok(job) => job,
        Err(problem) => return Ok(exit::usage(&problem)),
    };
    if signals::ends_are_ignored() {
        let problem = "SIGCHLD is ignored here, so no program's end could be seen; start it \
                       by 'env --default-signal=CHLD poold exec …'";
        return Ok(exit::failure(problem));
    }
    signals::respect_nohup();
    if let Role::Keeper(code) = keeper::keep(args.serve.control.control.is_some())? {
        return Ok(code);
    }
    system::hide_descriptors().map_err(Error::start("programs: /proc can't be read"))?;
    let patience = Patience {
        timeout: args.limits.timeout,
        kill_after: args.limits.kill_after,
        client_gone: args.limits.client_gone,
    };
    let runner = Runner::new(job, patience).map_err(Error::start("a descriptor"))?;
    let ended = serve(args, &runner)
        .map(|main_loop| main_loop.drain_within(args.limits.program_drain).run());
    if kept::is_gone() {
        kept::end_the_rest(&[]);
    }
    let code = ended?;
    tracing::info!("{}", runner.summary());
    Ok(match runner.unserved() {
        0 => code,
        _ => exit::CUT_OFF.into(),
    })
}

/// Starts the server.
fn serve(args: &ExecArgs, runner: &Runner) -> Result<MainLoop> {
    let figures = Some(Box::new(Figures(runner.clone())) as _);
    let (shared, limits) = (&args.serve, &args.limits);
    if args.program.lines {
        let framing = shared.framing.clone().unwrap_or_default();
        let filter = Filter::new(runner.clone(), framing, args.program.reply_max);
        return serve::lines("exec", shared, Filter::DESCRIPTORS, figures, filter);
    }
    let (for_tls, left_max) = match shared.tls.tls_cert.is_empty() {
        true => (0, 0),
        false => (Exec::TLS_DESCRIPTORS, Exec::LEFT_MAX),
    };
    let queue = serve::Waiting {
        queue_max: Some(limits.queue.unwrap_or(QUEUE_MAX)),
        wait_max: limits.max_wait,
        descriptors: Exec::DESCRIPTORS + for_tls,
        left_max,
    };
    serve::streams("exec", shared, queue, figures, Exec::new(runner.clone()))
}

/// The program, if it can be run.
fn job(args: &ExecArgs) -> std::result::Result<Job, String> {
    let ExecArgs {
        serve,
        program,
        limits,
    } = args;
    if let Some(flag) = unsupported_option(serve).filter(|_| !program.lines) {
        return Err(format!(
            "{flag} can't be kept, since the program has the socket itself; see --timeout"
        ));
    }
    let waits = [
        ("--queue", limits.queue.is_some()),
        ("--max-wait", limits.max_wait.is_some()),
    ];
    if let Some(flag) = first_of(waits).filter(|_| program.lines) {
        return Err(format!(
            "{flag} is for clients that wait for a worker, and with --lines none does: messages \
             wait; see --overload and --max-clients"
        ));
    }
    if limits.kill_after > KILL_AFTER_MAX {
        return Err("--kill-after: at most a day".to_owned());
    }
    if limits.program_drain.is_some_and(|drain| drain > TIME_MAX) {
        return Err("--program-drain: at most 100 years".to_owned());
    }
    if limits.timeout.is_some_and(|timeout| timeout > TIME_MAX) {
        return Err("--timeout: at most 100 years".to_owned());
    }
    let words = match &program.shell {
        Some(string) => vec!["sh".into(), "-c".into(), string.clone()],
        None => program.words.clone(),
    };
    let Setup { setting, variables } = Setup::new(args)?;
    Ok(Job {
        program: Program::new(words, program.chdir.as_deref())?,
        setting,
        inherits: match program.clean_env {
            true => Inherits::Path,
            false => Inherits::All,
        },
        variables,
    })
}

/// An option that has no effect with exec.
fn unsupported_option(serve: &ServeArgs) -> Option<&'static str> {
    let guard = &serve.guard;
    let defaults = Options::default();
    first_of([
        ("--framing", serve.framing.is_some()),
        ("--message-max", serve.message_max != defaults.message_max),
        ("--overlong", serve.overlong != defaults.overlong),
        ("--outbox-max", serve.outbox_max != defaults.outbox_max),
        ("--first-byte", guard.first_byte.is_some()),
        ("--idle", guard.idle.is_some()),
        ("--message", guard.message.is_some()),
        ("--lifetime", guard.lifetime.is_some()),
        ("--rate", guard.rate.0.is_some()),
        ("--tls-strict-end", serve.tls.tls_strict_end),
    ])
}

fn first_of<const N: usize>(flags: [(&'static str, bool); N]) -> Option<&'static str> {
    let mut asked_for = flags.into_iter().filter(|(_, is_asked_for)| *is_asked_for);
    asked_for.next().map(|(flag, _)| flag)
}
