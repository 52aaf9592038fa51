//! A house on Valkey, and one whose server is replaced by another.

use super::bus::{daemon, two};
use crate::recv::remote_failover::Watched;
use crate::support::chat::{Talker, wait_lobby};
use crate::support::redis::Redis;

#[test]
fn a_house_can_be_on_valkey() {
    let settings = ["appendonly yes", "appendfsync always"];
    let Some(mut valkey) = Redis::valkey(&settings) else {
        return;
    };
    let (_first, _second, ann, bob) = two(&valkey);
    ann.say("hello");
    bob.wait("<ann> hello");
    valkey.restart();
    bob.say("still here");
    ann.wait("<bob> still here");
    let third = daemon(&valkey.url("stream=chat"), &[]);
    let eve = Talker::named(&third, "eve");
    assert_eq!(eve.ask("/who"), "-- here: ann, bob, eve");
}

#[test]
fn a_house_follows_a_failover() {
    let Some(mut watched) = Watched::start() else {
        return;
    };
    let url = watched.url("stream=chat");
    let (first, second) = (daemon(&url, &[]), daemon(&url, &[]));
    let ann = Talker::named(&first, "ann");
    let bob = Talker::named(&second, "bob");
    wait_lobby(&ann, 2);
    wait_lobby(&bob, 2);
    ann.say("before");
    bob.wait("<ann> before");
    watched.kill(0);
    ann.wait("-- cut off from the other machines; what you say waits");
    ann.say("meanwhile");
    watched.wait_other(0);
    for one in [&ann, &bob] {
        one.wait("<ann> meanwhile");
    }
    assert_eq!(bob.ask("/who"), "-- here: ann, bob");
}
