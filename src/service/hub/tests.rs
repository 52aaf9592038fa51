//! A reader, from its entry to its end.

use crate::connection::client::Client;
use crate::connection::tests::connection;
use crate::service::hub::{Hub, HubSettings};

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
