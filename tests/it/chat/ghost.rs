//! Chat: a name whose holder's host has gone without a word.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::chat::{Talker, chat};
use crate::support::daemon::{Daemon, Guard, POOLD};
use crate::support::net::connect_saying;
use crate::support::passed::cannot;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{Spool, wait_until};

/// A network of its own with one cable to this machine, which can be pulled.
struct Cable {
    name: String,
    /// This machine's end.
    ours: String,
}

impl Cable {
    /// `None` where that is not allowed.
    fn new() -> Option<Cable> {
        let id = std::process::id();
        let name = format!("poold-{id}");
        let (third, fourth) = (id / 64 % 256, id % 64 * 4);
        let [ours, theirs] = [1, 2].map(|end| format!("198.18.{third}.{}", fourth + end));
        if !ip(&["netns", "add", &name]) {
            cannot("allow network namespaces (unshare, ip, as root)");
            return None;
        }
        let cable = Cable { name, ours };
        let (near, far) = (format!("pn{id}"), "far");
        let ns = cable.name.as_str();
        let with_mask = |address: &str| format!("{address}/30");
        for args in [
            &[
                "link", "add", &near, "type", "veth", "peer", "name", far, "netns", ns,
            ][..],
            &["addr", "add", &with_mask(&cable.ours), "dev", &near],
            &["link", "set", &near, "up"],
            &["-n", ns, "addr", "add", &with_mask(&theirs), "dev", far],
            &["-n", ns, "link", "set", far, "up"],
        ] {
            if !ip(args) {
                cannot("allow network namespaces (unshare, ip, as root)");
                return None;
            }
        }
        Some(cable)
    }

    /// A client at the other end.
    fn client(&self, address: &str, name: &str) -> Guard {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name, POOLD, "client", address])
            .args(["--name", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Guard(command.spawn().expect("ip was there before"))
    }

    fn pull(&self) {
        let pulled = ip(&["-n", &self.name, "link", "set", "far", "down"]);
        assert!(pulled, "the cable is ours");
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // Its end of the cable goes with it, and so does ours.
        ip(&["netns", "del", &self.name]);
    }
}

fn ip(args: &[&str]) -> bool {
    let mut command = Command::new("ip");
    let status = command.args(args).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn a_ghost_gives_its_name_back_and_nothing_else() {
    let Some(cable) = Cable::new() else {
        return;
    };
    let scratch = Scratch::new();
    let file = scratch.join("password");
    std::fs::write(&file, "sesame\n").expect("our own directory");
    let listen = format!("{}:0", cable.ours);
    let operators = ["--operator-file", text(&file)];
    let mut daemon = Daemon::start(&[&["chat", &listen, "--drain", "1s"][..], &operators].concat());
    let bob = Talker::named(&daemon, "bob");
    let mut ghost = cable.client(&daemon.address, "ann");
    let shown = Spool::of(ghost.0.stdout.take().expect("piped"));
    let mut stdin = ghost.0.stdin.take().expect("piped");
    stdin.write_all(b"/op sesame\n").expect("it reads");
    shown.wait_line("-- you are an operator");
    // A client that was slow to ask for its name has come under another one.
    wait_until("ann is there", || bob.ask("/who") == "-- here: ann, bob");
    cable.pull();
    let (ann, guest, took) = come_back(&daemon, &bob);
    assert!(took >= Duration::from_secs(3), "{took:?}");
    // What was said after the name was asked for is said under it, and rights are not a name's.
    ann.wait("<ann> I am back");
    ann.wait("-- only operators can do that; /op PASSWORD makes one");
    let told = bob.wait("<ann> I am back");
    let once = format!("-- ann does not answer any more; {guest} is now called ann");
    assert_eq!(told, [format!("-- {guest} joined"), once]);
    assert_eq!(bob.ask("/who"), "-- here: ann, bob");
    let reason = "ann is disconnected: your host did not answer";
    daemon.stderr.wait_line(reason);
    drop((ann, bob, ghost, cable));
    daemon.stop();
}

/// Comes and asks for the name until it is given: an acknowledgement may still have been on its way
/// when the cable was pulled. Answers the name of its greeting as well, and how long the name took. What
/// came of an earlier try, bob has heard by then.
fn come_back(daemon: &Daemon, bob: &Talker) -> (Talker, String, Duration) {
    for _ in 0..10 {
        let begin = Instant::now();
        let stream = connect_saying(&daemon.address, "/nick ann\nI am back\n/kick bob\n");
        let name = "ann".to_owned();
        let ann = Talker { stream, name };
        let welcome = ann.hear();
        let guest = welcome.split([' ', ',']).nth(4).expect("a name").to_owned();
        let answer = loop {
            let heard = ann.hear();
            if heard.starts_with("-- you are ") {
                break heard;
            }
        };
        if answer == "-- you are now ann" {
            return (ann, guest, begin.elapsed());
        }
        drop(ann);
        let told = bob.wait(&format!("-- {guest} left"));
        assert!(told.iter().all(|line| !line.contains("ann")), "{told:?}");
    }
    panic!("ann's host still answers");
}

#[test]
fn a_connected_holder_keeps_its_name_however_quiet() {
    let daemon = chat(&[]);
    let _ann = Talker::named(&daemon, "ann");
    let eve = Talker::come(&daemon);
    for _ in 0..2 {
        let answer = eve.ask("/nick ANN");
        let why = "this name, or one that looks like it, is taken";
        assert_eq!(answer, format!("-- you are still guest-2: {why}"));
    }
}
