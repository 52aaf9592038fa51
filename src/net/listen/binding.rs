//! How listening sockets are made.

/// Connections that the kernel keeps for us before they are accepted; it caps the number at
/// `net.core.somaxconn`.
pub(crate) const BACKLOG: i32 = 4096;

/// How [`Listeners::bind_all`](crate::Listeners::bind_all) makes its sockets.
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
    /// Also binds an address that this machine does not have yet (`IP_FREEBIND`): clients reach
    /// it as soon as it is there.
    pub freebind: bool,
    /// Mode of a Unix socket's file: connecting needs the write permission.
    pub socket_mode: u32,
    /// Number of the group of a Unix socket's file; by default the process's own.
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
