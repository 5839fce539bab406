//! How many calls a request costs, counted by the API server itself. tests/api_calls.rs holds the operator to them call
//! by call; here they are told as figures.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::control_plane::calls::Calls;

use crate::lab::Lab;
use crate::load::{Kind, Load};
use crate::plan::Plan;
use crate::report::{PerRequest, Report};
use crate::stats::rounded;
use crate::subject::{PATIENCE, Subject, Who};
use crate::watch::{Until, Watch};

const GROUP: &str = "readmit.dev";
/// What the load generator does itself.
const OWN: &[&str] = &["POST accountunlockrequests", "POST passwordresetrequests"];

/// The first sweep comes a second or two after the start, and the next in ten minutes. It is no request's.
const FIRST_SWEEP: Duration = Duration::from_secs(5);

/// Counts, and puts it down.
pub(crate) fn measure(lab: &mut Lab, plan: &Plan, report: &mut Report) -> Result<()> {
    let mut subject = Subject::warmed_up(lab, Who::Operator)?;
    std::thread::sleep(FIRST_SWEEP);
    let unlock = Load::new(Kind::Unlock, &lab.round(), plan.counted);
    let unlock = count(lab, &mut subject, &unlock, true, "Succeeded")?;
    let denied = Load {
        more: json!({"policy": "nobody"}),
        ..Load::new(Kind::Unlock, &lab.round(), plan.counted)
    };
    let denied = count(lab, &mut subject, &denied, true, "Denied")?;
    let reset = Load::new(Kind::Reset, &lab.round(), plan.counted);
    let reset = count(lab, &mut subject, &reset, false, "Succeeded")?;
    subject.stop()?;
    lab.clear(Kind::Unlock)?;
    lab.clear(Kind::Reset)?;
    let each = |count: i64| rounded(count as f64 / plan.counted as f64, 3);
    report.per_request = Some(PerRequest {
        unlock_writes: each(writes(&unlock)),
        reset_writes: each(writes(&reset)),
        denied_writes: each(writes(&denied)),
        reads: each(reads(&unlock) + reads(&reset)),
        cpu_ms: report.cpu.map(|cpu| cpu.ours),
        peer_cpu_ms: report.cpu.map(|cpu| cpu.peers),
    });
    Ok(())
}

/// The calls from before the first of these requests is made until the last is seen finished.
fn count(lab: &Lab, subject: &mut Subject, load: &Load, locked: bool, outcome: &'static str) -> Result<Calls> {
    lab.sandbox.seed(&load.logins(), locked)?;
    let mut watch = lab
        .runtime
        .block_on(Watch::begin(&lab.watching, load.kind, Until::Outcome(outcome)))?;
    let before = lab.plane.calls(GROUP)?;
    let done = lab.runtime.block_on(async {
        let seen = watch.all(load, PATIENCE);
        tokio::try_join!(load.burst(&lab.asking), seen)
    });
    subject.explained(done)?;
    let calls = lab.plane.calls_since(GROUP, &before, OWN)?;
    crate::progress!("{} {} {outcome}: {calls:?}", load.count, load.kind.name());
    ensure!(
        writes(&calls) >= load.count as i64,
        "the API server's metrics lack writes: {calls:?}"
    );
    Ok(calls)
}

fn writes(calls: &Calls) -> i64 {
    sum(
        calls,
        &["POST ", "PUT ", "PATCH ", "APPLY ", "DELETE ", "DELETECOLLECTION "],
    )
}

fn reads(calls: &Calls) -> i64 {
    sum(calls, &["GET ", "LIST "])
}

fn sum(calls: &Calls, verbs: &[&str]) -> i64 {
    let of = |call: &str| verbs.iter().any(|verb| call.starts_with(verb));
    calls.iter().filter(|(call, _)| of(call)).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_a_read_or_a_write() {
        let calls = [
            ("GET accounts", 1),
            ("LIST accounts", 2),
            ("PATCH accountunlockrequests/status", 4),
            ("PUT accounts", 8),
            ("POST accounts", 16),
            ("DELETE accounts", 32),
        ];
        let calls: Calls = calls.map(|(call, count)| (call.to_owned(), count)).into();
        assert_eq!((reads(&calls), writes(&calls)), (3, 60));
    }
}
