//! Certificates that expire.

use crate::support::admin::Watched;
use crate::support::authority::Authority;
use crate::support::scratch::text;

#[test]
fn an_expired_certificate_is_told_at_the_start_and_its_date_is_a_metric() {
    let authority = Authority::new();
    let (past, good) = (
        authority.make("localhost", 1, 2020),
        authority.make("localhost", 2, 2090),
    );
    let (expired, other) = (text(&past.certificate), text(&good.certificate));
    let (key, other_key) = (text(&past.key), text(&good.key));
    let tls = [
        "--tls-cert",
        expired,
        "--tls-key",
        key,
        "--tls-cert",
        other,
        "--tls-key",
        other_key,
    ];
    let watched = Watched::start(&[&["echo", "127.0.0.1:0"], &tls[..]].concat());
    let told = watched
        .daemon
        .stderr
        .wait_line("the certificate has expired");
    assert!(
        told.contains(expired) && told.contains("renew it"),
        "{told}"
    );
    let ends = |file: &str| {
        let name = "poold_tls_certificate_expiry_timestamp_seconds";
        watched.metric(&format!("{name}{{certificate=\"{file}\"}}"))
    };
    // The last days of 2020 and of 2090.
    assert_eq!(ends(expired), 1_609_372_800.0);
    assert_eq!(ends(other), 3_818_361_600.0);
    let all = watched.daemon.stderr.text();
    assert_eq!(all.matches("certificate=").count(), 1, "{all}");
}
