//! What is held or ended, each with a message that says what to do.

use crate::*;

#[test]
fn what_does_not_exist_is_named() {
    let Some(org) = org() else { return };
    let nowhere =
        |name: &str, policy: &str| unlock(org, name, policy).replace("directory: bad,", "directory: nowhere,");
    check(
        org,
        "bob",
        &nowhere("bad-directory", ", policy: bad-links"),
        &Waits("DirectoryNotFound", "Directory nowhere does not exist; create it"),
    );
    let other = nowhere("bad-no-policy", "").replace("directory: nowhere,", "directory: moon,");
    let text = "no AccountPolicy allows Unlock in directory moon; create one, see examples/hello.yaml";
    check(org, "bob", &other, &Waits("NoPolicy", text));
    check(
        org,
        "bob",
        &unlock(org, "bad-policy", ", policy: missing"),
        &Waits("PolicyNotFound", "AccountPolicy missing does not exist; create it"),
    );
    for (name, policy) in [("bad-use-missing", "missing"), ("bad-use-there", "bad-links")] {
        let text = format!("you lack the verb use on accountpolicies.readmit.dev {policy}");
        let manifest = unlock(org, name, &format!(", policy: {policy}"));
        check(org, "mallory", &manifest, &Waits("NotAllowedToUse", &text));
    }
    let nobody = "no account that may be acted on matches; check the name and the directory";
    for (number, account) in [
        "{login: nobody@example.com}",
        "{id: 00uNobody}",
        "{email: nobody@example.com}",
    ]
    .iter()
    .enumerate()
    {
        let manifest = org.request(
            "AccountUnlockRequest",
            &format!("bad-nobody-{number}"),
            account,
            ", policy: bad-links",
        );
        check(org, "bob", &manifest, &Ends("Denied", "NotEligible", nobody));
    }
}

#[test]
fn times_that_are_over_or_ahead() {
    let Some(org) = org() else { return };
    let text = "create it under another name, with a later notAfter";
    let past = format!(", notAfter: '{}'", from_now(-1));
    check(
        org,
        "bob",
        &unlock(org, "bad-past", &past),
        &Ends("Expired", "Expired", text),
    );
    check(
        org,
        "bob",
        &reset(org, "bad-past", &past),
        &Ends("Expired", "Expired", text),
    );
    let ahead = from_now(2);
    let manifest = unlock(org, "bad-ahead", &format!(", notBefore: '{ahead}'"));
    check(
        org,
        "bob",
        &manifest,
        &Waits("NotBefore", &format!("nothing is done before {ahead}")),
    );
    let held = unlock(org, "bad-held", ", suspend: true");
    check(org, "bob", &held, &Waits("Suspended", "spec.suspend is true"));
}

#[test]
fn a_password_that_nobody_could_open_is_not_set() {
    let Some(org) = org() else { return };
    policy_is_not_ready(org, "bad-unsealable", &["spec.password.recipients", "recipient 1"]);
    let temporary = |name: &str, policy: &str, more: &str| {
        reset(
            org,
            name,
            &format!(", policy: {policy}, method: TemporaryPassword{more}"),
        )
    };
    let key = org.key.to_public();
    for (manifest, expected) in [
        (
            temporary("bad-unsealable", "bad-unsealable", ""),
            Waits("PolicyNotReady", "recipient 1"),
        ),
        (
            temporary("bad-unsealed", "bad-unsealed", ""),
            Ends("Failed", "NotCapable", "set password.recipients in policy bad-unsealed"),
        ),
        (
            temporary("bad-guest", "bad-guests", ", recipients: [age1nobody]"),
            Ends("Failed", "NotCapable", "recipient 1"),
        ),
        (
            temporary("bad-own-key", "bad-unsealed", &format!(", recipients: [{key}]")),
            Ends(
                "Denied",
                "PolicyDenied",
                "it does not allow spec.recipients; remove them",
            ),
        ),
        (
            temporary("bad-method", "bad-links", ""),
            Ends(
                "Denied",
                "PolicyDenied",
                "does not allow method TemporaryPassword; choose one of Link",
            ),
        ),
    ] {
        check(org, "bob", &manifest, &expected);
    }
    assert_eq!(org.written(LOCKED), [""; 0]);
    assert!(org.account(LOCKED).locked_since.is_some());
}

#[test]
fn who_may_not_ask_is_told_why() {
    let Some(org) = org() else { return };
    let by_name = json!({"spec": {"usernamePrefix": "oidc:"}}).to_string();
    let args = ["patch", "directory", "bad", "--type=merge", "-p", &by_name];
    support::success(&kubectl(org.stage.plane, "admin", &args));
    check(
        org,
        "alice",
        &unlock(org, "bad-self", ", policy: bad-links"),
        &Ends("Denied", "PolicyDenied", "nobody may ask for their own account"),
    );
    let bounded = format!(", policy: bad-links, notAfter: '{}'", from_now(1));
    check(
        org,
        "pipeline",
        &unlock(org, "bad-robot", &bounded),
        &Ends("Denied", "PolicyDenied", "the policy must set serviceAccounts: true"),
    );
    let status: Value = org.stage.get("aur", "default", "bad-robot")["status"].clone();
    assert!(status["account"].is_null(), "nothing was looked up: {status:#}");
}
