//! A reader, from its entry to its end.

use crate::connection::client::Client;
use crate::connection::tests::connection;
use crate::framing::{Extent, Framing, Message};
use crate::service::hub::{Hub, HubPort, HubSettings};

#[test]
fn nothing_comes_before_the_last_words_of_a_late_reader() {
    let hub = Hub::new(HubSettings::default());
    let (connection, _other) = connection();
    let client = Client::new(&connection);
    hub.0.enter(&client);
    let _ = connection.state.start();
    hub.publish([&[b'x'; 200][..]]);
    hub.publish([&b"late"[..]]);
    let (_owned, written, _) = connection.take(&mut None);
    assert_eq!(written.bytes(), 201);
    connection.wrote_all();
    let rest = hub.0.take_rest(client.id());
    assert_eq!(rest.len(), 1);
    hub.publish([&b"later"[..]]);
    assert!(connection.take_more().is_empty());
    let stats = hub.stats();
    assert_eq!((stats.given, stats.dropped), (2, 1));
}

#[test]
fn a_json_value_that_was_cut_does_not_put_readers_out_of_step() {
    let hub = Hub::new(HubSettings {
        framing: Framing::Json,
        ..HubSettings::default()
    });
    hub.open_ports([HubPort {
        at: "127.0.0.1:7".parse().expect("an address"),
        framing: Framing::Lines,
        filter: None,
    }]);
    for (bytes, extent, json, line) in [
        ("{\"a\":", Extent::Partial, "", "{\"a\":\n"),
        ("[1,2", Extent::Truncated, "", "[1,2\n"),
        ("\"a", Extent::Partial, "", "\"a\n"),
        // This one is whole, or is no value.
        ("12", Extent::Partial, "12\n", "12\n"),
        ("{}", Extent::Whole, "{}\n", "{}\n"),
    ] {
        let mut batches = hub.0.batches();
        let bytes = bytes.as_bytes();
        hub.0.add(Message { bytes, extent }, &mut batches);
        let wires = batches.into_iter().map(|batch| match batch.finish() {
            Some((chunk, _)) => String::from_utf8(chunk.bytes.to_vec()).expect("UTF-8"),
            None => String::new(),
        });
        assert_eq!(wires.collect::<Vec<_>>(), [json, line]);
    }
    let stats = hub.stats();
    assert_eq!((stats.published, stats.open, stats.filtered), (5, 3, 0));
}
