//! How listening sockets are made.

/// Connections that the kernel queues until they are accepted; `net.core.somaxconn` caps it.
pub(crate) const BACKLOG: i32 = 4096;

/// Options of the sockets that [`Listeners::bind_all`](crate::Listeners::bind_all) makes.
///
/// ```
/// use poold::Binding;
///
/// let how = Binding {
///     socket_mode: 0o660,
///     ..Binding::default()
/// };
/// # assert!(!how.freebind);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Whether to bind addresses that this machine does not have yet (`IP_FREEBIND`): clients reach
    /// the server as soon as the machine has the address. Default: no.
    pub freebind: bool,
    /// Mode of a Unix socket's file; clients need write permission to connect. Default: 0600.
    pub socket_mode: u32,
    /// Group id of a Unix socket's file. Default: the group of the process.
    pub socket_group: Option<u32>,
}

impl Default for Binding {
    fn default() -> Binding {
        Binding {
            freebind: false,
            socket_mode: 0o600,
            socket_group: None,
        }
    }
}
