//! Sends three messages as the crate syslog does: senders PORT.

use syslog::{Facility, Formatter3164};

fn main() {
    let port = std::env::args().nth(1).expect("a port");
    let formatter = Formatter3164 {
        facility: Facility::LOG_USER,
        hostname: None,
        process: "sender".to_owned(),
        pid: std::process::id(),
    };
    let mut logger = syslog::tcp(formatter, format!("127.0.0.1:{port}")).expect("it listens");
    for message in ["alpha", "beta", "one\ntwo"] {
        logger.info(message).expect("it reads");
    }
}
