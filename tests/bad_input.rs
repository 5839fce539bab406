//! Bad input of every kind: refused at admission, or ended or held with a message that says what to do; and nothing is
//! sent on its behalf.

mod support;

use jiff::{SignedDuration, Timestamp};
use sandbox::{SeedUser, Status};
use serde_json::{Value, from_value, json};
use std::{sync::OnceLock, time::Duration};
use support::{
    kubectl,
    org::{Org, says},
    refused_with,
    stage::{ready, stage},
};

/// What becomes of a bad manifest.
enum Expected<'a> {
    /// The API server refuses it, with these parts in its text.
    Refused(&'a [&'a str]),
    /// It waits for this reason, and says this.
    Waits(&'a str, &'a str),
    /// It ends so: outcome, reason, and what it says.
    Ends(&'a str, &'a str, &'a str),
}

use Expected::{Ends, Refused, Waits};

const LOCKED: &str = "alice@example.com";

fn org() -> Option<&'static Org> {
    static ORG: OnceLock<Option<Org>> = OnceLock::new();
    ORG.get_or_init(|| {
        let org = Org::start(stage()?, "bad");
        org.stage.admin(&policies(&org));
        Some(org)
    })
    .as_ref()
}

/// Policies that are bad or narrow, each of which only requests that name it run under.
fn policies(org: &Org) -> String {
    let policy = |name: &str, spec: &str| {
        let directory = &org.name;
        format!(
            "---\napiVersion: readmit.dev/v1alpha1\nkind: AccountPolicy\nmetadata: {{name: bad-{name}}}\n\
             spec: {{actions: [Unlock, ResetPassword], directories: [{directory}, nowhere], {spec}}}\n"
        )
    };
    let all = "methods: [Link, TemporaryPassword, ChangeAtNextSignIn]";
    [
        policy("syntax", "accounts: [{expression: 'account.login == '}]"),
        policy(
            "text",
            "requester: [{expression: 'true'}, {expression: 'requester.username'}]",
        ),
        policy("variable", "accounts: [{expression: 'user.login == \"x\"'}]"),
        policy(
            "unreadable",
            "accounts: [{expression: 'has(account.profile.clearances)'}]",
        ),
        policy("types", "accounts: [{expression: 'account.profile.department < 5'}]"),
        policy(
            "missing",
            "accounts: [{expression: 'account.profile.badge == \"7\"', message: a badge is needed}]",
        ),
        policy("links", "selfService: false"),
        policy("unsealable", &format!("password: {{{all}, recipients: [age1nobody]}}")),
        policy("unsealed", &format!("password: {{{all}}}")),
        policy("guests", &format!("password: {{{all}, allowRequestRecipients: true}}")),
        policy("elsewhere", "namespaces: {matchLabels: {team: none}}"),
    ]
    .concat()
}

/// The account's manifest part for somebody who is locked.
fn locked() -> String {
    format!("{{login: {LOCKED}}}")
}

fn unlock(org: &Org, name: &str, more: &str) -> String {
    org.request("AccountUnlockRequest", name, &locked(), more)
}

fn reset(org: &Org, name: &str, more: &str) -> String {
    org.request("PasswordResetRequest", name, &locked(), more)
}

/// Creates a manifest as somebody, and compares what becomes of it.
#[track_caller]
fn check(org: &Org, person: &str, manifest: &str, expected: &Expected) {
    if let Refused(parts) = expected {
        let output = org.stage.plane.try_create(person, manifest).expect("kubectl runs");
        return refused_with(&output, parts);
    }
    org.stage.create(person, manifest);
    let word = |key: &str| {
        let tail = manifest.split_once(key).map_or("", |(_, tail)| tail);
        tail.split([',', '}', '\n'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let kind = if word("kind:") == "AccountUnlockRequest" {
        "aur"
    } else {
        "pwr"
    };
    let name = word("name:");
    match expected {
        Refused(_) => {}
        Waits(reason, message) => {
            let status = org.stage.waits(kind, &name, reason);
            says(&status, reason, message);
            assert!(status["outcome"].is_null(), "{status:#}");
        }
        Ends(outcome, reason, message) => {
            let status = org.stage.finished(kind, &name);
            support::org::check(&status, outcome, reason, message);
        }
    }
}

fn from_now(hours: i64) -> String {
    let time = Timestamp::now() + SignedDuration::from_hours(hours);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn directory(provider: &str) -> String {
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: Directory\nmetadata: {{name: refused}}\nspec: {{provider: {{{provider}}}}}\n"
    )
}

fn policy(spec: &str) -> String {
    format!(
        "apiVersion: readmit.dev/v1alpha1\nkind: AccountPolicy\nmetadata: {{name: refused}}\n\
         spec: {{directories: [bad], {spec}}}\n"
    )
}

#[test]
fn directories_that_cannot_be_meant_are_refused() {
    let Some(org) = org() else { return };
    let okta = "okta: {url: 'https://example.okta.com', tokenSecretRef: {name: okta}}";
    let ldap =
        |url: &str| format!("openldap: {{url: '{url}', bindDN: cn=a, bindSecretRef: {{name: a}}, baseDN: dc=a}}");
    let one = ["spec.provider", "set exactly one of okta, openldap"];
    let both = format!("{okta}, {}", ldap("ldaps://ldap.example.test"));
    check(org, "admin", &directory(""), &Refused(&one));
    check(org, "admin", &directory(&both), &Refused(&one));
    let plain = okta.replace("https:", "http:");
    let parts = ["must be an https:// URL", "loopback"];
    check(org, "admin", &directory(&plain), &Refused(&parts));
    let parts = ["must be an ldaps:// URL", "loopback"];
    for url in ["ldap://ldap.example.test", "ldap://10.0.0.1", "ldap.example.test"] {
        check(org, "admin", &directory(&ldap(url)), &Refused(&parts));
    }
    let unknown = ["unknown field", "spec.provider.ldap"];
    check(org, "admin", &directory("ldap: {}"), &Refused(&unknown));
    let rates = directory(okta).replace("}}}}\n", "}}}, rateLimit: {requestsPerMinute: 0}}\n");
    check(org, "admin", &rates, &Refused(&["spec.rateLimit.requestsPerMinute"]));
}

#[test]
fn policies_that_cannot_be_meant_are_refused() {
    let Some(org) = org() else { return };
    let long = "x".repeat(2049);
    for (spec, parts) in [
        ("maxValidity: 1h", &["spec.actions", "Required"][..]),
        ("actions: []", &["spec.actions", "at least 1"]),
        ("actions: [Reset]", &["spec.actions[0]", "ResetPassword"]),
        (
            "actions: [Unlock], maxValidity: 1d",
            &["spec.maxValidity", "should match"],
        ),
        (
            "actions: [Unlock], maxValidity: 721h",
            &["spec.maxValidity", "at most 720h"],
        ),
        (
            "actions: [Unlock], limits: [{actions: [Unlock], max: 0, per: 24h}]",
            &["spec.limits[0].max", "greater than or equal to 1"],
        ),
        (
            "actions: [Unlock], password: {length: 8}",
            &["spec.password.length", "greater than or equal to 20"],
        ),
        (
            "actions: [Unlock], password: {methods: [Mail]}",
            &["spec.password.methods[0]", "Link"],
        ),
        (
            &format!("actions: [Unlock], accounts: [{{expression: {long}}}]"),
            &["spec.accounts[0].expression", "Too long", "2048"],
        ),
    ] {
        check(org, "admin", &policy(spec), &Refused(parts));
    }
}

#[test]
fn requests_that_cannot_be_meant_are_refused() {
    let Some(org) = org() else { return };
    let kind = "AccountUnlockRequest";
    let one = ["spec.account", "set exactly one of login, id, email"];
    for account in ["{}", "{login: a, id: b}", "{id: a, email: b}"] {
        check(
            org,
            "bob",
            &org.request(kind, "bad-refused", account, ""),
            &Refused(&one),
        );
    }
    let long = json!({"login": "a".repeat(300)}).to_string();
    let parts = ["spec.account.login", "Too long", "256"];
    check(
        org,
        "bob",
        &org.request(kind, "bad-refused", &long, ""),
        &Refused(&parts),
    );
    let late = format!(", notAfter: '{}'", from_now(31 * 24));
    let turned = format!(", notBefore: '{}', notAfter: '{}'", from_now(2), from_now(1));
    for (more, parts) in [
        (
            &*late,
            &["spec.notAfter must lie at most 720h (30 days) after creation"][..],
        ),
        (&*turned, &["spec.notAfter", "notAfter must be later than notBefore"]),
        (", notAfter: tomorrow", &["spec.notAfter", "date-time"]),
        (", ttlAfterFinished: 1d", &["spec.ttlAfterFinished", "should match"]),
        (", metod: Link", &["unknown field", "spec.metod"]),
        (", method: Link", &["unknown field", "spec.method"]),
    ] {
        check(org, "bob", &unlock(org, "bad-refused", more), &Refused(parts));
    }
    let parts = ["spec.method", "TemporaryPassword", "ChangeAtNextSignIn"];
    check(
        org,
        "bob",
        &reset(org, "bad-refused", ", method: Mail"),
        &Refused(&parts),
    );
    let parts = ["a request by a service account needs spec.notAfter", "run only once"];
    check(
        org,
        "pipeline",
        &unlock(org, "bad-refused", ""),
        &Refused(&parts.map(|part| part)),
    );
}

#[test]
fn a_request_cannot_be_changed() {
    let Some(org) = org() else { return };
    org.stage.create(
        "bob",
        &reset(org, "bad-changed", ", suspend: true, notAfter: '2030-01-01T00:00:00Z'")
            .replace("'2030-01-01T00:00:00Z'", &format!("'{}'", from_now(1))),
    );
    for patch in [
        json!({"spec": {"account": {"login": "bob@example.com"}}}),
        json!({"spec": {"method": "TemporaryPassword"}}),
        json!({"spec": {"recipients": ["age1x"]}}),
        json!({"spec": {"policy": "bad"}}),
        json!({"spec": {"unlock": false}}),
        json!({"spec": {"notAfter": from_now(2)}}),
        json!({"spec": {"notAfter": null}}),
    ] {
        let patch = patch.to_string();
        let output = kubectl(
            org.stage.plane,
            "bob",
            &["patch", "pwr", "bad-changed", "--type=merge", "-p", &patch],
        );
        refused_with(&output, &["a request cannot be changed; create one with another name"]);
    }
}

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

/// Waits until a policy is not ready, and asserts that its message has these parts.
#[track_caller]
fn policy_is_not_ready(org: &Org, name: &str, parts: &[&str]) {
    let end = std::time::Instant::now() + Duration::from_secs(20);
    let status = loop {
        let status = org.stage.get("accountpolicy", "default", name)["status"].clone();
        if ready(&status)["status"] == "False" {
            break status;
        }
        assert!(std::time::Instant::now() < end, "{name}: {status:#}");
        std::thread::sleep(Duration::from_millis(100));
    };
    let message = ready(&status)["message"].as_str().unwrap_or_default();
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in {message:?}");
    }
}

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
    std::thread::sleep(Duration::from_secs(3));
    for name in ["bad-syntax-waits", "bad-text-waits", "bad-variable-waits"] {
        let status = org.stage.get("aur", "default", name)["status"].clone();
        assert!(status["outcome"].is_null(), "{status:#}");
    }
    let good = json!({"spec": {"accounts": [{"expression": "account.login == 'patient@example.com'"}]}}).to_string();
    let args = ["patch", "accountpolicy", "bad-syntax", "--type=merge", "-p", &good];
    support::success(&kubectl(org.stage.plane, "admin", &args));
    let status = org.stage.finished("aur", "bad-syntax-waits");
    support::org::check(&status, "Succeeded", "Unlocked", "");
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
