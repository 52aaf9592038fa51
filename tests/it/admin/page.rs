//! The admin's page in a browser: it shows what is, runs without an error, and takes nothing from
//! clients for markup.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::support::admin::Watched;
use crate::support::daemon::Guard;
use crate::support::net::{connect, send};
use crate::support::passed::lacks;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::{Spool, wait_until};

/// The page as it is after a few looks at the server, and what the browser had to complain of;
/// `None` if there is no browser. On a busy machine it takes longer until the page has this.
fn browse(watched: &Watched, has: &str) -> Option<(String, String)> {
    let mut seen = None;
    for seconds in [2, 5, 10] {
        seen = browse_for(watched, seconds);
        if seen.as_ref().is_none_or(|(page, _)| page.contains(has)) {
            break;
        }
    }
    seen
}

fn browse_for(watched: &Watched, seconds: u64) -> Option<(String, String)> {
    let profile = Scratch::new();
    let mut command = Command::new("chromium");
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
    ]);
    command.args([
        "--enable-logging=stderr",
        &format!("--virtual-time-budget={seconds}500"),
        "--dump-dom",
    ]);
    command.arg(format!("--user-data-dir={}", text(profile.path())));
    command.arg(format!("http://{}/", watched.tcp));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(child) = command.spawn() else {
        lacks("chromium");
        return None;
    };
    let mut guard = Guard(child);
    let out = Spool::of(guard.0.stdout.take().expect("piped"));
    let err = Spool::of(guard.0.stderr.take().expect("piped"));
    guard.wait_exit();
    let page = String::from_utf8_lossy(&out.wait_end()).into_owned();
    let said = String::from_utf8_lossy(&err.wait_end()).into_owned();
    let complaints = said.lines().filter(|line| line.contains("CONSOLE"));
    Some((page, complaints.collect()))
}

/// What an element with this name contains, as markup.
fn inside<'a>(page: &'a str, id: &str) -> &'a str {
    let from = page.find(&format!("id=\"{id}\"")).expect("it is there");
    let rest = &page[from..];
    let begin = rest.find('>').expect("it ends") + 1;
    let end = rest[begin..].find("</").expect("it is closed");
    &rest[begin..begin + end]
}

#[test]
fn it_shows_clients_and_the_drain_as_they_are() {
    // One that waits for its clients in a drain.
    let watched = Watched::start(&["recv", "127.0.0.1:0", "--drain", "60s", "-w", "3"]);
    let clients: Vec<_> = (0..7).map(|_| connect(&watched.daemon.address)).collect();
    for client in &clients {
        send(client, "hello\n");
    }
    wait_until("all are read", || {
        watched.metric("poold_messages_received_total") == 7.0
    });
    let peer = clients[3].local_addr().expect("connected").to_string();
    let row = format!(">{peer}<");
    // Clients are shown that have sent something lately: here, a line that does not end.
    let over = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                send(&clients[3], "x");
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let seen = browse(&watched, &row);
        over.store(true, Ordering::Relaxed);
        seen
    });
    let Some((page, complaints)) = seen else {
        return;
    };
    assert_eq!(complaints, "");
    let title = format!("recv on {}", watched.daemon.address);
    assert_eq!(inside(&page, "title"), title);
    assert_eq!(inside(&page, "phase"), "running");
    for shown in [">7 <small>of ", ">of 3<", "in 7<", "Nothing so far."] {
        assert!(page.contains(shown), "no {shown} in {page}");
    }
    assert!(page.contains(&row), "no {row} in {page}");

    watched.daemon.signal(Signal::TERM);
    wait_until("it drains", || watched.get("/readyz").status == 503);
    let (page, complaints) = browse(&watched, "7 clients are left").expect("it was there");
    assert_eq!(complaints, "");
    assert_eq!(inside(&page, "phase"), "draining");
    assert!(
        inside(&page, "drain-text").starts_with("7 clients are left, 0 gone"),
        "{page}"
    );
}

#[test]
fn nothing_that_is_shown_is_taken_for_markup() {
    let dir = Scratch::new();
    let name = "<img src=x onerror=document.title='taken'>";
    let address = format!("unix:{}", text(&dir.join(name)));
    let watched = Watched::start(&["echo", &address]);
    let page = watched.get("/");
    assert!(
        page.head
            .contains("Content-Security-Policy: default-src 'none'")
    );
    let Some((page, _)) = browse(&watched, "&lt;img src=x") else {
        return;
    };
    assert!(inside(&page, "title").contains("&lt;img src=x"), "{page}");
    assert!(!page.contains("<img") && !page.contains("<title>taken"));
}

#[test]
fn the_sources_of_a_feed_are_shown() {
    let source = "exec:sleep 100";
    let watched = Watched::start(&["hub", "127.0.0.1:0", "--from", source]);
    let Some((page, complaints)) = browse(&watched, source) else {
        return;
    };
    assert!(complaints.is_empty(), "{complaints}");
    for shown in [source, "Feed", "Sources", "last heard", "never"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}
