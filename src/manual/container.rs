//! In a container.
//!
//! `scripts/Dockerfile` builds a static binary (musl) on an empty image of 5 MB:
//!
//! ```sh
//! docker build -f scripts/Dockerfile -t poold .
//! docker run -p 5140:5140 -v lines:/data poold recv :5140 --output /data/lines.log
//! ```
//!
//! (Podman and buildah keep the health check only with `--format docker`.) It was built with
//! buildah, and its root was run as the first process of its own process namespace:
//!
//! - **User**: 65532, without rights. It may write to `/data` only; a folder of the host's that is
//!   mounted there must be that user's.
//! - **Signals**: SIGTERM and SIGINT drain it also as PID 1. A drain of 8 s is within Docker's 10
//!   s; for a longer `--drain` give `docker stop --time` or `terminationGracePeriodSeconds` more.
//! - **Children**: only `exec` has any. It reaps what its programs leave behind, so no `--init` is
//!   needed. The image has no shell and no programs: copy the binary into one that has them.
//! - **Health**: `HEALTHCHECK` is `poold status`, which asks the admin address inside the
//!   container: exit code 0 while a worker is left, 1 when none is, or nobody answers within 5 s.
//!   Kubernetes asks `/healthz` and `/readyz` instead: `--admin :9090`, and no `-p` for that port.
//! - **Names** are looked up where `/etc/resolv.conf` says, which the container's engine provides.
//!   Where it is missing, a name as ADDRESS is one line and exit code 1, after 5 s.
//! - **Logs** are logfmt, with their time, on the standard error: `docker logs`.
//! - **Speed**: that of a binary with glibc, within the spread of five pairs: an echo of 64-byte
//!   lines 1.06 ×, 32 at once 1.0 ×, `recv` 1.0 ×, a connection for each message 1.0 ×.
//!
//! A restart by take-over does not fit a container: the process that was started is the container,
//! and its end is the container's end. Let the load balancer drain the old container (see
//! [`operating`](super::operating#load-balancers)).
