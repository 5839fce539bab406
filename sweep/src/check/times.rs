//! When something may be done: within the time of a claim, and under another's claim only after the quarantine.

use super::told::{Told, entries};
use crate::{
    case::{Blow, Change, Fault, Strike, Trouble},
    history::{Step, What},
};
use serde_json::Value;

/// How long the lanes let an operator send under a claim.
const DEADLINE: i64 = 600;

/// How long after its deadline an effect under a claim may still come: the call that was begun in time, and the lag of
/// what is heard.
const GRACE: i64 = 1_000;

/// A reset takes effect while a claim's time to act runs, and not after. What was paused between the last look at the
/// deadline and the send itself is the documented residue, and so is a directory that commits late.
pub fn resets_come_in_time(told: &Told) -> Vec<String> {
    let delayed = |strike: &Strike| strike.point.starts_with("send-") && strike.blow == Blow::Delay;
    let residue = match &told.case.trouble {
        Trouble::At(strike) => delayed(strike),
        Trouble::Upstream { fault, .. } => matches!(fault, Fault::LateCommit | Fault::Frozen | Fault::SlowAnswer),
        _ => false,
    };
    let jumped = told
        .case
        .changes
        .iter()
        .any(|change| matches!(change, Change::WallClock(_)));
    if residue || jumped {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for (id, account) in &told.accounts {
        let claims = account.ledgers.iter().flat_map(|ledger| entries(ledger));
        let seen = claims.filter_map(|entry| millis(&entry["claim"]["deadline"]));
        // A version that stood for a moment only may be missed while the API server is away; its audit line is not.
        let audited = told.about(id).flat_map(|request| request.claims().collect::<Vec<_>>());
        let deadlines: Vec<i64> = seen.chain(audited.map(|(_, at)| at + DEADLINE)).collect();
        for effect in account.done(Step::SetPassword).chain(account.done(Step::SendLink)) {
            let Some(at) = effect.at else { continue };
            let in_time = |sent: i64| deadlines.iter().any(|deadline| sent <= *deadline);
            if !in_time(at - GRACE) && !was_paused_in_sending(told, id, effect.step, at, in_time) {
                wrong.push(format!(
                    "{:?} took effect on {id} after the time of its claim",
                    effect.step
                ));
            }
        }
    }
    wrong
}

/// Whether somebody who began to send in time was stopped before that took effect. A stop is heard of a little after it
/// came.
fn was_paused_in_sending(
    told: &Told,
    account: &str,
    step: Step,
    took_effect: i64,
    in_time: impl Fn(i64) -> bool,
) -> bool {
    let name = match step {
        Step::SendLink => "SendLink",
        _ => "SetPassword",
    };
    let sends = told.about(account).flat_map(|request| request.sends(name));
    let mut begun = sends.filter(|(_, sent, _)| in_time(*sent));
    begun.any(|(sender, sent, _)| {
        let stops = told.processes.iter().filter(|(_, _, what)| **what == What::Stopped);
        let own = stops.filter(|(_, process, _)| *process == sender);
        own.map(|(at, _, _)| *at).any(|at| (sent..=took_effect).contains(&at))
    })
}

fn millis(time: &Value) -> Option<i64> {
    let time: jiff::Timestamp = time.as_str()?.parse().ok()?;
    Some(time.as_millisecond())
}

/// A claim that somebody else wrote is left alone for a quarantine; the lanes set it to 1.3 s, of which a little is taken
/// for the clocks that write audit lines.
const QUARANTINE: i64 = 1_250;

/// Nobody sends under another process's claim before it can have no effect any more.
pub fn recoveries_wait(told: &Told) -> Vec<String> {
    // A boot-time clock that jumps is what quarantine is measured with.
    if told
        .case
        .changes
        .iter()
        .any(|change| matches!(change, Change::BootClock(_)))
    {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for request in &told.requests {
        for step in ["Unlock", "SetPassword", "SendLink", "RequireChange", "RevokeSessions"] {
            for (process, at, _) in request.sends(step) {
                let own = request.claims().any(|(by, when)| by == process && when <= at);
                let last = request.claims().map(|(_, when)| when).filter(|when| *when <= at).max();
                if let Some(claimed) = last.filter(|claimed| !own && at < claimed + QUARANTINE) {
                    let after = at - claimed;
                    wrong.push(format!(
                        "{process} sent {step} for {} {after} ms after another's claim",
                        request.name
                    ));
                }
            }
        }
    }
    wrong
}
