//! What an operator calls: the directory, with its faults, and the making of passwords; and the check of an ending.

use crate::replica::{Fault, Prepared, Work};
use crate::world::World;
use readmit::{
    api::{
        account::{AccountFields, Claim, Derivation},
        common::SecretKeyRef,
    },
    domain::{
        account::{AccountRead, Failure, FailureClass, ReadFailure, Sent, Step},
        decide::{after, lockout},
        decision::Ending,
        enforcement::Enforcement,
        ledger::{self},
        observed::{AccountSeen, Acting, Facts},
        request::Request,
    },
};
use std::time::Duration;

/// A denial needs a rule that said no, and everything that the rules need in working order.
pub fn check_ending(world: &World, ending: &Ending) {
    if ending.reason == readmit::api::Reason::PolicyDenied {
        let ready = world.policies.iter().all(|policy| policy.problem.is_none());
        assert!(ready, "denied, and a policy is not ready: {}", ending.message);
        let directory = world.directory.as_ref().expect("denied, and there is no Directory");
        assert!(directory.trouble.is_none(), "denied, and its Directory is not ready");
        assert!(
            !world.upstream.unreadable,
            "denied by a rule that could not be evaluated: {}",
            ending.message
        );
    }
}

pub fn name(world: &World, fields: &AccountFields) -> String {
    let _ = world;
    ledger::account_name(&fields.provider, &fields.upstream, &fields.id)
}

pub fn holds(fields: &AccountFields, uid: &str) -> bool {
    ledger::open(&fields.ledger).is_some_and(|entry| entry.uid == uid)
}

pub fn took_down(world: &World, work: &mut Work, facts: &mut Facts, result: Result<AccountRead, ReadFailure>) {
    match &result {
        Ok(account) if work.progress.sends.is_empty() => {
            work.progress.lockout = lockout(account).or(work.progress.lockout.take());
        }
        _ => {}
    }
    work.progress.was_read(world.now, &result);
    facts.account = Some(AccountSeen {
        result,
        at: world.now,
        after: work.progress.sends.len(),
    });
}

pub fn prepare(
    world: &mut World,
    request: &Request,
    length: u32,
    recipients: Vec<String>,
    again: Option<&Claim>,
) -> Prepared {
    let (nonce, derivation) = match again {
        Some(claim) => (claim.nonce.clone(), claim.derivation.clone().unwrap()),
        None => {
            let key = SecretKeyRef {
                name: "day".into(),
                key: None,
            };
            let derivation = Derivation {
                version: 1,
                key,
                length,
                alphabet: "ascii".into(),
                recipients,
            };
            (world.nonce(), derivation)
        }
    };
    let value = format!("{} by {nonce}", request.uid);
    Prepared {
        nonce,
        derivation,
        value,
    }
}

/// The guard, the call, and what is taken down of it.
pub fn send(world: &mut World, request: &Request, work: &mut Work, facts: &Facts, step: Step, fault: Option<Fault>) {
    let account = facts.account.as_ref().and_then(|seen| seen.result.as_ref().ok());
    let stamp = match (&work.held, account) {
        (_, Some(account)) => account.lock_stamp.clone(),
        (Some(held), None) => held.claim.lock_stamp.clone(),
        (None, None) => panic!("sends to an account that was not read"),
    };
    if work.held.is_none() {
        let (id, policy) = (account.unwrap().id.clone(), None);
        work.progress.target = Some(Acting {
            id,
            server: None,
            policy,
        });
    }
    let usable = world
        .directory
        .as_ref()
        .is_some_and(|directory| directory.trouble.is_none() && !directory.suspended);
    let enforced = matches!(world.enforcement, Enforcement::Enforced { .. });
    let in_time = work.held.as_ref().is_none_or(|held| world.now < held.until);
    let failed = |class, text| Failure::new(class, text);
    let busy = || failed(FailureClass::Transient(None), "try again");
    let (uid, at) = (request.uid.clone(), world.now);
    let value = work
        .prepared
        .as_ref()
        .map(|prepared| prepared.value.clone())
        .unwrap_or_default();
    assert!(
        step != Step::SetPassword || !value.is_empty(),
        "sets a password that is not prepared"
    );
    let sent = if !(usable && enforced && in_time) || world.upstream.down {
        Sent::NotSent(busy())
    } else {
        match fault {
            Some(Fault::NotSent) => Sent::NotSent(busy()),
            Some(Fault::Busy) => Sent::Refused(busy()),
            Some(Fault::NeedsConfig) => Sent::Refused(failed(FailureClass::NeedsConfig, "the right is missing")),
            Some(Fault::Refused) => Sent::Refused(failed(FailureClass::Permanent, "no")),
            Some(Fault::Pretended) => Sent::Done,
            Some(Fault::LostBefore) => Sent::Unknown(busy()),
            Some(Fault::Late(secs)) => {
                let then = after(at, Duration::from_secs(secs.into()));
                world.upstream.late.push((then, uid.clone(), step, value));
                Sent::Unknown(busy())
            }
            Some(Fault::LostAfter) => {
                world.apply(at, &uid, step, &value);
                Sent::Unknown(busy())
            }
            None => {
                world.apply(at, &uid, step, &value);
                Sent::Done
            }
        }
    };
    if matches!(sent, Sent::Unknown(_)) || fault == Some(Fault::Pretended) {
        world.truth.hidden.insert(uid);
    }
    let shown = step != Step::SendLink && (step != Step::SetPassword || world.upstream.marks);
    if sent == Sent::Done && fault == Some(Fault::Pretended) && !shown {
        world.truth.deceived.insert(request.uid.clone());
    }
    work.progress.record(step, at, stamp, sent);
}
