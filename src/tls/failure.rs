//! Why a handshake failed.

/// A failure, in words that say what to do.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) why: String,
}

/// The kind of a failure, for counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The client speaks plainly.
    Plain,
    /// What the client sends is not valid TLS.
    Invalid,
    /// No version, cipher or signature in common.
    NothingInCommon,
    /// The client does not accept the server's certificate, or gives up for another reason.
    Refused,
    /// The client's certificate is not accepted.
    ClientCertificate,
    TimedOut,
    /// The client left before the end of the handshake.
    Left,
    Other,
}

/// All kinds, in the order of the enum.
pub(crate) const KINDS: [FailureKind; 8] = [
    FailureKind::Plain,
    FailureKind::Invalid,
    FailureKind::NothingInCommon,
    FailureKind::Refused,
    FailureKind::ClientCertificate,
    FailureKind::TimedOut,
    FailureKind::Left,
    FailureKind::Other,
];

impl FailureKind {
    /// Its name in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FailureKind::Plain => "plain",
            FailureKind::Invalid => "invalid",
            FailureKind::NothingInCommon => "nothing_in_common",
            FailureKind::Refused => "refused_by_client",
            FailureKind::ClientCertificate => "client_certificate",
            FailureKind::TimedOut => "timed_out",
            FailureKind::Left => "left",
            FailureKind::Other => "other",
        }
    }

    pub(crate) fn because(self, why: impl Into<String>) -> Failure {
        Failure {
            kind: self,
            why: why.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_stands_in_its_place() {
        for (at, kind) in KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
        }
    }
}
