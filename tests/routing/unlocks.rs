//! Unlocks: done in the domain, judged in Okta.

use crate::{
    Scene, Spelling, condition, login, scene, source,
    support::{
        domain::{sign_in, writes},
        ldap::{check, in_seconds, says, text, unlock},
    },
};
use serde_json::{Value, json};
use testkit::samba::INITIAL_PASSWORD;

fn locked_in_both(scene: &Scene, name: &str, spelling: Spelling) {
    scene.import_as(name, "LOCKED_OUT", spelling);
    scene.samba.lock(name).expect("locked by wrong sign-ins");
}

/// Both accounts stand in the status, and where it was really done.
#[track_caller]
fn names_both(scene: &Scene, status: &Value, name: &str) {
    assert_eq!(status["account"]["directory"], "corp", "{status:#}");
    assert_eq!(status["account"]["id"], scene.guid(name), "{status:#}");
    assert_eq!(status["named"]["directory"], "cloud", "{status:#}");
    assert_eq!(status["named"]["id"], scene.in_okta(name).id, "{status:#}");
}

#[test]
fn okta_keeps_its_own_lock_until_somebody_clears_it() {
    let Some((scene, _turn)) = scene() else { return };
    locked_in_both(scene, "both", Spelling::Text);
    scene.ask(&unlock("both-1", "cloud", &login("both"), &json!({})));
    let status = scene.stage.waits("aur", "both-1", "AwaitingManualAction");
    says(&status, "AwaitingManualAction", "the lock was cleared");
    for part in [
        "in directory corp",
        "directory cloud keeps a lock of its own",
        "Okta's console",
        "until 2",
    ] {
        says(&status, "AwaitingManualAction", part);
    }
    names_both(scene, &status, "both");
    assert_eq!(
        condition(&status, "Stalled")["status"],
        "True",
        "a person is needed: {status:#}"
    );
    assert_eq!(condition(&status, "DoneAtSource")["reason"], "Unlocked", "{status:#}");
    assert_eq!(status["attempts"][0]["result"], "Done", "{status:#}");
    assert!(status["outcome"].is_null(), "{status:#}");
    // In the domain it is done all the same.
    assert_eq!(sign_in(&scene.samba, "both", INITIAL_PASSWORD), None);
    scene
        .okta
        .sandbox
        .unlock(&login("both"))
        .expect("unlocked in the console");
    let status = scene.stage.finished("aur", "both-1");
    check(&status, "Succeeded", "Unlocked", "the lock was cleared");
    for part in ["in directory corp", "directory cloud shows no lock"] {
        check(&status, "Succeeded", "Unlocked", part);
    }
    names_both(scene, &status, "both");
    assert_eq!(writes(&scene.samba, "both"), ["lockoutTime replace 0"]);
    assert_eq!(
        scene.okta.written(&login("both")),
        [""; 0],
        "Okta's API is asked for nothing that it refuses"
    );
}

#[test]
fn a_lock_in_the_domain_alone_is_cleared_there() {
    let Some((scene, _turn)) = scene() else { return };
    scene.import_as("only-there", "ACTIVE", Spelling::Base64);
    scene.samba.lock("only-there").expect("locked by wrong sign-ins");
    let status = scene.ended(
        "aur",
        &unlock("only-there-1", "cloud", &login("only-there"), &json!({})),
    );
    check(&status, "Succeeded", "Unlocked", "directory cloud shows no lock");
    names_both(scene, &status, "only-there");
    assert!(status["lockout"]["since"].is_string(), "{status:#}");
    assert_eq!(sign_in(&scene.samba, "only-there", INITIAL_PASSWORD), None);
    let status = scene.ended(
        "aur",
        &unlock("only-there-2", "cloud", &login("only-there"), &json!({})),
    );
    check(&status, "Succeeded", "NotLocked", "nothing was done");
    assert_eq!(writes(&scene.samba, "only-there").len(), 1);
}

#[test]
fn a_lock_in_okta_alone_is_nothing_that_can_be_done() {
    let Some((scene, _turn)) = scene() else { return };
    scene.import_as("only-here", "LOCKED_OUT", Spelling::Text);
    scene.ask(&unlock("only-here-1", "cloud", &login("only-here"), &json!({})));
    let status = scene.stage.waits("aur", "only-here-1", "AwaitingManualAction");
    says(&status, "AwaitingManualAction", "nothing was done");
    assert!(condition(&status, "DoneAtSource").is_null(), "{status:#}");
    scene
        .okta
        .sandbox
        .unlock(&login("only-here"))
        .expect("unlocked in the console");
    check(
        &scene.stage.finished("aur", "only-here-1"),
        "Succeeded",
        "NotLocked",
        "nothing was done",
    );
    scene.untouched("only-here");
}

#[test]
fn the_clock_ends_what_nobody_clears() {
    let Some((scene, _turn)) = scene() else { return };
    locked_in_both(scene, "late", Spelling::Text);
    let request = unlock("late-1", "cloud", &login("late"), &json!({"notAfter": in_seconds(12)}));
    let status = scene.ended("aur", &request);
    check(&status, "Failed", "Expired", "its time ended at");
    for part in [
        "the lock was cleared",
        "in directory corp",
        "directory cloud keeps a lock of its own",
    ] {
        check(&status, "Failed", "Expired", part);
    }
    assert_eq!(sign_in(&scene.samba, "late", INITIAL_PASSWORD), None);
    assert_eq!(writes(&scene.samba, "late"), ["lockoutTime replace 0"]);
}

/// A limit of the Directory that is named counts what is done to the account in the other one, in that one's ledger.
#[test]
fn a_limit_of_the_named_directory_holds_where_it_is_done() {
    let Some((scene, _turn)) = scene() else { return };
    let limits = json!([{"actions": ["Unlock"], "max": 1, "per": "1h"}]);
    let more = json!({"sources": [source(&json!({}))], "limits": limits});
    scene.stage.admin(&text(&[scene.directory("cloud-limited", &more)]));
    scene.allow("limited", "cloud-limited", &json!({}));
    scene.import_as("limited", "ACTIVE", Spelling::Text);
    for (name, reason) in [("limited-1", "Unlocked"), ("limited-2", "LimitReached")] {
        scene.samba.lock("limited").expect("locked by wrong sign-ins");
        scene.ask(&unlock(name, "cloud-limited", &login("limited"), &json!({})));
        let status = scene.stage.waits("aur", name, reason);
        let account = status["account"]["ref"].as_str().unwrap_or_default();
        assert!(account.starts_with("active-directory-"), "{status:#}");
        let ledger = scene.stage.get("acct", "default", account);
        assert_eq!(ledger["id"], scene.guid("limited"), "{ledger:#}");
    }
    assert_eq!(writes(&scene.samba, "limited"), ["lockoutTime replace 0"]);
}
