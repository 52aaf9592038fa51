//! How many workers, how many clients, how much memory.
//!
//! # Workers
//!
//! Little's law: the number of messages in handlers is their rate times how long a handler takes.
//! So a pool of W workers whose handler takes T serves at most W / T messages a second, and to
//! serve R a second it needs **W = R × T**. 2 000 messages a second that each wait 5 ms for a
//! database keep 10 workers busy. Take half as many again, so that a moment's crowd does not
//! queue.
//!
//! What was measured (two cores shared with the load, 64 clients, one line of 64 bytes in flight
//! each; `benches/runs/pool-size.svg` has the curves, `cargo bench` draws your own), messages a
//! second:
//!
//! | workers | returns at once | computes 50 µs | sleeps 1 ms | W / T of the last |
//! | --- | --- | --- | --- | --- |
//! | 1 | 103 k | 15 k | 0.9 k | 1 k |
//! | 2 | 169 k | 29 k | 1.8 k | 2 k |
//! | 8 | 162 k | 26 k | 6.7 k | 8 k |
//! | 32 | 162 k | 26 k | 22 k | 32 k |
//! | 64 | 136 k | 24 k | 30 k | 64 k |
//!
//! - A handler that **returns at once** needs two workers, and more do no harm worth naming: they
//!   are not called in.
//! - A handler that **computes** is bounded by the cores. Workers beyond them gain nothing.
//! - A handler that **waits** (a database, a file, a child process) gains with every worker until
//!   the clients or the cores are used up: 64 workers reach half of W / T here, because two cores
//!   carry 30 k messages a second with their wake-ups and the load.
//!
//! A worker without work sleeps. Only while a few clients ask, wait for the answer and ask again at
//! once does it look for up to 50 µs first, if trying it shows that turns come a quarter quicker:
//! one such client then keeps a core busy, for twice the messages. With one core it never does.
//!
//! The default, four for each core and at least eight, suits handlers that wait a little now and
//! then. `--workers` goes up to 1024; a worker costs a thread and its buffers.
//!
//! It is too few when clients wait: [`Stats::ready`](crate::Stats) is often above zero, or new
//! clients are refused for `--overload`. It is enough when
//! [`Stats::workers_busy`](crate::Stats) stays below the pool.
//!
//! A [`StreamService`](crate::StreamService) keeps its worker as long as its client stays: there
//! the number of workers is the number of clients at once.
//!
//! # Clients
//!
//! Each needs one descriptor; see [`kernel`](super::kernel). A client at rest costs about 600 bytes
//! in poold, and no processor time. Clients beyond `--max-clients` wait, are refused, or take the
//! place of the one that rested longest, as `--when-full` says.
//!
//! # Memory
//!
//! The most that clients and workers can use is printed at the start, and answered by
//! [`Handle::memory_max`](crate::Handle::memory_max). It is a sum of worst cases: every client with
//! an unfinished message (`--message-max`), an unread rest of 64 KiB and a full outbox
//! (`--outbox-max`). To bound it for a small machine, lower `--max-clients` first, then those two.
//! The kernel's own socket buffers come on top (`tcp_rmem`, `tcp_wmem`).
