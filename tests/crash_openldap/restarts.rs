//! What an operator knows after a restart, and what it leaves in order when it is stopped.

use crate::{
    Theatre,
    support::ldap::{check, closed_ledger, secret, text, unlock},
};
use serde_json::{Value, json};
use std::{thread::sleep, time::Duration};
use testkit::slapd::OPERATOR_DN;

#[test]
fn a_refused_credential_is_not_tried_again_after_a_restart() {
    let Some(mut theatre) = Theatre::open("stubborn", &["stubborn"]) else {
        return;
    };
    theatre.slapd.lock("stubborn").expect("locked by wrong sign-ins");
    theatre.admin(&text(&[secret("stubborn", &theatre.slapd, "not the password")]));
    // Restarted: it notices a new Secret of a Directory that works within a minute.
    theatre.kill();
    theatre.succeed();
    let refused =
        |theatre: &Theatre| theatre.get("directories", "default", "stubborn")["status"]["refusedSecret"].clone();
    theatre.status_when("directory", "stubborn", |status| {
        status["refusedSecret"]["name"] == "stubborn"
    });
    let wrong = |theatre: &Theatre| {
        let binds = theatre.slapd.binds_of(OPERATOR_DN).expect("its log");
        binds.iter().filter(|code| **code == 49).count()
    };
    assert_eq!(wrong(&theatre), 1);
    theatre.kill();
    theatre.succeed();
    theatre.create(
        "bob",
        &text(&[unlock("stubborn-1", "stubborn", "stubborn", &json!({}))]),
    );
    theatre.waits("aur", "stubborn-1", "DirectoryUnavailable");
    theatre.operator.wait_looks("stubborn", 1);
    assert_eq!(wrong(&theatre), 1, "the restart made it try again");

    theatre.admin(&text(&[secret("stubborn", &theatre.slapd, theatre.slapd.secret())]));
    check(
        &theatre.finished("aur", "stubborn-1"),
        "Succeeded",
        "Unlocked",
        "read back",
    );
    assert!(refused(&theatre).is_null());
}

#[test]
fn finished_requests_go_when_their_time_is_over() {
    let Some(mut theatre) = Theatre::open("tidy", &[]) else {
        return;
    };
    for (name, more) in [
        ("tidy-kept", json!({})),
        ("tidy-later", json!({"ttlAfterFinished": "1h"})),
        // Longer than the first sweep of the first operator may be late on a busy machine.
        ("tidy-gone", json!({"ttlAfterFinished": "6s"})),
    ] {
        theatre.create("bob", &text(&[unlock(name, "tidy", "dana", &more)]));
        check(&theatre.finished("aur", name), "Succeeded", "NotLocked", "");
    }
    sleep(Duration::from_secs(7));
    theatre.kill();
    theatre.succeed();
    let names = theatre.until_all("aur", "the request to be deleted", |all| {
        let names: Vec<Value> = all.iter().map(|request| request["metadata"]["name"].clone()).collect();
        (!names.contains(&"tidy-gone".into())).then_some(names)
    });
    for kept in ["tidy-kept", "tidy-later"] {
        assert!(names.contains(&kept.into()), "{names:?}");
    }
}

#[test]
fn a_stop_closes_the_ledger_and_a_kill_leaves_it_to_the_successor() {
    let Some(mut theatre) = Theatre::open("stops", &["stopped", "killed"]) else {
        return;
    };
    theatre.ask("stopped-1", "stopped", json!({}));
    check(&theatre.finished("pwr", "stopped-1"), "Succeeded", "PasswordReset", "");
    theatre.operator.terminate();
    // Nobody runs who could close it now.
    assert_eq!(closed_ledger(&theatre, &theatre.slapd, "stopped"), ["Done"]);

    theatre.succeed();
    theatre.ask("killed-1", "killed", json!({}));
    check(&theatre.finished("pwr", "killed-1"), "Succeeded", "PasswordReset", "");
    theatre.kill();
    theatre.succeed();
    assert_eq!(closed_ledger(&theatre, &theatre.slapd, "killed"), ["Done"]);
    // The next request for the account is let in.
    theatre.ask("killed-2", "killed", json!({"method": "ChangeAtNextSignIn"}));
    check(&theatre.finished("pwr", "killed-2"), "Succeeded", "ChangeRequired", "");
}
