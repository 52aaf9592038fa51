//! Start, stop, restart, watch; load balancers. Under systemd see [`service`](super::service), in a
//! container [`container`](super::container).
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
//! is 3 if anybody was. A drain that began otherwise, by `poold drain` or a restart, goes on when
//! the first signal comes.
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
//! Between containers it works over a shared directory, as long as both may open the socket and
//! share the network (`host`, or one pod): a container's own ends with it.
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
//! What is set or paused so is forgotten by a restart, which begins with what was typed.
//! There is no password: keep a TCP address to this machine, or behind a proxy. On a loopback
//! address (`127.0.0.1:9090`, a port alone) only `/metrics`, `/healthz` and `/readyz` are answered
//! whatever the request's `Host` is; the others need `localhost` or an IP address there, or no
//! `Host` at all, and else say 403: a web page in a browser on this machine could read them under a
//! name of its own. A proxy before it has to send such a `Host`.
//!
//! # Load balancers
//!
//! A drain closes the port at once. For a balancer that needs time to notice, `--drain-delay 5s`
//! turns `/readyz` to 503 that long before the drain begins, while everybody is still accepted and
//! served; a second signal does not wait for it. A restart by take-over refuses nobody. Behind a
//! balancer all clients come from its addresses: `--max-per-address`, `--allow` and `--deny` see
//! those, not the clients'.
