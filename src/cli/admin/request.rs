//! Parses an HTTP request's head, or refuses it with a status.

use httparse::{EMPTY_HEADER, Error, Status};

/// Headers of one request.
const HEADERS_MAX: usize = 64;

/// A request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    query: Vec<(String, String)>,
    /// The `Host` of the request.
    pub(super) host: Option<String>,
    /// Whether the client keeps the connection.
    pub(super) keeps_alive: bool,
    /// Whether the answer must say `keep-alive`: HTTP/1.0 closes otherwise.
    pub(super) is_old: bool,
}

/// Why a request is refused; the connection closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) status: u16,
    pub(super) problem: &'static str,
}

impl Bad {
    const fn new(status: u16, problem: &'static str) -> Bad {
        Bad { status, problem }
    }

    pub(super) const TOO_LARGE: Bad = Bad::new(431, "the request's head is too large");
    pub(super) const TOO_SLOW: Bad = Bad::new(408, "the request took too long");
}

impl Request {
    /// Parses a whole head, including the empty line at its end.
    pub(super) fn parse(head: &[u8]) -> Result<Request, Bad> {
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(head) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err(Bad::new(400, "this is no HTTP request")),
            Err(Error::TooManyHeaders) => return Err(Bad::TOO_LARGE),
            Err(Error::Version) => return Err(Bad::new(505, "HTTP/1.0 and HTTP/1.1 only")),
            Err(_) => return Err(Bad::new(400, "this is no HTTP request")),
        }
        let all = |name: &'static str| {
            let headers = parsed.headers.iter();
            let named = headers.filter(move |header| header.name.eq_ignore_ascii_case(name));
            named.map(|header| str::from_utf8(header.value).unwrap_or("?").trim())
        };
        let is_old = parsed.version == Some(0);
        let hosts = all("host").count();
        if hosts > 1 || (hosts == 0 && !is_old) {
            return Err(Bad::new(400, "a request names one host"));
        }
        if all("transfer-encoding").next().is_some() {
            return Err(Bad::new(501, "requests here have no body"));
        }
        if all("content-length").any(|length| length != "0") {
            return Err(Bad::new(
                413,
                "requests here have no body; write ?name=value",
            ));
        }
        let has_token = |token| {
            let mut words = all("connection").flat_map(|value| value.split(','));
            words.any(|word| word.trim().eq_ignore_ascii_case(token))
        };
        let keeps_alive = !has_token("close") && (!is_old || has_token("keep-alive"));
        let target = parsed.path.unwrap_or("/");
        // A proxy sends the whole URL.
        let target = match target.split_once("://") {
            Some((_, rest)) if !target.starts_with('/') => {
                rest.find('/').map_or("/", |at| &rest[at..])
            }
            _ => target,
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Request {
            method: parsed.method.unwrap_or_default().to_owned(),
            path: path.to_owned(),
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            host: all("host").next().map(str::to_owned),
            keeps_alive,
            is_old,
        })
    }

    /// The first value of `name` in the query.
    pub(super) fn asks(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Every name and value of the query.
    pub(super) fn query(&self) -> &[(String, String)] {
        &self.query
    }
}
