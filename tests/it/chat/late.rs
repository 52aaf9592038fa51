//! Chat: a member is late, and the room waits. No line is lost by it.

use std::io::{ErrorKind, Write};
use std::thread;
use std::time::Duration;

use poold::Options;
use poold::service::chat::{Chat, Settings};
use socket2::SockRef;

use crate::support::chat::{Talker, chat};
use crate::support::net::{connect, end, send, take_all, take_line, take_to_end};
use crate::support::server::{finish, options, serve};

#[test]
fn lines_and_commands_of_one_paste_are_all_heard_in_their_order() {
    // So little may wait for a reader that the room has to wait again and again.
    let daemon = chat(&["--rate", "off", "--outbox-max", "1k"]);
    let ann = Talker::named(&daemon, "ann");
    let bob = Talker::named(&daemon, "bob");
    ann.wait("-- bob joined");
    let text = "x".repeat(400);
    let lines = (0..600).map(|number| match number % 4 {
        1 | 3 => format!("/me {number} {text}\n"),
        _ => format!("{number} {text}\n"),
    });
    let paste = lines.collect::<String>();
    thread::scope(|scope| {
        scope.spawn(|| {
            send(&bob.stream, paste);
            end(&bob.stream);
        });
        scope.spawn(|| take_to_end(&bob.stream));
        for number in 0..600 {
            let heard = ann.hear();
            let said = heard.split(' ').find_map(|word| word.parse().ok());
            let (start, length) = (heard.chars().take(20).collect::<String>(), heard.len());
            assert_eq!(said, Some(number), "{start}… of {length} bytes");
        }
    });
}

#[test]
fn lines_of_the_console_wait_for_late_members() {
    let chat = Chat::new(Settings::default());
    let options = Options {
        outbox_max: 1024,
        send_buffer: Some(4096),
        ..options()
    };
    let (server, address) = serve(options, chat.clone());
    let mut console = chat.console(|| {});
    let ann = connect(&address);
    assert!(take_line(&ann).starts_with("-- welcome; you are guest-1"));
    // Never reads.
    let eve = connect(&address);
    let mut eve_has_left = false;
    let text = "x".repeat(4000);
    for number in 0.. {
        assert!(console.say(format!("{number} {text}").as_bytes()));
        console.shown();
        let said = loop {
            let heard = take_line(&ann);
            match heard.strip_prefix("<console> ") {
                Some(said) => break said.to_owned(),
                None => eve_has_left |= heard == "-- guest-2 left",
            }
        };
        assert_eq!(said, format!("{number} {text}"));
        if eve_has_left {
            break;
        }
    }
    drop((ann, eve, console));
    finish(server);
}

#[test]
fn a_member_that_writes_and_never_reads_is_disconnected_with_a_reason() {
    let mut daemon = chat(&["--rate", "off"]);
    let ann = Talker::named(&daemon, "ann");
    let eve = Talker::named(&daemon, "eve");
    ann.wait("-- eve joined");
    // The lines come back to her; when no more is taken of her, the server waits for her to read.
    let piece = format!("{}\n", "x".repeat(999)).repeat(64);
    let listens = thread::spawn(move || {
        let mut heard = 0;
        while ann.hear() != "-- eve left" {
            heard += 1;
        }
        (ann, heard)
    });
    let soon = Duration::from_millis(50);
    eve.stream.set_write_timeout(Some(soon)).expect("a socket");
    // So little is in flight that it does not cut off the reason.
    SockRef::from(&eve.stream)
        .set_send_buffer_size(8 * 1024)
        .expect("a socket");
    // How long the server takes to read, and ann to hear what was said, depends on the machine: she
    // goes on until it is known that she has left, and reads then, before she is reset.
    let mut said = 0;
    while !listens.is_finished() {
        match (&eve.stream).write(piece.as_bytes()) {
            Ok(length) => said += length,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    let (ann, heard) = listens.join().expect("it hears that she has left");
    assert!(heard * 1000 <= said, "{heard} lines of {said} bytes");
    let (last, _) = take_all(&eve.stream);
    assert!(last.ends_with(b"-- you are disconnected: you did not read what was said\n"));
    drop((ann, eve));
    let exit = daemon.stop();
    let reason = "eve is disconnected: you did not read what was said (peer=127.0.0.1:";
    assert_eq!(exit.stderr.matches(reason).count(), 1, "{}", exit.stderr);
}

#[test]
fn a_member_that_pastes_too_much_is_told_how_long_it_waits() {
    let daemon = chat(&[]);
    let bob = Talker::named(&daemon, "bob");
    let paste = |lines: usize| "a line of 20 letters\n".repeat(lines);
    bob.say(paste(2000));
    let told = loop {
        let heard = bob.hear();
        if heard.starts_with("-- ") {
            break heard;
        }
    };
    let begin = "-- your lines are delayed to 10 a second: about ";
    let rest = told.strip_prefix(begin).unwrap_or_else(|| panic!("{told}"));
    let (lines, time) = rest
        .split_once(" wait so far, the last for ")
        .expect("a time");
    let lines: u64 = lines.parse().expect("a number");
    assert!((1800..=1900).contains(&lines), "{told}");
    assert!(
        ["3m", "3m 10s"].contains(&time) || time.starts_with("3m "),
        "{told}"
    );
    // A short one is not worth a word.
    let ann = Talker::named(&daemon, "ann");
    send(&ann.stream, paste(105));
    end(&ann.stream);
    let heard = String::from_utf8(take_to_end(&ann.stream)).expect("UTF-8");
    assert!(!heard.contains("delayed"), "{heard}");
}
