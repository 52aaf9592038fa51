//! Chat: what people send to fool others, by malice or by accident.

use crate::support::chat::{Talker, chat};
use crate::support::net::{end, reset, send, take, take_line};

/// The lines that ann hears of what eve sends.
fn heard_of(sent: &[u8]) -> Vec<String> {
    let daemon = chat(&["--rate", "off"]);
    let ann = Talker::named(&daemon, "ann");
    let eve = Talker::named(&daemon, "eve");
    ann.wait("-- eve joined");
    send(&eve.stream, sent);
    eve.heard();
    ann.heard()
}

#[test]
fn nothing_reaches_a_terminal_but_text() {
    let sent = "a\x1b[2Jb\rc\x07\0\x7f\u{9b}1m\u{202e}x\u{2028}y\n\
                Grüße \u{5d0}\u{5d1} 👩\u{200d}🚀\n";
    let expected = [
        "<eve> a\\u{1b}[2Jb",
        "<eve> c\\u{7}\\u{9b}1m\\u{202e}x\\u{2028}y",
        "<eve> Grüße \u{5d0}\u{5d1} 👩\u{200d}🚀",
    ];
    assert_eq!(heard_of(sent.as_bytes()), expected);
}

#[test]
fn no_text_looks_like_a_line_of_the_server_or_of_another() {
    let forged = "-- ann left\n<ann> I resign\n* ann waves\n[ann] psst\n12:00 <ann> x\n\
                  /me <ann> x\n/topic x\u{2028}-- ann left\n/nick ann\n//me x\n/quit -- ann left\n";
    let expected = [
        "<eve> -- ann left",
        "<eve> <ann> I resign",
        "<eve> * ann waves",
        "<eve> [ann] psst",
        "<eve> 12:00 <ann> x",
        "* eve <ann> x",
        "-- topic: x\\u{2028}-- ann left",
        "<eve> /me x",
        "* eve leaves: -- ann left",
    ];
    let daemon = chat(&["--rate", "off"]);
    let ann = Talker::named(&daemon, "ann");
    let eve = Talker::named(&daemon, "eve");
    ann.wait("-- eve joined");
    send(&eve.stream, forged);
    let heard: Vec<String> = expected.iter().map(|_| ann.hear()).collect();
    assert_eq!(heard, expected);
}

#[test]
fn a_line_of_a_megabyte_is_cut_and_marked_and_the_next_is_whole() {
    let mut sent = vec![b'x'; 1 << 20];
    sent.extend_from_slice(b"\nshort\n");
    let heard = heard_of(&sent);
    assert_eq!(heard.len(), 2, "{:?}", heard.iter().map(String::len));
    assert_eq!(
        heard[0].len(),
        "<eve>  (cut here: the line was too long)".len() + 8192
    );
    assert!(heard[0].ends_with("xx (cut here: the line was too long)"));
    assert_eq!(heard[1], "<eve> short");
}

#[test]
fn the_longest_escapes_arrive_whole() {
    let mut sent = vec![1; 8192];
    sent.push(b'\n');
    let heard = heard_of(&sent.repeat(9));
    assert_eq!(heard.len(), 9);
    for line in heard {
        assert_eq!(line, format!("<eve> {}", "\\u{1}".repeat(8192)));
    }
}

#[test]
fn bytes_that_are_no_text_and_characters_in_two_packets() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    let eve = Talker::named(&daemon, "eve");
    ann.wait("-- eve joined");
    send(&eve.stream, b"before\n\xc3");
    // The first half has been read for sure when the line before it is heard.
    assert_eq!(ann.hear(), "<eve> before");
    send(&eve.stream, b"\xa9t\xc3\xa9\n\xc3\nok \xe4\xb8\n");
    assert_eq!(ann.hear(), "<eve> été");
    assert_eq!(ann.hear(), "<eve> \\xc3");
    assert_eq!(ann.hear(), "<eve> ok \\xe4\\xb8");
}

#[test]
fn telnet_negotiation_is_not_heard() {
    let sent = b"\xff\xfb\x18\xff\xfd\x01hello\r\n\xff\xfb\nthere\r\n\xff\xf1\r\n";
    assert_eq!(heard_of(sent), ["<eve> hello", "<eve> there"]);
}

#[test]
fn a_telnet_after_ctrl_c_hears_on() {
    let daemon = chat(&[]);
    let eve = Talker::come(&daemon);
    // IP and DO TIMING-MARK: until that is answered telnet shows nothing.
    send(&eve.stream, b"\xff\xf4\xff\xfd\x06/nothing\r\n");
    assert_eq!(take(&eve.stream, 3), b"\xff\xfc\x06");
    eve.wait("-- there is no /nothing; /help lists what there is");
    send(&eve.stream, b"\xff\xfd\x01/nothing\r\n");
    // To a terminal that telnet has in its hands a line feed alone is no new line.
    let answer = "-- there is no /nothing; /help lists what there is\r";
    assert_eq!(take_line(&eve.stream), answer);
    // It does not wait for a line, and is answered once.
    for _ in 0..2 {
        send(&eve.stream, b"\xff\xf4\xff\xfd\x06");
        assert_eq!(take(&eve.stream, 3), b"\xff\xfc\x06");
    }
    send(&eve.stream, b"/nothing\r\n");
    assert_eq!(take_line(&eve.stream), answer);
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_line_does_no_harm() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    let eve = Talker::named(&daemon, "eve");
    ann.wait("-- eve joined");
    eve.say("whole");
    send(&eve.stream, "half");
    eve.wait("<eve> whole");
    reset(eve.stream);
    ann.wait("-- eve left");
    let bob = Talker::named(&daemon, "bob");
    ann.wait("-- bob joined");
    send(&bob.stream, "the rest");
    end(&bob.stream);
    assert_eq!(ann.hear(), "<bob> the rest");
    ann.wait("-- bob left");
}

#[test]
fn a_room_is_not_made_beside_one_that_it_could_be_taken_for() {
    let daemon = chat(&[]);
    let ann = Talker::named(&daemon, "ann");
    assert_eq!(ann.ask("/join general"), "#general -- you joined general");
    let why = "-- there is a room whose name looks like that";
    assert_eq!(ann.ask("/join generaI"), why, "a capital I");
    assert_eq!(ann.ask("/join genera1"), why);
}
