//! Signals, exit codes, log events.
//!
//! # Signals
//!
//! | signal | what it does |
//! | --- | --- |
//! | SIGINT (Ctrl-C), SIGTERM, SIGHUP | the first drains, the next ends at once: who is left is reset. Under a service manager none does anything to a process that has handed over to another |
//! | SIGPIPE | ignored: a reader of the output that is gone is an error of the write |
//! | SIGKILL | ends it; see [`promises`](super::promises) |
//! | others | as the system has them: SIGUSR1 and SIGUSR2 end it |
//!
//! No signal is needed to rotate `--output` (rename it) or to read `--allow` and `--deny` files
//! again (change them).
//!
//! # Exit codes
//!
//! | code | means |
//! | --- | --- |
//! | 0 | drained, or printed what was asked for |
//! | 1 | could not start, or could not do it; the line says why. `poold status`: also when no worker is left |
//! | 2 | what was typed makes no sense |
//! | 3 | somebody was cut off, or not everything could be delivered |
//! | 130 | Ctrl-C ended a client, `poold client`, or a flood at once, `poold flood` |
//! | 141 | nobody reads the output any more |
//!
//! # Log
//!
//! To the standard error, one event a line; `--log-level`, `--log-format`. Text has no time:
//! terminals and journals have their own. `logfmt` and `json` have it. What belongs to a client has
//! its connection's number `id` and its address `peer`. A line that is not taken within a quarter
//! of a second is left out, and counted: a log that nobody reads holds nobody up. One terminal may:
//! another user's that was stopped, since it can't be opened anew for this process alone.
//!
//! | event | what to do |
//! | --- | --- |
//! | `listening on …` | nothing: clients are served |
//! | `admin on …` | nothing: `poold status` asks there |
//! | `Press Ctrl-C to stop` | as it says |
//! | `draining in …` | wait for `--drain-delay`, or press Ctrl-C again |
//! | `draining; press Ctrl-C again to end at once` | wait |
//! | `draining already; press Ctrl-C again to end at once` | wait: the drain began otherwise |
//! | `draining already; --drain is the longest that it takes` | wait: a successor serves |
//! | `closing a client: asked for through the admin endpoint`, `accepting is paused: asked for through the admin endpoint`, `accepting again: asked for through the admin endpoint`, `draining: asked for through the admin endpoint` | ask whoever may use its socket, if it is a surprise |
//! | `drained in …` | look at who was cut off, and at received and delivered; with the framing `raw` what one read returned is a piece, and `exec` without `--lines` counts clients served |
//! | `restarting: a new process has been started` | wait for one of the next two |
//! | `handed over; draining who is here` | nothing: `pid` serves now |
//! | `not restarted; this one goes on` | mend what `reason` says, restart again |
//! | `a successor ended before it was ready; this one goes on` | its own log says why |
//! | `nobody to take over from; starting as ever` | nothing, if that was expected |
//! | `the other poold is gone; this one goes on alone` | it died while it handed over: see its log |
//! | `the other poold does not answer; this one goes on` | stop it: two may accept |
//! | `no answer; the watchdog is not fed` | all workers are busy, or the acceptor is stuck; more workers, or a longer `WatchdogSec=` |
//! | `the service manager can't be reached` | mend `NOTIFY_SOCKET` |
//! | `no restart, no watchdog and no history from now on` | the system gave no descriptor or memory; restart |
//! | `a worker does not come back from its handler` | see what the handler waits for |
//! | `the stuck worker is back` | more workers, if it happens often |
//! | `cannot accept; clients wait or are turned away until it passes` | raise the descriptor limit or lower `--max-clients` |
//! | `accepting again` | it has passed |
//! | `this listener is dead; nobody can connect to it any more` | restart it |
//! | `the acceptor can't be woken`, `the acceptor can't wait for clients; pausing` | the system is out of memory; restart |
//! | `the poller failed`, `the poller can't be woken` | likewise |
//! | `the handler panicked; its client is closed` | mend the handler; `panic` and `panic again` say where |
//! | `can't watch a client; it is closed` | raise `fs.epoll.max_user_watches` |
//! | `the output blocks; clients are not read until it takes more` | see to whoever reads it, or the disk |
//! | `the output takes more again` | it has passed |
//! | `cannot write the output; nothing is lost, clients wait, trying again` | make room on the disk |
//! | `writing the output again` | it has passed |
//! | `nobody reads the output any more` | it drains and ends with 141 |
//! | `the program failed`, `the program can't be started` | see its complaints; mend it |
//! | `too many lines on its standard error` | have the program say less |
//! | `stderr: …` | what a program of `exec` complained of |
//! | `can't write a room's file; the lines are lost` | make room on the disk |
//! | `a room's file is written too slowly: …` | see to the disk |
//! | `writing a room's file again` | it has passed; `missing` is how many lines are not in it |
//! | `can't read a room's file; it begins without a past` | mend the file or its mode |
//! | `read the address list again` | nothing |
//! | `the log was not taken; lines are left out of it` | see to whoever reads the log; `lines` is how many so far |
//! | `the address list stays as it was; mend the file` | as it says |
//!
//! Limits log one line when they begin to act, and `no more: …` with the count when they have been
//! quiet for 5 s:
//!
//! - `full: as many clients as max-clients allows` (`--max-clients`)
//! - `refusing clients: their address has its share` (`--max-per-address`)
//! - `refusing clients: their address is not allowed` (`--allow`, `--deny`)
//! - `accepting more slowly: clients come faster than accept-rate` (`--accept-rate`)
//! - `refusing clients: those who are here wait too long for a worker` (`--overload`)
//! - `closing clients that connect and say nothing` (`--first-byte`)
//! - `closing clients that have said nothing for too long` (`--idle`)
//! - `closing clients that don't end a message they began` (`--message`, `--min-rate`)
//! - `closing clients that don't read what they are sent` (`--write-stall`)
//! - `closing clients that have been here for too long` (`--lifetime`)
//! - `closing clients that rested longest, to make room` (`--when-full shed`)
//! - `refusing clients: as many wait for a worker as the queue holds` (`--queue`; `exec` without
//!   `--lines`)
//! - `refusing clients: they have waited for a worker for max-wait` (`--max-wait`; `exec`
//!   without `--lines`)
//! - `not taking whole what is longer than message-max` (`--message-max`, `--overlong`)
//! - `closing clients that don't send messages as the framing says` (`--framing`)
//!
//! At the level `debug` each client's `connected` and `closed` come with its figures and how it
//! ended, and `reads no more` when a client is gone while it was owed something.
