//! Expressions that cannot be used, or not for this account: they hold a request, and deny nobody.

use crate::*;

#[test]
fn an_expression_that_cannot_be_used_makes_the_policy_not_ready_and_denies_nobody() {
    let Some(org) = org() else { return };
    org.seed_locked("patient@example.com");
    for (name, parts) in [
        ("bad-syntax", &["spec.accounts[0].expression: 1:"][..]),
        ("bad-text", &["spec.requester[1].expression", "bool"]),
        ("bad-variable", &["spec.accounts[0].expression: 1:1: ", "user"]),
    ] {
        policy_is_not_ready(org, name, parts);
        let manifest = org.request(
            "AccountUnlockRequest",
            &format!("{name}-waits"),
            "{login: patient@example.com}",
            &format!(", policy: {name}"),
        );
        check(
            org,
            "bob",
            &manifest,
            &Waits("PolicyNotReady", &format!("AccountPolicy {name} is not ready")),
        );
    }
    // A change of one policy has every request looked at again.
    let good = json!({"spec": {"accounts": [{"expression": "account.login == 'patient@example.com'"}]}}).to_string();
    let args = ["patch", "accountpolicy", "bad-syntax", "--type=merge", "-p", &good];
    support::success(&kubectl(org.stage.plane, "admin", &args));
    let status = org.stage.finished("aur", "bad-syntax-waits");
    support::org::check(&status, "Succeeded", "Unlocked", "");
    for name in ["bad-text-waits", "bad-variable-waits"] {
        let status = org.stage.get("aur", "default", name)["status"].clone();
        assert!(status["outcome"].is_null(), "{status:#}");
    }
}

#[test]
fn an_expression_that_fails_on_an_account_waits_and_one_that_misses_an_attribute_denies() {
    let Some(org) = org() else { return };
    let user: SeedUser = from_value(json!({
        "login": "nested@example.com", "status": Status::LockedOut, "password": sandbox::SEED_PASSWORD,
        "profile": {"clearances": ["a", "b"], "department": "Sales"},
    }))
    .expect("a seed");
    org.sandbox.seed([user]).expect("a new login");
    for (name, expected) in [
        ("unreadable", Waits("PolicyNotReady", "account.profile.clearances")),
        ("types", Waits("PolicyNotReady", "cannot be evaluated")),
        ("missing", Ends("Denied", "PolicyDenied", "a badge is needed")),
        (
            "elsewhere",
            Ends("Denied", "PolicyDenied", "it does not serve namespace default"),
        ),
    ] {
        let (request, policy) = (format!("bad-rule-{name}"), format!(", policy: bad-{name}"));
        let manifest = org.request("AccountUnlockRequest", &request, "{login: nested@example.com}", &policy);
        check(org, "bob", &manifest, &expected);
    }
    assert_eq!(org.written("nested@example.com"), [""; 0]);
}

#[test]
fn a_protected_accounts_rule_that_cannot_be_used_makes_the_directory_not_ready() {
    let Some(stage) = stage() else { return };
    let org = Org::sandbox(stage, "bad-protection");
    org.set_token(sandbox::ADMIN_TOKEN);
    let bad = org.directory(&org.sandbox.addresses().http, "").replace(
        "}}}}\n",
        "}}}, protectedAccounts: [{expression: \"account.groups.exists(g, g = 'x')\"}]}\n",
    );
    stage.admin(&bad);
    let status = org.directory_when(|status| ready(status)["status"] == "False");
    let message = ready(&status)["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("spec.protectedAccounts[0].expression: 1:"),
        "{message}"
    );
    assert!(org.sandbox.truth().is_empty(), "nothing was sent");
}
