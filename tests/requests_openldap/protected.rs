//! Accounts that nobody may touch, and what is told about them to whom; requests about oneself.

use crate::scene;
use crate::support::{
    ldap::{check, directory, policy, secret, text, unlock, writes},
    stage::{Stage, ready},
};
use serde_json::{Value, json};
use std::sync::Once;
use testkit::slapd::{Slapd, group_dn};

/// bob may inspect both Directories, alice and carol may not.
const INSPECT: &str = "
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: inspect}
rules:
- {apiGroups: [readmit.dev], resources: [directories], resourceNames: [guarded, services], verbs: [inspect]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: inspect}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: inspect}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: 'oidc:bob@example.com'}]
";

/// Directory `guarded` protects the group of administrators and executives; `services` shows service accounts, the
/// operator's own among them.
fn guarded() -> Option<(&'static Stage, &'static Slapd)> {
    static SET: Once = Once::new();
    let (stage, slapd) = scene()?;
    SET.call_once(|| {
        let guarded = json!({
            "usernamePrefix": "oidc:",
            "provider": {"openldap": {"administrators": [group_dn("admins")]}},
            "protectedAccounts": [{
                "expression": "account.profile.employeeType == 'executive'",
                "message": "executives go to the identity team",
            }],
        });
        let services =
            json!({"provider": {"openldap": {"objectClass": "simpleSecurityObject", "loginAttribute": "cn"}}});
        let manifests = [
            secret("guarded", slapd, slapd.secret()),
            directory("guarded", slapd, &guarded),
            policy("guarded", "guarded", &["Unlock"], &json!({})),
            policy("guarded-self", "guarded", &["Unlock"], &json!({"selfService": true})),
            secret("services", slapd, slapd.secret()),
            directory("services", slapd, &services),
            policy("services", "services", &["Unlock"], &json!({})),
        ];
        stage.admin(&format!("{}{INSPECT}", text(&manifests)));
    });
    Some((stage, slapd))
}

fn ask(stage: &Stage, person: &str, name: &str, directory: &str, login: &str, more: &Value) -> Value {
    stage.create(person, &text(&[unlock(name, directory, login, more)]));
    stage.finished("aur", name)
}

/// Person asked about, what who may inspect is told.
const PROTECTED: &[(&str, &str, &str)] = &[
    ("guarded", "root1", "it is a member of administrators[0]"),
    ("guarded", "nested", "it is a member of administrators[0]"),
    ("guarded", "xena", "executives go to the identity team"),
    ("services", "readmit", "it is the operator's own account"),
];

#[test]
fn protected_accounts_are_refused_before_any_write() {
    let Some((stage, slapd)) = guarded() else { return };
    for uid in ["root1", "nested", "xena"] {
        slapd.lock(uid).expect("locked by wrong sign-ins");
    }
    let mut told = Vec::new();
    for (directory, login, detail) in PROTECTED {
        let status = ask(
            stage,
            "bob",
            &format!("inspected-{login}"),
            directory,
            login,
            &json!({}),
        );
        check(&status, "Denied", "Protected", detail);
        let status = ask(
            stage,
            "alice",
            &format!("protected-{login}"),
            directory,
            login,
            &json!({}),
        );
        check(&status, "Denied", "NotEligible", "");
        told.push(status);
        if *directory == "guarded" {
            assert_eq!(writes(slapd, login), [], "{login}");
        }
    }
    // Neither that there is nobody nor that there are several is told apart from that.
    let nobody = json!({"account": {"login": "nobody"}});
    told.push(ask(stage, "alice", "protected-nobody", "guarded", "", &nobody));
    let twins = json!({"account": {"email": "twins@example.com"}});
    told.push(ask(stage, "alice", "protected-twins", "guarded", "", &twins));
    let shown = |status: &Value| {
        let mut shown = status.clone();
        for member in ["startTime", "completionTime"] {
            shown[member] = Value::Null;
        }
        for condition in shown["conditions"].as_array_mut().expect("conditions") {
            condition["lastTransitionTime"] = Value::Null;
        }
        shown
    };
    for status in &told {
        check(status, "Denied", "NotEligible", "check the name and the directory");
        assert_eq!(shown(status), shown(&told[0]));
    }
    // Who may inspect is told the difference.
    for (name, more, detail) in [
        ("inspected-nobody", nobody, "the directory has no such account"),
        ("inspected-twins", twins, "several accounts match"),
    ] {
        check(
            &ask(stage, "bob", name, "guarded", "", &more),
            "Denied",
            "NotEligible",
            detail,
        );
    }
}

#[test]
fn nobody_asks_for_themselves_unless_the_policy_lets_them() {
    let Some((stage, slapd)) = guarded() else { return };
    slapd.lock("alice").expect("locked by wrong sign-ins");
    let under = |policy: &str| json!({"policy": policy});
    let by_mail = json!({"policy": "guarded", "account": {"email": "Alice@Example.com"}});
    for (name, more) in [("self-login", under("guarded")), ("self-mail", by_mail)] {
        let status = ask(stage, "alice", name, "guarded", "alice", &more);
        check(
            &status,
            "Denied",
            "PolicyDenied",
            "nobody may ask for their own account",
        );
    }
    assert_eq!(writes(slapd, "alice"), []);
    let status = ask(
        stage,
        "alice",
        "self-allowed",
        "guarded",
        "alice",
        &under("guarded-self"),
    );
    check(&status, "Succeeded", "Unlocked", "read back");
    // Somebody else may ask under either.
    let status = ask(stage, "bob", "not-self", "guarded", "alice", &under("guarded"));
    check(&status, "Succeeded", "NotLocked", "nothing was done");
    assert_eq!(ready(&status)["status"], "True");
}
