//! What is promised, and what is not.
//!
//! # Promised
//!
//! - Every message that was read is delivered, whole and in the order of its connection; after a
//!   drain the report's two figures are equal, or the exit code says that they are not.
//! - With `--ack`, a message that was acknowledged is in the output; with `--sync`, on the disk.
//! - Clients, workers, message length, what waits for a client and what waits for the output are
//!   bounded; beyond a bound somebody waits or is refused, as chosen, and it is counted and logged.
//! - A client at rest holds no worker and no buffer.
//! - A handler that panics closes its own client and no other.
//! - A drain ends at `--drain` at the latest, and with its last client at the earliest.
//! - A take-over refuses nobody, and one that fails changes nothing.
//! - The log grows by a bounded number of lines for a limit, a want or a panic, however often it
//!   happens. What peers send can't forge a line of output or log.
//!
//! # Not promised
//!
//! - What a client has sent and nobody has read is lost when its connection ends: TCP tells nobody.
//!   Who needs more uses `--ack` and sends again what was not acknowledged; then a message may come
//!   twice, and never not at all.
//! - SIGKILL, a crash of the machine: what was read and not yet written is lost. Without `--sync`
//!   so is what the system had not yet brought to the disk.
//! - An order between messages of different clients, or of two connections of one client.
//! - Who a client is: there is no encryption and no authentication. Addresses are what the network
//!   says. Keep it on a network that you trust, or put a proxy in front.
//! - That a handler ends. One that does not keeps its worker; it is named in the log after
//!   `--stuck-after`, and a drain's deadline does not wait for it.
