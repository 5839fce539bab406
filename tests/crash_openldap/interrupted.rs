//! A reset that is interrupted: at whatever moment, the successor finds out what was done, does the rest once, and says
//! what is true.

use crate::{
    Theatre,
    support::ldap::{check, closed_ledger, id, in_seconds, passwords, set, signs_in},
};
use data_encoding::BASE64;
use readmit::domain::password::{Derivation, derive};
use serde_json::{Value, json};
use std::{thread::sleep, time::Duration};
use testkit::slapd::{initial_password, user_dn};

/// Gives people a marker: slapd notes none for the first password.
fn mark(theatre: &Theatre, people: &[&str]) {
    for uid in people {
        set(&theatre.slapd, uid, "pwdChangedTime", "20260101000000Z");
    }
}

/// Waits until the operator audited so many of these events.
fn audited(theatre: &Theatre, event: &str, count: usize) {
    let text = format!("\"event\":\"{event}\"");
    theatre.until_so(&text, || theatre.operator.log().matches(&text).count() >= count);
}

/// Waits until the server changed somebody's password, and freezes it before the operator can read that back.
fn freeze_after_commit(theatre: &Theatre) {
    theatre.until_so("the server to set a password", || {
        let log = theatre.slapd.log().expect("its log");
        let set = log.lines().position(|line| line.contains(" PASSMOD "));
        set.is_some_and(|at| log.lines().skip(at).any(|line| line.contains("RESULT oid= err=0")))
    });
    theatre.freeze();
}

/// The open claim of a person's account.
fn claim(theatre: &Theatre, uid: &str) -> Value {
    let account = crate::support::ldap::account(theatre, &theatre.slapd, uid).expect("an Account");
    account["ledger"][0]["claim"].clone()
}

/// The password of a claim, by its own values and the day key.
fn derived(theatre: &Theatre, request: &str, claim: &Value) -> String {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let number = |value: &Value| u32::try_from(value.as_u64().expect("a number")).expect("small");
    let from = &claim["derivation"];
    let key = theatre.get("secret", "readmit-system", &text(&from["key"]["name"]));
    let key = BASE64.decode(text(&key["data"]["key"]).as_bytes()).expect("base64");
    let uid = text(&theatre.get("pwr", "default", request)["metadata"]["uid"]);
    let derivation = Derivation {
        version: number(&from["version"]),
        uid: &uid,
        attempt: number(&claim["attempt"]),
        nonce: &text(&claim["nonce"]),
        length: number(&from["length"]),
        alphabet: &text(&from["alphabet"]),
    };
    let key: [u8; 32] = key.try_into().expect("32 bytes");
    derive(&key, &derivation).expect("derived").expose().to_owned()
}

/// One password was set, ever, and it is the one delivered.
fn set_once(theatre: &Theatre, uid: &str, status: &Value) {
    check(status, "Succeeded", "PasswordReset", "a temporary password was set");
    let set = passwords(&theatre.slapd, uid);
    assert_eq!(set.len(), 1, "{uid}: {set:#?}\n{}", theatre.story(uid));
    let password = theatre.keeper.open(status).expect("sealed to the policy's recipient");
    let (inside, control) = signs_in(&theatre.slapd, uid, &password);
    assert!(
        inside && control.contains("Password must be changed"),
        "{uid}: {control}"
    );
    assert_eq!(closed_ledger(theatre, &theatre.slapd, uid), ["Done"]);
}

/// Each round: several resets under way, and SIGKILL once so many claims, sends or results were audited.
#[test]
fn a_kill_at_any_moment_has_no_second_effect() {
    const ROUNDS: &[(&str, usize, [&str; 6])] = &[
        ("claim", 1, ["a1", "a2", "a3", "a4", "a5", "a6"]),
        ("send", 3, ["b1", "b2", "b3", "b4", "b5", "b6"]),
        ("result", 2, ["c1", "c2", "c3", "c4", "c5", "c6"]),
        ("decision", 2, ["d1", "d2", "d3", "d4", "d5", "d6"]),
    ];
    let people: Vec<&str> = ROUNDS.iter().flat_map(|(_, _, people)| *people).collect();
    let Some(mut theatre) = Theatre::open("sweep", &people) else {
        return;
    };
    mark(&theatre, &people);
    for (event, count, people) in ROUNDS {
        std::thread::scope(|scope| {
            for uid in people {
                let theatre = &theatre;
                scope.spawn(move || theatre.ask(&format!("sweep-{uid}"), uid, json!({})));
            }
            audited(&theatre, event, *count);
            theatre.kill();
        });
        theatre.succeed();
        for uid in people {
            let status = theatre.finished("pwr", &format!("sweep-{uid}"));
            set_once(&theatre, uid, &status);
        }
        theatre.kill();
        theatre.succeed();
        theatre.wait_usable();
    }
}

/// The reply was lost after the commit.
fn lost_reply(theatre: &mut Theatre, uid: &str) {
    let request = format!("lost-{uid}");
    theatre.ask(&request, uid, json!({}));
    freeze_after_commit(theatre);
    theatre.kill();
    assert!(
        theatre.get("pwr", "default", &request)["status"]["outcome"].is_null(),
        "killed too late"
    );
    theatre.thaw();
    let password = derived(theatre, &request, &claim(theatre, uid));
    theatre.succeed();
    let status = theatre.finished("pwr", &request);
    assert_eq!(
        theatre.slapd.binds_of(&user_dn(uid)).expect("its log"),
        [0],
        "one sign-in proves it"
    );
    assert_eq!(theatre.keeper.open(&status), Some(password));
    set_once(theatre, uid, &status);
}

#[test]
fn a_lost_reply_is_verified_by_the_marker_and_one_sign_in() {
    let Some(mut theatre) = Theatre::open("lost", &["marked"]) else {
        return;
    };
    mark(&theatre, &["marked"]);
    lost_reply(&mut theatre, "marked");
}

#[test]
fn a_marker_that_was_absent_before_is_one_that_changed() {
    let Some(mut theatre) = Theatre::open("first", &["unmarked"]) else {
        return;
    };
    lost_reply(&mut theatre, "unmarked");
}

/// Kills the operator with the claim written and nothing sent: the server is frozen in between.
fn claimed_only(theatre: &Theatre, request: &str, uid: &str) -> String {
    let person = id(&theatre.slapd, uid);
    theatre.ask(request, uid, json!({}));
    audited(theatre, "claim", 1);
    theatre.freeze();
    // Looked up with the server's id of the person, which a frozen server does not tell.
    theatre.until_all("acct", "the claim to be written", |accounts| {
        let of_person = |account: &&Value| account.to_string().contains(&person);
        accounts.iter().any(of_person).then_some(())
    });
    theatre.kill();
    theatre.thaw();
    derived(theatre, request, &claim(theatre, uid))
}

#[test]
fn what_was_not_done_is_done_with_the_same_value() {
    let Some(mut theatre) = Theatre::open("unsent", &["unsent"]) else {
        return;
    };
    mark(&theatre, &["unsent"]);
    let password = claimed_only(&theatre, "unsent-1", "unsent");
    assert_eq!(passwords(&theatre.slapd, "unsent"), [""; 0], "frozen too late");
    theatre.succeed();
    let status = theatre.finished("pwr", "unsent-1");
    assert_eq!(theatre.keeper.open(&status), Some(password), "the claim's own value");
    assert_eq!(
        theatre.slapd.binds_of(&user_dn("unsent")).expect("its log"),
        [0; 0],
        "nothing to prove"
    );
    set_once(&theatre, "unsent", &status);
}

#[test]
fn a_password_that_its_owner_changed_meanwhile_is_left_alone() {
    let Some(mut theatre) = Theatre::open("owner", &["owner"]) else {
        return;
    };
    mark(&theatre, &["owner"]);
    claimed_only(&theatre, "owner-1", "owner");
    let old = initial_password("owner");
    let changed = theatre
        .slapd
        .tool("ldappasswd", &user_dn("owner"), &old)
        .args(["-a", &old, "-s", "Owners-own-1"])
        .output()
        .expect("run ldappasswd");
    assert!(changed.status.success(), "{}", String::from_utf8_lossy(&changed.stderr));
    theatre.succeed();
    let status = theatre.finished("pwr", "owner-1");
    check(&status, "Unknown", "OutcomeUnknown", "not provably by this request");
    assert_eq!(passwords(&theatre.slapd, "owner"), [""; 0]);
    assert!(signs_in(&theatre.slapd, "owner", "Owners-own-1").0);
    let binds = theatre.slapd.binds_of(&user_dn("owner")).expect("its log");
    assert_eq!(
        binds.iter().filter(|code| **code == 49).count(),
        1,
        "one proof: {binds:?}"
    );
    assert_eq!(closed_ledger(&theatre, &theatre.slapd, "owner"), ["Unknown"]);
}

#[test]
fn a_manifest_recreated_over_an_open_claim_waits_for_it() {
    let Some(mut theatre) = Theatre::open("over", &["over"]) else {
        return;
    };
    mark(&theatre, &["over"]);
    let more = json!({"notAfter": in_seconds(900)});
    theatre.ask("over-1", "over", more.clone());
    freeze_after_commit(&theatre);
    theatre.kill();
    theatre.thaw();
    theatre
        .plane
        .kubectl_as("bob", &["delete", "pwr", "over-1"])
        .expect("deleted");
    theatre.ask("over-1", "over", more);
    theatre.succeed();
    // What became of the first is not known any more; the second is told so, and does nothing.
    let status = theatre.finished("pwr", "over-1");
    check(&status, "Unknown", "AlreadyExecuted", "nothing was done now");
    assert!(status["delivery"].is_null(), "{status:#}");
    assert_eq!(passwords(&theatre.slapd, "over").len(), 1);
    assert_eq!(closed_ledger(&theatre, &theatre.slapd, "over"), ["Unknown"]);
}

#[test]
fn a_server_that_hangs_between_claim_and_send_is_waited_for() {
    let Some(theatre) = Theatre::open("hangs", &["hangs"]) else {
        return;
    };
    theatre.ask("hangs-1", "hangs", json!({}));
    audited(&theatre, "claim", 1);
    theatre.freeze();
    // Longer than a claim may be acted on.
    sleep(Duration::from_secs(5));
    let open_claims = |count| {
        let metrics = theatre.operator.http("/metrics");
        metrics.contains(&format!("\nreadmit_claims_open {count}\n"))
    };
    assert!(open_claims(1), "{}", theatre.operator.http("/metrics"));
    theatre.thaw();
    let status = theatre.finished("pwr", "hangs-1");
    set_once(&theatre, "hangs", &status);
    theatre.until_so("no claim to be open", || open_claims(0));
    let id = id(&theatre.slapd, "hangs");
    assert_eq!(status["account"]["id"], id.as_str(), "{status:#}");
}
