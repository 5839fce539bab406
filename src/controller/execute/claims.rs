//! Claims in a ledger: written, written again, taken back. No Directory is called here.

use crate::{
    api::{
        Account,
        account::{Claim, LedgerEntry},
    },
    clock,
    controller::{
        accounts::WriteError,
        context::Context,
        pass::{PassError, line},
        prepare,
        tries::Tried,
        work::{Held, Rewritten, Work},
    },
    domain::{
        decide::after,
        decision::{NewClaim, Renewal},
        ledger,
        observed::Facts,
        request::Request,
    },
    failpoint::Place,
    observe::audit::{Entry, Event},
};
use kube::ResourceExt;

/// Writes the first claim into the ledger. Somebody else's write that came first leads to another reading of it.
///
/// # Errors
/// The API server did not answer: whether the claim landed is looked at in the next pass.
pub(super) async fn claim(
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
    work.tried.add(Tried {
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
            work.held = Some(Box::new(Held { account, claim, until }));
            work.tried.clear();
            Ok(())
        }
        Err(WriteError::Conflict) => {
            work.tried.refused();
            context.accounts.note(&name, true);
            facts.ledger = None;
            // Somebody else acts on this account: it may not be as it was read any more.
            facts.readings.clear();
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
pub(super) async fn renew(
    context: &Context,
    request: &Request,
    work: &mut Work,
    renewal: Renewal,
) -> Result<(), PassError> {
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
pub(super) fn current(context: &Context, request: &Request, work: &Work) -> Option<Account> {
    let held = work.held.as_ref().map(|held| held.account.clone());
    held.or_else(|| context.claims.get(&request.uid).map(|found| found.account))
}

/// Takes the claim back; nothing was done under it.
pub(super) async fn release(
    context: &Context,
    request: &Request,
    work: &mut Work,
    facts: &mut Facts,
) -> Result<(), PassError> {
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
