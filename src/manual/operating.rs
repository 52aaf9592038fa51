//! Start, stop, restart; systemd, containers, load balancers.
//!
//! # Start
//!
//! `poold recv :5140 --output lines.log`. The line `listening on …` comes when it is true. What is
//! wrong with an argument or an address is one line on the standard error and exit code 2 or 1;
//! nothing is served then. Each option is an environment variable, too: `--drain 20s` is
//! `POOLD_DRAIN=20s`.
//!
//! # Stop
//!
//! Ctrl-C or SIGTERM drains: the backlog is accepted, the port closes, each client is served what
//! it has sent, gets what it is owed and sees the end of the stream. The drain is over when the
//! last client has closed, and after `--drain` (8 s) at the latest; who is left then is reset. A
//! second signal does that at once. The last line says how many were cut off, and the exit code
//! is 3 if anybody was.
//!
//! Whoever stops poold must give it more time than `--drain`: systemd's `TimeoutStopSec=`,
//! `docker stop --time`, `terminationGracePeriodSeconds`.
//!
//! # Restart without loss
//!
//! With `--control PATH` a running poold can be replaced while clients connect:
//!
//! ```sh
//! poold recv :5140 --output lines.log --control /run/poold/control
//! poold restart --control /run/poold/control      # also after the program was replaced
//! ```
//!
//! The running process starts the program again, by the path and with the arguments it was
//! started with. The new process gets the listening sockets, opens its output, and says when it
//! accepts; only then the old one stops accepting and drains. Nobody is refused: the backlog is
//! one, and it is the new process's from that moment on. If the new process does not start, ends,
//! or is not ready within `--ready-timeout` (60 s) and is then killed, the old one goes on, `poold
//! restart` says why in one line, and its exit code is 1.
//!
//! Other arguments need another start: `poold recv … --control PATH --take-over` takes over from
//! whoever is reached there, and starts as ever if nobody is. The address can't change this way.
//! Between containers it works over a shared directory, as long as both may open the socket.
//!
//! - Who is connected is served to the end by the old process, which shuts its side: a client that
//!   stays must connect again. It is a drain, bounded by `--drain`.
//! - Two processes write the output while the old one drains. In a file every line stays whole.
//!   In a pipe a write of more than 4 KiB may be cut by the other's: prefer `--output`.
//! - A message that the old process reads after it has shut its side may come after a later one
//!   of the same client that the new process has read. Acknowledged ones (`--ack`) do not.
//! - The socket's mode is 0600: only its user and root can restart.
//! - Started from a shell, the new process is no job of the shell's; stop it by its number.
//!   Where the process that was started is the service (PID 1 of a container, `Type=simple`), its
//!   end is the service's end: let the container be replaced instead, or use `Type=notify`.
//!
//! # Watching and changing it
//!
//! `--admin ADDRESS`, repeatable, answers over HTTP from a worker of its own, also when every other
//! worker is stuck: `/metrics` (see [`metrics`](super::metrics)), `/healthz` (503 when no worker is
//! left), `/readyz`, `/status`, `/clients`, and a live page at `/`. Over TCP nothing can be
//! changed; over `unix:PATH` (mode 0600) `poold close`, `pause`, `resume`, `drain` and `set` do.
//! There is no password: keep a TCP address to this machine, or behind a proxy.
//!
//! # systemd
//!
//! `scripts/poold.socket` and `scripts/poold.service` are made to be used as they are, and
//! changed with `systemctl edit`.
//!
//! - **Readiness**: `Type=notify`. READY=1 is sent when clients are served; STATUS= has figures,
//!   renewed every 5 s if they changed; RELOADING=1 and MAINPID= come with a restart; STOPPING=1
//!   with the drain, and EXTEND_TIMEOUT_USEC= as long as a drain makes progress.
//! - **Watchdog**: with `WatchdogSec=` WATCHDOG=1 is sent only when the acceptor, and a worker
//!   that came for it through the ready queue, have answered since the last time. While every
//!   worker is in a handler none comes: choose the time longer than handlers may take. For `recv`
//!   leave it out: its workers wait while the disk is full, and to be ended for that would lose
//!   what was read. During a drain the drain's deadline takes its place.
//! - **Sockets**: the ADDRESS `systemd` takes every socket that is handed over, `systemd:NAME`
//!   those of that `FileDescriptorName=`. They are never shut and their files never removed. They
//!   stay open while the service restarts, so nobody is refused then either.
//! - **exec**: its server is a child of the process that was started: `NotifyAccess=all`. It can't
//!   be taken over (`--control` is refused); a `.socket` unit keeps its port open instead.
//! - **Restart**: `systemctl reload poold` runs `poold restart`; the new process becomes the
//!   service's main process.
//! - **Journal**: lines begin with their priority when the standard error is the journal, so that
//!   `journalctl -p warning` finds them.
//!
//! # Containers
//!
//! `scripts/Dockerfile` builds a static binary on an empty image, run by a user without rights.
//! As PID 1 poold handles SIGTERM and SIGINT itself; only `exec` has child processes, and reaps
//! them. A drain of 8 s is within Docker's 10 s. Data goes to `/data`. The health check is
//! `poold status`, which asks the admin address inside the container.
//!
//! # Load balancers
//!
//! A drain closes the port at once. For a balancer that needs time to notice, `--drain-delay 5s`
//! turns `/readyz` to 503 that long before the drain begins, while everybody is still accepted and
//! served; a second signal does not wait for it. A restart by take-over refuses nobody. Behind a
//! balancer all clients come from its addresses: `--max-per-address`, `--allow` and `--deny` see
//! those, not the clients'.
