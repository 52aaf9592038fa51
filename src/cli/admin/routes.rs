//! What is where.

use super::metrics;
use super::request::Request;
use super::response::Response;
use crate::peer::Peer;
use crate::server::Handle;

/// Answers a request.
pub(super) fn answer(handle: &Handle, request: &Request, _: Peer) -> Response {
    match request.path.as_str() {
        "/healthz" => Response::text(200, "ok"),
        "/metrics" => metrics::answer(&handle.stats()),
        _ => Response::text(404, "not here; see /"),
    }
}
