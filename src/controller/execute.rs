//! Carries out one effect: a claim in a ledger, or one send to a directory. The only place that calls a method of a
//! Directory that changes something. Guards stand right before the send; what comes back is taken down, not judged.

use super::{
    accounts::WriteError,
    context::Context,
    gather,
    pass::{PassError, line},
    prepare,
    work::{Held, Rewritten, Tried, Work},
};
use crate::{
    api::{
        Account,
        account::{Claim, LedgerEntry},
        request_status::Attempt,
    },
    clock,
    directory::{Call, Directory, Lane, Target},
    domain::{
        account::{Failure, FailureClass, Proof, Sent, Step},
        decide::after,
        decision::{Effect, NewClaim, Renewal},
        enforcement::Enforcement,
        ledger,
        observed::{Acting, Facts},
        request::Request,
    },
    failpoint::{Place, around},
    observe::audit::{Entry, Event},
};
use jiff::Timestamp;
use kube::ResourceExt;
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
        Effect::Claim(new) => claim(context, request, work, facts, *new).await,
        Effect::Renew(renewal) => renew(context, request, work, renewal).await,
        Effect::Send { step, also, target } => {
            let Some((directory, target)) = aim(work, target.map(|target| *target)) else {
                return Err(PassError::Changed);
            };
            send(context, request, work, facts, (step, &also), (directory, target)).await
        }
        Effect::Prove => prove(context, request, work).await,
        Effect::Release => release(context, request, work, facts).await,
    }
}

async fn claim(
    context: &Context,
    request: &Request,
    work: &mut Work,
    facts: &mut Facts,
    new: NewClaim,
) -> Result<(), PassError> {
    let NewClaim {
        name,
        fields,
        resource_version,
        mut entry,
        plan,
    } = new;
    let nonce = work
        .prepared
        .as_ref()
        .map_or_else(prepare::nonce, |prepared| prepared.nonce.clone());
    let Some(claim) = entry.claim.as_mut() else {
        return Ok(());
    };
    (claim.nonce, claim.writer) = (nonce, prepare::nonce());
    let claim = claim.clone();
    let mut fields = fields;
    fields.ledger.push(entry);
    context.audit.record(Entry {
        directory: &claim.directory,
        account: &fields.id,
        policy: &claim.policy.name,
        ..line(Event::Claim, request)
    });
    let _turn = context.accounts.turn(&name).await;
    // The time to act is counted from before the write: what the claim promises must hold however slow the answer is.
    let until = clock::boot_time() + context.config.timing.effect_deadline;
    work.tried = Some(Tried {
        writer: claim.writer.clone(),
        until,
        plan: plan.clone(),
    });
    context
        .metrics
        .api_write("Account", if resource_version.is_some() { "update" } else { "create" });
    match context
        .accounts
        .write(Place::LedgerClaim, &name, fields, resource_version, |there| {
            holds(&there.ledger, &claim)
        })
        .await
    {
        Ok(account) => {
            work.progress.taken_over(plan);
            (work.held, work.tried) = (Some(Box::new(Held { account, claim, until })), None);
            Ok(())
        }
        Err(WriteError::Conflict) => {
            work.tried = None;
            context.accounts.note(&name, true);
            facts.ledger = None;
            Ok(())
        }
        Err(WriteError::Api(error)) => Err(error.into()),
    }
}

fn holds(entries: &[LedgerEntry], claim: &Claim) -> bool {
    ledger::open(entries)
        .and_then(|entry| entry.claim.as_ref())
        .is_some_and(|there| there.writer == claim.writer)
}

/// Writes the claim again: with a new deadline as ours, with the note that the one proof is used up, or only so that no
/// other replica can.
async fn renew(context: &Context, request: &Request, work: &mut Work, renewal: Renewal) -> Result<(), PassError> {
    let Some(account) = current(context, request, work) else {
        return Err(PassError::Changed);
    };
    let mut fields = account.spec.clone();
    let Some(entry) = fields
        .ledger
        .iter_mut()
        .find(|entry| entry.claim.is_some() && entry.uid == request.uid)
    else {
        return Err(PassError::Changed);
    };
    let Some(claim) = entry.claim.as_mut() else {
        return Err(PassError::Changed);
    };
    claim.writer = prepare::nonce();
    claim.marked |= renewal.marked;
    claim.proved |= renewal.proved;
    if renewal.take_over.is_some() {
        claim.deadline = after(clock::now(), context.config.timing.effect_deadline);
    }
    let claim = claim.clone();
    if renewal.take_over.is_none() {
        context.claims.expect(&request.uid, &claim.writer);
    }
    let name = account.name_any();
    let _turn = context.accounts.turn(&name).await;
    let until = clock::boot_time() + context.config.timing.effect_deadline;
    context.metrics.api_write("Account", "update");
    let written = context
        .accounts
        .write(Place::LedgerRenew, &name, fields, account.resource_version(), |there| {
            holds(&there.ledger, &claim)
        })
        .await;
    match written {
        Ok(account) => {
            let writer = claim.writer.clone();
            work.rewritten = Some(Box::new(Rewritten { writer, until }));
            match renewal.take_over {
                Some(plan) => {
                    work.progress.taken_over(plan);
                    work.held = Some(Box::new(Held { account, claim, until }));
                }
                None => {
                    work.progress.proving |= renewal.proved;
                    keep(context, work, account, claim);
                }
            }
            Ok(())
        }
        Err(WriteError::Conflict) => {
            // Somebody else goes on with it, or has closed it: what they wrote decides.
            work.held = None;
            match context.accounts.get(&name).await? {
                Some(account) => context.claims.learn(account),
                None => context.claims.forget(&request.uid),
            }
            Err(PassError::Changed)
        }
        Err(WriteError::Api(error)) => Err(error.into()),
    }
}

/// What changes no deadline changes not who may send, either.
fn keep(context: &Context, work: &mut Work, account: Account, claim: Claim) {
    match work.held.as_mut() {
        Some(held) => (held.account, held.claim) = (account, claim),
        None => context.claims.rewrite(account),
    }
}

/// The Account object with this request's claim, as last written or seen.
fn current(context: &Context, request: &Request, work: &Work) -> Option<Account> {
    let held = work.held.as_ref().map(|held| held.account.clone());
    held.or_else(|| context.claims.get(&request.uid).map(|found| found.account))
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
fn aim(work: &mut Work, target: Option<Acting>) -> Option<(String, Target)> {
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
    let Some(account) = current(context, request, work) else {
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

/// Takes the claim back; nothing was done under it.
async fn release(context: &Context, request: &Request, work: &mut Work, facts: &mut Facts) -> Result<(), PassError> {
    let Some(held) = &work.held else { return Ok(()) };
    context.metrics.api_write("Account", "update");
    context
        .accounts
        .release(&held.account.name_any(), &request.uid, &held.claim.writer)
        .await?;
    context.claims.forget(&request.uid);
    work.held = None;
    work.prepared = None;
    // The next claim has its own nonce, and needs the ledger as it stands now.
    (facts.ledger, facts.prepared) = (None, None);
    Ok(())
}
