//! Links that are really mailed, opened and followed.

use crate::lab::{Lab, call, lab, refused, target, usual};
use readmit::{
    directory::Directory,
    domain::account::{FailureClass, Sent, Step},
};
use serde_json::json;
use testkit::{keycloak::Browser, ports};

fn mail(lab: &Lab, id: &str) -> Sent {
    lab.run(lab.directory.send_reset_link(&call(), &target(id)))
}

#[test]
fn a_mailed_link_lets_its_owner_choose_a_password() {
    let Some(lab) = usual() else { return };
    let id = lab.person("lotte", &json!({}));
    assert_eq!(mail(&lab, &id), Sent::Done);
    let mails = lab.server.mails_to(lab.realm, "lotte@example.com");
    let [mail] = mails.as_slice() else {
        panic!("{} mails", mails.len())
    };
    let browser = Browser::new().expect("a browser");
    let page = browser.open(mail.link().expect("a link")).expect("a page");
    let page = browser.follow(&page, "action-token").expect("a form");
    let fields = [
        ("password-new", "Selbst-Gewählt-9"),
        ("password-confirm", "Selbst-Gewählt-9"),
    ];
    browser.submit(&page, &fields).expect("taken");
    assert_eq!(lab.sign_in("lotte", "Selbst-Gewählt-9"), "in");
}

#[test]
fn who_cannot_be_mailed_is_said_before_and_after() {
    let Some(lab) = usual() else { return };
    let nowhere = lab.person("nowhere", &json!({"email": null}));
    assert!(lab.read(&nowhere).obstacles.contains_key(&Step::SendLink));
    let failure = refused(mail(&lab, &nowhere));
    assert!(failure.public.contains("no e-mail address"), "{}", failure.public);
    let off = lab.person("off", &json!({"enabled": false}));
    let failure = refused(mail(&lab, &off));
    assert!(failure.public.contains("disabled"), "{}", failure.public);
}

#[test]
fn a_realm_without_a_mail_server_sends_no_links() {
    let Some(lab) = lab("mailless", &json!({"smtpServer": {}})) else {
        return;
    };
    let probe = lab.run(lab.directory.probe(&call())).expect("ready");
    let why = &probe.capabilities.unable[&Step::SendLink];
    assert!(why.contains("has no mail server"), "{why}");
    assert_eq!(probe.capabilities.unable.len(), 1);
    // Sent all the same, it is a fault of the realm's settings, and certainly nothing went out.
    let id = lab.person("ada", &json!({}));
    assert_eq!(refused(mail(&lab, &id)).class, FailureClass::NeedsConfig);
}

/// The mail server may have taken the mail before the connection broke: only the admin events could tell.
#[test]
fn a_mail_server_that_is_down_leaves_it_unknown() {
    let down = json!({"host": "127.0.0.1", "port": ports::free().to_string(), "from": "sign-in@example.com"});
    let Some(lab) = lab("down", &json!({"smtpServer": down})) else {
        return;
    };
    let id = lab.person("ada", &json!({}));
    let before = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(60);
    let sent = mail(&lab, &id);
    assert!(matches!(sent, Sent::Unknown(_)), "{sent:?}");
    assert!(!lab.run(lab.directory.link_sent_since(&call(), &target(&id), before)));
}
