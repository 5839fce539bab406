//! Unlocks, by what state the account is in.

use crate::support::{
    org::{Org, check},
    stage::{ready, stage},
};
use sandbox::{SEED_PASSWORD, SeedUser, SignIn, Status};
use serde_json::{Value, from_value, json};
use std::sync::OnceLock;

fn org() -> Option<&'static Org> {
    static ORG: OnceLock<Option<Org>> = OnceLock::new();
    ORG.get_or_init(|| Some(Org::start(stage()?, "unlocks"))).as_ref()
}

/// Nothing was written to this account.
#[track_caller]
fn untouched(org: &Org, login: &str) {
    assert_eq!(org.written(login), [""; 0], "{login}");
}

#[test]
fn a_locked_person_gets_back_in() {
    let Some(org) = org() else { return };
    org.sandbox.lock("alice@example.com").expect("locked");
    let status = org.unlocked("unlocks-alice", "alice@example.com");
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert_eq!(status["policy"]["name"], "unlocks", "{status:#}");
    assert_eq!(
        status["account"]["id"],
        org.account("alice@example.com").id,
        "{status:#}"
    );
    assert!(status["lockout"]["since"].is_string(), "{status:#}");
    assert_eq!(org.written("alice@example.com"), ["POST /lifecycle/unlock"]);
    let sign_in = org.sandbox.sign_in("alice@example.com", SEED_PASSWORD, None);
    assert!(matches!(sign_in, SignIn::Success { .. }), "{sign_in:?}");
}

#[test]
fn an_account_is_found_by_its_id_and_by_its_address() {
    let Some(org) = org() else { return };
    org.seed_locked("by-id@example.com");
    org.seed_locked("by-email@example.com");
    let id = org.account("by-id@example.com").id;
    org.stage
        .create("bob", &org.unlock("unlocks-by-id", &format!("{{id: {id}}}")));
    org.stage
        .create("bob", &org.unlock("unlocks-by-email", "{email: by-email@example.com}"));
    for name in ["unlocks-by-id", "unlocks-by-email"] {
        check(&org.stage.finished("aur", name), "Succeeded", "Unlocked", "");
    }
}

#[test]
fn an_account_that_is_blocked_on_unknown_devices_is_locked_though_active() {
    let Some(org) = org() else { return };
    let status = org.unlocked("unlocks-ivan", "ivan@example.com");
    check(&status, "Succeeded", "Unlocked", "read back as not locked");
    assert_eq!(status["lockout"]["scope"], "unknown devices", "{status:#}");
    assert!(org.account("ivan@example.com").blocks.is_empty());
}

#[test]
fn an_account_that_is_not_locked_is_left_alone() {
    let Some(org) = org() else { return };
    let status = org.unlocked("unlocks-bob", "bob@example.com");
    check(&status, "Succeeded", "NotLocked", "nothing was done");
    untouched(org, "bob@example.com");
}

#[test]
fn a_deactivated_account_is_not_locked_and_the_message_says_disabled() {
    let Some(org) = org() else { return };
    let status = org.unlocked("unlocks-dora", "dora@example.com");
    check(&status, "Succeeded", "NotLocked", "it is disabled");
    untouched(org, "dora@example.com");
}

#[test]
fn a_suspended_and_locked_account_is_refused_before_any_write() {
    let Some(org) = org() else { return };
    let user: SeedUser = from_value(json!({
        "login": "both@example.com", "status": Status::Suspended, "password": SEED_PASSWORD, "blocks": ["ANY_DEVICES"],
    }))
    .expect("a seed");
    org.sandbox.seed([user]).expect("a new login");
    let status = org.unlocked("unlocks-both", "both@example.com");
    check(&status, "Failed", "Refused", "locked and disabled");
    untouched(org, "both@example.com");
}

#[test]
fn an_account_of_another_directory_is_refused_before_any_write() {
    let Some(org) = org() else { return };
    for (name, login) in [("unlocks-ken", "ken@example.com"), ("unlocks-lena", "lena@example.com")] {
        let status = org.unlocked(name, login);
        check(
            &status,
            "Failed",
            "NotCapable",
            "an administrator does it in Okta's console",
        );
        untouched(org, login);
    }
}

#[test]
fn the_directory_shows_what_it_is_and_can() {
    let Some(org) = org() else { return };
    let status = org.directory_when(|status| status["rate"].is_object());
    assert_eq!(ready(&status)["status"], "True", "{status:#}");
    assert_eq!(ready(&status)["reason"], "Ready", "{status:#}");
    let mut capabilities: Vec<&str> = status["capabilities"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    capabilities.sort_unstable();
    assert_eq!(
        capabilities,
        [
            "ChangeAtNextSignIn",
            "Link",
            "RevokeSessions",
            "TemporaryPassword",
            "Unlock"
        ]
    );
    let upstream = status["upstream"].as_str().unwrap_or_default();
    assert!(upstream.starts_with("00o"), "{status:#}");
    let (limit, remaining) = (&status["rate"]["limit"], &status["rate"]["remaining"]);
    assert!(
        limit.as_i64() > Some(0) && remaining.as_i64() > Some(0) && remaining.as_i64() <= limit.as_i64(),
        "{status:#}"
    );
    assert!(status["refusedSecret"].is_null(), "{status:#}");
}
