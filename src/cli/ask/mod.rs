//! `poold status`, `clients`, `close`, `pause`, `resume`, `drain` and `set` query and control a
//! running daemon over its admin address.

mod args;
mod fetch;
mod screen;
mod tables;

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::admin::{Page, Status};
use super::exit::{Failure, print, told};
use super::figures::plain;
use super::terminal::is_capable;
pub(super) use args::{AdminAddress, ClientsArgs, CloseArgs, SetArgs, StatusArgs};
use clap::ValueEnum;
use fetch::{Answer, Method, fetch};

/// Time between two queries of `--watch`.
const WATCH_EACH: Duration = Duration::from_secs(1);
/// Clients per query.
const PAGE: usize = 1000;

/// The result of a command: `false` exits with 1.
type Outcome = Result<bool, Failure>;

/// Prints the state of a daemon; the exit code is 1 if all workers are stuck.
pub(super) fn status(args: &StatusArgs) -> ExitCode {
    told(if args.watch {
        watch(&args.place)
    } else {
        once(args)
    })
}

fn once(args: &StatusArgs) -> Outcome {
    let body = look(&args.place, "/status")?;
    let status = read_status(&body)?;
    if args.json {
        print(&[body.as_slice(), b"\n"].concat())?;
    } else {
        let (_, width) = console::Term::stdout().size();
        let width = if io::stdout().is_terminal() {
            usize::from(width)
        } else {
            100
        };
        print(screen::draw(&status, width).as_bytes())?;
    }
    Ok(status.workers.stuck < status.workers.total)
}

/// Redraws the state until Ctrl-C, or until the daemon does not answer.
fn watch(admin: &AdminAddress) -> Outcome {
    let term = console::Term::stdout();
    let mut is_first = true;
    loop {
        let began = Instant::now();
        let status = read_status(&look(admin, "/status")?)?;
        let (height, width) = term.size();
        let drawn = screen::draw(&status, usize::from(width));
        if io::stdout().is_terminal() && is_capable() {
            print(screen::over(&drawn, usize::from(height), is_first).as_bytes())?;
        } else {
            print(format!("{drawn}\n").as_bytes())?;
        }
        is_first = false;
        std::thread::sleep(WATCH_EACH.saturating_sub(began.elapsed()));
    }
}

/// Prints the clients, page by page.
pub(super) fn clients(args: &ClientsArgs) -> ExitCode {
    told(list(args).map(|()| true))
}

fn list(args: &ClientsArgs) -> Result<(), Failure> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let filters = [
        ("address", &args.address),
        ("state", &args.state),
        ("min_age", &args.min_age),
        ("max_age", &args.max_age),
        ("min_quiet", &args.min_quiet),
    ];
    for (name, value) in filters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    let mut after = 0;
    let mut is_first = true;
    loop {
        let path = format!("/clients?limit={PAGE}&after={after}&{query}");
        let body = look(&args.place, path.trim_end_matches('&'))?;
        let page: Page = serde_json::from_slice(&body).map_err(|error| strange(&error))?;
        let mut lines = String::new();
        if args.json {
            for row in &page.clients {
                lines += &serde_json::to_string(row).map_err(|error| strange(&error))?;
                lines.push('\n');
            }
        } else {
            lines = screen::clients(&page, is_first);
        }
        print(lines.as_bytes())?;
        match page.next {
            Some(next) if next > after => after = next,
            _ => return Ok(()),
        }
        is_first = false;
    }
}

/// Closes a client.
pub(super) fn close(args: &CloseArgs) -> ExitCode {
    change(&args.place, &format!("/clients/{}/close", args.id))
}

/// Changes a setting.
pub(super) fn set(args: &SetArgs) -> ExitCode {
    let name = args.what.to_possible_value();
    let name = name.as_ref().map_or("", |value| value.get_name());
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.append_pair(name, &args.value).finish();
    change(&args.place, &format!("/set?{query}"))
}

/// Posts to a path, and prints the answer.
pub(super) fn change(admin: &AdminAddress, path: &str) -> ExitCode {
    let answered = answer(admin, Method::Post, path).and_then(|body| {
        let line = plain(String::from_utf8_lossy(&body).trim());
        print(format!("{line}\n").as_bytes())
    });
    told(answered.map(|()| true))
}

fn look(admin: &AdminAddress, path: &str) -> Result<Vec<u8>, Failure> {
    answer(admin, Method::Get, path)
}

fn answer(admin: &AdminAddress, method: Method, path: &str) -> Result<Vec<u8>, Failure> {
    let Answer { status, body } = fetch(admin, method, path)?;
    let line = || plain(String::from_utf8_lossy(&body).trim());
    match status {
        200 => Ok(body),
        400 => Err(Failure::Usage(line())),
        _ => Err(Failure::Failed(line())),
    }
}

fn read_status(body: &[u8]) -> Result<Status, String> {
    serde_json::from_slice(body).map_err(|error| strange(&error))
}

fn strange(error: &serde_json::Error) -> String {
    format!("the answer is not understood; is it a poold of another version? ({error})")
}
