//! A fixed number of threads behind a TCP port.
