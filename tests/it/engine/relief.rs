//! A handler that blocks among handlers that return at once: no other client may notice.

use poold::answer;

use crate::support::gate::Gate;
use crate::support::net::{connect, send, take_line};
use crate::support::server::{finish, options, serve};

/// The turns so far were quick, so no worker was called in beforehand; while one blocks and no
/// worker polls, the watch must call in one that does.
#[test]
fn a_blocked_handler_is_relieved_when_turns_were_quick() {
    let gate = Gate::default();
    let at = gate.clone();
    let (server, address) = serve(
        options(),
        answer(move |line: &[u8]| {
            if line == b"block" {
                at.pass();
            }
            line.to_vec()
        }),
    );
    let (first, other) = (connect(&address), connect(&address));
    for client in [&first, &other] {
        for _ in 0..100 {
            send(client, "quick\n");
            assert_eq!(take_line(client), "quick");
        }
    }
    send(&first, "block\n");
    gate.wait_waiting(1);
    for _ in 0..100 {
        send(&other, "still quick\n");
        assert_eq!(take_line(&other), "still quick");
    }
    assert_eq!(gate.waiting(), 1);
    gate.open();
    assert_eq!(take_line(&first), "block");
    drop((first, other));
    finish(server);
}
