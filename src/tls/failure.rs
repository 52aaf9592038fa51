//! Why a handshake fails, in words that say what to do.

use rustls::{AlertDescription, Error, PeerIncompatible};

/// One line for a log.
pub(super) fn describe(error: &Error) -> String {
    let known = match error {
        Error::AlertReceived(alert) => return refused(*alert),
        Error::PeerIncompatible(PeerIncompatible::Tls12NotOfferedOrEnabled)
        | Error::PeerIncompatible(PeerIncompatible::SupportedVersionsExtensionRequired) => {
            "the client offers neither TLS 1.2 nor 1.3"
        }
        Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon,
        ) => "the client and this server have no cipher, key exchange or signature in common",
        Error::PeerIncompatible(what) => {
            return format!("the client is too old or too new: {what:?}");
        }
        Error::InvalidMessage(what) => {
            return format!("what the client sends is not valid TLS: {what:?}");
        }
        Error::NoCertificatesPresented => "the client has no certificate",
        _ => return error.to_string(),
    };
    known.to_owned()
}

/// What the client says of the server.
fn refused(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::UnknownCA => "it does not know the issuer of the certificate",
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => "it does not accept the certificate",
        AlertDescription::CertificateExpired => "for it the certificate has expired",
        AlertDescription::CertificateRevoked => "for it the certificate is revoked",
        AlertDescription::ProtocolVersion => "it speaks no version of the server",
        alert => return format!("the client gives up: {alert:?}"),
    };
    format!("the client gives up: {why}")
}
