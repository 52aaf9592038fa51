//! The errors of rustls, in words that say what to do.

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use super::failure::{Failure, FailureKind};

/// What the log says, and which counter counts it.
pub(super) fn describe(error: &Error) -> Failure {
    use FailureKind::{ClientCertificate, Invalid, NothingInCommon, Other, Refused};
    match error {
        Error::AlertReceived(alert) => Refused.because(refused(*alert)),
        Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired,
        ) => NothingInCommon.because("the client offers neither TLS 1.2 nor 1.3"),
        Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon,
        ) => NothingInCommon.because(
            "the client and this server have no cipher, key exchange or signature in common",
        ),
        Error::PeerIncompatible(what) => {
            NothingInCommon.because(format!("the client is too old or too new: {what:?}"))
        }
        Error::InvalidMessage(what) => {
            Invalid.because(format!("what the client sends is not valid TLS: {what:?}"))
        }
        Error::NoCertificatesPresented => {
            ClientCertificate.because("the client has no certificate")
        }
        Error::InvalidCertificate(error) => ClientCertificate.because(format!(
            "the client's certificate is refused: {}",
            fault(error)
        )),
        Error::DecryptError => {
            Invalid.because("what the client sends was changed on its way, or is not valid TLS")
        }
        Error::PeerMisbehaved(what) => {
            Invalid.because(format!("what the client sends is not valid TLS: {what:?}"))
        }
        error => Other.because(error.to_string()),
    }
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

/// What is wrong with a client's certificate.
fn fault(error: &CertificateError) -> String {
    let known = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; look at the clocks"
        }
        CertificateError::Revoked => "it is revoked",
        // A new root of the same name has another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its issuer is not in the file of --tls-client-ca, or the chain has a gap"
        }
        CertificateError::UnknownRevocationStatus => "no list of --tls-crl is of its issuer",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not for clients"
        }
        CertificateError::BadEncoding => "it can't be read",
        error => return error.to_string(),
    };
    known.to_owned()
}
