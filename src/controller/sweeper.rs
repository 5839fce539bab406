//! What nobody waits for: closing claims that a crash left, deleting finished requests after their time, dropping
//! ledger entries and day keys whose time is over. Nothing here decides about a live request.

use super::{context::Context, kinds::RequestKind};
use crate::{
    api::{AccountUnlockRequest, Method, Outcome, PasswordResetRequest, account::Claim},
    clock,
    controller::claims::Found,
    directory::{Call, Lane, Target},
    domain::{
        ledger::{self, Closing},
        request::Request,
    },
    failpoint::{Place, around},
};
use jiff::SignedDuration;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Preconditions},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Between two sweeps through everything.
const SWEEP: Duration = Duration::from_secs(600);

/// Sweeps until the operator stops. What is pending then is written when the passes have ended.
pub async fn run(context: Arc<Context>) {
    let mut swept = None::<Instant>;
    loop {
        tokio::select! {
            () = context.stop.cancelled() => break,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        context.accounts.flush(false).await;
        if !context.leadership.is_held() {
            continue;
        }
        close_abandoned(&context).await;
        if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            swept = Some(Instant::now());
            sweep(&context).await;
        }
    }
}

async fn sweep(context: &Context) {
    let results = [
        (
            "finished unlock requests",
            expire::<AccountUnlockRequest>(context)
                .await
                .err()
                .map(|e| e.to_string()),
        ),
        (
            "finished reset requests",
            expire::<PasswordResetRequest>(context)
                .await
                .err()
                .map(|e| e.to_string()),
        ),
        ("ledgers", prune(context).await.err().map(|e| e.to_string())),
        (
            "day keys",
            context.keys.sweep(clock::now()).await.err().map(|e| e.to_string()),
        ),
    ];
    for (what, error) in results {
        if let Some(error) = error {
            tracing::warn!(what, %error, "the sweep broke off; it is made again");
        }
    }
}

/// Deletes finished requests whose `ttlAfterFinished` is over.
async fn expire<K: RequestKind>(context: &Context) -> Result<(), kube::Error> {
    let all = Api::<K>::all(context.client.clone());
    let mut list = ListParams::default().fields("status.outcome!=").limit(500);
    loop {
        let page = all.list(&list).await?;
        for object in page.items {
            let request = object.request();
            if is_over(&request) {
                let preconditions = Preconditions {
                    uid: Some(request.uid.clone()),
                    resource_version: Some(request.version.clone()),
                };
                let api = Api::<K>::namespaced(context.client.clone(), &request.namespace);
                let params = DeleteParams::default().preconditions(preconditions);
                match around(Place::RequestDelete, api.delete(&request.name, &params)).await {
                    Ok(_) => {}
                    Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => list = list.continue_token(&token),
            None => return Ok(()),
        }
    }
}

fn is_over(request: &Request) -> bool {
    let (Some(ttl), Some(finished)) = (request.ttl, request.status.completion_time) else {
        return false;
    };
    let ttl = SignedDuration::try_from(ttl.get()).unwrap_or(SignedDuration::MAX);
    clock::now().duration_since(finished) >= ttl
}

/// Drops entries whose time is over, and accounts without any.
async fn prune(context: &Context) -> Result<(), kube::Error> {
    let known = context.caches.directories.is_set();
    let mut token = None;
    loop {
        let (accounts, next) = context.accounts.page(token).await?;
        for account in accounts {
            context.accounts.note(&account.name_any(), true);
            let left = ledger::pruned(&account.spec.ledger, clock::now());
            // What somebody wrote meanwhile is left to the next sweep.
            let _ = match &account.spec.lockout {
                // Its Directory is gone, and with it whoever would say that the lock is over.
                Some(lockout) if known && context.directories.view(&lockout.directory).is_none() => {
                    let name = account.name_any();
                    context.accounts.clear_lockout(&name, &lockout.directory).await?
                }
                None if left.is_empty() => context.accounts.delete_empty(&account).await?,
                Some(_) | None => continue,
            };
        }
        token = next;
        if token.is_none() {
            return Ok(());
        }
    }
}

/// Closes open claims that no request will close any more: finished ones whose closing was lost, and those whose
/// request is gone.
async fn close_abandoned(context: &Context) {
    for found in context.claims.all() {
        let quarantined = clock::boot_time().saturating_sub(found.since) < context.config.timing.quarantine;
        if quarantined || context.works.has(&found.entry.uid) {
            continue;
        }
        if let Err(error) = close_one(context, &found).await {
            tracing::warn!(account = found.account.name_any(), %error, "an abandoned claim could not be closed yet");
        }
    }
}

async fn close_one(context: &Context, found: &Found) -> Result<(), kube::Error> {
    let Some(claim) = &found.entry.claim else { return Ok(()) };
    let request = match claim.kind.as_str() {
        "AccountUnlockRequest" => live::<AccountUnlockRequest>(context, found).await?,
        _ => live::<PasswordResetRequest>(context, found).await?,
    };
    let closing = match request {
        // Its own pass recovers it.
        Some(request) if !request.is_finished() => return Ok(()),
        Some(request) => {
            let taken_over = ledger::is_taken_over(claim, found.entry.time, &context.config.timing);
            by_outcome(&request, claim, taken_over)
        }
        None => by_reading(context, found).await,
    };
    context
        .accounts
        .close(&found.account.name_any(), &found.entry.uid, closing)
        .await?;
    context.claims.forget(&found.entry.uid);
    Ok(())
}

/// The request that holds the claim, if it is still there.
async fn live<K: RequestKind>(context: &Context, found: &Found) -> Result<Option<Request>, kube::Error> {
    let Some(claim) = &found.entry.claim else {
        return Ok(None);
    };
    let object = Api::<K>::namespaced(context.client.clone(), &claim.namespace)
        .get_opt(&claim.name)
        .await?;
    Ok(object
        .map(|object| object.request())
        .filter(|request| request.uid == found.entry.uid))
}

/// What a finished request says about its claim. Only an ending that says that nothing was done gives the charge back;
/// what an earlier process sent is not among the attempts, so that none at all say nothing, and the account may not show it.
fn by_outcome(request: &Request, claim: &Claim, taken_over: bool) -> Closing {
    let attempts = &request.status.attempts;
    let perhaps = claim.marked || (taken_over && ledger::leaves_no_trace(claim));
    match request.status.outcome {
        Some(Outcome::Succeeded) => Closing::Done,
        Some(Outcome::Expired | Outcome::Denied) => Closing::Refund,
        Some(Outcome::Failed)
            if !perhaps && !attempts.is_empty() && attempts.iter().all(|attempt| attempt.result == "Refused") =>
        {
            Closing::Refund
        }
        Some(Outcome::Failed) => Closing::Done,
        Some(Outcome::Unknown) | None => Closing::Unknown,
    }
}

/// The request is gone: only where the marker shows that nothing was done is the charge given back.
async fn by_reading(context: &Context, found: &Found) -> Closing {
    let Some(claim) = &found.entry.claim else {
        return Closing::Unknown;
    };
    let Some(upstream) = context.directories.upstream(&claim.directory) else {
        return Closing::Unknown;
    };
    let target = Target {
        id: found.account.spec.id.clone(),
        server: claim.server.clone(),
    };
    let call = Call {
        lane: Lane::Background,
        deadline: Instant::now() + context.config.timing.upstream_timeout,
    };
    let marked = claim.method == Some(Method::TemporaryPassword);
    match upstream.read(&call, &target).await {
        Ok(account) if marked && claim.marker.is_some() && account.password_marker == claim.marker => Closing::Refund,
        Ok(_) if claim.marked => Closing::Done,
        Ok(_) | Err(_) => Closing::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn finished(outcome: &str, attempts: &[&str]) -> Request {
        let attempt = |result: &&str| json!({"step": "SetPassword", "time": "2026-01-01T00:00:00Z", "result": result});
        let attempts: Vec<_> = attempts.iter().map(attempt).collect();
        let request: PasswordResetRequest = serde_json::from_value(json!({
            "apiVersion": "readmit.dev/v1alpha1", "kind": "PasswordResetRequest",
            "metadata": {"name": "r", "namespace": "n", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"directory": "d", "account": {"login": "a"}},
            "status": {"outcome": outcome, "attempts": attempts},
        }))
        .unwrap();
        request.request()
    }

    fn claim(method: Option<&str>, lock_stamp: Option<&str>, marked: bool) -> Claim {
        serde_json::from_value(json!({
            "directory": "d", "kind": "PasswordResetRequest", "namespace": "n", "name": "r", "attempt": 1, "nonce": "1",
            "writer": "2", "deadline": "2026-01-01T00:00:00Z", "marked": marked,
            "method": method, "lockStamp": lock_stamp,
            "policy": {"name": "p", "uid": "u", "generation": 1},
        }))
        .unwrap()
    }

    /// Whoever recovers a request need not have sent anything itself: the reset may be done and the charge must stay.
    #[test]
    fn only_what_was_refused_and_never_done_is_given_back() {
        for (outcome, attempts, marked, closing) in [
            ("Failed", &["Refused"][..], false, Closing::Refund),
            ("Failed", &[], false, Closing::Done),
            ("Failed", &["Refused"], true, Closing::Done),
            ("Failed", &["Done", "Refused"], false, Closing::Done),
            ("Expired", &[], false, Closing::Refund),
            ("Unknown", &[], false, Closing::Unknown),
            ("Succeeded", &[], true, Closing::Done),
        ] {
            let request = finished(outcome, attempts);
            assert_eq!(
                by_outcome(&request, &claim(Some("TemporaryPassword"), None, marked), false),
                closing,
                "{outcome} {attempts:?} {marked}"
            );
        }
        // Of a marked step it is known before it is sent again that it was not done.
        let change = Some("ChangeAtNextSignIn");
        for (method, stamp, taken_over, closing) in [
            (change, Some("l1"), false, Closing::Refund),
            (change, Some("l1"), true, Closing::Done),
            (Some("TemporaryPassword"), None, true, Closing::Refund),
            // An unlock: by its stamp a lock is known again.
            (None, Some("l1"), true, Closing::Refund),
            (None, None, true, Closing::Done),
            (None, None, false, Closing::Refund),
        ] {
            let request = finished("Failed", &["Refused"]);
            let got = by_outcome(&request, &claim(method, stamp, false), taken_over);
            assert_eq!(got, closing, "{method:?} {stamp:?} {taken_over}");
        }
    }
}
