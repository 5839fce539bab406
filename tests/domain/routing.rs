//! Requests about an account whose credentials live in another Directory: who is acted on, and when it counts as done.

use crate::{
    build::{self, account, cloud, directory, policy, reset, source_of, start, unlock},
    scene::{Scene, entry, failure, locked},
};
use jiff::SignedDuration;
use readmit::{
    api::{
        Condition, Method, Outcome, Reason,
        account::{Claim, LedgerOutcome},
        condition::types,
        request_status::AccountReference,
    },
    domain::{
        account::{AccountRead, FailureClass, LockState, Protection, ReadFailure, Remedy, Sent, Step},
        decision::{Decision, Effect, Ending, Waiting},
        ledger::Closing,
        observed::{Acting, ClaimSeen, DirectoryView, Trouble},
        request::Request,
        rule::Rule,
    },
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// A request about the account of `cloud`, which is locked in both.
fn routed(request: Request) -> Scene {
    let request = Request {
        directory: "cloud".into(),
        ..request
    };
    Scene {
        named: Some((cloud(), Ok(build::named(true)))),
        ..Scene::new(request)
    }
}

fn sources(sources: &[Value]) -> DirectoryView {
    DirectoryView {
        sources: sources.iter().cloned().map(source_of).collect(),
        ..cloud()
    }
}

fn source(change: Value) -> DirectoryView {
    let mut source = json!({
        "when": "account.source.type == 'LDAP'", "directory": "ldap", "account": {"login": "account.profile.uid"},
        "confirm": {"id": "account.profile.ldapId"},
    });
    for (name, value) in change.as_object().unwrap() {
        source[name] = value.clone();
    }
    sources(&[source])
}

fn unlocked() -> Result<AccountRead, ReadFailure> {
    Ok(AccountRead {
        lock: LockState::NotLocked,
        lock_stamp: None,
        ..account()
    })
}

fn bend(scene: &mut Scene, change: impl FnOnce(&mut AccountRead)) {
    if let Some((_, Ok(named))) = &mut scene.named {
        change(named);
    }
}

fn rules(rules: Value) -> Vec<Arc<readmit::domain::policy::Policy>> {
    vec![policy("desk", rules)]
}

fn protected(expression: &str) -> Vec<Rule> {
    let rule = serde_json::from_value(json!({"expression": expression, "message": "ours"})).unwrap();
    vec![Rule::compile(&rule).unwrap()]
}

type Row = (&'static str, Request, fn(&mut Scene), Option<Outcome>, Reason, &'static str);

fn check(rows: Vec<Row>) {
    for (name, request, bend, outcome, reason, text) in rows {
        let mut scene = routed(request);
        bend(&mut scene);
        let (got, why, message) = match scene.decide() {
            Decision::Finish(ending) => (Some(ending.outcome), ending.reason, ending.message),
            Decision::Wait(waiting) => {
                assert!(waiting.until > scene.now, "{name}: waits until the past");
                (None, waiting.reason, waiting.message)
            }
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!((got, why), (outcome, reason), "{name}: {message}");
        assert!(message.contains(text), "{name}: {message:?} does not say {text:?}");
    }
}

#[test]
fn what_is_not_settled_is_not_acted_on() {
    use Outcome::{Denied, Failed};
    use Reason::{DirectoryNotFound, DirectoryUnavailable, MissingRights, NotCapable, NotEligible, Refused, Suspended};
    check(vec![
        ("no such Directory", unlock("a"), |s| s.directory = None, None, DirectoryNotFound, "Directory ldap does not exist"),
        ("the Directory has trouble", unlock("a"), |s| {
            let trouble = Trouble { needs_person: true, message: "wrong secret".into() };
            s.directory = Some(DirectoryView { trouble: Some(trouble), ..directory() });
        }, None, DirectoryUnavailable, "Directory ldap: wrong secret"),
        ("the Directory is suspended", unlock("a"), |s| {
            s.directory = Some(DirectoryView { suspended: true, ..directory() });
        }, None, Suspended, "Directory ldap is suspended"),
        ("the Directory cannot do it", reset("a", Method::Link), |s| {
            let mut view = directory();
            view.capabilities.unable.insert(Step::SendLink, "ldap cannot mail links".into());
            s.directory = Some(view);
        }, Some(Failed), NotCapable, "ldap cannot mail links"),
        ("there is none", unlock("a"), |s| s.found = Err(ReadFailure::NotFound), Some(Denied), NotEligible, "no account that may be acted on"),
        ("there is none, for inspectors", unlock("a"), |s| {
            (s.found, s.may_inspect) = (Err(ReadFailure::NotFound), true);
        }, Some(Denied), NotEligible, "directory ldap has no account for it"),
        ("there are several", unlock("a"), |s| {
            (s.found, s.may_inspect) = (Err(ReadFailure::Ambiguous), true);
        }, Some(Denied), NotEligible, "several accounts of directory ldap match"),
        ("it does not answer", unlock("a"), |s| s.found = failure(FailureClass::Transient(None), "no answer"), None, DirectoryUnavailable, "no answer"),
        ("another one's id", unlock("a"), |s| {
            bend(s, |named| drop(named.profile.insert("ldapId".into(), "id-bob".into())));
        }, Some(Denied), NotEligible, "no account that may be acted on"),
        ("another one's id, for inspectors", unlock("a"), |s| {
            bend(s, |named| drop(named.profile.insert("ldapId".into(), "id-bob".into())));
            s.may_inspect = true;
        }, Some(Denied), NotEligible, "directory ldap is not confirmed: its attribute id differs"),
        ("nothing to confirm it by", unlock("a"), |s| {
            bend(s, |named| drop(named.profile.remove("ldapId")));
            s.may_inspect = true;
        }, Some(Denied), NotEligible, "account.profile.ldapId is not set"),
        ("nothing there to confirm it by", unlock("a"), |s| {
            s.named = Some((source(json!({"confirm": {"employee": "account.profile.ldapId"}})), Ok(build::named(true))));
            s.may_inspect = true;
        }, Some(Denied), NotEligible, "its attribute employee is not set"),
        ("what confirms it cannot be read", unlock("a"), |s| {
            s.named = Some((source(json!({"confirm": {"employee": "account.profile.ldapId"}})), Ok(build::named(true))));
            s.found = Ok(AccountRead { unreadable: vec!["Employee".into()], ..account() });
        }, None, MissingRights, "its attribute employee could not be read"),
        ("nothing to find it by", unlock("a"), |s| {
            bend(s, |named| drop(named.profile.remove("uid")));
            s.may_inspect = true;
        }, Some(Denied), NotEligible, "account.profile.uid is not set, which leads to directory ldap"),
        ("what finds it cannot be read", unlock("a"), |s| {
            bend(s, |named| named.unreadable = vec!["uid".into()]);
        }, None, DirectoryUnavailable, "spec.sources of Directory cloud cannot be evaluated: account.profile.uid could not be read"),
        ("what confirms it cannot be read here", unlock("a"), |s| {
            bend(s, |named| named.unreadable = vec!["ldapId".into()]);
        }, None, DirectoryUnavailable, "account.profile.ldapId could not be read"),
        ("whether it is one cannot be read", unlock("a"), |s| {
            s.named = Some((source(json!({"when": "has(account.profile.kind) && account.profile.kind == 'x'"})), Ok(build::named(true))));
            bend(s, |named| named.unreadable = vec!["kind".into()]);
        }, None, DirectoryUnavailable, "account.profile.kind could not be read"),
        ("it leads on, by its own word", unlock("a"), |s| {
            s.found = Ok(AccountRead { foreign_source: Some("LDAP".into()), ..account() });
        }, Some(Failed), Refused, "do not live either; let the source lead to"),
        ("it leads on, by a source", unlock("a"), |s| {
            let back = json!({"when": "true", "directory": "cloud", "account": {"id": "account.id"}, "confirm": {"id": "account.id"}});
            s.directory = Some(DirectoryView { sources: [source_of(back)].into(), ..directory() });
        }, Some(Failed), Refused, "do not live either; let the source lead to"),
        ("it leads back", unlock("a"), |s| {
            s.named = Some((source(json!({"directory": "cloud"})), Ok(build::named(true))));
        }, Some(Failed), Refused, "a source leads to directory cloud"),
        ("no source speaks of it", unlock("a"), |s| {
            s.named = Some((source(json!({"when": "account.source.type == 'ACTIVE_DIRECTORY'"})), Ok(build::named(true))));
        }, Some(Failed), NotCapable, "an administrator does it in the console"),
        ("an attribute that no source finds", unlock("a"), |s| {
            s.named = Some((source(json!({"when": "account.profile.nothing == 'x'"})), Ok(build::named(true))));
        }, Some(Failed), NotCapable, "an administrator does it in the console"),
    ]);
}

#[test]
fn both_accounts_must_be_permitted() {
    use Outcome::{Denied, Failed};
    use Reason::{ChangedSince, DirectoryUnavailable, NotEligible, PolicyDenied, Protected, Refused};
    check(vec![
        ("the policy does not cover where it is done", unlock("a"), |s| {
            s.policies = rules(json!({"directories": ["cloud"]}));
        }, Some(Denied), PolicyDenied, "it does not cover directory ldap"),
        ("a rule says no to the named one", unlock("a"), |s| {
            s.policies = rules(json!({"accounts": [{"expression": "account.profile.country == 'DE'"}]}));
            bend(s, |named| drop(named.profile.insert("country".into(), "FR".into())));
        }, Some(Denied), PolicyDenied, "country"),
        ("a rule says no to the other one", unlock("a"), |s| {
            s.policies = rules(json!({"accounts": [{"expression": "account.profile.country == 'FR'", "message": "French ones"}]}));
            bend(s, |named| drop(named.profile.insert("country".into(), "FR".into())));
        }, Some(Denied), PolicyDenied, "French ones"),
        ("protected here", unlock("a"), |s| {
            bend(s, |named| named.protection = Protection::Protected("admin role".into()));
        }, Some(Denied), NotEligible, "no account that may be acted on"),
        ("protected there", unlock("a"), |s| {
            s.found = Ok(AccountRead { protection: Protection::Protected("Domain Admins".into()), ..account() });
        }, Some(Denied), NotEligible, "no account that may be acted on"),
        ("protected there, for inspectors", unlock("a"), |s| {
            s.found = Ok(AccountRead { protection: Protection::Protected("Domain Admins".into()), ..account() });
            s.may_inspect = true;
        }, Some(Denied), Protected, "Domain Admins"),
        ("protected there by the Directory's list", unlock("a"), |s| {
            s.directory = Some(DirectoryView { protected: protected("account.directory == 'ldap'"), ..directory() });
            s.may_inspect = true;
        }, Some(Denied), Protected, "ours"),
        ("whether it is protected there is not known", unlock("a"), |s| {
            s.found = Ok(AccountRead { protection: Protection::Unknown("no answer".into()), ..account() });
        }, None, DirectoryUnavailable, "could not be found out"),
        ("the requester's own account here", unlock("a"), |s| {
            s.request.requester.username = Some("Alice@Cloud.example".into());
        }, Some(Denied), PolicyDenied, "their own account"),
        ("the requester's own account there", unlock("a"), |s| {
            s.request.requester.username = Some("alice@example.com".into());
            bend(s, |named| named.email = None);
        }, Some(Denied), PolicyDenied, "their own account"),
        ("disabled here, and locked there", unlock("a"), |s| {
            bend(s, |named| (named.disabled, named.lock) = (Some(true), LockState::NotLocked));
        }, Some(Failed), Refused, "disabled in directory cloud"),
        ("disabled here, and a reset", reset("a", Method::Link), |s| {
            bend(s, |named| (named.disabled, named.lock) = (Some(true), LockState::NotLocked));
        }, Some(Failed), Refused, "disabled in directory cloud"),
        ("disabled there", unlock("a"), |s| {
            s.found = Ok(AccountRead { disabled: Some(true), ..account() });
        }, Some(Failed), Refused, "locked and disabled"),
        ("another one behind the name here", unlock("a"), |s| {
            s.request.status.named = Some(reference("cloud", "cloud-bob"));
        }, Some(Denied), ChangedSince, "another account"),
        ("another one behind the name there", unlock("a"), |s| {
            s.request.status.named = Some(reference("cloud", "cloud-alice"));
            s.request.status.account = Some(reference("ldap", "id-bob"));
        }, Some(Denied), ChangedSince, "another account"),
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
        assert_eq!((claim.directory.as_str(), claim.named.as_deref()), ("ldap", Some("cloud-alice")));
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

fn reference(directory: &str, id: &str) -> AccountReference {
    AccountReference {
        directory: directory.into(),
        id: id.into(),
        r#ref: None,
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
    assert!(new.entry.keep_until >= start() + SignedDuration::from_hours(48), "{:?}", new.entry);
}

#[test]
fn the_account_is_acted_on_where_its_credentials_live() {
    let scene = routed(unlock("a"));
    let Decision::Act(Effect::Send { step: Step::Unlock, target: Some(target), .. }) = scene.decide() else {
        panic!("{:?}", scene.decide());
    };
    assert_eq!((target.directory.as_str(), target.id.as_str()), ("ldap", "id-alice"));
    assert_eq!(target.named, Some(reference("cloud", "cloud-alice")));
}

/// An unlock that was sent there, and what both accounts are since.
fn sent(named_locked: bool) -> Scene {
    let mut scene = routed(unlock("a"));
    scene.progress.target = Some(Acting {
        directory: "ldap".into(),
        named: Some(reference("cloud", "cloud-alice")),
        id: "id-alice".into(),
        server: None,
        policy: Some(scene.policies[0].reference.clone()),
    });
    scene.progress.record(Step::Unlock, scene.now, Some("l1".into()), Sent::Done);
    scene.found = unlocked();
    scene.named = Some((cloud(), Ok(build::named(named_locked))));
    scene
}

fn finishes(scene: &Scene) -> Ending {
    match scene.decide() {
        Decision::Finish(ending) => *ending,
        other => panic!("it does not end: {other:?}"),
    }
}

#[test]
fn a_success_elsewhere_is_judged_in_the_directory_that_was_named() {
    let ending = finishes(&sent(false));
    assert_eq!((ending.outcome, ending.reason), (Outcome::Succeeded, Reason::Unlocked), "{ending:?}");
    assert_eq!(ending.account, Some(reference("ldap", "id-alice")));
    assert_eq!(ending.named, Some(reference("cloud", "cloud-alice")));
    for part in ["in directory ldap", "directory cloud shows no lock"] {
        assert!(ending.message.contains(part), "{}", ending.message);
    }
    let waiting = sent(true).waits();
    assert_eq!(waiting.reason, Reason::AwaitingManualAction, "{waiting:?}");
    assert!(waiting.needs_person);
    for part in [
        "the lock was cleared",
        "in directory ldap",
        "directory cloud keeps a lock of its own",
        "an administrator does it in the console",
        "until 2026-11-23T12:00:00Z",
    ] {
        assert!(waiting.message.contains(part), "{part:?} is missing in {}", waiting.message);
    }
    assert!(waiting.outstanding.is_some(), "what was done is recorded");
}

#[test]
fn a_lock_that_ends_by_itself_needs_nobody() {
    let mut scene = sent(true);
    let until = scene.now + SignedDuration::from_mins(30);
    scene.named = Some((cloud(), locked(Remedy::None("nobody".into()), Some(until)).map(|read| AccountRead {
        lock: read.lock,
        ..build::named(true)
    })));
    let waiting = scene.waits();
    assert_eq!(waiting.reason, Reason::AwaitingUpstream, "{waiting:?}");
    assert!(!waiting.needs_person && waiting.message.contains("by itself at"), "{waiting:?}");
}

/// How the request stands when nothing but the named Directory was left, and what that shows then.
fn outstanding(named: Result<AccountRead, ReadFailure>) -> Scene {
    let mut scene = routed(unlock("a"));
    let done = Condition {
        r#type: types::DONE_AT_SOURCE.into(),
        status: "True".into(),
        reason: "Unlocked".into(),
        message: "the lock was cleared; the account was read back as not locked".into(),
        last_transition_time: start(),
        observed_generation: Some(1),
    };
    let status = &mut scene.request.status;
    status.conditions = vec![done];
    (status.account, status.named) = (
        Some(reference("ldap", "id-alice")),
        Some(reference("cloud", "cloud-alice")),
    );
    status.policy = Some(scene.policies[0].reference.clone());
    // Nothing of this is asked any more.
    (scene.may_use, scene.found) = (false, Err(ReadFailure::NotFound));
    scene.named = Some((cloud(), named));
    scene
}

#[test]
fn what_is_recorded_is_not_done_again() {
    let ending = finishes(&outstanding(Ok(build::named(false))));
    assert_eq!((ending.outcome, ending.reason), (Outcome::Succeeded, Reason::Unlocked), "{ending:?}");
    assert_eq!(ending.account, Some(reference("ldap", "id-alice")));
    let waiting = outstanding(Ok(build::named(true))).waits();
    assert_eq!(waiting.reason, Reason::AwaitingManualAction, "{waiting:?}");
    let gone = finishes(&outstanding(Err(ReadFailure::NotFound)));
    assert_eq!((gone.outcome, gone.reason), (Outcome::Unknown, Reason::OutcomeUnknown));
    assert!(gone.message.contains("then the account in directory cloud was gone"), "{gone:?}");
    let mute = outstanding(failure(FailureClass::Transient(None), "no answer")).waits();
    assert_eq!(mute.reason, Reason::DirectoryUnavailable, "{mute:?}");
    let mut without = outstanding(Ok(build::named(false)));
    without.named = None;
    assert_eq!(without.waits().reason, Reason::DirectoryUnavailable);
}

#[test]
fn the_clock_ends_the_wait_and_says_what_was_done() {
    for (named, text) in [
        (Ok(build::named(true)), "an administrator does it in the console"),
        (failure(FailureClass::Transient(None), "no answer"), "could not be read: no answer"),
    ] {
        let mut scene = outstanding(named);
        scene.now = start() + SignedDuration::from_hours(24);
        let ending = finishes(&scene);
        assert_eq!((ending.outcome, ending.reason), (Outcome::Failed, Reason::Expired), "{ending:?}");
        for part in ["its time ended at", "the lock was cleared", "in directory ldap", text] {
            assert!(ending.message.contains(part), "{part:?} is missing in {}", ending.message);
        }
    }
}

#[test]
fn where_there_was_nothing_to_do_the_named_lock_is_awaited_all_the_same() {
    let mut scene = routed(unlock("a"));
    scene.found = unlocked();
    let waiting = scene.waits();
    assert_eq!(waiting.reason, Reason::AwaitingManualAction, "{waiting:?}");
    assert!(waiting.message.contains("was read as not locked; nothing was done"), "{waiting:?}");
    assert!(waiting.outstanding.is_none(), "nothing was done, so nothing is recorded");
    scene.named = Some((cloud(), Ok(build::named(false))));
    let ending = finishes(&scene);
    assert_eq!((ending.outcome, ending.reason), (Outcome::Succeeded, Reason::NotLocked), "{ending:?}");
}

/// Looked at ever less often: a thousand such requests must not use up a Directory's budget.
#[test]
fn the_longer_it_takes_the_rarer_it_is_looked_at() {
    for (minutes, seconds) in [(0, 5), (4, 30), (60, 300), (600, 300)] {
        let mut scene = outstanding(Ok(build::named(true)));
        scene.request.status.start_time = Some(scene.now);
        scene.now += SignedDuration::from_mins(minutes);
        let Waiting { until, .. } = scene.waits();
        assert_eq!(until, scene.now + SignedDuration::from_secs(seconds), "after {minutes} minutes");
    }
}

/// A reset under a claim of this process's own, all of whose steps were sent and are shown.
fn done(unlock: bool, named_locked: bool) -> Scene {
    let mut request = reset("a", Method::ChangeAtNextSignIn);
    if let readmit::domain::request::Ask::Reset { unlock: asked, .. } = &mut request.ask {
        *asked = unlock;
    }
    let mut scene = routed(request);
    let Decision::Act(Effect::Claim(new)) = scene.decide() else {
        panic!("no claim");
    };
    scene.progress.plan = new.plan.clone();
    for step in new.plan {
        scene.progress.record(step, scene.now, Some("l1".into()), Sent::Done);
    }
    scene.progress.claim = Some(ClaimSeen {
        account: new.name,
        id: "id-alice".into(),
        charged: scene.now,
        claim: new.entry.claim.expect("a claim"),
        ours: true,
        usable: true,
        firm: true,
        quiet_for: Duration::ZERO,
    });
    scene.found = unlocked().map(|read| AccountRead {
        must_change: Some(true),
        ..read
    });
    scene.named = Some((cloud(), Ok(build::named(named_locked))));
    scene
}

#[test]
fn a_claim_is_closed_with_the_record_and_not_before_it_is_firm() {
    let mut scene = done(true, true);
    let waiting = scene.waits();
    let outstanding = waiting.outstanding.expect("what was done");
    assert_eq!((outstanding.closing, outstanding.deliver), (Some(Closing::Done), true));
    assert_eq!(outstanding.reason, Reason::ChangeRequired);
    scene.progress.claim.iter_mut().for_each(|seen| seen.firm = false);
    let decision = scene.decide();
    assert!(matches!(decision, Decision::Act(Effect::Renew(_))), "{decision:?}");
}

#[test]
fn a_lock_that_was_not_asked_about_is_left_alone() {
    let ending = finishes(&done(false, true));
    assert_eq!((ending.outcome, ending.reason), (Outcome::Succeeded, Reason::ChangeRequired), "{ending:?}");
    assert!(ending.message.contains("in directory ldap"), "{ending:?}");
}

/// Another process left the claim: what it is about must still be permitted, the named account included.
#[test]
fn an_interrupted_claim_is_gone_on_with_only_while_both_are_permitted() {
    let found = |bend: fn(&mut Scene)| {
        let mut scene = done(true, true);
        scene.progress.sends.clear();
        scene.progress.plan.clear();
        (scene.found, scene.now) = (Ok(account()), scene.now + SignedDuration::from_mins(1));
        for seen in &mut scene.progress.claim {
            (seen.ours, seen.usable, seen.quiet_for) = (false, false, Duration::from_secs(60));
        }
        bend(&mut scene);
        scene
    };
    let renewed = found(|_| {}).decide();
    assert!(matches!(&renewed, Decision::Act(Effect::Renew(renewal)) if renewal.take_over.is_some()), "{renewed:?}");
    let denied: [fn(&mut Scene); 3] = [
        |s| bend(s, |named| named.protection = Protection::Protected("admin role".into())),
        |s| s.named = Some((cloud(), Err(ReadFailure::NotFound))),
        |s| bend(s, |named| named.id = "cloud-bob".into()),
    ];
    for bend in denied {
        let ending = finishes(&found(bend));
        assert_eq!((ending.outcome, ending.reason), (Outcome::Denied, Reason::NotEligible), "{ending:?}");
    }
    let mute = found(|s| s.named = Some((cloud(), failure(FailureClass::Transient(None), "no answer")))).waits();
    assert_eq!(mute.reason, Reason::DirectoryUnavailable);
}

#[test]
fn the_same_manifest_has_run_where_the_credentials_live() {
    let not_after = Some(start() + SignedDuration::from_hours(2));
    let request = Request {
        not_after,
        ..reset("a", Method::ChangeAtNextSignIn)
    };
    let mut scene = routed(request);
    scene.ledger = vec![entry(&scene.request, LedgerOutcome::Done)];
    scene.named = Some((cloud(), Ok(build::named(false))));
    let ending = finishes(&scene);
    assert_eq!((ending.outcome, ending.reason), (Outcome::Succeeded, Reason::AlreadyExecuted), "{ending:?}");
    // Its time may be over.
    scene.now = start() + SignedDuration::from_hours(3);
    assert_eq!(finishes(&scene).reason, Reason::AlreadyExecuted);
}
