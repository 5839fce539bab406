//! What an operator calls: the directory, with its faults, and the making of passwords; and the check of an ending.

use super::{
    replica::{Fault, Prepared, Work},
    truth::Rule,
    world::{Mutant, World},
};
use readmit::{
    api::{
        Reason,
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
pub fn check_ending(world: &mut World, ending: &Ending) {
    if ending.reason != Reason::PolicyDenied {
        return;
    }
    let ready = world.policies.iter().all(|policy| policy.problem.is_none());
    let works = world
        .directory
        .as_ref()
        .is_some_and(|directory| directory.trouble.is_none());
    let readable = !world.upstream.unreadable;
    for (so, otherwise) in [
        (ready, "a policy is not ready"),
        (works, "its Directory is not ready"),
        (readable, "a rule could not be evaluated"),
    ] {
        world.truth.demand(so, Rule::Warranted, || {
            format!("denied, and {otherwise}: {}", ending.message)
        });
    }
}

pub fn name(fields: &AccountFields) -> String {
    ledger::account_name(&fields.provider, &fields.upstream, &fields.id)
}

pub fn holds(fields: &AccountFields, uid: &str) -> bool {
    ledger::open(&fields.ledger).is_some_and(|entry| entry.uid == uid)
}

pub fn took_down(
    world: &World,
    work: &mut Work,
    facts: &mut Facts,
    directory: String,
    result: Result<AccountRead, ReadFailure>,
) {
    match &result {
        Ok(account) if work.progress.sends.is_empty() => {
            work.progress.lockout = lockout(account).map(Box::new).or(work.progress.lockout.take());
        }
        _ => {}
    }
    work.progress.was_read(&directory, world.now, &result);
    let seen = AccountSeen {
        result,
        at: world.now,
        after: work.progress.sends.len(),
    };
    facts.readings.insert(directory, seen);
}

pub fn prepare(
    world: &mut World,
    request: &Request,
    length: u32,
    recipients: Vec<String>,
    again: Option<&Claim>,
) -> Prepared {
    let (nonce, derivation) = match again {
        Some(claim) if world.mutant == Mutant::FreshPassword => {
            (world.nonce(&request.uid), claim.derivation.clone().unwrap())
        }
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
            (world.nonce(&request.uid), derivation)
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
pub fn send(
    world: &mut World,
    request: &Request,
    work: &mut Work,
    facts: &Facts,
    (step, also, target): (Step, &[Step], Option<Box<Acting>>),
    fault: Option<Fault>,
) {
    if work.held.is_none() {
        work.progress.target = Some(target.expect("without a claim somebody says whom to act on"));
    }
    let held = work.held.as_ref().map(|held| &held.claim.directory);
    let directory = held.or(work.progress.target.as_ref().map(|target| &target.directory));
    assert_eq!(
        directory.unwrap(),
        "ldap",
        "nothing is sent to where the credentials do not live"
    );
    let account = facts.read_in("ldap");
    let stamp = match (&work.held, account) {
        (_, Some(account)) => account.lock_stamp.clone(),
        (Some(held), None) => held.claim.lock_stamp.clone(),
        (None, None) => panic!("sends to an account that was not read"),
    };
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
        if work.held.is_some() {
            world.truth.arrived(&uid, step);
        }
        match fault {
            Some(Fault::NotSent) => Sent::NotSent(busy()),
            Some(Fault::Busy) => Sent::Refused(busy()),
            Some(Fault::NeedsConfig) => Sent::Refused(failed(FailureClass::NeedsConfig, "the right is missing")),
            Some(Fault::Refused) => Sent::Refused(failed(FailureClass::Permanent, "no")),
            Some(Fault::Pretended) => Sent::Done,
            Some(Fault::LostBefore) => Sent::Unknown(busy()),
            Some(Fault::Late(secs)) => {
                let then = after(at, Duration::from_secs(secs.into()));
                for step in [step].iter().chain(also) {
                    world.upstream.late.push((then, uid.clone(), *step, value.clone()));
                }
                Sent::Unknown(busy())
            }
            Some(Fault::LostAfter) => {
                [step]
                    .iter()
                    .chain(also)
                    .for_each(|step| world.apply(at, &uid, *step, &value));
                Sent::Unknown(busy())
            }
            None => {
                [step]
                    .iter()
                    .chain(also)
                    .for_each(|step| world.apply(at, &uid, *step, &value));
                Sent::Done
            }
        }
    };
    let sent = match sent {
        Sent::Unknown(failure) if world.mutant == Mutant::LostIsNotSent => Sent::NotSent(failure),
        sent => sent,
    };
    if matches!(sent, Sent::Unknown(_)) || fault == Some(Fault::Pretended) {
        world.truth.hidden.insert(uid);
    }
    if sent == Sent::Done && fault == Some(Fault::Pretended) {
        deceive(world, request, work, step);
    }
    work.progress.record_with(step, also, at, stamp, sent);
}

/// The directory says that it did it, and did not. Nothing shows that of a link, nor of a password where the marker is
/// missing or somebody else moved it since the claim (or does so later, see `truth`).
fn deceive(world: &mut World, request: &Request, work: &Work, step: Step) {
    let claimed = work.held.as_ref().and_then(|held| held.claim.marker.clone());
    let moved = claimed != Some(world.upstream.marker.to_string());
    match step {
        Step::SendLink => _ = world.truth.deceived.insert(request.uid.clone()),
        Step::SetPassword if moved || !world.upstream.marks => _ = world.truth.deceived.insert(request.uid.clone()),
        Step::SetPassword => _ = world.truth.pretended.insert(request.uid.clone()),
        Step::Unlock | Step::RequireChange | Step::RevokeSessions => {}
    }
}
