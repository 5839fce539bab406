//! Resident sets: idle, after many finished requests, which stay on the API server, and with as many waiting.

use std::time::Duration;

use anyhow::Result;
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use crate::lab::Lab;
use crate::load::{Kind, Load};
use crate::plan::Plan;
use crate::report::{Memory, Report};
use crate::stats::rounded;
use crate::subject::{PATIENCE, Subject, Who};
use crate::watch::{Until, Watch};

/// Measures both, and puts it down.
pub(crate) fn measure(lab: &mut Lab, plan: &Plan, report: &mut Report) -> Result<()> {
    let (idle, finished) = held(lab, plan, Who::Operator)?;
    let waiting = waiting(lab, plan)?;
    let (peer_idle, peer_after) = held(lab, plan, Who::Peer)?;
    crate::progress!(
        "MB resident: idle {idle:.1}, {n} finished {finished:.1}, {n} waiting {waiting:.1}; peer idle {peer_idle:.1}, \
         {n} finished {peer_after:.1}",
        n = plan.held
    );
    report.memory_mb = Some(Memory {
        idle: rounded(idle, 1),
        finished10k: rounded(finished, 1),
        waiting10k: rounded(waiting, 1),
        peer_idle: rounded(peer_idle, 1),
        peer_after10k: rounded(peer_after, 1),
    });
    Ok(())
}

/// Idle after the start, and after so many have finished.
fn held(lab: &mut Lab, plan: &Plan, who: Who) -> Result<(f64, f64)> {
    let kind = who.kind(lab);
    let mut subject = Subject::start(lab, who)?;
    let idle = rested(&subject, plan.rest)?;
    let load = Load::new(kind, &lab.round(), plan.held);
    subject.finish(lab, &load)?;
    let finished = rested(&subject, plan.rest)?;
    subject.stop()?;
    lab.clear(kind)?;
    Ok((idle, finished))
}

/// With so many that wait for a time to come: permitted, their accounts found, and all of it told in their status.
fn waiting(lab: &mut Lab, plan: &Plan) -> Result<f64> {
    let mut subject = Subject::warmed_up(lab, Who::Operator)?;
    let load = Load {
        more: json!({"notBefore": Timestamp::now() + 6.hours()}),
        ..Load::new(Kind::Unlock, &lab.round(), plan.held)
    };
    lab.sandbox.seed(&load.logins(), true)?;
    let done = lab.runtime.block_on(async {
        let mut watch = Watch::begin(&lab.watching, load.kind, Until::Told).await?;
        let seen = watch.all(&load, PATIENCE);
        tokio::try_join!(load.burst(&lab.asking), seen)
    });
    subject.explained(done)?;
    let waiting = rested(&subject, plan.rest)?;
    subject.stop()?;
    lab.clear(Kind::Unlock)?;
    Ok(waiting)
}

fn rested(subject: &Subject, rest: Duration) -> Result<f64> {
    std::thread::sleep(rest);
    subject.resident_mb()
}
