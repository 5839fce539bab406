//! Secrets full of syntax at four directories: an Okta organisation, a slapd, a ServiceNow instance and a CXone tenant.

use crate::{
    places,
    search::Secret,
    support::{
        lab::{self, Lab, RESET, UNLOCK, check, policy},
        ldap::{self, Recipient},
        stage::Operator,
    },
};
use sandbox::{
    Fault, FaultKind, cxone,
    okta::auth::Role,
    options::token,
    servicenow::{OPERATOR, OPERATOR_PASSWORD, SignIn},
};
use serde_json::json;
use testkit::slapd::Slapd;

const TOKEN: &str = "00canary-of-the-right-token_Zk3";
const WRONG_TOKEN: &str = "00canary-of-a-wrong-token_Qx7";
/// The secret of the client by which the password grant is used.
const CLIENT_SECRET: &str = "login-app-secret";
const WRONG_BIND: &str = "canary+of+a wrong/bind=password";
/// Stands in an annotation of a request.
const PLANTED: &str = "planted-where-anybody-may-read-it";
/// The first line of what is sealed.
const SEALED: &str = "BEGIN AGE ENCRYPTED FILE";

/// Manifests of Secrets, Directories and policies; what is wrong comes later, when the rest is known to work.
fn manifests(lab: &Lab, slapd: &Slapd, recipient: &Recipient) -> String {
    let password = json!({"methods": ["TemporaryPassword"], "recipients": [recipient.public()]});
    let actions = ["Unlock", "ResetPassword"];
    let okta = lab::directory("okta", &lab.okta, "").replace(sandbox::ADMIN_TOKEN, TOKEN);
    let ldap = ldap::text(&[
        ldap::secret("ldap", slapd, slapd.secret()),
        ldap::directory("ldap", slapd, &json!({})),
        ldap::policy("ldap", "ldap", &actions, &json!({ "password": password })),
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "sn", "namespace": "readmit-system"},
            "stringData": {"password": OPERATOR_PASSWORD, "client-secret": CLIENT_SECRET},
        }),
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": "sn"},
            "spec": {"provider": {"serviceNow": {
                "url": lab.okta.addresses().servicenow, "username": OPERATOR, "passwordSecretRef": {"name": "sn"},
                "clientID": "login-app", "clientSecretRef": {"name": "sn"},
            }}},
        }),
        ldap::policy("sn", "sn", &actions, &json!({ "password": password })),
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cx", "namespace": "readmit-system"},
            "stringData": {"access-key-secret": cxone::ACCESS_KEY_SECRET, "client-secret": cxone::CLIENT_SECRET},
        }),
        json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "Directory", "metadata": {"name": "cx"},
            "spec": {"provider": {"cxone": {
                "url": lab.okta.addresses().cxone, "username": cxone::OPERATOR,
                "accessKeyID": cxone::ACCESS_KEY_ID, "accessKeySecretRef": {"name": "cx"},
                "clientID": cxone::CLIENT_ID, "clientSecretRef": {"name": "cx"},
            }}},
        }),
        ldap::policy("cx", "cx", &actions, &json!({ "password": password })),
        ldap::policy("wrong-okta", "wrong-okta", &actions, &json!({})),
        ldap::policy("wrong-ldap", "wrong-ldap", &actions, &json!({})),
    ]);
    let desk = policy("desk", "Unlock, ResetPassword", &format!("password: {password}"));
    format!("{okta}{desk}{ldap}")
}

/// Unlocks and resets at all providers; gives the passwords that were generated.
fn act(lab: &Lab, operator: &Operator, slapd: &Slapd, recipient: &Recipient) -> Vec<Secret> {
    lab.okta.lock("alice@example.com").expect("locked");
    slapd.lock("alice").expect("locked by wrong sign-ins");
    let bob = lab.okta.account("bob@example.com").expect("bob").id;
    let refusal = FaultKind::Status {
        status: 403,
        body: Some(r#"{"errorCode": "E0000006", "errorSummary": "no", "errorId": "oae1"}"#.into()),
    };
    let expire = format!("/api/v1/users/{bob}/lifecycle/expire_password");
    lab.okta.inject(Fault::once("POST", &expire, refusal));
    let resets = [
        ("okta", "alice@example.com", "Succeeded", "PasswordReset"),
        ("ldap", "alice", "Succeeded", "PasswordReset"),
        // Set, but then the change at the next sign-in is refused.
        ("okta", "bob@example.com", "Failed", "Refused"),
        ("sn", "ada.byte", "Succeeded", "PasswordReset"),
        ("cx", "bob.ross@example.com", "Succeeded", "PasswordReset"),
    ];
    for (directory, login) in [("okta", "alice@example.com"), ("ldap", "alice")] {
        let name = format!("unlock-{directory}");
        let mut request = ldap::unlock(&name, directory, login, &json!({}));
        request["metadata"]["annotations"] = json!({"example.com/note": PLANTED});
        lab.create("bob", &request.to_string());
        check(&lab.finished(operator, UNLOCK, &name), "Succeeded", "Unlocked", "");
    }
    let mut passwords = Vec::new();
    for (n, (directory, login, outcome, reason)) in resets.into_iter().enumerate() {
        let name = format!("reset-{n}-{directory}");
        let request = ldap::reset(&name, directory, login, &json!({"method": "TemporaryPassword"}));
        lab.create("bob", &request.to_string());
        let status = lab.finished(operator, RESET, &name);
        check(&status, outcome, reason, "");
        let password = recipient.open(&status).expect("sealed to the policy's recipient");
        passwords.push(Secret::new(&format!("the password of {name}"), password));
    }
    let signs_in = |n: usize| {
        let password = std::str::from_utf8(&passwords[n].bytes).expect("text");
        ldap::signs_in(slapd, "alice", password).0
    };
    assert!(signs_in(1) && !signs_in(0), "what was opened is not what was set");
    let password = std::str::from_utf8(&passwords[3].bytes).expect("text");
    let signed_in = lab.okta.servicenow().sign_in("ada.byte", password, None);
    assert_eq!(signed_in, SignIn::MustChange, "what was opened is not what was set");
    let password = std::str::from_utf8(&passwords[4].bytes).expect("text");
    let signed_in = lab.okta.cxone().sign_in("bob.ross@example.com", password, None);
    assert_eq!(
        signed_in,
        cxone::SignIn::MustChange,
        "what was opened is not what was set"
    );
    passwords
}

/// Directories whose servers refuse the operator.
fn fail(lab: &Lab, operator: &Operator, slapd: &Slapd) {
    let org = lab.other_org("wrong");
    let okta = lab::directory("wrong-okta", &org, "").replace(sandbox::ADMIN_TOKEN, WRONG_TOKEN);
    assert!(okta.contains(WRONG_TOKEN), "{okta}");
    lab.admin(&okta);
    lab.admin(&ldap::text(&[
        ldap::secret("wrong-ldap", slapd, WRONG_BIND),
        ldap::directory("wrong-ldap", slapd, &json!({})),
    ]));
    for directory in ["wrong-okta", "wrong-ldap"] {
        lab.waits(operator, "directory", directory, "CredentialRefused");
        let request = ldap::unlock(directory, directory, "carol@example.com", &json!({}));
        lab.create("bob", &request.to_string());
        lab.waits(operator, UNLOCK, directory, "DirectoryUnavailable");
    }
}

#[test]
fn no_secret_is_anywhere_but_in_secrets() {
    let Some(lab) = Lab::open() else { return };
    let Some(slapd) = ldap::server(&[]) else { return };
    let recipient = Recipient::new();
    let canary = token("canary", TOKEN, Role::Admin);
    lab.okta.add_token(canary).expect("its owner is there");
    lab.admin(&manifests(&lab, &slapd, &recipient));
    let operator = lab.operator(&[("READMIT_LOG", "trace")]);
    let passwords = act(&lab, &operator, &slapd, &recipient);
    fail(&lab, &operator, &slapd);

    let private = Secret::new("the recipient's private key", recipient.private());
    let never: Vec<Secret> = passwords.into_iter().chain([private]).collect();
    let credentials = [
        Secret::new("the token", TOKEN),
        Secret::new("the wrong token", WRONG_TOKEN),
        Secret::new("the bind password", slapd.secret()),
        Secret::new("ServiceNow's password", OPERATOR_PASSWORD),
        Secret::new("ServiceNow's client secret", CLIENT_SECRET),
        Secret::new("the wrong bind password", WRONG_BIND),
        Secret::new("CXone's access key", cxone::ACCESS_KEY_SECRET),
        Secret::new("CXone's client secret", cxone::CLIENT_SECRET),
    ];
    // The finest that libraries are let say, and the product's own words about what is refused.
    let log = [
        "DEBUG HTTP{http.method=",
        "the operator's credential was refused",
        "LDAP result 49",
    ];
    let known = (
        &[PLANTED, SEALED, "CredentialRefused"][..],
        &log[..],
        &[PLANTED, SEALED][..],
    );
    places::assert_kept(&lab, &operator, &never, &credentials, known);
}
