//! Finds out one fact that a decision asked for. Reads only.

use super::{context::Context, pass::PassError, prepare, work::Work};
use crate::{
    api::common::AccountSelector,
    clock,
    directory::{Call, Lane, Target},
    domain::{
        account::{AccountRead, FailureClass, ReadFailure},
        decide,
        decision::Fact,
        observed::{AccountSeen, Facts},
        queue::places::{Queued, Stand},
        request::Request,
    },
};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use std::time::Instant;

/// Finds out one fact, and puts it to the others.
///
/// # Errors
/// The API server could not be asked; the pass is made again later.
pub async fn gather(
    context: &Context,
    request: &Request,
    work: &mut Work,
    facts: &mut Facts,
    fact: Fact,
) -> Result<(), PassError> {
    match fact {
        Fact::MayUse(policy) => {
            let may = holds(context, request, ("use", "accountpolicies", &policy)).await?;
            facts.may_use.insert(policy, may);
        }
        Fact::MayUseAny => {
            facts.may_use_any = Some(holds(context, request, ("use", "accountpolicies", "")).await?);
        }
        Fact::MayInspect(directory) => {
            let may = holds(context, request, ("inspect", "directories", &directory)).await?;
            facts.may_inspect.insert(directory, may);
        }
        Fact::NamespaceLabels => {
            let namespace = Api::<Namespace>::all(context.client.clone())
                .get_metadata(&request.namespace)
                .await?;
            facts.namespace_labels = Some(namespace.metadata.labels.unwrap_or_default());
        }
        Fact::Find { directory, key } => find(context, request, work, facts, (directory, key)).await?,
        Fact::Read {
            directory,
            id,
            server,
            back,
        } => {
            let upstream = context.directories.upstream(&directory).ok_or(PassError::Changed)?;
            let lane = if back { Lane::ReadBack } else { lane(request) };
            let (begun, at) = (Instant::now(), clock::now());
            let result = upstream.read(&call(context, lane), &Target { id, server }).await;
            context.metrics.called(upstream.provider(), "Read", begun.elapsed());
            read(context, work, facts, directory, (result, at));
        }
        Fact::Ledger { name } => {
            let seen = context.accounts.read(&name).await?;
            if let Some(account) = context.accounts.own_claim(&seen, &request.uid) {
                context.claims.learn(account);
            }
            facts.ledger = Some(seen);
        }
        Fact::Prepare {
            directory,
            length,
            recipients,
            again,
        } => {
            let upstream = context.directories.upstream(&directory).ok_or(PassError::Changed)?;
            let shape = (length, upstream.alphabet());
            let prepared = prepare::prepare(context, request, shape, recipients, again.as_deref()).await?;
            facts.prepared = Some(prepared.as_ref().map(|p| p.derivation.clone()).map_err(Clone::clone));
            work.prepared = prepared.ok().map(Box::new);
        }
        Fact::LinkSent { directory, id, since } => {
            let upstream = context.directories.upstream(&directory).ok_or(PassError::Changed)?;
            let target = Target { id, server: None };
            facts.link_sent = Some(
                upstream
                    .link_sent_since(&call(context, Lane::ReadBack), &target, since)
                    .await,
            );
        }
        Fact::ClaimedElsewhere => {
            let claimed = context.accounts.claimed_by(&request.uid).await?;
            facts.claimed_elsewhere = Some(!claimed.is_empty());
            claimed.into_iter().for_each(|account| context.claims.learn(account));
        }
    }
    Ok(())
}

/// Whether the requester holds a verb on an object of a resource; on all of them where no name is given.
async fn holds(
    context: &Context,
    request: &Request,
    (verb, resource, name): (&str, &str, &str),
) -> Result<bool, PassError> {
    Ok(context.rights.holds(&request.requester, verb, resource, name).await?)
}

/// Finds the account by what the request calls it, where it is the request's turn.
async fn find(
    context: &Context,
    request: &Request,
    work: &mut Work,
    facts: &mut Facts,
    (directory, key): (String, AccountSelector),
) -> Result<(), PassError> {
    let upstream = context.directories.upstream(&directory).ok_or(PassError::Changed)?;
    facts.turn = turn(context, request, work, &directory)?;
    if facts.turn.is_some() {
        return Ok(());
    }
    let (begun, at) = (Instant::now(), clock::now());
    let call = call(context, lane(request));
    let result = match work.progress.by_hand {
        true => upstream.find_waiting(&call, &key).await,
        false => upstream.find(&call, &key).await,
    };
    context.metrics.called(upstream.provider(), "Find", begun.elapsed());
    read(context, work, facts, directory, (result, at));
    Ok(())
}

/// Whose turn it is, for this request.
pub fn lane(request: &Request) -> Lane {
    if request.by_service_account() {
        Lane::ServiceAccount
    } else {
        Lane::Person
    }
}

/// Asks whether it is the request's turn to use a Directory: `None` where it is.
fn turn(context: &Context, request: &Request, work: &mut Work, directory: &str) -> Result<Option<Queued>, PassError> {
    let directories = &context.directories;
    let line = directories.line(directory).ok_or(PassError::Changed)?;
    // A Directory whose settings changed has another line, and its places are given anew. Nobody waits for one that
    // cannot be used: what is wrong with it is told instead.
    work.places.retain(|ticket| {
        let name = ticket.directory();
        let current = directories.line(name).is_some_and(|line| ticket.is_for(&line));
        current && directories.usable(name).is_some()
    });
    let new = || line.ticket(lane(request), request);
    Ok(work.places.ask(directory, request, new))
}

/// The frame of a call that reads.
fn call(context: &Context, lane: Lane) -> Call {
    Call {
        lane,
        deadline: Instant::now() + context.config.timing.upstream_timeout,
    }
}

/// Takes down what came of a reading of the account.
fn read(
    context: &Context,
    work: &mut Work,
    facts: &mut Facts,
    directory: String,
    (mut result, begun): (Result<AccountRead, ReadFailure>, Timestamp),
) {
    if let Ok(account) = &mut result {
        context.directories.explain(&directory, account);
    }
    match &result {
        Ok(account) if work.progress.sends.is_empty() => {
            work.progress.lockout = decide::lockout(account).map(Box::new).or(work.progress.lockout.take());
        }
        Ok(_) => {}
        Err(ReadFailure::Failed(failure)) if failure.class == FailureClass::CredentialRefused => {
            context.directories.refuse(&directory, failure);
        }
        Err(_) => {}
    }
    work.progress.was_read(&directory, clock::now(), &result);
    // What was read is no younger than the question.
    let seen = AccountSeen {
        result,
        at: begun,
        after: work.progress.sends.len(),
    };
    facts.readings.insert(directory, seen);
}
