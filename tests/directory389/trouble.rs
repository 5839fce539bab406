//! What goes wrong around the directory: credentials, certificates, outages, wrong settings.

use crate::client::unread;
use crate::lab::{Lab, TIMEOUT, call, connect, failure, login, secret, shared, spec};
use readmit::{
    api::provider::Directory389Provider,
    directory::{Call, Directory},
    domain::account::{FailureClass, Sent},
};
use std::time::Instant;
use testkit::dirsrv::{OPERATOR_DN, Options};

#[test]
fn a_wrong_secret_is_tried_exactly_once() {
    let Some(lab) = Lab::with(&Options::default(), |_| {}) else {
        return;
    };
    let wrong = connect(&lab.server, &spec(&lab.server), "canary-wrong-secret");
    let (call, key) = (call(), login("alice"));
    for found in lab.wait(futures::future::join_all((0..10).map(|_| wrong.find(&call, &key)))) {
        let failure = unread(found);
        assert_eq!(failure.class, FailureClass::CredentialRefused);
        assert!(!format!("{failure:?}").contains("canary"));
    }
    let sent = lab.wait(wrong.unlock(&call, &lab.target("alice")));
    assert_eq!(sent.as_str(), "NotSent");
    assert_eq!(failure(sent).class, FailureClass::CredentialRefused);
    assert_eq!(lab.server.binds_of(OPERATOR_DN).unwrap(), [49]);
    // Made anew, with the right one, as when the Secret changed.
    assert!(lab.find(&login("alice")).is_ok());
}

/// The operator's own account, as the server may come to hold it. None of it is a wrong password.
#[test]
fn the_operators_own_state_is_told() {
    let Some(lab) = Lab::with(&Options::default(), |_| {}) else {
        return;
    };
    let set = |attribute: &str, value: &str| {
        let values = match value {
            "" => String::new(),
            value => format!("{attribute}: {value}\n"),
        };
        lab.server
            .modify(&format!(
                "dn: {OPERATOR_DN}\nchangetype: modify\nreplace: {attribute}\n{values}"
            ))
            .unwrap();
    };
    type State<'a> = &'a [(&'a str, &'a str)];
    let cases: [(State, &str); 3] = [
        (
            &[("passwordRetryCount", "3"), ("accountUnlockTime", "20991231000000Z")],
            "is locked in the directory",
        ),
        (&[("nsAccountLock", "true")], "is inactivated in the directory"),
        (
            &[("passwordExpirationTime", "19700101000000Z")],
            "must change its password",
        ),
    ];
    for (state, word) in cases {
        for (attribute, value) in state {
            set(attribute, value);
        }
        let failure = lab.wait(lab.directory.probe(&call())).unwrap_err();
        assert_eq!(failure.class, FailureClass::NeedsConfig, "{failure:?}");
        assert!(failure.public.contains(word), "{}", failure.public);
        for (attribute, _) in state {
            set(attribute, "");
        }
        // It is tried again, and works once that is put right.
        lab.wait(lab.directory.probe(&call())).unwrap();
    }
}

#[test]
fn an_untrusted_certificate_stops_everything_before_the_password() {
    let Some(lab) = Lab::with(&Options::default(), |_| {}) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let stranger = testkit::tls::Authority::new("somebody else", folder.path()).unwrap();
    let throttle = readmit::directory::throttle::Throttle::new(60_000, 20);
    let directory = readmit::directory::directory389::Directory389::new(
        &spec(&lab.server),
        secret(lab.server.secret()),
        Some(stranger.pem().as_bytes()),
        throttle,
        TIMEOUT,
    )
    .map_err(|failure| failure.public)
    .unwrap();
    let failure = lab.wait(directory.probe(&call())).unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(failure.public.contains("caSecretRef"), "{}", failure.public);
    assert!(lab.server.binds_of(OPERATOR_DN).unwrap().is_empty());
}

#[test]
fn the_probe_names_what_is_wrong() {
    let Some(lab) = shared() else { return };
    type Change = fn(&mut Directory389Provider);
    let cases: [(Change, &str); 3] = [
        (
            |spec| spec.base_dn = "ou=none,dc=example,dc=test".into(),
            "baseDN does not exist",
        ),
        (|spec| spec.base_dn = "dc=other".into(), "naming contexts"),
        (
            |spec| spec.administrators = vec!["nonsense".into()],
            "administrators[0]",
        ),
    ];
    for (change, word) in cases {
        let failure = lab.wait(lab.seen(change).probe(&call())).unwrap_err();
        assert_eq!(failure.class, FailureClass::NeedsConfig);
        assert!(failure.public.contains(word), "{}", failure.public);
    }
}

#[test]
fn a_read_only_server_refuses() {
    let Some(lab) = Lab::with(&Options::default(), |_| {}) else {
        return;
    };
    lab.server.lock("alice").unwrap();
    let backend = "dn: cn=userRoot,cn=ldbm database,cn=plugins,cn=config\nchangetype: modify\n\
                   replace: nsslapd-readonly\nnsslapd-readonly: on\n";
    lab.server.modify(backend).unwrap();
    let sent = lab.unlock("alice");
    assert_eq!(sent.as_str(), "Refused");
    assert_eq!(failure(sent).class, FailureClass::NeedsConfig);
}

#[test]
fn an_outage_is_not_sent_and_ends_with_it() {
    let Some(lab) = Lab::with(&Options::default(), |_| {}) else {
        return;
    };
    let target = lab.target("alice");
    lab.server.lock("alice").unwrap();
    lab.server.stop().unwrap();
    assert_eq!(unread(lab.find(&login("alice"))).class, FailureClass::Transient(None));
    for sent in [
        lab.wait(lab.directory.unlock(&call(), &target)),
        lab.wait(lab.directory.set_password(&call(), &target, &secret("x"), &[])),
    ] {
        assert_eq!(sent.as_str(), "NotSent");
        assert_eq!(failure(sent).class, FailureClass::Transient(None));
    }
    lab.server.start_again().unwrap();
    assert_eq!(lab.unlock("alice"), Sent::Done);

    // And one that hangs.
    lab.server.signal("STOP").unwrap();
    let begun = Instant::now();
    let sent = lab.wait(lab.directory.unlock(&call(), &target));
    let took = begun.elapsed();
    lab.server.signal("CONT").unwrap();
    assert_eq!(sent.as_str(), "NotSent");
    assert!(took < 2 * TIMEOUT, "{took:?}");
    assert_eq!(lab.unlock("alice"), Sent::Done);
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let Some(lab) = shared() else { return };
    lab.person("late");
    let late = Call {
        deadline: Instant::now(),
        ..call()
    };
    let sent = lab.wait(lab.directory.unlock(&late, &lab.target("late")));
    assert_eq!(sent.as_str(), "NotSent");
    assert_eq!(lab.sends("late"), []);
}
