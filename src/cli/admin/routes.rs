//! The paths of the admin endpoint, and the permissions they need.

use std::time::Duration;

use super::actions::Action;
use super::request::Request;
use super::response::Response;
use super::view::{View, worker_name};
use super::{clients, metrics, status};
use crate::net::address::Peer;

/// The page loads nothing from elsewhere, and no other page may frame it.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// Answers a request.
pub(super) fn answer(view: &View, request: &Request, peer: Peer) -> Response {
    if let Some(action) = Action::of(&request.path) {
        return match (request.method.as_str(), peer) {
            ("POST", Peer::Unix(_)) => action.run(view, request),
            ("POST", Peer::Tcp(_)) => Response::text(
                403,
                "over TCP this is read-only; ask over the Unix socket of --admin unix:PATH",
            ),
            _ => Response::text(405, "write POST").with("Allow", "POST"),
        };
    }
    let look: fn(&View, &Request) -> Response = match request.path.as_str() {
        "/" => |_, _| page(),
        "/metrics" => |view, _| metrics::answer(view),
        "/healthz" => |view, _| health(view),
        "/readyz" => |view, _| readiness(view),
        "/status" => |view, request| {
            let after = request.asks("after").and_then(|after| after.parse().ok());
            status::answer(view, after.unwrap_or(0))
        },
        "/clients" => |view, request| {
            let dropped_of = |client| view.dropped_of(client);
            clients::answer(view.handle.registry(), dropped_of, request)
        },
        _ => {
            return Response::text(
                404,
                "not here; there are /, /status, /clients, /metrics, /healthz and /readyz",
            );
        }
    };
    match request.method.as_str() {
        "GET" | "HEAD" => look(view, request),
        _ => Response::text(405, "write GET").with("Allow", "GET, HEAD"),
    }
}

fn page() -> Response {
    let page = include_str!("page.html").as_bytes();
    Response::new(200, "text/html; charset=utf-8", page)
        .with("Content-Security-Policy", PAGE_POLICY)
        .with("Referrer-Policy", "no-referrer")
}

/// Healthy as long as a worker is left that can serve; names stuck workers.
fn health(view: &View) -> Response {
    let workers = view.handle.workers();
    let stuck: Vec<_> = workers.iter().filter(|one| one.is_stuck).collect();
    if stuck.is_empty() {
        return Response::text(200, "ok");
    }
    let name = |one: &&crate::scheduler::worker_status::WorkerInfo| {
        let seconds = one.busy_for.as_secs();
        format!(
            "{} (client {}, {seconds} s)",
            worker_name(one.number),
            one.client
        )
    };
    let names: Vec<_> = stuck.iter().map(name).collect();
    let total = view.handle.stats().workers;
    let (status, word) = match stuck.len() >= total {
        true => (503, "no worker is left"),
        false => (200, "ok"),
    };
    Response::text(status, format!("{word}; stuck: {}", names.join(", ")))
}

/// An output that takes nothing for this long counts as blocked.
const BLOCKED: Duration = Duration::from_secs(1);

/// Not ready from the begin of a drain, while accepting is paused, or while the output is blocked.
fn readiness(view: &View) -> Response {
    let handle = &view.handle;
    let outlet = handle.stats().outlet.unwrap_or_default();
    if handle.is_leaving() {
        Response::text(503, "draining")
    } else if handle.is_paused() {
        Response::text(503, "accepting is paused")
    } else if outlet.blocked >= BLOCKED {
        let seconds = outlet.blocked.as_secs();
        Response::text(503, format!("the output has taken nothing for {seconds} s"))
    } else if let Some(why) = view.own.as_ref().and_then(|own| own.unready()) {
        Response::text(503, why)
    } else {
        Response::text(200, "ready")
    }
}
