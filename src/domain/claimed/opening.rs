//! The first claim of a request: what keeps it from being written, and what stands in it. Nothing is sent before it is there.

use crate::{
    api::{
        Method, Outcome, Reason,
        account::{AccountFields, Claim, LedgerEntry},
        common::Limit,
    },
    domain::{
        account::{AccountRead, Step},
        busy,
        case::Case,
        decide::{IDLE, after, expires},
        decision::{Decision, Effect, Fact, NewClaim},
        executed, ledger, limits, markers,
        observed::{LedgerSeen, Observed},
        plan,
        policy::Policy,
        request::Ask,
    },
};
use jiff::Timestamp;

/// Everything permits it: write the first claim, unless the ledger says otherwise.
pub fn begin(now: Timestamp, observed: &Observed, case: &Case, policy: &Policy, account: &AccountRead) -> Decision {
    let (request, Some(directory)) = (observed.request, observed.directory) else {
        return Decision::Ignore;
    };
    let Some(name) = observed.ledger_name(&account.id) else {
        return Decision::Ignore;
    };
    let case = &case.referring(&name);
    let Some(seen) = observed.facts.ledger_of(&name) else {
        return Decision::Gather(Fact::Ledger { name });
    };
    if let Some(entry) = ledger::executed(seen.entries(), request) {
        return executed::ended(observed, case, entry);
    }
    if ledger::open(seen.entries()).is_some() {
        // Our own open claim would stand in `progress`: the shell puts it there when it reads the ledger.
        let message = "another request is being executed for this account";
        return case.wait(Reason::AccountBusy, message.into(), after(now, busy::LOOK));
    }
    if let Some(decision) = at_limit(now, observed, case, policy, seen) {
        return decision;
    }
    if markers::changed_since(observed, account) {
        let message = "the password was changed after this request was created; if it is still wanted, create it \
                       under another name";
        return case.finish(Outcome::Denied, Reason::ChangedSince, message.into());
    }
    if let Some(settled) = markers::just_changed(now, observed, account) {
        let message =
            "the password was changed a moment ago; a change that is made now could not be told from that one";
        return case.wait(Reason::AccountBusy, message.into(), settled);
    }
    if let Some(decision) = prepare(observed, case, policy) {
        return decision;
    }
    if !observed.is_fresh(now) {
        return observed.read_again(account, false);
    }
    let limits = limits(observed, policy).map(|(limit, _)| limit);
    let keep_until = ledger::keep_until(request, limits, now);
    let keep_until = match observed.origin() {
        // It may be done long before the Directory that the request names follows, and must be remembered as long.
        Some(_) => keep_until.max(expires(observed)),
        None => keep_until,
    };
    let entry = LedgerEntry {
        key: request.intent_key(),
        uid: request.uid.clone(),
        action: request.action(),
        policy: policy.reference.name.clone(),
        time: now,
        keep_until,
        outcome: None,
        claim: Some(new_claim(now, observed, policy, account)),
    };
    let plan = plan::steps(
        request,
        account,
        &directory.capabilities,
        policy.spec.password.revoke_sessions,
    );
    claim(now, observed, case, seen, account, (entry, plan))
}

/// The limits that hold: the policy's, by its name, and those of the Directories. Every effect on the account counts for
/// those of the Directory that the request names too, whoever asked for it.
fn limits<'a>(observed: &Observed<'a>, policy: &'a Policy) -> impl Iterator<Item = (&'a Limit, Option<&'a str>)> {
    let named = observed.origin().map(|(named, _)| named);
    let places = observed.directory.into_iter().chain(named);
    let own = policy.spec.limits.iter();
    own.map(|limit| (limit, Some(policy.reference.name.as_str())))
        .chain(places.flat_map(|place| place.limits.iter().map(|limit| (limit, None))))
}

/// The wait for a limit that the account has reached.
fn at_limit(now: Timestamp, observed: &Observed, case: &Case, policy: &Policy, seen: &LedgerSeen) -> Option<Decision> {
    let limits = limits(observed, policy);
    let reached = limits::reached(seen.entries(), observed.request.action(), limits, now)?;
    let whose = reached
        .policy
        .as_ref()
        .map_or("the Directory's".to_owned(), |name| format!("policy {name}'s"));
    let message = format!(
        "the account reached {whose} limit of {} in {}; the next is possible at {}",
        reached.limit.max, reached.limit.per, reached.next
    );
    // An open claim that is given back makes room earlier than that.
    Some(case.wait(Reason::LimitReached, message, reached.next.min(after(now, IDLE))))
}

/// A temporary password is derived and sealed first, so that an unusable recipient fails before anything is done.
fn prepare(observed: &Observed, case: &Case, policy: &Policy) -> Option<Decision> {
    let Ask::Reset {
        method: Method::TemporaryPassword,
        recipients,
        ..
    } = &observed.request.ask
    else {
        return None;
    };
    match &observed.facts.prepared {
        Some(Ok(_)) => None,
        Some(Err(why)) => Some(case.finish(Outcome::Failed, Reason::NotCapable, why.clone())),
        None => {
            let mut all = policy.spec.password.recipients.clone();
            all.extend(
                recipients
                    .iter()
                    .filter(|recipient| !policy.spec.password.recipients.contains(recipient))
                    .cloned(),
            );
            if all.is_empty() {
                let message = format!(
                    "a temporary password must be sealed to somebody: set password.recipients in policy {}",
                    policy.reference.name
                );
                return Some(case.finish(Outcome::Failed, Reason::NotCapable, message));
            }
            let length = policy.spec.password.length;
            Some(Decision::Gather(Fact::Prepare {
                directory: observed.place().to_owned(),
                length,
                recipients: all,
                again: None,
            }))
        }
    }
}

fn new_claim(now: Timestamp, observed: &Observed, policy: &Policy, account: &AccountRead) -> Claim {
    let request = observed.request;
    Claim {
        directory: observed.place().to_owned(),
        named: observed.origin().map(|(_, named)| named.id.clone()),
        kind: request.kind.as_str().into(),
        namespace: request.namespace.clone(),
        name: request.name.clone(),
        method: request.method(),
        attempt: 1,
        nonce: String::new(),
        writer: String::new(),
        deadline: after(now, observed.timing.effect_deadline),
        server: account.server.clone(),
        marker: account.password_marker.clone(),
        lock_stamp: account.lock_stamp.clone(),
        marked: false,
        proved: false,
        policy: policy.reference.clone(),
        derivation: observed.facts.prepared.clone().and_then(Result::ok),
    }
}

fn claim(
    now: Timestamp,
    observed: &Observed,
    case: &Case,
    seen: &LedgerSeen,
    account: &AccountRead,
    (entry, plan): (LedgerEntry, Vec<Step>),
) -> Decision {
    let Some(directory) = observed.directory else {
        return Decision::Ignore;
    };
    let fields = seen.fields.clone().unwrap_or_else(|| AccountFields {
        provider: directory.provider.clone(),
        upstream: directory.upstream.clone(),
        id: account.id.clone(),
        lockout: None,
        ledger: Vec::new(),
    });
    let pruned = ledger::pruned(&fields.ledger, now);
    if pruned.len() >= ledger::CAPACITY {
        let message = format!(
            "the ledger of Account {} is full; its oldest entries run out by themselves",
            seen.name
        );
        return case.finish(Outcome::Failed, Reason::LedgerFull, message);
    }
    Decision::Act(Effect::Claim(Box::new(NewClaim {
        name: seen.name.clone(),
        fields: AccountFields {
            ledger: pruned,
            ..fields
        },
        resource_version: seen.resource_version.clone(),
        entry,
        plan,
    })))
}
