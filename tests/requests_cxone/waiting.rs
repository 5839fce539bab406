//! Locks that an administrator clears in the console.

use crate::{
    shared,
    support::{
        ldap::in_seconds,
        org::{check, says},
        stage::ready,
    },
    tenant, written,
};
use sandbox::{
    SEED_PASSWORD,
    cxone::{Person, Quirk, SignIn},
};
use std::time::{Duration, Instant};
use testkit::wait;

#[test]
fn a_locked_person_waits_for_the_console_and_gets_back_in() {
    let Some(org) = shared() else { return };
    let console = org.sandbox.cxone();
    org.stage
        .create("bob", &org.unlock("cx-ada", "{login: ada.byte@example.com}"));
    let status = org.stage.waits("aur", "cx-ada", "AwaitingManualAction");
    says(
        &status,
        "AwaitingManualAction",
        "Admin > Security Settings > Locked Employees in CXone, and in the row of ada.byte@example.com",
    );
    let conditions = status["conditions"].as_array().expect("conditions");
    let stalled = conditions.iter().find(|condition| condition["type"] == "Stalled");
    assert_eq!(stalled.map(|it| &it["status"]), Some(&"True".into()), "{status:#}");
    assert!(
        status["outcome"].is_null() && status["lockout"]["cause"].is_string(),
        "{status:#}"
    );
    console.unlock("ada.byte@example.com").expect("the administrator may");
    let status = org.stage.finished("aur", "cx-ada");
    check(
        &status,
        "Succeeded",
        "Unlocked",
        "read back as not locked; CXone locks the account again unless its owner signs in within two days",
    );
    assert!(
        status["lockout"].is_object() && status["account"]["ref"].is_null(),
        "{status:#}"
    );
    assert!(written(org, "ada.byte@example.com").is_empty());
    let sign_in = console.sign_in("ada.byte@example.com", SEED_PASSWORD, None);
    assert_eq!(sign_in, SignIn::Success);
}

#[test]
fn many_who_wait_cost_one_list_a_poll() {
    let Some(org) = tenant("cx-many") else { return };
    let names: Vec<String> = (0..12).map(|number| format!("many{number}@example.com")).collect();
    let mut manifests = Vec::new();
    for (number, name) in names.iter().enumerate() {
        org.sandbox.cxone().add(&Person::locked(name));
        manifests.push(org.unlock(&format!("cx-many-{number}"), &format!("{{login: {name}}}")));
    }
    org.stage.create("bob", &manifests.join("---\n"));
    for number in 0..names.len() {
        org.stage
            .waits("aur", &format!("cx-many-{number}"), "AwaitingManualAction");
    }
    let before = org.sandbox.truth().len() as u64;
    let begun = Instant::now();
    let lists = || {
        let calls = org.sandbox.truth_since(before);
        calls.iter().filter(|call| call.path.ends_with("/agents")).count()
    };
    let listed = wait::until("six lists", Duration::from_secs(20), || (lists() >= 6).then_some(()));
    listed.unwrap_or_else(|error| panic!("{error}, but {}\n{}", lists(), org.stage.operator.tail()));
    let (agents, seconds) = (lists(), begun.elapsed().as_secs_f64());
    // One for those who wait and one for spec.lockouts, each second.
    assert!(agents as f64 <= 2.0 * seconds + 4.0, "{agents} lists in {seconds} s");
    let calls = org.sandbox.truth_since(before);
    assert!(
        calls
            .iter()
            .all(|call| !call.path.contains("/users/") && !call.query.contains("searchString")),
        "nobody is read alone"
    );
    for name in &names {
        org.sandbox.cxone().unlock(name).expect("the administrator may");
    }
    for number in 0..names.len() {
        check(
            &org.stage.finished("aur", &format!("cx-many-{number}")),
            "Succeeded",
            "Unlocked",
            "read back",
        );
    }
}

#[test]
fn it_ends_by_its_clock_where_nobody_comes() {
    let Some(org) = shared() else { return };
    org.sandbox.cxone().add(&Person::locked("late@example.com"));
    let more = format!(", notAfter: '{}'", in_seconds(12));
    let request = org.request("AccountUnlockRequest", "cx-late", "{login: late@example.com}", &more);
    org.stage.create("bob", &request);
    org.stage.waits("aur", "cx-late", "AwaitingManualAction");
    check(
        &org.stage.finished("aur", "cx-late"),
        "Expired",
        "Expired",
        "its time ended",
    );
    assert!(org.sandbox.cxone().agent("late@example.com").expect("an agent").locked);
}

#[test]
fn a_reset_of_a_locked_person_waits_or_leaves_the_lock_where_told() {
    let Some(org) = shared() else { return };
    let console = org.sandbox.cxone();
    for name in ["wait@example.com", "leave@example.com"] {
        console.add(&Person::locked(name));
    }
    let method = ", method: TemporaryPassword";
    let wait = org.request("PasswordResetRequest", "cx-wait", "{login: wait@example.com}", method);
    let leave = org.request(
        "PasswordResetRequest",
        "cx-leave",
        "{login: leave@example.com}",
        &format!("{method}, unlock: false"),
    );
    org.stage.create("bob", &format!("{wait}---\n{leave}"));
    let status = org.stage.waits("pwr", "cx-wait", "AwaitingManualAction");
    says(
        &status,
        "AwaitingManualAction",
        "create another request with unlock: false",
    );
    assert!(written(org, "wait@example.com").is_empty());
    let status = org.stage.finished("pwr", "cx-leave");
    check(&status, "Succeeded", "PasswordReset", "status.delivery.sealed");
    assert!(
        console.agent("leave@example.com").expect("an agent").locked,
        "a reset does not unlock"
    );
    console.unlock("wait@example.com").expect("the administrator may");
    let status = org.stage.finished("pwr", "cx-wait");
    check(&status, "Succeeded", "PasswordReset", "status.delivery.sealed");
    let password = org.open(&status);
    assert_eq!(console.sign_in("wait@example.com", &password, None), SignIn::MustChange);
}

#[test]
fn a_lock_that_is_hidden_again_is_never_called_gone() {
    let Some(org) = tenant("cx-hidden") else { return };
    let console = org.sandbox.cxone();
    org.stage
        .create("bob", &org.unlock("cx-hidden-ada", "{login: ada.byte@example.com}"));
    org.stage.waits("aur", "cx-hidden-ada", "AwaitingManualAction");
    console.set_quirk(Quirk::LockedMissing, true);
    let status = org.stage.waits("aur", "cx-hidden-ada", "MissingRights");
    says(&status, "MissingRights", "the lock state cannot be read");
    console.set_quirk(Quirk::LockedMissing, false);
    console.unlock("ada.byte@example.com").expect("the administrator may");
    // It is looked at again within a minute, or at once where something changes.
    org.stage.admin(&org.policy("  maxValidity: 20h\n"));
    check(
        &org.stage.finished("aur", "cx-hidden-ada"),
        "Succeeded",
        "Unlocked",
        "the lock is gone",
    );
}

#[test]
fn the_directory_says_what_it_can_do_and_what_the_tenant_lists() {
    let Some(org) = tenant("cx-told") else { return };
    let status = org.directory_when(|status| status["lockedAccounts"].is_number());
    let mut capabilities: Vec<String> = serde_json::from_value(status["capabilities"].clone()).expect("texts");
    capabilities.sort_unstable();
    assert_eq!(capabilities, ["RevokeSessions", "TemporaryPassword", "UnlockByHand"]);
    let message = ready(&status)["message"].as_str().unwrap_or_default();
    assert!(message.contains("lists no call with unlock in its path"), "{message}");
    assert_eq!(status["lockedAccounts"], 3, "{status:#}");
    assert_eq!(status["upstream"].as_str().map(str::len), Some(36), "{status:#}");
}
