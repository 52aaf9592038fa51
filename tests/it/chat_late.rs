//! Chat: somebody is late, and the room waits. Nothing that was said is lost by it.

use std::thread;

use poold::Options;
use poold::service::chat::{Chat, Settings};

use crate::house::{finish, options, serve};
use crate::net::{connect, end, send, take_line, take_to_end};
use crate::talk::{Talker, chat};

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
fn what_is_said_at_the_console_waits_for_who_is_late() {
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
