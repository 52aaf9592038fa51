//! Requests that change something: accepted only over the Unix socket, whose file mode is the
//! permission.

use tracing::info;

use super::request::Request;
use super::response::Response;
use super::view::View;
use crate::cli::log;
use crate::cli::values::time;
use crate::drain::ServerPhase;
use crate::error::Error;
use crate::server::Handle;

/// An action.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Close(u64),
    Pause,
    Resume,
    Drain,
    Set,
}

/// A parsed setting, to be carried out.
type Change = Box<dyn FnOnce(&Handle) -> Result<(), Error>>;

impl Action {
    /// The action of a path.
    pub(super) fn of(path: &str) -> Option<Action> {
        match path {
            "/pause" => Some(Action::Pause),
            "/resume" => Some(Action::Resume),
            "/drain" => Some(Action::Drain),
            "/set" => Some(Action::Set),
            _ => {
                let id = path.strip_prefix("/clients/")?.strip_suffix("/close")?;
                id.parse().ok().map(Action::Close)
            }
        }
    }

    /// Carries it out; the answer says what was done, or why not.
    pub(super) fn run(&self, view: &View, request: &Request) -> Response {
        let handle = &view.handle;
        match self {
            Action::Close(id) => {
                let reason = "closed through the admin endpoint";
                if !handle.registry().close(*id, reason) {
                    return Response::text(404, format!("there is no client {id}"));
                }
                info!(id, "closing a client: asked for through the admin endpoint");
                Response::text(
                    200,
                    format!("client {id} is closed when it has received its output"),
                )
            }
            Action::Pause => {
                handle.pause();
                info!("accepting is paused: asked for through the admin endpoint");
                Response::text(
                    200,
                    "accepting is paused; clients that come wait in the backlog",
                )
            }
            Action::Resume => {
                handle.resume();
                info!("accepting again: asked for through the admin endpoint");
                Response::text(200, "accepting again")
            }
            Action::Drain => drain(view),
            Action::Set => set(handle, request),
        }
    }
}

fn drain(view: &View) -> Response {
    let handle = &view.handle;
    if handle.phase() != ServerPhase::Running {
        return Response::text(409, "it drains already");
    }
    info!("draining: asked for through the admin endpoint");
    if view.drain_delay.is_zero() || handle.is_leaving() {
        handle.drain();
        return Response::text(200, "draining");
    }
    handle.drain_after(view.drain_delay);
    let delay = humantime::format_duration(view.drain_delay);
    Response::text(200, format!("draining in {delay}; ask again to drain now"))
}

/// Parses all settings before it changes the first.
fn set(handle: &Handle, request: &Request) -> Response {
    let parsed = request
        .query()
        .iter()
        .map(|(name, value)| parse(name, value));
    let changes = match parsed.collect::<Result<Vec<_>, _>>() {
        Ok(changes) if changes.is_empty() => {
            return Response::text(400, format!("nothing to set; {KNOWN}"));
        }
        Ok(changes) => changes,
        Err(problem) => return Response::text(400, problem),
    };
    let mut done = Vec::new();
    for (change, (name, value)) in changes.into_iter().zip(request.query()) {
        if let Err(error) = change(handle) {
            return match error {
                Error::Option { .. } => Response::text(400, error.to_string()),
                _ => Response::text(503, error.to_string()),
            };
        }
        info!("{name} is {value} now: asked for through the admin endpoint");
        done.push(format!("{name} is {value} now"));
    }
    Response::text(200, done.join("; "))
}

const KNOWN: &str = "there are workers, max-clients, stuck-after and log-level";

fn parse(name: &str, value: &str) -> Result<Change, String> {
    let wrong = |what: &str| format!("{name}={value}: {what}");
    let number = || value.parse().map_err(|_| wrong("write a number"));
    Ok(match name {
        "workers" => {
            let workers = number()?;
            Box::new(move |handle| handle.set_workers(workers))
        }
        "max-clients" => {
            let clients_max = number()?;
            Box::new(move |handle| handle.set_clients_max(clients_max))
        }
        "stuck-after" => {
            let stuck_after = time(value).map_err(|_| wrong("write a time as 90s or 2m"))?;
            Box::new(move |handle| handle.set_stuck_after(stuck_after))
        }
        "log-level" => {
            let level = value.parse();
            let level = level.map_err(|_| wrong("write error, warn, info, debug or trace"))?;
            Box::new(move |_| {
                log::set_level(level);
                Ok(())
            })
        }
        _ => return Err(wrong(KNOWN)),
    })
}
