//! Who may ask, and what those learn who may not.

mod support;

use sandbox::Status;
use serde_json::Value;
use std::time::Duration;
use support::{
    api,
    lab::{Lab, UNLOCK, check, directory, policy, request, unlock},
    stage::{Operator, ready},
};

const ONE_AN_HOUR: &str = "limits: [{actions: [Unlock], max: 1, per: 1h}]";
const SOON_AGAIN: &[(&str, &str)] = &[("READMIT_RIGHTS_RECHECK", "1s")];

fn not_after() -> String {
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let later = jiff::Timestamp::from_second(later.as_second()).expect("a time");
    format!("notAfter: '{later}'")
}

/// Lets one person use one policy.
fn grant(name: &str, username: &str, policy: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}}}\n\
         rules: [{{apiGroups: [readmit.dev], resources: [accountpolicies], resourceNames: [{policy}], verbs: [use]}}]\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: {name}}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}\n\
         subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: '{username}'}}]\n---\n"
    )
}

fn take_away(lab: &Lab, name: &str) {
    lab.kubectl(&["delete", "clusterrolebinding", name]);
}

/// What somebody can tell from a status: reasons and texts, without times.
fn told(status: &Value) -> Vec<(Value, Value, Value)> {
    let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    conditions
        .into_iter()
        .map(|c| (c["type"].clone(), c["reason"].clone(), c["message"].clone()))
        .collect()
}

#[test]
fn someone_without_the_verb_use_learns_nothing() {
    let Some(lab) = Lab::open() else { return };
    let login = lab.people("acc", 1, Status::LockedOut).remove(0);
    let operator = lab.operator(SOON_AGAIN);
    let before = lab.calls().len();
    // First with no policy at all, then with policies that would permit it.
    lab.create(
        "mallory",
        &(unlock("named-before", &login, "policy: desk") + &unlock("plain-before", &login, "")),
    );
    let named = lab.waits(&operator, UNLOCK, "named-before", "NotAllowedToUse");
    let plain = lab.waits(&operator, UNLOCK, "plain-before", "NotAllowedToUse");
    // Short-lived: the time at which a request ends would tell that the policy is there.
    lab.admin(&policy("desk", "Unlock", "maxValidity: 1s"));
    lab.create(
        "mallory",
        &(unlock("named-after", &login, "policy: desk") + &unlock("plain-after", &login, "")),
    );
    let named_after = lab.waits(&operator, UNLOCK, "named-after", "NotAllowedToUse");
    let plain_after = lab.waits(&operator, UNLOCK, "plain-after", "NotAllowedToUse");
    // They were told after a second; this is two more.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(told(&named), told(&named_after));
    assert_eq!(told(&plain), told(&plain_after));
    for name in ["named-before", "plain-before", "named-after", "plain-after"] {
        let status = lab.get(UNLOCK, name)["status"].clone();
        check(&status, "", "NotAllowedToUse", "ask your platform team");
        assert!(status["policy"].is_null() && status["account"].is_null(), "{status:#}");
    }
    let text = ready(&plain_after)["message"].as_str().unwrap_or_default().to_owned();
    assert!(!text.contains("desk"), "{text}");
    assert_eq!(lab.calls().len(), before, "the directory was asked");
}

#[test]
fn a_right_that_is_granted_later_lets_it_go_on_and_one_taken_away_stops_it() {
    let Some(lab) = Lab::open() else { return };
    let logins = lab.people("right", 2, Status::LockedOut);
    lab.admin(&policy("later", "Unlock", ""));
    let operator = lab.operator(SOON_AGAIN);
    lab.create("carol", &unlock("granted", &logins[0], ""));
    lab.waits(&operator, UNLOCK, "granted", "NotAllowedToUse");
    lab.admin(&grant("use-later", "oidc:carol@example.com", "later"));
    check(&lab.finished(&operator, UNLOCK, "granted"), "Succeeded", "Unlocked", "");

    lab.suspend(true);
    lab.create("carol", &unlock("taken", &logins[1], ""));
    lab.waits(&operator, UNLOCK, "taken", "Suspended");
    take_away(&lab, "use-later");
    // The API server takes a moment to know that, and the operator keeps answers for a second here: a fresh request shows
    // when both know.
    let mut probes = 0..;
    lab.until("the right to be gone", &operator, || {
        let name = format!("probe-{}", probes.next().unwrap_or(0));
        lab.create("carol", &unlock(&name, &logins[1], ""));
        let told = lab.until_one((UNLOCK, &name), "a wait", &operator, |object| {
            let reason = ready(&object["status"])["reason"].as_str()?.to_owned();
            ["Suspended", "NotAllowedToUse"].contains(&&*reason).then_some(reason)
        });
        (told == "NotAllowedToUse").then_some(()).ok_or(told)
    });
    lab.suspend(false);
    check(
        &lab.waits(&operator, UNLOCK, "taken", "NotAllowedToUse"),
        "",
        "NotAllowedToUse",
        "",
    );
    assert_eq!(lab.applied("/lifecycle/unlock").len(), 1);
}

#[test]
fn policies_say_who_may_ask_from_where() {
    let Some(lab) = Lab::open() else { return };
    let logins = lab.people("who", 6, Status::LockedOut);
    lab.admin(&(policy("a-people", "Unlock", "namespaces: {matchLabels: {tier: gold}}")
        + &policy("b-berlin", "Unlock", "requester: [{expression: \"requester.groups.exists(g, g == 'oidc:desk-berlin')\", message: Berlin only}]")));
    let operator = lab.operator(&[]);
    // Candidates are asked in name order; the first whose rules admit is taken.
    lab.create("alice", &unlock("berlin", &logins[0], ""));
    let status = lab.finished(&operator, UNLOCK, "berlin");
    check(&status, "Succeeded", "Unlocked", "");
    assert_eq!(status["policy"]["name"], "b-berlin");
    lab.create("bob", &unlock("lisbon", &logins[1], ""));
    let status = lab.finished(&operator, UNLOCK, "lisbon");
    check(
        &status,
        "Denied",
        "PolicyDenied",
        "policy a-people: it does not serve namespace default",
    );
    check(&status, "Denied", "PolicyDenied", "policy b-berlin: Berlin only");
    lab.create(
        "alice",
        &request("AccountUnlockRequest", ("team-a", "gold"), &logins[1], ""),
    );
    let gold = lab.until_all(UNLOCK, "the end of the request in team-a", &operator, |all| {
        let ended = |r: &&&Value| r["metadata"]["name"] == "gold" && r["status"]["outcome"].is_string();
        all.iter().find(ended).map(|r| (*r).clone())
    });
    check(&gold["status"], "Succeeded", "Unlocked", "");
    assert_eq!(gold["status"]["policy"]["name"], "a-people");

    // Service accounts only where a policy says so.
    lab.admin(&(policy("people", "Unlock", "") + &policy("pipelines", "Unlock", "serviceAccounts: true")));
    lab.create(
        "pipeline",
        &unlock("no-pipelines", &logins[2], &format!("policy: people, {}", not_after())),
    );
    let status = lab.finished(&operator, UNLOCK, "no-pipelines");
    check(&status, "Denied", "PolicyDenied", "serviceAccounts: true");
    lab.create(
        "pipeline",
        &unlock("pipelines", &logins[2], &format!("policy: pipelines, {}", not_after())),
    );
    check(
        &lab.finished(&operator, UNLOCK, "pipelines"),
        "Succeeded",
        "Unlocked",
        "",
    );

    // A policy that is not ready never denies; once it is, the request goes on.
    lab.admin(&policy(
        "broken",
        "Unlock",
        "requester: [{expression: 'requester.username ==='}]",
    ));
    lab.create("alice", &unlock("waits", &logins[3], "policy: broken"));
    lab.waits(&operator, UNLOCK, "waits", "PolicyNotReady");
    lab.admin(&policy("broken", "Unlock", "requester: [{expression: 'true'}]"));
    check(&lab.finished(&operator, UNLOCK, "waits"), "Succeeded", "Unlocked", "");
    assert_eq!(lab.applied("/lifecycle/unlock").len(), 4);
}

#[test]
fn another_account_behind_the_same_login_is_denied() {
    let Some(lab) = Lab::open() else { return };
    let login = lab.people("pin", 1, Status::LockedOut).remove(0);
    lab.admin(&policy("desk", "Unlock", ONE_AN_HOUR));
    let operator = lab.operator(&[]);
    lab.create("alice", &unlock("uses-it-up", &login, ""));
    check(
        &lab.finished(&operator, UNLOCK, "uses-it-up"),
        "Succeeded",
        "Unlocked",
        "",
    );
    lab.okta.lock(&login).expect("locked");
    lab.create("alice", &unlock("pinned", &login, ""));
    let status = lab.waits(&operator, UNLOCK, "pinned", "LimitReached");
    let first = lab.okta.account(&login).expect("an account").id;
    assert_eq!(status["account"]["id"], first.as_str());
    // Another organisation behind the same Directory has somebody else under that login.
    let second = lab.other_org("other");
    let user = sandbox::SeedUser::new(&login, Status::LockedOut, Some(sandbox::SEED_PASSWORD));
    second.seed([user]).expect("a user");
    lab.admin(&directory("okta", &second, ""));
    lab.admin(&policy("desk", "Unlock", "limits: []"));
    check(
        &lab.finished(&operator, UNLOCK, "pinned"),
        "Denied",
        "ChangedSince",
        "another account",
    );
    let unlocked = |entry: &sandbox::Entry| entry.path.ends_with("/lifecycle/unlock");
    assert!(!second.truth().iter().any(unlocked));
    assert_eq!(lab.applied("/lifecycle/unlock").len(), 1);
}

/// Removes every admission policy, as an attacker or an accident would; gives how to bring them back.
fn remove_policies(lab: &Lab) -> String {
    for kind in ["mutatingadmissionpolic", "validatingadmissionpolic"] {
        let kinds = format!("{kind}ies,{kind}ybindings");
        lab.kubectl(&["delete", &kinds, "--all"]);
    }
    readmit::manifests::admission_yaml("readmit-system", "readmit")
}

#[track_caller]
fn until_enforced(lab: &Lab, operator: &Operator, enforced: bool) {
    let line = format!("readmit_identity_enforced {}", u8::from(enforced));
    lab.until("the operator to see it", operator, || {
        let metrics = operator.http("/metrics");
        metrics.contains(&line).then_some(()).ok_or(metrics)
    });
}

#[test]
fn nothing_is_executed_while_identity_is_not_enforced() {
    let Some(lab) = Lab::open() else { return };
    let logins = lab.people("stamp", 3, Status::LockedOut);
    lab.admin(&policy("desk", "Unlock", ""));
    let operator = lab.operator(&[]);
    lab.suspend(true);
    lab.create("alice", &unlock("before", &logins[0], ""));
    lab.waits(&operator, UNLOCK, "before", "Suspended");
    let restore = remove_policies(&lab);
    until_enforced(&lab, &operator, false);
    // Now anybody can say that they are somebody else.
    let forged = "requester: {username: 'oidc:alice@example.com', groups: [desk]}";
    // The API server takes a moment to forget policies that are gone.
    lab.until("the API server to believe what it is told", &operator, || {
        api::create(lab.plane, "mallory", &unlock("meanwhile", &logins[1], forged))
    });
    // Nothing but this keeps either from being served.
    lab.suspend(false);
    lab.settle(&operator);
    for name in ["before", "meanwhile"] {
        let status = lab.waits(&operator, UNLOCK, name, "IdentityNotEnforced");
        check(&status, "", "IdentityNotEnforced", "readmit admission");
    }
    assert!(lab.applied("/lifecycle/unlock").is_empty(), "something was executed");

    lab.admin(&restore);
    until_enforced(&lab, &operator, true);
    for name in ["before", "meanwhile"] {
        let status = lab.finished(&operator, UNLOCK, name);
        check(&status, "Failed", "IdentityNotEnforced", "create it under another name");
    }
    lab.settle(&operator);
    // The API server takes a moment to apply policies that are new to it; until then it stamps nothing, and a request
    // without a stamp is not trusted.
    let probe = unlock("probe", &logins[2], "");
    lab.until("the API server to stamp again", &operator, || {
        let request = api::dry_run(lab.plane, ("alice", None), &probe)?;
        let stamp = &request["spec"]["requester"]["username"];
        stamp.as_str().map(drop).ok_or(format!("{request}"))
    });
    lab.until("the API server to check what it stamps", &operator, || {
        api::create(lab.plane, "alice", &unlock("after", &logins[2], ""))
    });
    check(&lab.finished(&operator, UNLOCK, "after"), "Succeeded", "Unlocked", "");
    assert_eq!(lab.applied("/lifecycle/unlock").len(), 1);
}
