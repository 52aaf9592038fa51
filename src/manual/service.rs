//! As a service of systemd, and from the Debian package.
//!
//! All of this was seen under booted systemds, 252 and 257 (Debian 12 and 13), with the unit as it
//! is shipped; `scripts/systemd.sh` does it again.
//!
//! # Install
//!
//! `scripts/package.sh` makes `target/debian/poold_*.deb`: the binary, `poold.service`,
//! `poold.socket`, manual pages (`man poold-recv`), and completions for bash, zsh and fish. Nothing
//! is started or enabled by the installation:
//!
//! ```sh
//! apt install ./poold_0.1.0-1_amd64.deb
//! systemctl enable --now poold.socket         # port 5140; the first client starts the service
//! printf 'hello\n' | nc -N 127.0.0.1 5140
//! cat /var/lib/poold/lines.log
//! ```
//!
//! Without the package: `poold` to `/usr/bin`, both units to `/etc/systemd/system`, `systemctl
//! daemon-reload`. `apt purge` leaves what was received in `/var/lib/private/poold`, and says so.
//!
//! # Change
//!
//! The port with `systemctl edit poold.socket`, the command with `systemctl edit poold`:
//!
//! ```ini
//! [Service]
//! ExecStart=
//! ExecStart=/usr/bin/poold chat systemd:lines --log /var/lib/poold/rooms
//! ```
//!
//! Then `systemctl restart poold`. The socket stays open meanwhile: who comes waits, nobody is
//! refused (two restarts while twenty clients connected without pause: none failed, the slowest
//! waited 0.1 s). The service may write to `/var/lib/poold` and `/run/poold` only, runs as a user
//! of its own without rights, and has no devices. `recv`, `echo`, `chat` and `exec` were run so.
//!
//! `exec` needs more in its drop-in. Its server is a child of the process that was started, it
//! can't be taken over, and its programs may go on in a drain:
//!
//! ```ini
//! [Service]
//! ExecStart=
//! ExecStart=/usr/bin/poold exec systemd:lines -- /usr/local/bin/answer
//! ExecReload=
//! UnsetEnvironment=POOLD_CONTROL
//! NotifyAccess=all
//! KillMode=mixed
//! ```
//!
//! # Upgrade without refusing a client
//!
//! `systemctl reload poold` runs `poold restart`: the new process becomes the service's main
//! process, the old one drains beside it. The upgrade of the package does the same. Three reloads,
//! two restarts, an upgrade and a downgrade within ten seconds, while twenty clients connected,
//! sent a line and waited for the end again and again: none of 100 000 to 133 000 connections
//! failed, in each of five runs, and every line was in the file once. If the new version does not
//! start, the reload fails with its reason in the journal, and the old process goes on.
//!
//! A reload keeps the arguments, the environment and the sandbox that the service was started with;
//! a changed unit needs `systemctl restart poold`. A stop right after a reload leaves the old
//! process's drain its time: it minds no signal once it has a successor, only its `--drain`.
//!
//! # What systemd is told
//!
//! - **Readiness**: `Type=notify`. READY=1 is sent when clients are served, and the output is open;
//!   until then the unit is `activating`. STATUS= has figures, renewed every 5 s if they changed;
//!   `systemctl status poold` shows them. RELOADING=1 and MAINPID= come with a restart; STOPPING=1
//!   with the drain, and EXTEND_TIMEOUT_USEC= as long as a drain makes progress. With
//!   `TimeoutStopSec=3`, and three clients who left over 18 seconds, the stop took 18 seconds and
//!   cut nobody off. A drain without progress is ended 15 s later: let `--drain` be shorter.
//! - **Main process**: systemd minds its own children only. Another's child it would kill without
//!   waiting when the service stops. So the new process of a restart is made systemd's child before
//!   it becomes the main process.
//! - **Watchdog**: with `WatchdogSec=` WATCHDOG=1 is sent only when the acceptor, and a worker that
//!   came for it through the ready queue, have answered since the last time. A process that was
//!   stopped (SIGSTOP) was ended and started again after `WatchdogSec=`, also one that had taken
//!   over. While every worker is in a handler none comes: choose the time longer than handlers may
//!   take. For `recv` leave it out: its workers wait while the disk is full, and to be ended for
//!   that would lose what was read. During a drain the drain's deadline takes its place.
//! - **Sockets**: the ADDRESS `systemd` takes every socket that is handed over, `systemd:NAME`
//!   those of that `FileDescriptorName=`. They are never shut and their files never removed.
//!
//! # When it can't start
//!
//! It is tried again each second, for ever, and clients wait in the socket's backlog: those who
//! came while its folder was missing were served when the folder was there. What was typed wrong
//! (exit code 2) is not tried again; after 20 clients in 2 s systemd then closes the socket, too.
//! Mend it, `systemctl reset-failed poold.socket poold`, `systemctl start poold.socket`.
//!
//! # Look
//!
//! - `systemctl status poold`: the figures, the last lines of the log
//! - `poold status unix:/run/poold/admin` (as root; `--watch`), `poold clients
//!   unix:/run/poold/admin`, `poold set workers 16 --admin unix:/run/poold/admin`
//! - `journalctl -u poold -p warning`: lines begin with their priority when the standard error is
//!   the journal, so that this finds them; all of them: `journalctl -u poold -f`
//! - `systemd-analyze security poold.service` says 1.2, "OK"
