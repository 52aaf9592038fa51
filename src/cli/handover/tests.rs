use std::os::unix::net::UnixStream;
use std::time::Instant;

use super::VERSION;
use super::protocol::{Answer, Ask, Wire};
use super::server::{Event, HandoverServer};

/// A server, and a successor that is ready for its sockets.
fn ready(name: &str) -> (HandoverServer, Wire) {
    let name = format!("poold-{name}-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut server = HandoverServer::open(&path, None, true).expect("a free path");
    let mut wire = Wire::new(UnixStream::connect(&path).expect("it listens"));
    let ask = Ask::TakeOver {
        version: VERSION,
        pid: 7,
        clients: 0,
    };
    wire.say(&ask, &[]).expect("room");
    assert_eq!(server.look(Instant::now()), None);
    assert!(matches!(wire.hear(), Ok(Some(Answer::Sockets(_)))));
    wire.say(&Ask::Ready, &[]).expect("room");
    let event = server.look(Instant::now());
    assert_eq!(event, Some(Event::Ready { pid: 7 }));
    (server, wire)
}

#[test]
fn a_ready_successor_hears_one_word_at_the_end() {
    let (server, mut wire) = ready("ends");
    // A signal has ended it in this moment.
    drop(server);
    assert!(matches!(wire.hear(), Ok(Some(Answer::No { .. }))));
    let (mut server, mut wire) = ready("hands-over");
    assert!(server.hand_over());
    drop(server);
    assert_eq!(wire.hear().expect("a word"), Some(Answer::Yours));
    assert_eq!(wire.hear::<Answer>().expect("the end"), None);
}
