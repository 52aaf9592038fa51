//! `--also 'ADDRESS;framing=…;filter=…'`: another port of the same feed.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use regex::bytes::Regex;

use crate::cli::sockets::bare;
use crate::framing::Framing;
use crate::net::address::Address;
use crate::service::hub::{HubFilter, HubPort};

/// See the head of the file.
#[derive(Clone, Debug)]
pub(crate) struct Also {
    /// As ADDRESS.
    pub(crate) address: String,
    framing: Option<Framing>,
    filter: Option<Regex>,
}

impl FromStr for Also {
    type Err = String;

    fn from_str(text: &str) -> Result<Also, String> {
        let mut parts = text.splitn(2, ';');
        let address = parts.next().unwrap_or_default().to_owned();
        let parsed = bare(&address).parse::<Address>();
        let parsed = parsed.map_err(|error| error.to_string())?;
        if has_choice(&parsed) {
            return Err(format!("{address}: write a port, or one address"));
        }
        let mut also = Also {
            address,
            framing: None,
            filter: None,
        };
        let mut rest = parts.next();
        while let Some(text) = rest {
            // The filter is the last: a pattern may have any character.
            if let Some(pattern) = text.strip_prefix("filter=") {
                let filter = Regex::new(pattern).map_err(|error| error.to_string())?;
                also.filter = Some(filter);
                break;
            }
            let mut parts = text.splitn(2, ';');
            let part = parts.next().unwrap_or_default();
            let framing = part.strip_prefix("framing=");
            let Some(framing) = framing.filter(|_| also.framing.is_none()) else {
                return Err(format!(
                    "'{part}' is not understood: write ADDRESS;framing=…;filter=…, the filter last"
                ));
            };
            let framing = framing.parse::<Framing>();
            also.framing = Some(framing.map_err(|error| error.to_string())?);
            rest = parts.next();
        }
        Ok(also)
    }
}

/// A name of several addresses with port 0 may get several ports.
fn has_choice(address: &Address) -> bool {
    match address {
        Address::Tcp(all) => all.len() > 1 && is_any(address),
        Address::Unix(_) => false,
    }
}

/// The ports, which are the last of all that are listened on, in order.
pub(super) fn ports(all: &[Also], usual: &Framing, mut found: &[Address]) -> Vec<HubPort> {
    let mut ports = Vec::new();
    for also in all.iter().rev() {
        let asked = bare(&also.address).parse::<Address>();
        // It was parsed before; a name may be unknown by now.
        let Ok(asked) = asked else { continue };
        let mut at = asked.clone();
        while let Some((last, others)) = found.split_last().filter(|(last, _)| is_of(last, &asked))
        {
            found = others;
            if is_any(&asked) {
                at = last.clone();
                break;
            }
        }
        ports.push(HubPort {
            at,
            framing: also.framing.clone().unwrap_or_else(|| usual.clone()),
            filter: also.filter.clone().map(matching),
        });
    }
    ports
}

/// Whether a socket is one of those that an address stands for.
fn is_of(found: &Address, asked: &Address) -> bool {
    match (found, asked) {
        (Address::Tcp(found), Address::Tcp(asked)) => asked.iter().any(|asked| {
            let is_it = |found: &SocketAddr| {
                found.ip() == asked.ip() && [0, found.port()].contains(&asked.port())
            };
            found.iter().any(is_it)
        }),
        (found, asked) => found == asked,
    }
}

fn is_any(address: &Address) -> bool {
    match address {
        Address::Tcp(all) => all.iter().any(|one| one.port() == 0),
        Address::Unix(_) => false,
    }
}

/// Messages in which a pattern is found.
pub(super) fn matching(pattern: Regex) -> HubFilter {
    Arc::new(move |message: &[u8]| pattern.is_match(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_parts_are_found_and_nothing_else_is_taken() {
        let also: Also = "8081;framing=nul;filter=a;b=c".parse().expect("valid");
        assert_eq!(also.address, "8081");
        assert_eq!(also.framing, Some(Framing::Nul));
        let filter = also.filter.expect("a filter");
        assert!(filter.is_match(b"xa;b=c") && !filter.is_match(b"a"));
        let also: Also = "unix:/tmp/feed".parse().expect("valid");
        assert!(also.framing.is_none() && also.filter.is_none());
        for wrong in [
            "",
            "8081;",
            "8081;framing=nul;",
            "8081;framing=",
            "8081;framing=nul;framing=nul",
            "8081;frames=nul",
            "8081;filter=(",
            ";filter=a",
            "localhost:x",
        ] {
            assert!(wrong.parse::<Also>().is_err(), "{wrong}");
        }
    }
}
