//! What goes wrong around the directory: credentials, certificates, outages, lost answers, wrong settings.

use crate::client::unread;
use crate::lab::{Lab, TIMEOUT, call, connect, failure, login, secret, spec, state};
use crate::proxy;
use readmit::{
    api::provider::OpenLdapProvider,
    directory::{Call, Directory, openldap::OpenLdap, throttle::Throttle},
    domain::account::{FailureClass, Sent},
};
use std::time::Instant;
use testkit::slapd::{OPERATOR_DN, Options, Slapd};

#[test]
fn a_wrong_secret_is_tried_exactly_once() {
    let Some(lab) = Lab::start() else { return };
    let wrong = connect(&lab.slapd, &spec(&lab.slapd), "canary-wrong-secret");
    let (call, key) = (call(), login("alice"));
    let found = lab.wait(futures::future::join_all((0..10).map(|_| wrong.find(&call, &key))));
    for found in found {
        let failure = unread(found);
        assert_eq!(failure.class, FailureClass::CredentialRefused);
        assert!(!format!("{failure:?}").contains("canary"));
    }
    let target = lab.target("alice");
    let sent = lab.wait(wrong.unlock(&call, &target));
    assert_eq!(sent.as_str(), "NotSent");
    assert_eq!(failure(sent).class, FailureClass::CredentialRefused);
    assert_eq!(
        lab.wait(wrong.probe(&call)).unwrap_err().class,
        FailureClass::CredentialRefused
    );
    assert_eq!(lab.slapd.binds_of(OPERATOR_DN).unwrap(), [49]);
    // Made anew, with the right one, as when the Secret changed.
    assert_eq!(state(&lab.account("alice").lock), "not locked");
}

#[test]
fn an_untrusted_certificate_stops_everything_before_the_password() {
    let Some(lab) = Lab::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let stranger = testkit::tls::Authority::new("somebody else", folder.path()).unwrap();
    for ca in [Some(stranger.pem().as_bytes()), None] {
        let made = OpenLdap::new(
            &spec(&lab.slapd),
            secret(lab.slapd.secret()),
            ca,
            Throttle::new(60_000, 20),
            TIMEOUT,
        );
        // A machine without any certificate says so when the settings are taken.
        let failure = match made {
            Ok(directory) => lab.wait(directory.probe(&call())).unwrap_err(),
            Err(failure) => failure,
        };
        assert_eq!(failure.class, FailureClass::NeedsConfig);
        assert!(failure.public.contains("caSecretRef"), "{}", failure.public);
    }
    assert!(lab.slapd.binds_of(OPERATOR_DN).unwrap().is_empty());
}

#[test]
fn a_port_without_tls_is_named() {
    let Some(mut lab) = Lab::start() else { return };
    let plain = lab.slapd.url().replace("ldap://", "ldaps://");
    lab.change(|spec| spec.url = plain);
    let failure = lab.wait(lab.directory.probe(&call())).unwrap_err();
    assert!(failure.public.contains("speaks TLS"), "{failure:?}");
    assert!(lab.slapd.binds_of(OPERATOR_DN).unwrap().is_empty());
}

#[test]
fn settings_that_cannot_work_are_refused_at_once() {
    let Some(slapd) = testkit::skip::unless_missing(Slapd::start(Options::default())) else {
        return;
    };
    let refuse = |spec: &OpenLdapProvider, password: &str| {
        OpenLdap::new(spec, secret(password), None, Throttle::new(60, 1), TIMEOUT)
            .err()
            .map(|failure| failure.class)
    };
    let mut plain = spec(&slapd);
    plain.url = "ldap://ldap.example.com".into();
    assert_eq!(refuse(&plain, "x"), Some(FailureClass::NeedsConfig));
    plain.url = slapd.url();
    assert_eq!(refuse(&plain, ""), Some(FailureClass::NeedsConfig));
    assert_eq!(refuse(&plain, "x"), None);
}

#[test]
fn the_probe_names_what_is_wrong() {
    let Some(mut lab) = Lab::start() else { return };
    type Change = fn(&mut OpenLdapProvider);
    let cases: [(Change, &str); 4] = [
        (
            |spec| spec.base_dn = "ou=none,dc=example,dc=test".into(),
            "baseDN does not exist",
        ),
        (|spec| spec.base_dn = "dc=other".into(), "naming contexts"),
        (
            |spec| spec.default_policy_dn = Some("cn=none,dc=example,dc=test".into()),
            "defaultPolicyDN",
        ),
        (
            |spec| spec.administrators = vec!["nonsense".into()],
            "administrators[0]",
        ),
    ];
    for (change, word) in cases {
        lab.change(change);
        let failure = lab.wait(lab.directory.probe(&call())).unwrap_err();
        assert_eq!(failure.class, FailureClass::NeedsConfig);
        assert!(failure.public.contains(word), "{}", failure.public);
    }
}

#[test]
fn an_outage_is_not_sent_and_ends_with_it() {
    let Some(lab) = Lab::start() else { return };
    let target = lab.target("alice");
    lab.slapd.lock("alice").unwrap();
    lab.slapd.stop().unwrap();
    assert_eq!(unread(lab.find(&login("alice"))).class, FailureClass::Transient(None));
    for sent in [
        lab.wait(lab.directory.unlock(&call(), &target)),
        lab.wait(lab.directory.set_password(&call(), &target, &secret("x"), &[])),
    ] {
        assert_eq!(sent.as_str(), "NotSent");
        assert_eq!(failure(sent).class, FailureClass::Transient(None));
    }
    lab.slapd.start_again().unwrap();
    assert_eq!(lab.unlock("alice"), Sent::Done);
}

#[test]
fn a_server_that_hangs_is_given_up_in_time() {
    let Some(lab) = Lab::start() else { return };
    let target = lab.target("alice");
    lab.slapd.signal("STOP").unwrap();
    let begun = Instant::now();
    let sent = lab.wait(lab.directory.unlock(&call(), &target));
    let took = begun.elapsed();
    lab.slapd.signal("CONT").unwrap();
    assert_eq!(sent.as_str(), "NotSent");
    assert!(took < 2 * TIMEOUT, "{took:?}");
    assert_eq!(lab.unlock("alice"), Sent::Done);
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let Some(lab) = Lab::start() else { return };
    let late = Call {
        deadline: Instant::now(),
        ..call()
    };
    let sent = lab.wait(lab.directory.unlock(&late, &lab.target("alice")));
    assert_eq!(sent.as_str(), "NotSent");
    assert!(lab.slapd.binds_of(OPERATOR_DN).unwrap().is_empty());
}

/// Requests of an operation that changes something: bind, search, then the change itself.
const CHANGE: usize = 3;

#[test]
fn a_lost_answer_is_unknown_and_nothing_is_sent_again() {
    let Some(mut lab) = Lab::start() else { return };
    lab.slapd.lock("alice").unwrap();
    let server = lab.slapd.url().replace("ldap://", "");
    for lost in 1..=CHANGE {
        let url = format!("ldap://{}", proxy::losing_answer(&server, lost));
        lab.change(|spec| spec.url = url);
        let expected = if lost == CHANGE { "Unknown" } else { "NotSent" };
        assert_eq!(lab.unlock("alice").as_str(), expected, "answer {lost}");
        assert_eq!(
            lab.set_password("bob", "Temporary-4711").as_str(),
            expected,
            "answer {lost}"
        );
    }
    // It was done all the same, each once.
    assert_eq!(lab.writes(OPERATOR_DN).len(), 2);
    lab.change(|_| {});
    assert_eq!(state(&lab.account("alice").lock), "not locked");
}

#[test]
fn a_call_whose_turn_does_not_come_is_not_sent() {
    let Some(lab) = Lab::start() else { return };
    let target = lab.target("alice");
    let ca = std::fs::read(lab.slapd.ca_file()).unwrap();
    let throttle = Throttle::new(60_000, 1);
    let busy = OpenLdap::new(
        &spec(&lab.slapd),
        secret(lab.slapd.secret()),
        Some(&ca),
        throttle.clone(),
        TIMEOUT,
    )
    .map_err(|failure| failure.public)
    .unwrap();
    let held = lab.wait(throttle.acquire(&call()));
    assert!(held.is_ok());
    let soon = Call {
        deadline: Instant::now() + std::time::Duration::from_millis(100),
        ..call()
    };
    let sent = lab.wait(busy.unlock(&soon, &target));
    assert_eq!(sent.as_str(), "NotSent");
    assert!(matches!(failure(sent).class, FailureClass::RateLimited(_)));
    drop(held);
    assert_eq!(lab.wait(busy.unlock(&call(), &target)), Sent::Done);
}

#[test]
fn an_operator_that_must_change_its_password_is_told_so() {
    let Some(lab) = Lab::start() else { return };
    let change = format!("dn: {OPERATOR_DN}\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n");
    lab.slapd.modify(&change).unwrap();
    let failure = lab.wait(lab.directory.probe(&call())).unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(failure.public.contains("must change"), "{}", failure.public);
}
