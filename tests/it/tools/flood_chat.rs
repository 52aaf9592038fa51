//! `poold flood --chat`: it is content with a chat that keeps its word, and with no other.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::support::daemon::Daemon;
use crate::support::flood::Flood;
use crate::support::net::{end, reset, send, take_line};
use crate::support::spool::PATIENCE;

/// Each a client with a stream of its own.
const CLIENTS: usize = 3;

/// What is wrong with what a reader gets.
#[derive(Clone, Copy)]
enum Lie {
    Nothing,
    /// Two lines change places.
    Order,
    /// A line is left out.
    Gap,
    /// A line comes a second time, for all readers.
    Twice,
    /// A line is not what was said, for all readers.
    Damage,
}

/// A chat of three, in which the first one speaks.
fn liar(lie: Lie) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let chat = move || {
        let clients: Vec<TcpStream> = (0..CLIENTS)
            .map(|_| listener.accept().expect("it connects").0)
            .collect();
        for mut client in &clients {
            client.set_read_timeout(Some(PATIENCE)).expect("a socket");
            client
                .write_all(b"-- welcome; you are x, in lobby\n")
                .expect("it reads");
        }
        let said = BufReader::new(&clients[0]).lines().map_while(Result::ok);
        let mut late = VecDeque::new();
        for (number, text) in said.enumerate() {
            let here = number == 5;
            let line = match lie {
                Lie::Damage if here => format!("<x> {}\n", text.to_uppercase()),
                Lie::Twice if here => format!("<x> {text}\n").repeat(2),
                _ => format!("<x> {text}\n"),
            };
            for (at, mut client) in clients.iter().enumerate() {
                let is_lied_to = at == 2 && here;
                // Once it has seen enough, the flood goes.
                let _ = match lie {
                    Lie::Gap if is_lied_to => Ok(()),
                    Lie::Order if is_lied_to => {
                        late.push_back(line.clone());
                        Ok(())
                    }
                    _ => client.write_all(line.as_bytes()),
                };
                if let Some(line) = late.pop_front().filter(|_| at == 2 && !here) {
                    let _ = client.write_all(line.as_bytes());
                }
            }
        }
    };
    (address, std::thread::spawn(chat))
}

fn against(lie: Lie) -> (Option<i32>, Value) {
    let (address, chat) = liar(lie);
    let clients = CLIENTS.to_string();
    // What is missing is waited for.
    let timeout = match lie {
        Lie::Nothing => "30s",
        _ => "3s",
    };
    let args = [
        "--chat",
        "-c",
        &clients,
        "-n",
        "20",
        "--pipeline",
        "20",
        "--timeout",
        timeout,
    ];
    let found = Flood::start(&address, &args).wait();
    chat.join().expect("the chat ends when the flood does");
    found
}

#[test]
fn a_chat_that_keeps_its_word() {
    let (code, found) = against(Lie::Nothing);
    assert_eq!(code, Some(0), "{found}");
    assert_eq!(
        (&found["deliveries"], &found["missing"]),
        (&60.into(), &0.into())
    );
}

#[test]
fn a_reader_that_gets_other_lines_is_found() {
    for lie in [Lie::Order, Lie::Gap] {
        let (code, found) = against(lie);
        assert_eq!(code, Some(1), "{found}");
        // One differs from two, or two from one if that was the first to be read.
        let different = found["different"].as_u64().expect("a number");
        assert!((1..=2).contains(&different), "{found}");
        assert!(found["missing"].as_u64() > Some(0), "{found}");
    }
}

#[test]
fn a_forged_line_is_found_even_if_all_readers_get_it() {
    let (code, found) = against(Lie::Twice);
    assert_eq!((code, &found["misplaced"]), (Some(1), &1.into()), "{found}");
    let (code, found) = against(Lie::Damage);
    assert_eq!((code, &found["damaged"]), (Some(1), &1.into()), "{found}");
}

/// Three clients in a chat of our own; the line that begins the run was not sent back yet.
fn three(args: &[&str]) -> (Flood, Vec<TcpStream>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let clients = CLIENTS.to_string();
    let flood = Flood::start(&address, &[&["--chat", "-c", &clients][..], args].concat());
    let clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|_| listener.accept().expect("it connects").0)
        .collect();
    for client in &clients {
        client.set_read_timeout(Some(PATIENCE)).expect("a socket");
        send(client, "-- welcome; you are x, in lobby\n");
    }
    let start = format!("<x> {}\n", take_line(&clients[0]));
    (flood, clients, start)
}

#[test]
fn a_sender_that_is_lost_is_one_client() {
    let args = ["-n", "1000000", "--rate", "2000", "--timeout", "3s"];
    let (flood, mut clients, start) = three(&args);
    clients.iter().for_each(|client| send(client, &start));
    take_line(&clients[0]);
    reset(clients.remove(0));
    let (code, found) = flood.wait();
    assert_eq!((code, &found["closed"]), (Some(1), &1.into()), "{found}");
}

#[test]
fn an_end_right_after_a_line_is_seen() {
    let args = ["-n", "1", "--timeout", "10s"];
    let (flood, mut clients, start) = three(&args);
    clients.iter().for_each(|client| send(client, &start));
    let line = format!("<x> {}\n", take_line(&clients[0]));
    // So it finds both at once.
    flood.stand_still();
    let last = clients.pop().expect("three");
    send(&last, &line[..9]);
    end(&last);
    flood.go_on();
    clients.iter().for_each(|client| send(client, &line));
    let (code, found) = flood.wait();
    assert_eq!((code, &found["closed"]), (Some(1), &1.into()), "{found}");
    assert_eq!(found["timed_out"], false, "{found}");
}

#[test]
fn a_pause_of_a_low_rate_is_no_standstill() {
    let daemon = Daemon::start(&["chat", "127.0.0.1:0", "--rate", "off"]);
    // Five seconds between two lines.
    let args = ["--chat", "-c", "2", "-n", "2", "--rate", "0.2"];
    let args = [&args[..], &["--timeout", "4s"]].concat();
    Flood::start(&daemon.address, &args).wait_good();
}

#[test]
fn rooms_have_an_order_each() {
    let daemon = Daemon::start(&["chat", "127.0.0.1:0", "--rate", "off"]);
    let args = ["--chat", "-c", "60", "--senders", "8", "--rooms", "4"];
    let args = [&args[..], &["-n", "200", "--pipeline", "16"]].concat();
    let found = Flood::start(&daemon.address, &args).wait_good();
    // Eight senders, and fifteen in each room.
    assert_eq!(found["deliveries"], 8 * 200 * 15);
    let paced = ["--chat", "-c", "10", "--rate", "2000", "-n", "200"];
    let found = Flood::start(&daemon.address, &paced).wait_good();
    assert!(found["seconds"].as_f64() > Some(0.09), "{found}");
}

#[test]
fn a_stalled_client_is_disconnected_and_the_others_see_everything() {
    let daemon = Daemon::start(&["chat", "127.0.0.1:0", "--rate", "off"]);
    let args = [
        "--chat",
        "-c",
        "12",
        "--stalled",
        "15%",
        "--senders",
        "2",
        "-s",
        "1000",
    ];
    let args = [&args[..], &["-n", "6000", "--pipeline", "32"]].concat();
    let found = Flood::start(&daemon.address, &args).wait_good();
    assert_eq!(
        (&found["stalled_closed"], &found["readers"]),
        (&2.into(), &10.into())
    );
}
