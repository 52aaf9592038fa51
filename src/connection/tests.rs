use socket2::{Domain, Type};

use super::*;

const OUTBOX_MAX: usize = 100;

/// A connection and its other end; nothing queues it.
pub(crate) fn connection() -> (Arc<Connection>, Socket) {
    let (socket, other) = Socket::pair(Domain::UNIX, Type::STREAM, None).expect("descriptors");
    let connection = Connection::new(Opening {
        id: 1,
        peer: Peer::Unix(0),
        socket,
        stage: Stage::Open,
        common: Arc::new(Common {
            framing: Framing::Lines,
            message_max: 1,
            overlong: Overlong::Close,
            outbox_max: OUTBOX_MAX,
            rate: None,
            queue: Box::new(drop),
            serve: Box::new(drop),
        }),
    });
    (Arc::new(connection), other)
}

fn chunk(length: usize) -> Bytes {
    vec![b'x'; length].into()
}

/// With the two counts of its handles it fills a block of 232 bytes, after which the next one of
/// the C library has 248.
#[test]
fn a_connection_is_small() {
    let size = size_of::<Connection>();
    assert!(size <= 216, "{size}");
}

#[test]
fn a_cut_is_never_taken_back() {
    for later in [
        CloseRequest::Close("later".into()),
        CloseRequest::Shed(Limit::Shed),
    ] {
        let (connection, _other) = connection();
        connection.request_close(CloseRequest::Close("earlier".into()));
        connection.request_close(CloseRequest::Cut);
        connection.request_close(later);
        assert!(connection.is_cut());
        assert_eq!(connection.take_close(), None);
        let (.., request) = connection.take(&mut None);
        assert!(matches!(request, Some(CloseRequest::Cut)), "{request:?}");
        assert!(connection.is_cut(), "for the next turn, too");
    }
}

#[test]
fn what_the_running_worker_has_in_hand_takes_room() {
    let (connection, _other) = connection();
    let _ = connection.state.start();
    connection.push(chunk(60), 1).expect("room");
    let (owned, mut owed, _) = connection.take(&mut None);
    assert_eq!(connection.push(chunk(50), 1), Err(Unsent::Full(chunk(50))));
    connection.push(chunk(30), 1).expect("room");
    owed.put_back(connection.take_more());
    assert_eq!(connection.owed(), 90);
    assert_eq!(connection.push(chunk(20), 1), Err(Unsent::Full(chunk(20))));
    // A chunk of any length, but only if nothing else waits.
    let long = chunk(OUTBOX_MAX + 1);
    assert_eq!(
        connection.push(long.clone(), 1),
        Err(Unsent::Full(long.clone()))
    );
    connection.put_back(owned, Outbox::default(), &mut None);
    connection.push(long, 1).expect("nothing waits");
}

#[test]
fn of_a_connection_at_rest_only_what_lasts_is_kept() {
    let (connection, _other) = connection();
    let _ = connection.state.start();
    let (mut owned, owed, _) = connection.take(&mut None);
    let mut spare = None;
    owned.stage = Stage::New;
    connection.put_back(owned, owed, &mut spare);
    assert!(spare.is_some());
    assert!(matches!(connection.mailbox.lock().kept, Kept::Bare(_)));
}
