//! Readers that move between two hubs in one process: slow ones, and those that come back.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use poold::service::hub::{Hub, HubSettings, Last, Slow};
use poold::{Arrival, Listeners, Options, Parcel, Server};

use crate::support::net::{connect, send, take_line};
use crate::support::spool::wait_until;

/// Moves all clients of one server in this process to another; what is done between, too.
fn move_all(old: &Server, new: &Server, before_the_last: impl FnOnce()) {
    let mut export = old.handle().export(Duration::from_secs(60));
    let shared = export.hold_all().expect("the service moves together");
    new.handle()
        .adopt_shared(&shared)
        .expect("the same service");
    let mut all: Vec<(Parcel, Arrival)> = Vec::new();
    while let Some(parcels) = export.next_batch() {
        for parcel in parcels {
            let socket = parcel.socket().try_clone_to_owned().expect("a descriptor");
            let arrival = new.handle().adopt(socket, parcel.state()).expect("room");
            all.push((parcel, arrival));
        }
    }
    before_the_last();
    for (mut parcel, arrival) in all {
        let late = parcel.seal();
        assert_eq!(parcel.sent(), None);
        arrival.serve(&late);
    }
    export.all_moved();
}

fn pair(settings: &HubSettings) -> [(Hub, Server); 2] {
    [0, 100].map(|after| {
        let hub = Hub::new(settings.clone());
        let listeners = Listeners::bind("127.0.0.1:0").expect("a port");
        let options = Options {
            outbox_max: settings.waiting_max,
            send_buffer: Some(8 * 1024),
            ..Options::default()
        };
        let server = Server::serve(listeners.numbered_after(after), options, hub.clone());
        (hub, server.expect("threads"))
    })
}

#[test]
fn what_waits_for_a_slow_reader_what_it_lost_and_its_mark_go_along() {
    let settings = HubSettings {
        waiting_max: 8 * 1024,
        mark_drops: true,
        last: Last::Count(2),
        slow: Slow::Drop,
        ..HubSettings::default()
    };
    let [(from, old), (to, new)] = pair(&settings);
    let reader = connect(&old.address().to_string());
    wait_until("it is in", || from.stats().readers == 1);
    let id = old.handle().registry().list()[0].id;
    let message = |number: u64| format!("{number} {}", "x".repeat(200));
    let mut count = 0;
    while from.dropped_of(id) < Some(100) {
        from.publish([message(count).as_bytes()]);
        count += 1;
    }
    let before = from.stats();
    move_all(&old, &new, || {
        assert!(from.is_full(), "publishers wait");
        // Who does not wait is not heard by those that move.
        from.publish([&b"lost"[..]]);
    });
    assert_eq!(from.stats().readers, 0);
    let after = to.stats();
    assert_eq!((after.readers, after.published), (1, before.published));
    assert_eq!(to.dropped_of(id), Some(before.dropped));
    // By now the reader may have been given more of what waited for it.
    assert!(after.given >= before.given);
    for _ in 0..100 {
        to.publish([message(count).as_bytes()]);
        count += 1;
    }
    let mut lines = BufReader::new(reader).lines();
    let (mut next, mut marked) = (0, 0);
    while next < count {
        let line = lines.next().expect("more").expect("UTF-8");
        if let Some(mark) = line.strip_prefix("# ") {
            let lost: u64 = mark
                .split(' ')
                .next()
                .expect("a number")
                .parse()
                .expect("a number");
            (next, marked) = (next + lost, marked + lost);
            continue;
        }
        assert!(
            line.starts_with(&format!("{next} ")),
            "after {next}: {line:.20}"
        );
        next += 1;
    }
    assert_eq!(Some(marked), to.dropped_of(id), "each loss has its mark");
    // What was given is counted a moment later.
    wait_until("all are counted", || {
        let stats = to.stats();
        stats.given + stats.dropped == count
    });
    drop(lines);
    drop((old, new));
}

#[test]
fn clients_that_go_on_here_go_on_as_if_nothing_had_been() {
    let [(hub, server), _other] = pair(&HubSettings::default());
    let address = server.address().to_string();
    let (reader, sender) = (connect(&address), connect(&address));
    wait_until("they are in", || hub.stats().readers == 2);
    let mut export = server.handle().export(Duration::from_secs(60));
    for round in 0..3 {
        assert!(export.hold_all().is_some());
        let parcels = export.next_batch().expect("two clients");
        assert_eq!(parcels.len(), 2);
        assert!(export.next_batch().is_none());
        // It waits in the socket.
        send(&sender, format!("{round}\n"));
        drop(parcels);
        export.release_all();
        assert_eq!(take_line(&reader), round.to_string());
    }
    drop(export);
    send(&sender, "after\n");
    assert_eq!(take_line(&reader), "after");
    drop((reader, sender));
}

#[test]
fn sources_are_heard_again_where_the_clients_were_if_the_other_server_is_gone_with_them() {
    let [(from, old), (_to, new)] = pair(&HubSettings::default());
    let source = from.source("here");
    let moves = connect(&old.address().to_string());
    wait_until("it is in", || from.stats().readers == 1);
    move_all(&old, &new, || {});
    drop((moves, new));
    let comes = connect(&old.address().to_string());
    wait_until("it is in", || from.stats().readers == 1);
    source.publish([&b"on"[..]]);
    assert_eq!(take_line(&comes), "on");
}
