//! `/clients`: the connected clients, filtered and in pages.

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::request::Request;
use super::response::Response;
use crate::cli::values::time;
use crate::connection::registry::{ClientInfo, Registry};
use crate::limits::admission::parse_network;
use crate::scheduler::state::Phase;
use crate::tls::TlsVersion;

/// Clients of a page: the default and the maximum.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1000;

/// A page of clients, in order of arrival.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    /// Connected clients.
    pub(crate) open: usize,
    /// Of these, clients that match, on this page or a later one.
    pub(crate) matching: usize,
    pub(crate) clients: Vec<Row>,
    /// The value of `after` for the next page.
    pub(crate) next: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: u64,
    pub(crate) peer: String,
    /// The balancer that it came through.
    #[serde(default)]
    pub(crate) via: Option<String>,
    pub(crate) state: String,
    pub(crate) age_s: f64,
    pub(crate) quiet_s: f64,
    pub(crate) messages_in: u64,
    pub(crate) bytes_in: u64,
    pub(crate) messages_out: u64,
    pub(crate) bytes_out: u64,
    pub(crate) owed: usize,
    /// Messages dropped because it reads too slowly, by a service that drops.
    #[serde(default)]
    pub(crate) dropped: Option<u64>,
    /// The version of TLS: `1.3`.
    #[serde(default)]
    pub(crate) tls: Option<String>,
    /// The name in its certificate.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// What its bytes look like, if they do not fit the framing.
    #[serde(default)]
    pub(crate) hint: Option<String>,
}

/// The query.
struct Filter {
    after: u64,
    limit: usize,
    address: Option<IpNet>,
    state: Option<String>,
    age_min: Duration,
    age_max: Duration,
    quiet_min: Duration,
}

/// The answer.
pub(super) fn answer(
    registry: &Registry,
    dropped_of: impl Fn(u64) -> Option<u64>,
    request: &Request,
) -> Response {
    let filter = match Filter::of(request) {
        Ok(filter) => filter,
        Err(problem) => return Response::text(400, problem),
    };
    let list = registry.list();
    let matching = || list.iter().filter(|info| filter.wants(info));
    let count = matching().count();
    let clients = matching().take(filter.limit);
    let clients: Vec<_> = clients.map(|info| row(info, dropped_of(info.id))).collect();
    let next = clients.last().map(|last| last.id);
    Response::json(&Page {
        open: list.len(),
        matching: count,
        next: next.filter(|_| count > clients.len()),
        clients,
    })
}

impl Filter {
    fn of(request: &Request) -> Result<Filter, String> {
        let mut filter = Filter {
            after: 0,
            limit: PAGE,
            address: None,
            state: None,
            age_min: Duration::ZERO,
            age_max: Duration::MAX,
            quiet_min: Duration::ZERO,
        };
        for (name, value) in request.query() {
            let wrong = |what: &str| format!("{name}={value}: {what}");
            let number = || value.parse::<u64>().map_err(|_| wrong("write a number"));
            let span = || time(value).map_err(|_| wrong("write a time as 90s or 2m"));
            match name.as_str() {
                "after" => filter.after = number()?,
                "limit" => {
                    filter.limit = usize::try_from(number()?).unwrap_or(PAGE_MAX);
                    filter.limit = filter.limit.clamp(1, PAGE_MAX);
                }
                "address" => {
                    let net = parse_network(value).map_err(|problem| wrong(&problem));
                    filter.address = Some(net?);
                }
                "state" if ["resting", "ready", "running"].contains(&value.as_str()) => {
                    filter.state = Some(value.clone());
                }
                "state" => return Err(wrong("write resting, ready or running")),
                "min_age" => filter.age_min = span()?,
                "max_age" => filter.age_max = span()?,
                "min_quiet" => filter.quiet_min = span()?,
                _ => {
                    return Err(wrong(
                        "there are after, limit, address, state, min_age, max_age and min_quiet",
                    ));
                }
            }
        }
        Ok(filter)
    }

    fn wants(&self, info: &ClientInfo) -> bool {
        let age = info.since.elapsed().unwrap_or_default();
        let is_from = |net: &IpNet| info.peer.host().is_some_and(|host| net.contains(&host));
        let state = phase_name(info.phase);
        info.id > self.after
            && self.address.as_ref().is_none_or(is_from)
            && self.state.as_ref().is_none_or(|wanted| wanted == state)
            && (self.age_min..=self.age_max).contains(&age)
            && info.last_heard >= self.quiet_min
    }
}

fn row(info: &ClientInfo, dropped: Option<u64>) -> Row {
    Row {
        id: info.id,
        peer: info.peer.to_string(),
        via: via(info),
        state: phase_name(info.phase).to_owned(),
        age_s: info.since.elapsed().unwrap_or_default().as_secs_f64(),
        quiet_s: info.last_heard.as_secs_f64(),
        messages_in: info.messages_in,
        bytes_in: info.bytes_in,
        messages_out: info.messages_out,
        bytes_out: info.bytes_out,
        owed: info.owed,
        dropped,
        tls: secured(info).map(str::to_owned),
        name: info.name.clone(),
        hint: hint(info),
    }
}

/// The version of TLS; or that a client speaks plainly which may speak TLS.
fn secured(info: &ClientInfo) -> Option<&'static str> {
    let version = info.tls.map(TlsVersion::number);
    version.or(info.is_plain.then_some("plain"))
}

/// The balancer that the client came through.
pub(super) fn via(info: &ClientInfo) -> Option<String> {
    Some(info.via?.to_string())
}

/// The hint about the client's bytes.
pub(super) fn hint(info: &ClientInfo) -> Option<String> {
    let says = info.hint?.describe();
    Some(match info.messages_in {
        0 => format!("no message in {} bytes; {says}", info.bytes_in),
        _ => says.to_owned(),
    })
}

/// A client's phase, in a word.
pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Resting => "resting",
        Phase::Ready => "ready",
        Phase::Running => "running",
        Phase::Gone => "gone",
    }
}
