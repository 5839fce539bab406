//! Carries out one effect: a claim in a ledger, or one send to a directory. The only place that calls a method of a
//! Directory that changes something. Guards stand right before the send; what comes back is taken down, not judged.

mod claims;

use super::{
    context::Context,
    gather,
    pass::{PassError, line},
    work::Work,
};
use crate::{
    api::request_status::Attempt,
    clock,
    directory::{Call, Directory, Lane, Target},
    domain::{
        account::{Failure, FailureClass, Proof, Sent, Step},
        decision::Effect,
        enforcement::Enforcement,
        ledger,
        observed::{Acting, Facts},
        request::Request,
    },
    failpoint::{Place, around},
    observe::audit::{Entry, Event},
};
use jiff::Timestamp;
use std::{sync::Arc, time::Instant};

/// Carries out one effect.
///
/// # Errors
/// The API server did not answer; the pass is made again later.
pub async fn execute(
    context: &Context,
    request: &Request,
    work: &mut Work,
    facts: &mut Facts,
    effect: Effect,
) -> Result<(), PassError> {
    match effect {
        Effect::Claim(new) => claims::claim(context, request, work, facts, *new).await,
        Effect::Renew(renewal) => claims::renew(context, request, work, renewal).await,
        Effect::Send { step, also, target } => {
            let Some((directory, target)) = aim(work, target) else {
                return Err(PassError::Changed);
            };
            send(context, request, work, facts, (step, &also), (directory, target)).await
        }
        Effect::Prove => prove(context, request, work).await,
        Effect::Release => claims::release(context, request, work, facts).await,
    }
}

/// Sends one step, once, with what goes into the same write.
async fn send(
    context: &Context,
    request: &Request,
    work: &mut Work,
    facts: &Facts,
    (step, also): (Step, &[Step]),
    (directory, target): (String, Target),
) -> Result<(), PassError> {
    let lock_stamp = match (facts.read_in(&directory), &work.held) {
        (Some(account), _) => account.lock_stamp.clone(),
        (None, Some(held)) => held.claim.lock_stamp.clone(),
        (None, None) => return Err(PassError::Changed),
    };
    let at = clock::now();
    let message = with(also);
    work.sent = Some(clock::boot_time());
    let entry = |event| Entry {
        directory: &directory,
        account: &target.id,
        step: Some(step),
        message: &message,
        ..line(event, request)
    };
    let sent = match guard(context, &directory, work) {
        Err(failure) => Sent::NotSent(failure),
        Ok((upstream, deadline)) => {
            context.audit.record(entry(Event::Send));
            let begun = Instant::now();
            let call = Call {
                lane: gather::lane(request),
                deadline,
            };
            let sent = match context.audit.failing() {
                // What cannot be put into the audit log is not done.
                true => Sent::NotSent(Failure::new(
                    FailureClass::Transient(None),
                    "the audit log cannot be written",
                )),
                false => call_step(upstream.as_ref(), &call, &target, (step, also), work).await,
            };
            context
                .metrics
                .called(upstream.provider(), step.as_str(), begun.elapsed());
            context.metrics.sent(upstream.provider(), step, &sent);
            sent
        }
    };
    let detail = match &sent {
        Sent::Done => None,
        Sent::Refused(failure) | Sent::NotSent(failure) | Sent::Unknown(failure) => {
            if failure.class == FailureClass::CredentialRefused {
                context.directories.refuse(&directory, failure);
            }
            Some(failure.private.clone())
        }
    };
    let detail = detail.as_deref().unwrap_or_default();
    context.audit.record(Entry {
        result: sent.as_str(),
        detail,
        ..entry(Event::Result)
    });
    work.attempts.extend([step].iter().chain(also).map(|step| Attempt {
        step: step.as_str().to_owned(),
        time: Timestamp::from_second(at.as_second()).unwrap_or(at),
        result: sent.as_str().to_owned(),
    }));
    work.progress.record_with(step, also, at, lock_stamp, sent);
    Ok(())
}

/// Which account of which Directory is acted on: the one of the claim; without a claim the one that the decision names,
/// which is remembered.
fn aim(work: &mut Work, target: Option<Box<Acting>>) -> Option<(String, Target)> {
    if let Some(held) = &work.held {
        let target = Target {
            id: held.account.spec.id.clone(),
            server: held.claim.server.clone(),
        };
        return Some((held.claim.directory.clone(), target));
    }
    work.progress.target = target;
    let acting = work.progress.target.as_ref()?;
    let target = Target {
        id: acting.id.clone(),
        server: acting.server.clone(),
    };
    Some((acting.directory.clone(), target))
}

/// What must hold in the very moment of sending. The deadline is the claim's or the call's, whichever is earlier.
fn guard(context: &Context, directory: &str, work: &Work) -> Result<(Arc<dyn Directory>, Instant), Failure> {
    let refuse = |text: &str| Failure::new(FailureClass::Transient(None), text);
    if !context.leadership.is_held() {
        return Err(refuse("another replica took over; it goes on"));
    }
    if !matches!(*context.enforcement.borrow(), Enforcement::Enforced { .. }) {
        return Err(refuse("the admission policies are missing or changed"));
    }
    let upstream = context
        .directories
        .usable(directory)
        .ok_or_else(|| refuse("its Directory cannot be used"))?;
    let mut left = context.config.timing.upstream_timeout;
    if let Some(held) = &work.held {
        let rest = held.until.saturating_sub(clock::boot_time());
        if rest.is_zero() {
            return Err(refuse("the time to act under the claim ran out"));
        }
        left = left.min(rest);
    }
    Ok((upstream, Instant::now() + left))
}

/// The words for what goes into the same write.
fn with(also: &[Step]) -> String {
    match also.is_empty() {
        true => String::new(),
        false => {
            let names: Vec<&str> = also.iter().map(|step| step.as_str()).collect();
            format!("in one write with {}", names.join(" and "))
        }
    }
}

async fn call_step(
    upstream: &dyn Directory,
    call: &Call,
    target: &Target,
    (step, also): (Step, &[Step]),
    work: &Work,
) -> Sent {
    match step {
        // Without a claim nothing may be sent that could do more than clear a lock.
        Step::Unlock if work.held.is_some() => around(Place::SendUnlock, upstream.unlock(call, target)).await,
        Step::Unlock => around(Place::SendUnlock, upstream.clear_lock(call, target)).await,
        Step::SendLink => around(Place::SendLink, upstream.send_reset_link(call, target)).await,
        Step::RequireChange => around(Place::SendChange, upstream.require_change(call, target)).await,
        Step::RevokeSessions => around(Place::SendRevoke, upstream.revoke_sessions(call, target)).await,
        Step::SetPassword => match &work.prepared {
            Some(prepared) => {
                let sent = upstream.set_password(call, target, &prepared.password, also);
                around(Place::SendPassword, sent).await
            }
            None => Sent::NotSent(Failure::new(
                FailureClass::Transient(None),
                "the password is not prepared",
            )),
        },
    }
}

/// Signs in once with the derived password. That it is tried stands in the ledger already.
async fn prove(context: &Context, request: &Request, work: &mut Work) -> Result<(), PassError> {
    let Some(account) = claims::current(context, request, work) else {
        return Err(PassError::Changed);
    };
    let claim = ledger::open(&account.spec.ledger).and_then(|entry| entry.claim.clone());
    let Some(claim) = claim else {
        return Err(PassError::Changed);
    };
    let upstream = context.directories.usable(&claim.directory).ok_or(PassError::Changed)?;
    let Some(prepared) = &work.prepared else {
        return Err(PassError::Changed);
    };
    let target = Target {
        id: account.spec.id.clone(),
        server: claim.server,
    };
    let call = Call {
        lane: Lane::ReadBack,
        deadline: Instant::now() + context.config.timing.upstream_timeout,
    };
    let entry = |event| Entry {
        directory: &claim.directory,
        account: &target.id,
        message: "one sign-in, to find out whether the derived password is in force",
        ..line(event, request)
    };
    context.audit.record(entry(Event::Send));
    let proof = upstream.prove_password(&call, &target, &prepared.password);
    let proof = around(Place::SendProof, proof).await;
    let result = if proof == Proof::Ours { "Ours" } else { "NotProven" };
    context.audit.record(Entry {
        result,
        ..entry(Event::Result)
    });
    work.progress.proving = false;
    work.progress.proof = Some(proof);
    Ok(())
}
