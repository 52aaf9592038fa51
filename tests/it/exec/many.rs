//! Thousands of connections, and everything is as before.

use std::thread;

use super::children::{server, wait_no_children};
use super::{program, stop_well};
use crate::support::net::{connect, end, send, take_to_end};
use crate::support::spool::wait_until;

/// `POOLD_TEST_EXEC_CONNECTIONS=10000` for the size that the promise is about.
fn connections() -> usize {
    let wanted = std::env::var("POOLD_TEST_EXEC_CONNECTIONS");
    wanted.map_or(400, |text| text.parse().expect("a number"))
}

fn descriptors(pid: i32) -> usize {
    let folder = std::fs::read_dir(format!("/proc/{pid}/fd"));
    folder.expect("it runs").count()
}

#[test]
fn nothing_grows_with_connections() {
    const CLIENTS: usize = 8;
    let each = connections().div_ceil(CLIENTS);
    let mut daemon = program(&["--workers", "4"], &["cat"]);
    let server = server(&daemon);
    let before = descriptors(server);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let address = &daemon.address;
            scope.spawn(move || {
                for round in 0..each {
                    let client = connect(address);
                    let text = format!("{number} {round}");
                    send(&client, &text);
                    end(&client);
                    assert_eq!(take_to_end(&client), text.as_bytes());
                }
            });
        }
    });
    wait_no_children(&daemon);
    wait_until("descriptors are given back", || {
        descriptors(server) <= before
    });
    stop_well(&mut daemon, each * CLIENTS);
}
