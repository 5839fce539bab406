//! What goes wrong around the directory: credentials, certificates, outages, lost answers, wrong settings.

use crate::client::unread;
use crate::lab::{Lab, NEW, TIMEOUT, call, connect, failure, login, secret, spec, state};
use readmit::{
    api::provider::ActiveDirectoryProvider,
    directory::{Call, Directory, active_directory::ActiveDirectory, throttle::Throttle},
    domain::account::{FailureClass, Step},
};
use std::time::Instant;
use testkit::{
    proxy::{Fault, Options, Protocol, Proxy},
    samba::{DOMAIN_DN, person_dn},
};

#[test]
fn a_wrong_secret_is_tried_exactly_once() {
    let Some(lab) = Lab::start() else { return };
    let mut spec = spec(lab.samba);
    spec.bind_name = person_dn("dana");
    let wrong = connect(lab.samba, &spec, "canary-wrong-secret");
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
    assert_eq!(
        lab.wait(wrong.probe(&call)).unwrap_err().class,
        FailureClass::CredentialRefused
    );
    let tried = lab.samba.sign_ins(&person_dn("dana")).unwrap();
    let tried: Vec<&str> = tried.iter().map(|sign_in| sign_in.status.as_str()).collect();
    assert_eq!(tried, ["NT_STATUS_WRONG_PASSWORD"]);
}

#[test]
fn a_refused_sign_in_says_what_is_in_the_way() {
    let Some(lab) = Lab::start() else { return };
    let dn = format!("CN=service,OU=Services,{DOMAIN_DN}");
    lab.samba
        .add(&format!("dn: {dn}\nobjectClass: user\nsAMAccountName: service\n"))
        .unwrap();
    let mut spec = spec(lab.samba);
    spec.bind_name = dn;
    let failure = lab.wait(connect(lab.samba, &spec, "x").probe(&call())).unwrap_err();
    // An account that was added without a password is disabled; the wrong password is found out first.
    assert_eq!(failure.class, FailureClass::CredentialRefused);
    assert!(failure.public.contains("Secret"), "{}", failure.public);
}

#[test]
fn an_untrusted_certificate_stops_everything_before_the_password() {
    let Some(lab) = Lab::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let stranger = testkit::tls::Authority::new("somebody else", folder.path()).unwrap();
    let mut spec = spec(lab.samba);
    spec.bind_name = "nobody-has-this-name@example.test".into();
    let made = ActiveDirectory::new(
        &spec,
        secret("x"),
        Some(stranger.pem().as_bytes()),
        Throttle::new(60_000, 20),
        TIMEOUT,
    );
    let failure = lab.wait(made.ok().unwrap().probe(&call())).unwrap_err();
    assert_eq!(failure.class, FailureClass::NeedsConfig);
    assert!(failure.public.contains("caSecretRef"), "{}", failure.public);
    assert_eq!(lab.samba.sign_ins(&spec.bind_name).unwrap(), []);
}

#[test]
fn settings_that_cannot_work_are_refused_at_once() {
    let Some(lab) = Lab::start() else { return };
    let ca = std::fs::read(lab.samba.ca_file()).unwrap();
    type Change = fn(&mut ActiveDirectoryProvider);
    let cases: [(Change, &str, &str); 4] = [
        (|spec| spec.url = "ldap://127.0.0.1".into(), "x", "encrypted"),
        (
            |spec| spec.url = "ldaps://dc1.example.test:3269".into(),
            "x",
            "global catalog",
        ),
        (|spec| spec.url = "dc1.example.test".into(), "x", "URL"),
        (|_| {}, "", "empty password"),
    ];
    for (change, password, word) in cases {
        let mut spec = spec(lab.samba);
        change(&mut spec);
        let made = ActiveDirectory::new(&spec, secret(password), Some(&ca), Throttle::new(60, 1), TIMEOUT);
        let failure = made.err().unwrap();
        assert_eq!(failure.class, FailureClass::NeedsConfig);
        assert!(failure.public.contains(word), "{}", failure.public);
    }
}

#[test]
fn the_probe_names_what_is_wrong() {
    type Change = fn(&mut ActiveDirectoryProvider);
    let cases: [(Change, &str); 3] = [
        (
            |spec| spec.base_dn = Some(format!("OU=None,{DOMAIN_DN}")),
            "baseDN does not exist",
        ),
        (|spec| spec.base_dn = Some("DC=other".into()), "outside the domain"),
        (|spec| spec.base_dn = Some("nonsense".into()), "outside the domain"),
    ];
    for (change, word) in cases {
        let Some(lab) = Lab::with(change) else { return };
        let failure = lab.wait(lab.directory.probe(&call())).unwrap_err();
        assert_eq!(failure.class, FailureClass::NeedsConfig);
        assert!(failure.public.contains(word), "{}", failure.public);
    }
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let Some(lab) = Lab::start() else { return };
    let target = lab.target("frozen");
    let late = Call {
        deadline: Instant::now(),
        ..call()
    };
    let sent = lab.wait(
        lab.directory
            .set_password(&late, &target, &secret(NEW), &[Step::Unlock]),
    );
    assert_eq!(sent.as_str(), "NotSent");
    assert!(failure(sent).passes());
    assert_eq!(lab.writes("frozen"), [""; 0]);
    assert_eq!(state(&lab.account("frozen").lock), "not locked");
}

/// What was written is told as unknown, whoever lost the answer, and nothing is sent again.
#[test]
fn a_lost_answer_is_unknown() {
    let Some(lab) = Lab::start() else { return };
    let target = lab.target("lost");
    let proxy = Proxy::start(Options {
        protocol: Protocol::Ldap,
        server: format!("{}:636", lab.samba.address()),
        server_tls: true,
        tls: true,
    })
    .unwrap();
    let mut spec = spec(lab.samba);
    spec.url = format!("ldaps://{}", proxy.address());
    let ca = proxy.ca_pem().unwrap().as_bytes();
    let through = ActiveDirectory::new(
        &spec,
        secret(lab.samba.secret()),
        Some(ca),
        Throttle::new(60_000, 20),
        TIMEOUT,
    );
    let through = through.map_err(|failure| failure.public).unwrap();
    let mut written = 0;
    for (fault, word, writes) in [
        (Fault::LostAfter, "Unknown", 1),
        (Fault::LostBefore, "Unknown", 0),
        (Fault::Busy, "Refused", 0),
    ] {
        for password in [false, true] {
            proxy.strike(&person_dn("lost"), fault);
            let sent = match password {
                true => lab.wait(through.set_password(&call(), &target, &secret(NEW), &[Step::Unlock])),
                false => lab.wait(through.unlock(&call(), &target)),
            };
            assert_eq!(sent.as_str(), word, "{fault:?} {sent:?}");
            written += writes;
            assert_eq!(lab.writes("lost").len(), written, "{fault:?}");
        }
    }
    assert_eq!(proxy.struck(), 6);
}
