//! One pass over one request: decide, find out what the decision needs, carry out what it says, until it waits or has
//! ended. What is decided stands in `domain`; this loop only goes round.

use super::{
    claims::Found,
    context::Context,
    day_keys::DayKeyError,
    execute, gather,
    kinds::RequestKind,
    record::{self, Written},
    work::{Gate, Work},
};
use crate::{
    api::{Outcome, RequestStatus},
    clock,
    domain::{
        decide::decide,
        decision::{Decision, Ending, Waiting},
        enforcement::Enforcement,
        observed::{ClaimSeen, Facts, Observed},
        request::Request,
        status,
    },
    observe::audit::{Entry, Event, RequestRef},
};
use jiff::Timestamp;
use kube::ResourceExt;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Why a pass was broken off; it is made again.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The API server did not answer.
    #[error("the API server did not answer as expected: {0}")]
    Api(#[from] kube::Error),
    /// A day key could not be read or made.
    #[error(transparent)]
    Key(#[from] DayKeyError),
    /// What was decided on changed meanwhile.
    #[error("something changed meanwhile")]
    Changed,
    /// A decision went in circles; a fault of ours.
    #[error("the decision does not come to an end; this is a fault in readmit, please report it")]
    Endless,
}

/// More rounds than any plan needs.
const ROUNDS: usize = 100;

/// When a request is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Then, or when something changes.
    At(Instant),
    /// When something changes.
    Change,
}

/// One pass over one request.
///
/// # Errors
/// See [`PassError`]; the request is looked at again soon.
pub async fn run<K: RequestKind>(request: &Request, context: Arc<Context>) -> Result<Next, PassError> {
    if request.is_finished() || context.works.has_ended(request) || !context.leadership.is_held() {
        return Ok(Next::Change);
    }
    let work = context.works.of(request);
    let mut work = work.lock().await;
    if let Some(at) = gated(&context, request, &work) {
        return Ok(Next::At(at));
    }
    let epoch = context.woken.epoch();
    let pass = rounds::<K>(request, &context, &mut work).await;
    let queued = pass.is_ok() && work.progress.promise.is_some();
    work.places.rest(queued);
    match pass? {
        Pass::Again(at) => {
            work.gate = Some(Gate {
                at,
                generation: request.generation,
                epoch,
            });
            Ok(Next::At(at))
        }
        Pass::Over => {
            context.works.end(request);
            Ok(Next::Change)
        }
    }
}

/// How a pass ended.
enum Pass {
    /// Look again then.
    Again(Instant),
    /// The request has ended.
    Over,
}

/// Until when nothing is to be done, where nothing has changed since that was decided.
fn gated(context: &Context, request: &Request, work: &Work) -> Option<Instant> {
    let gate = work.gate.as_ref()?;
    let same = gate.generation == request.generation && gate.epoch == context.woken.epoch() && !request.deleting;
    (same && !work.places.is_called() && Instant::now() < gate.at).then_some(gate.at)
}

async fn rounds<K: RequestKind>(request: &Request, context: &Arc<Context>, work: &mut Work) -> Result<Pass, PassError> {
    let mut facts = Facts::default();
    for _ in 0..ROUNDS {
        let now = clock::now();
        facts.shift(work.keep_pace(now, clock::boot_time()));
        work.progress.claim = claim_seen(context, request, work).map(Box::new);
        let claim = work.progress.claim.as_ref();
        let claimed = claim.map(|seen| seen.claim.directory.as_str());
        let directories = context.directories.views(&request.directory, claimed);
        let enforcement: Enforcement = context.enforcement.borrow().clone();
        let policies = context.catalog.policies();
        let observed = Observed {
            timing: &context.config.timing,
            request,
            enforcement: &enforcement,
            policies: &policies,
            directory: directories.iter().find(|view| view.name == request.directory),
            directories: &directories,
            facts: &facts,
            progress: &work.progress,
        };
        match decide(now, &observed) {
            Decision::Ignore => return Ok(Pass::Over),
            Decision::Gather(fact) => gather::gather(context, request, work, &mut facts, fact).await?,
            Decision::Act(effect) => execute::execute(context, request, work, &mut facts, effect).await?,
            Decision::Finish(ending) => {
                finish::<K>(request, context, work, now, &ending).await?;
                return Ok(Pass::Over);
            }
            Decision::Wait(waiting) => {
                let sealed = work.prepared.as_ref().map(|prepared| prepared.sealed.clone());
                let pause = status::waits(now, &observed, &waiting, &work.attempts, sealed);
                work.progress.waits(now, &waiting, &facts, pause.unsaid);
                return wait::<K>(request, context, work, &waiting, pause).await;
            }
        }
    }
    Err(PassError::Endless)
}

/// The open claim of this request: the one we wrote, or one that was found.
fn claim_seen(context: &Context, request: &Request, work: &mut Work) -> Option<ClaimSeen> {
    let found = context.claims.get(&request.uid);
    if let Some(found) = &found {
        work.take_up(found);
    }
    let boottime = clock::boot_time();
    let firm = work.is_firm(found.as_ref(), boottime);
    if let Some(held) = &work.held {
        let charged = crate::domain::ledger::open(&held.account.spec.ledger).map(|entry| entry.time);
        return Some(ClaimSeen {
            account: held.account.name_any(),
            id: held.account.spec.id.clone(),
            charged: charged.unwrap_or(request.created),
            claim: held.claim.clone(),
            ours: true,
            usable: boottime < held.until,
            firm,
            quiet_for: work.sent.map_or(Duration::ZERO, |sent| boottime.saturating_sub(sent)),
        });
    }
    let Found {
        account, entry, since, ..
    } = found?;
    Some(ClaimSeen {
        account: account.name_any(),
        id: account.spec.id.clone(),
        charged: entry.time,
        claim: entry.claim?,
        ours: false,
        usable: false,
        firm,
        quiet_for: boottime.saturating_sub(since),
    })
}

/// Records the end of a request, and closes its claim. Where others may have taken the claim over before it could be
/// recorded, the pass is made again.
async fn finish<K: RequestKind>(
    request: &Request,
    context: &Context,
    work: &mut Work,
    now: Timestamp,
    ending: &Ending,
) -> Result<(), PassError> {
    // The directory is not needed any more, and to record the end may take a while.
    work.places.rest(false);
    let prepared = work.prepared.as_ref().filter(|_| ending.deliver);
    let sealed = prepared.map(|prepared| prepared.sealed.clone());
    let status: RequestStatus = status::ended(now, request, ending, &work.attempts, sealed);
    audit_ending(context, request, ending);
    let firm = || work.is_firm(context.claims.get(&request.uid).as_ref(), clock::boot_time());
    let written = record::finish::<K>(context, request, &status, firm)
        .await
        .ok_or(PassError::Changed)?;
    work.prepared = None;
    match ending.closing {
        Some(closing) if written.closes() => close(context, request, work, closing),
        // The sweeper closes what nobody else does, as the request says.
        _ => work.held = None,
    }
    if written == Written::Landed {
        context
            .metrics
            .finished(request.kind.as_str(), ending.outcome, ending.reason);
        if matches!(ending.outcome, Outcome::Denied | Outcome::Failed | Outcome::Unknown) {
            record::warn::<K>(context, request, ending.reason.as_str(), &ending.message).await;
        }
    }
    Ok(())
}

/// What was done is recorded: from here on nothing is done any more, and only waited.
fn hand_over(context: &Context, request: &Request, work: &mut Work, ending: &Ending) {
    if let Some(closing) = ending.closing {
        close(context, request, work, closing);
    }
    work.prepared = None;
    work.progress.hand_over(ending);
}

/// The holder of a result closes the ledger entry soon.
fn close(context: &Context, request: &Request, work: &mut Work, closing: crate::domain::ledger::Closing) {
    let account = work.held.take().map(|held| held.account);
    let account = account.or_else(|| context.claims.get(&request.uid).map(|found| found.account));
    if let Some(account) = account {
        context.accounts.close_later(account, &request.uid, closing);
    }
    context.claims.forget(&request.uid);
}

fn audit_ending(context: &Context, request: &Request, ending: &Ending) {
    let account = ending.account.as_ref();
    context.audit.record(Entry {
        directory: account.map_or(&request.directory, |account| &account.directory),
        account: account.map_or("", |account| &account.id),
        policy: ending.policy.as_ref().map_or("", |policy| &policy.name),
        reason: Some(ending.reason),
        result: ending.outcome.as_str(),
        message: &ending.message,
        detail: ending.detail.as_deref().unwrap_or_default(),
        ..line(Event::Decision, request)
    });
}

/// The beginning of an audit line about a request.
pub fn line<'a>(event: Event, request: &'a Request) -> Entry<'a> {
    let reference = RequestRef {
        kind: request.kind.as_str(),
        namespace: &request.namespace,
        name: &request.name,
        uid: &request.uid,
    };
    Entry {
        requester: request.username(),
        ..Entry::new(event, reference)
    }
}

/// Puts a wait into the status where it is news and due. Where it says that everything was done but for what others do,
/// the claim is closed with that.
async fn wait<K: RequestKind>(
    request: &Request,
    context: &Context,
    work: &mut Work,
    waiting: &Waiting,
    pause: status::Pause,
) -> Result<Pass, PassError> {
    if let Some(detail) = &waiting.detail {
        tracing::debug!(
            kind = request.kind.as_str(),
            namespace = request.namespace,
            name = request.name,
            reason = waiting.reason.as_str(),
            detail,
            "waits"
        );
    }
    if let Some(status) = pause.write {
        context.audit.record(Entry {
            directory: &request.directory,
            reason: Some(waiting.reason),
            message: &waiting.message,
            detail: waiting.detail.as_deref().unwrap_or_default(),
            ..line(Event::Wait, request)
        });
        if record::write::<K>(context, request, &status).await? != Written::Landed {
            return Ok(Pass::Again(Instant::now() + Duration::from_secs(30)));
        }
        if waiting.needs_person {
            record::warn::<K>(context, request, waiting.reason.as_str(), &waiting.message).await;
        }
    }
    // Not before it stands in the status, as written now or before.
    if let Some(ending) = waiting.outstanding.as_ref().filter(|_| !pause.unsaid) {
        hand_over(context, request, work, ending);
    }
    let rest = pause.until.duration_since(clock::now());
    let rest = Duration::try_from(rest)
        .unwrap_or_default()
        .max(Duration::from_millis(20));
    Ok(Pass::Again(Instant::now() + rest))
}
