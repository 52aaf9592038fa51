//! What people type: addresses, sizes, times, rates, lists. Nothing that is typed is a panic, and
//! what is taken means what it says.

#![no_main]

// The parsers are no part of the library's interface: their files are compiled here once more.
#[allow(dead_code, reason = "the target needs a part of it")]
#[path = "../../../src"]
mod src {
    pub mod limits {
        pub mod admission {
            pub mod list;
        }
        pub mod times;
        pub mod user_file;
    }
    pub mod cli {
        mod values;

        use std::time::Duration;

        /// Any value of the command line, as what it means.
        pub fn parse(text: &str) {
            let size = values::size(text);
            let per_second = values::per_second(text);
            if let (Ok(size), Ok(per_second)) = (&size, &per_second) {
                assert_eq!(*size, *per_second as usize);
            }
            assert!(per_second.is_err() || size.is_ok());
            let rate = values::rate(text);
            let time = values::duration_or_off(text);
            if let Ok(limit) = values::time(text) {
                assert!(limit.checked_add(Duration::from_secs(1)).is_some());
            }
            assert_eq!(text == "off", matches!(&rate, Ok(rate) if rate.0.is_none()));
            assert_eq!(text == "off", matches!(&time, Ok(time) if time.0.is_none()));
            for problem in [size.err(), per_second.err(), rate.err(), time.err()] {
                assert!(problem.is_none_or(|problem| !problem.is_empty()));
            }
        }
    }
    pub mod error;
    pub mod net {
        pub mod address;
    }
}

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;

use src::limits::admission::list::AddressList;
use src::net::address::Address;
use src::{error, limits};

fuzz_target!(|text: &str| {
    src::cli::parse(text);
    parse_address(text);
    parse_network(text);
});

/// What can be written is understood again, and means the same.
fn parse_address(text: &str) {
    if !is_looked_up(text)
        && let Ok(address) = text.parse::<Address>()
    {
        let again = address.to_string().parse::<Address>();
        let again = again.unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(again.to_string(), address.to_string());
    }
}

/// Whether the host is a name: asking the network is no part of this.
fn is_looked_up(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    !host.is_empty() && port.parse::<u16>().is_ok() && bare.parse::<IpAddr>().is_err()
}

fn parse_network(text: &str) {
    // What can be no network is a path, and would be read, whatever is there.
    let is_near = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'.' | b':' | b'/');
    if text.starts_with(['/', '.']) || !text.bytes().all(is_near) {
        return;
    }
    let mut list = AddressList::default();
    let added = list.add(text);
    assert_eq!(added.is_ok(), !list.is_empty());
}
