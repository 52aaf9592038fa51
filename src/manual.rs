//! The manual: how to run poold and what to expect of it. The package contains it, too.
//!
//! - [`operating`]: start, stop, restart, watch; load balancers
//! - [`service`]: systemd, the Debian package, upgrades
//! - [`container`]: the image, signals, health
//! - [`exec`]: what a program gets, and when it ends
//! - [`feeds`]: one feed to many readers with `hub`
//! - [`scaleout`]: several machines, one stream on a Redis or Valkey server
//! - [`sizing`]: how many workers, how many clients, how much memory
//! - [`reference`](mod@reference): signals, exit codes, log events
//! - [`metrics`]: every metric of `/metrics`, and what to do about it
//! - [`kernel`]: limits of the system that apply before poold's own
//! - [`senders`]: which framing a sender needs, and what to do when no messages come
//! - [`tls`]: encryption, certificates, ends of sessions
//! - [`promises`]: what is promised, and what is not
//! - [`measurements`]: what was measured, against what, and where poold loses

#[doc = include_str!("manual/container.md")]
pub mod container {}

#[doc = include_str!("manual/exec.md")]
pub mod exec {}

#[doc = include_str!("manual/feeds.md")]
pub mod feeds {}

#[doc = include_str!("manual/kernel.md")]
pub mod kernel {}

#[doc = include_str!("manual/measurements.md")]
pub mod measurements {}

#[doc = include_str!("manual/metrics.md")]
pub mod metrics {}

#[doc = include_str!("manual/operating.md")]
pub mod operating {}

#[doc = include_str!("manual/promises.md")]
pub mod promises {}

#[doc = include_str!("manual/reference.md")]
pub mod reference {}

#[doc = include_str!("manual/scaleout.md")]
pub mod scaleout {}

#[doc = include_str!("manual/senders.md")]
pub mod senders {}

#[doc = include_str!("manual/service.md")]
pub mod service {}

#[doc = include_str!("manual/sizing.md")]
pub mod sizing {}

#[doc = include_str!("manual/tls.md")]
pub mod tls {}
