//! Checks the name by which the endpoint is reached. A web site's name can resolve to this
//! machine's loopback address, and a browser here then lets the site's pages read the answers (DNS
//! rebinding). But the browser's `Host` is the site's name, and the pages can't choose it.

use std::net::{IpAddr, SocketAddr};

use super::request::Request;
use super::response::Response;
use crate::net::address::Address;

/// The loopback addresses that it listens on. Other addresses may have names.
pub(super) struct Loopback(Vec<SocketAddr>);

impl Loopback {
    pub(super) fn of(addresses: &[Address]) -> Loopback {
        let tcp = addresses.iter().flat_map(|address| match address {
            Address::Tcp(candidates) => candidates.as_slice(),
            Address::Unix(_) => &[],
        });
        let is_loopback = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
        Loopback(tcp.copied().filter(is_loopback).collect())
    }

    /// The answer to a request under another name, if it came to a loopback address.
    pub(super) fn refuse(&self, request: &Request, came_to: SocketAddr) -> Option<Response> {
        let is_open = matches!(request.path.as_str(), "/metrics" | "/healthz" | "/readyz");
        let is_ours = request.host.as_deref().is_none_or(is_no_name);
        let refuses = !is_open && !is_ours && self.0.contains(&came_to);
        refuses.then(|| {
            Response::text(
                403,
                "on a loopback address this is answered under an IP address or localhost only, so \
                 that no web page can read it; change the request's Host",
            )
        })
    }
}

/// An IP address or `localhost`, with a port or without.
fn is_no_name(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_address =
        host.parse::<SocketAddr>().is_ok() || bare.unwrap_or(host).parse::<IpAddr>().is_ok();
    let (name, _port) = host.split_once(':').unwrap_or((host, ""));
    is_address || name.eq_ignore_ascii_case("localhost")
}
