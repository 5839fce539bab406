//! Both accounts must be permitted, unprotected and within limits; then the one where the credentials live is acted on.

use super::{bend, check, reference, routed, rules};
use crate::{
    build::{reset, start, unlock},
    scene::{Scene, entry},
};
use jiff::SignedDuration;
use readmit::{
    api::{
        Method, Outcome, Reason,
        account::{Claim, LedgerOutcome},
    },
    domain::{
        account::{LockState, Protection, Step},
        decision::{Decision, Effect},
    },
};
use serde_json::json;
use std::sync::Arc;

#[test]
fn both_accounts_must_be_permitted() {
    use Outcome::{Denied, Failed};
    use Reason::{ChangedSince, DirectoryUnavailable, NotEligible, PolicyDenied, Protected, Refused};
    check(vec![
        (
            "the policy does not cover where it is done",
            unlock("a"),
            |s| {
                s.policies = rules(json!({"directories": ["cloud"]}));
            },
            Some(Denied),
            PolicyDenied,
            "it does not cover directory ldap",
        ),
        (
            "a rule says no to the named one",
            unlock("a"),
            |s| {
                s.policies = rules(json!({"accounts": [{"expression": "account.profile.country == 'DE'"}]}));
                bend(s, |named| drop(named.profile.insert("country".into(), "FR".into())));
            },
            Some(Denied),
            PolicyDenied,
            "country",
        ),
        (
            "a rule says no to the other one",
            unlock("a"),
            |s| {
                s.policies = rules(
                    json!({"accounts": [{"expression": "account.profile.country == 'FR'", "message": "French ones"}]}),
                );
                bend(s, |named| drop(named.profile.insert("country".into(), "FR".into())));
            },
            Some(Denied),
            PolicyDenied,
            "French ones",
        ),
        (
            "protected here",
            unlock("a"),
            |s| {
                bend(s, |named| named.protection = Protection::Protected("admin role".into()));
            },
            Some(Denied),
            NotEligible,
            "no account that may be acted on",
        ),
        (
            "protected there",
            unlock("a"),
            |s| {
                s.finds(|found| found.protection = Protection::Protected("Domain Admins".into()));
            },
            Some(Denied),
            NotEligible,
            "no account that may be acted on",
        ),
        (
            "protected there, for inspectors",
            unlock("a"),
            |s| {
                s.finds(|found| found.protection = Protection::Protected("Domain Admins".into()));
                s.may_inspect = true;
            },
            Some(Denied),
            Protected,
            "Domain Admins",
        ),
        (
            "protected there by the Directory's list",
            unlock("a"),
            |s| {
                s.protects("account.directory == 'ldap'");
                s.may_inspect = true;
            },
            Some(Denied),
            Protected,
            "ours",
        ),
        (
            "whether it is protected there is not known",
            unlock("a"),
            |s| {
                s.finds(|found| found.protection = Protection::Unknown("no answer".into()));
            },
            None,
            DirectoryUnavailable,
            "could not be found out",
        ),
        (
            "the requester's own account here",
            unlock("a"),
            |s| {
                Arc::make_mut(&mut s.request.requester).username = Some("Alice@Cloud.example".into());
            },
            Some(Denied),
            PolicyDenied,
            "their own account",
        ),
        (
            "the requester's own account there",
            unlock("a"),
            |s| {
                Arc::make_mut(&mut s.request.requester).username = Some("alice@example.com".into());
                bend(s, |named| named.email = None);
            },
            Some(Denied),
            PolicyDenied,
            "their own account",
        ),
        (
            "disabled here, and locked there",
            unlock("a"),
            |s| {
                bend(s, |named| {
                    (named.disabled, named.lock) = (Some(true), LockState::NotLocked)
                });
            },
            Some(Failed),
            Refused,
            "disabled in directory cloud",
        ),
        (
            "disabled here, and a reset",
            reset("a", Method::Link),
            |s| {
                bend(s, |named| {
                    (named.disabled, named.lock) = (Some(true), LockState::NotLocked)
                });
            },
            Some(Failed),
            Refused,
            "disabled in directory cloud",
        ),
        (
            "disabled there",
            unlock("a"),
            |s| {
                s.finds(|found| found.disabled = Some(true));
            },
            Some(Failed),
            Refused,
            "locked and disabled",
        ),
        (
            "another one behind the name here",
            unlock("a"),
            |s| {
                s.request.status.named = Some(reference("cloud", "cloud-bob"));
            },
            Some(Denied),
            ChangedSince,
            "another account",
        ),
        (
            "another one behind the name there",
            unlock("a"),
            |s| {
                s.request.status.named = Some(reference("cloud", "cloud-alice"));
                s.request.status.account = Some(reference("ldap", "id-bob"));
            },
            Some(Denied),
            ChangedSince,
            "another account",
        ),
    ]);
}

/// A rule may speak of one of the two only.
#[test]
fn a_rule_tells_the_directories_apart() {
    let mut scene = routed(unlock("a"));
    let rule = "account.directory == 'cloud' ? account.profile.uid == 'alice' : !has(account.profile.uid)";
    scene.policies = rules(json!({"accounts": [{"expression": rule}]}));
    assert!(matches!(scene.decide(), Decision::Act(Effect::Send { .. })));
}

#[test]
fn the_limits_of_both_directories_count() {
    let limits = || serde_json::from_value(json!([{"actions": ["ResetPassword"], "max": 1, "per": "24h"}])).unwrap();
    let bends: [fn(&mut Scene, Vec<readmit::api::Limit>); 3] = [
        |s, limits| s.named.iter_mut().for_each(|(view, _)| view.limits = limits.clone()),
        |s, limits| s.directory.iter_mut().for_each(|view| view.limits = limits.clone()),
        |s, _| s.policies = rules(json!({"limits": [{"actions": ["ResetPassword"], "max": 1, "per": "24h"}]})),
    ];
    for bend in bends {
        let mut scene = routed(reset("a", Method::Link));
        scene.policies = rules(json!({"limits": []}));
        bend(&mut scene, limits());
        scene.ledger = vec![entry(&reset("b", Method::Link), LedgerOutcome::Done)];
        assert_eq!(scene.waits().reason, Reason::LimitReached);
        scene.ledger.clear();
        let claim = claims(&scene);
        assert_eq!(
            (claim.directory.as_str(), claim.named.as_deref()),
            ("ldap", Some("cloud-alice"))
        );
    }
    // An unlock that somebody limits is counted, whichever Directory does.
    let mut scene = routed(unlock("a"));
    let unlocks = json!([{"actions": ["Unlock"], "max": 1, "per": "24h"}]);
    if let Some((view, _)) = &mut scene.named {
        view.limits = serde_json::from_value(unlocks).unwrap();
    }
    assert_eq!(claims(&scene).directory, "ldap");
}

fn claims(scene: &Scene) -> Claim {
    match scene.decide() {
        Decision::Act(Effect::Claim(new)) => new.entry.claim.expect("an open claim"),
        other => panic!("no claim: {other:?}"),
    }
}

/// The account of the claim must be remembered at least as long as the request may wait for the other Directory.
#[test]
fn a_claim_is_remembered_while_the_request_may_wait() {
    let mut scene = routed(reset("a", Method::Link));
    scene.policies = rules(json!({"limits": [], "maxValidity": "48h"}));
    let Decision::Act(Effect::Claim(new)) = scene.decide() else {
        panic!("no claim");
    };
    assert!(
        new.entry.keep_until >= start() + SignedDuration::from_hours(48),
        "{:?}",
        new.entry
    );
}

#[test]
fn the_account_is_acted_on_where_its_credentials_live() {
    let scene = routed(unlock("a"));
    let Decision::Act(Effect::Send {
        step: Step::Unlock,
        target: Some(target),
        ..
    }) = scene.decide()
    else {
        panic!("{:?}", scene.decide());
    };
    assert_eq!((target.directory.as_str(), target.id.as_str()), ("ldap", "id-alice"));
    assert_eq!(target.named, Some(reference("cloud", "cloud-alice")));
}
