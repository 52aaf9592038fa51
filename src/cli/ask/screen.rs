//! The layout of a daemon's state on a terminal.

use console::{StyledObject, style, truncate_str};

use super::tables::{aligned, tables};
use crate::cli::admin::{ClientRow, HintRow, OutputRow, Page, Sample, Status, WorkerRow};
use crate::cli::figures::{at_most, bytes, count, millis, plain, span, spark};

/// Columns of the history.
const SPARK: usize = 40;

/// The whole state, in lines of at most `width` columns.
pub(super) fn draw(status: &Status, width: usize) -> String {
    let mut lines = vec![headline(status), String::new()];
    lines.extend(figures(status));
    lines.extend(trouble(status));
    lines.extend(workers(status));
    lines.extend(tables(&status.tables));
    lines.extend(rows("busiest", &status.busiest));
    lines.extend(rows("not reading", &status.slowest));
    lines.extend(hinted(&status.hinted));
    let cut = |line: &String| format!("{}\n", truncate_str(line, width, "…"));
    lines.iter().map(cut).collect()
}

/// Redraws the lines in place, as many as fit.
pub(super) fn over(drawn: &str, height: usize, is_first: bool) -> String {
    let begin = if is_first { "\x1b[2J\x1b[H" } else { "\x1b[H" };
    let lines = drawn.lines().take(height.saturating_sub(1));
    let lines: String = lines.map(|line| format!("{line}\x1b[K\n")).collect();
    format!("{begin}{lines}\x1b[J")
}

fn headline(status: &Status) -> String {
    let phase = match status.phase.as_str() {
        "running" if status.is_paused => style("accepting is paused".to_owned()).yellow(),
        "running" => style("running".to_owned()).green(),
        other => style(plain(other)).yellow(),
    };
    let framing = status.framing.iter();
    let framing: String = framing
        .map(|framing| format!(", framing {}", plain(framing)))
        .collect();
    format!(
        "{} on {}  {}  up {}  (poold {}, process {}{framing})",
        style(plain(&status.service)).bold(),
        plain(&status.address),
        phase.bold(),
        span(status.uptime_s),
        plain(&status.version),
        status.pid
    )
}

fn label(name: &str) -> StyledObject<String> {
    style(format!("{name:<12}")).dim()
}

fn line(name: &str, left: &str, right: &str, columns: &str) -> String {
    let columns = style(columns).cyan();
    format!("{}{left:<24}{right:<26}{columns}", label(name))
}

fn figures(status: &Status) -> Vec<String> {
    let (clients, workers, traffic) = (&status.clients, &status.workers, &status.traffic);
    let now = |of: fn(&Sample) -> f64| status.history.last().map_or(0.0, of);
    let past = |of: fn(&Sample) -> f64| spark(status.history.iter().map(of), SPARK);
    let both = |show: fn(f64) -> String, taken: u64, given: u64| {
        format!("in {}  out {}", show(taken as f64), show(given as f64))
    };
    vec![
        line(
            "clients",
            &format!("{} of {}", clients.open, clients.max),
            &format!("ready {}  running {}", clients.ready, clients.running),
            &past(|sample| sample.clients as f64),
        ),
        line(
            "workers",
            &format!("{:.1} of {} busy", now(|sample| sample.busy), workers.total),
            &format!("stuck {}  panics {}", workers.stuck, workers.panics),
            &past(|sample| sample.busy),
        ),
        line(
            "messages",
            &format!("{}/s", count(now(|sample| sample.messages))),
            &both(count, traffic.messages_in, traffic.messages_out),
            &past(|sample| sample.messages),
        ),
        line(
            "bytes",
            &format!("{}/s", bytes(now(|sample| sample.bytes))),
            &both(bytes, traffic.bytes_in, traffic.bytes_out),
            &past(|sample| sample.bytes),
        ),
        line(
            "queue wait",
            &format!("p99 {}", at_most(now(|sample| sample.wait_ms))),
            &format!("ever: p99 {}", at_most(status.wait_ms.p99)),
            &past(|sample| sample.wait_ms),
        ),
        line(
            "turn",
            &format!("p99 {}", at_most(now(|sample| sample.turn_ms))),
            &format!("ever: p99 {}", at_most(status.turn_ms.p99)),
            &past(|sample| sample.turn_ms),
        ),
    ]
}

/// Refused, closed, cut and lost clients or messages, and the drain; empty if there are none.
fn trouble(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    if status.phase != "running" {
        let left = status.drain.left_ms.unwrap_or(0) as f64;
        lines.push(format!(
            "{}{} clients left, {} gone, {} cut off, at most {} more",
            label("drain"),
            status.clients.open,
            status.drain.left,
            status.drain.cut_off,
            millis(left)
        ));
    }
    lines.extend(status.output.as_ref().and_then(output));
    let acted: Vec<_> = status
        .acted()
        .map(|row| format!("{} {}", plain(&row.name), row.count))
        .collect();
    if !acted.is_empty() {
        lines.push(format!(
            "{}{}",
            label("limits"),
            style(acted.join("  ")).yellow()
        ));
    }
    lines
}

/// The output, if it is blocked or was.
fn output(output: &OutputRow) -> Option<String> {
    let waiting = bytes(output.waiting_bytes as f64);
    let now = style(format!("blocked for {}", span(output.blocked_s))).red();
    let ever = format!("blocked for {} in all", span(output.blocked_total_s));
    match output {
        _ if output.blocked_s >= 1.0 => Some(format!("{}{now}, {waiting} wait", label("output"))),
        _ if output.blocked_total_s > 0.0 => Some(format!("{}{ever}", label("output"))),
        _ => None,
    }
}

fn workers(status: &Status) -> Vec<String> {
    let busy = status
        .workers
        .list
        .iter()
        .filter(|one| one.busy_ms >= 1000 || one.is_stuck);
    let row = |one: &WorkerRow| {
        let line = format!(
            "{:<12}{} for {}, client {} ({})",
            plain(&one.name),
            if one.is_stuck { "stuck" } else { "busy" },
            span(one.busy_ms as f64 / 1000.0),
            one.client,
            plain(&one.peer)
        );
        if one.is_stuck {
            style(line).red().to_string()
        } else {
            line
        }
    };
    let mut lines: Vec<_> = busy.map(row).collect();
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

fn rows(name: &str, rows: &[ClientRow]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let head = format!(
        "{:<12}{:>10}  {:<28}{:>12}{:>14}{:>12}{:>10}{}",
        name,
        "id",
        "peer",
        "messages/s",
        "bytes/s",
        "owed",
        "quiet",
        drops_head(rows.iter().map(|row| row.dropped))
    );
    let mut lines = vec![String::new(), style(head).dim().to_string()];
    for row in rows {
        lines.push(format!(
            "{:<12}{:>10}  {:<28}{:>12}{:>14}{:>12}{:>10}{}{}",
            plain(&row.state),
            row.id,
            plain(&row.peer),
            count(row.messages_s),
            bytes(row.bytes_s),
            bytes(row.owed as f64),
            span(row.quiet_s),
            drops(row.dropped),
            via(row.via.as_ref())
        ));
    }
    lines
}

fn hinted(rows: &[HintRow]) -> Vec<String> {
    let lines = rows.iter().map(|row| {
        let hint = style(plain(&row.hint)).yellow();
        let via = via(row.via.as_ref());
        format!("{:>22}  {:<28}{hint}{via}", row.id, plain(&row.peer))
    });
    let head = (!rows.is_empty()).then(|| style("odd bytes".to_owned()).dim().to_string());
    let head = head.into_iter().flat_map(|head| [String::new(), head]);
    head.chain(lines).collect()
}

/// The column of a service that drops messages for slow readers.
fn drops_head(mut rows: impl Iterator<Item = Option<u64>>) -> String {
    match rows.any(|dropped| dropped.is_some()) {
        true => format!("{:>11}", "dropped"),
        false => String::new(),
    }
}

fn drops(dropped: Option<u64>) -> String {
    dropped.map_or_else(String::new, |dropped| format!("{dropped:>11}"))
}

/// The balancer, behind what is said of its client.
fn via(balancer: Option<&String>) -> String {
    balancer.map_or(String::new(), |balancer| {
        format!("  via {}", plain(balancer))
    })
}

/// The columns of a client that speaks TLS.
fn secured(tls: Option<&String>, name: Option<&String>) -> String {
    let texts = tls.into_iter().chain(name);
    texts.map(|text| format!("  {}", plain(text))).collect()
}

/// A page of clients; the first page with a headline.
pub(super) fn clients(page: &Page, is_first: bool) -> String {
    let head = "id peer state here quiet messages in answers out owed";
    let mut grid = vec![head.split(' ').map(str::to_owned).collect::<Vec<_>>()];
    grid.extend(page.clients.iter().map(|row| {
        vec![
            row.id.to_string(),
            plain(&row.peer),
            plain(&row.state),
            span(row.age_s),
            span(row.quiet_s),
            row.messages_in.to_string(),
            bytes(row.bytes_in as f64),
            row.messages_out.to_string(),
            bytes(row.bytes_out as f64),
            bytes(row.owed as f64),
        ]
    }));
    if page.clients.iter().any(|row| row.dropped.is_some()) {
        grid[0].push("dropped".to_owned());
        for (cells, row) in grid[1..].iter_mut().zip(&page.clients) {
            cells.push(
                row.dropped
                    .map_or_else(String::new, |dropped| dropped.to_string()),
            );
        }
    }
    let mut shown = aligned(&grid, |at| at == 1 || at == 2).into_iter();
    let tls = match page.clients.iter().any(|row| row.tls.is_some()) {
        true => "  TLS",
        false => "",
    };
    let head = shown.next().filter(|_| is_first);
    let head = head.map(|head| head + tls);
    let mut lines: Vec<_> = head
        .map(|head| style(head).dim().to_string())
        .into_iter()
        .collect();
    for (line, row) in shown.zip(&page.clients) {
        let more = secured(row.tls.as_ref(), row.name.as_ref());
        lines.push(line + &more + &via(row.via.as_ref()));
        let hint = row.hint.iter().map(|hint| style(plain(hint)).yellow());
        lines.extend(hint.map(|hint| format!("    {hint}")));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}
