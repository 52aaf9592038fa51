//! Chat: what is kept in files, and comes back after a restart.

use std::io::Write;
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::chat::{Talker, chat};
use crate::support::daemon::{Daemon, POOLD};
use crate::support::scratch::{Scratch, text};

#[test]
fn rooms_are_kept_in_files_of_their_own_and_come_back() {
    let scratch = Scratch::new();
    let directory = scratch.join("rooms");
    let mut daemon = chat(&["--log", text(&directory)]);
    let ann = Talker::named(&daemon, "ann");
    ann.say("in the lobby\n/join Ops\n/topic outage\ncheck the pumps\n/me checks");
    ann.wait("#Ops * ann checks");
    drop(ann);
    assert_eq!(daemon.stop().code, Some(0));

    let lobby = std::fs::read_to_string(directory.join("lobby.log")).expect("its file");
    let (time, line) = lobby.split_at(21);
    assert_eq!(line, "<ann> in the lobby\n");
    assert!(
        time.ends_with("Z ") && time.as_bytes()[10] == b'T',
        "{time}"
    );
    let ops = directory.join("ops.log");
    let kept = std::fs::read_to_string(&ops).expect("its file");
    let kept: Vec<&str> = kept.lines().map(|line| &line[21..]).collect();
    assert_eq!(
        kept,
        ["-- topic: outage", "<ann> check the pumps", "* ann checks"]
    );

    // A crash has cut a line; the file has other text in it.
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&ops)
        .expect("its file");
    file.write_all(b"what is this\n2020-02-02T02:02:02Z <bob> old\x1b[2J\n2026-11-2")
        .expect("a file");
    let mut daemon = chat(&["--log", text(&directory)]);
    let bob = Talker::named(&daemon, "bob");
    bob.say("/join ops");
    bob.wait("#ops -- you joined ops");
    assert_eq!(bob.hear(), "#ops -- topic: outage");
    assert_eq!(
        bob.hear(),
        "#ops -- the last lines, with their times (UTC):"
    );
    for expected in ["#ops <ann> check the pumps", "#ops * ann checks"] {
        assert_eq!(bob.hear().split_once(' ').expect("a time").1, expected);
    }
    assert_eq!(bob.hear(), "2020-02-02 02:02 #ops <bob> old\\u{1b}[2J");
    bob.say("still there");
    bob.wait("#ops <bob> still there");
    drop(bob);
    daemon.stop();
    let kept = std::fs::read_to_string(&ops).expect("its file");
    let last: Vec<&str> = kept.lines().rev().take(2).collect();
    assert!(last[0].ends_with("Z <bob> still there"), "{last:?}");
    assert_eq!(last[1], "2026-11-2");
}

#[test]
fn a_line_that_a_full_disk_has_cut_does_not_swallow_the_next() {
    let scratch = Scratch::new();
    // In halves of a KiB.
    let script = "ulimit -f 16; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", POOLD, "chat", "127.0.0.1:0"]);
    command.args(["--rate", "off", "--log"]).arg(scratch.path());
    let daemon = Daemon::spawn(command.stdout(Stdio::null()));
    let ann = Talker::named(&daemon, "ann");
    ann.say("a line of some length\n".repeat(200));
    daemon.stderr.wait_line("can't write a room's file");
    // All of them have been said, and written or not.
    ann.heard();
    let path = scratch.join("lobby.log");
    let full = std::fs::read(&path).expect("its file");
    assert_eq!(full.len(), 8192);
    // Room for one more, after a line without its end.
    let cut = (7800..).find(|at| full[at - 1] != b'\n').expect("text");
    let file = std::fs::OpenOptions::new().write(true).open(&path);
    file.and_then(|file| file.set_len(cut as u64))
        .expect("ours");
    ann.say("whole");
    let again = daemon.stderr.wait_line("writing a room's file again");
    // Each takes 49 bytes of the 8192.
    assert!(again.contains("missing=33"), "{again}");
    let kept = std::fs::read_to_string(&path).expect("its file");
    let last = kept.lines().last().expect("lines");
    assert_eq!(last.split_at(21).1, "<ann> whole", "{last}");
}

#[test]
fn a_pipe_in_the_place_of_a_file_delays_no_member() {
    let scratch = Scratch::new();
    let pipe = scratch.join("lobby.log");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).expect("our directory");
    let mut daemon = chat(&["--log", text(scratch.path())]);
    let ann = Talker::named(&daemon, "ann");
    ann.say("hello");
    assert_eq!(ann.hear(), "<ann> hello");
    daemon.stderr.wait_line("can't write a room's file");
    drop(ann);
    assert_eq!(daemon.stop().code, Some(0));
}

#[test]
fn a_directory_that_cannot_be_is_said_at_once() {
    let scratch = Scratch::new();
    let file = scratch.join("file");
    std::fs::write(&file, "").expect("a file");
    let output = crate::support::daemon::poold(&["chat", "0", "--log", text(&file)]).output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains(text(&file)) && told.lines().count() == 1,
        "{told}"
    );
}
