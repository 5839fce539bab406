//! Bad input of every kind: refused at admission, or ended or held with a message that says what to do; and nothing is
//! sent on its behalf.

#[path = "../support/mod.rs"]
mod support;

mod refused;
mod rules;
mod told;

use jiff::{SignedDuration, Timestamp};
use sandbox::{SeedUser, Status};
use serde_json::{Value, from_value, json};
use std::sync::OnceLock;
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

/// Waits until a policy is not ready, and asserts that its message has these parts.
#[track_caller]
fn policy_is_not_ready(org: &Org, name: &str, parts: &[&str]) {
    let status = org
        .stage
        .status_when("accountpolicy", name, |status| ready(status)["status"] == "False");
    let message = ready(&status)["message"].as_str().unwrap_or_default();
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in {message:?}");
    }
}
