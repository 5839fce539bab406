//! Bursts and steady load, with the CPU time that they cost. The subjects take turns, and who begins alternates.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::lab::Lab;
use crate::load::Load;
use crate::plan::Plan;
use crate::process;
use crate::report::{Burst, Cpu, Report, Steady};
use crate::stats::{median, percentile, rounded};
use crate::subject::{PATIENCE, Subject, Who};
use crate::watch::{Until, Watch};

/// One turn's figures.
struct Turn {
    per_second: f64,
    cpu_ms: f64,
    /// CPU time of the API server a request: what a subject's calls cost there.
    server_cpu_ms: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures both, and puts down the medians.
pub(crate) fn measure(lab: &mut Lab, plan: &Plan, report: &mut Report) -> Result<()> {
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for run in 0..plan.runs {
        let order = if run % 2 == 0 {
            [Who::Operator, Who::Peer]
        } else {
            [Who::Peer, Who::Operator]
        };
        for who in order {
            let turn = turn(lab, plan, who)?;
            crate::progress!(
                "run {} {who:?}: burst {:.0}/s, {:.3} ms CPU a request, {:.2} ms in the API server; steady p50 {:.1} ms, p99 {:.1} ms",
                run + 1,
                turn.per_second,
                turn.cpu_ms,
                turn.server_cpu_ms,
                turn.p50_ms,
                turn.p99_ms
            );
            match who {
                Who::Operator => ours.push(turn),
                Who::Peer => peers.push(turn),
            }
        }
    }
    let of = |turns: &[Turn], figure: fn(&Turn) -> f64| median(&turns.iter().map(figure).collect::<Vec<_>>());
    let (per_second, peer_per_second) = (of(&ours, |t| t.per_second), of(&peers, |t| t.per_second));
    report.burst = Some(Burst {
        n: plan.burst,
        per_second: rounded(per_second, 1),
        peer_per_second: rounded(peer_per_second, 1),
        ratio: rounded(per_second / peer_per_second, 3),
    });
    report.steady = Some(Steady {
        rate: plan.rate,
        p50_ms: rounded(of(&ours, |t| t.p50_ms), 2),
        p99_ms: rounded(of(&ours, |t| t.p99_ms), 2),
        peer_p50_ms: rounded(of(&peers, |t| t.p50_ms), 2),
        peer_p99_ms: rounded(of(&peers, |t| t.p99_ms), 2),
    });
    report.cpu = Some(Cpu {
        ours: rounded(of(&ours, |t| t.cpu_ms), 3),
        peers: rounded(of(&peers, |t| t.cpu_ms), 3),
    });
    Ok(())
}

fn turn(lab: &mut Lab, plan: &Plan, who: Who) -> Result<Turn> {
    let mut subject = Subject::warmed_up(lab, who)?;
    let kind = who.kind(lab);
    let load = Load::new(kind, &lab.round(), plan.burst);
    let (before, server_before) = (subject.cpu_time()?, server_cpu_time(lab)?);
    let taken = subject.finish(lab, &load)?;
    let cpu = subject.cpu_time()?.saturating_sub(before);
    let server_cpu = server_cpu_time(lab)?.saturating_sub(server_before);
    let load = Load::new(kind, &lab.round(), plan.rate as usize * plan.steady.as_secs() as usize);
    let latencies = steadily(&mut subject, lab, &load, plan.rate)?;
    subject.stop()?;
    lab.clear(kind)?;
    Ok(Turn {
        per_second: plan.burst as f64 / taken.as_secs_f64(),
        cpu_ms: millis(cpu) / plan.burst as f64,
        server_cpu_ms: millis(server_cpu) / plan.burst as f64,
        p50_ms: percentile(&latencies, 50.0),
        p99_ms: percentile(&latencies, 99.0),
    })
}

fn server_cpu_time(lab: &Lab) -> Result<Duration> {
    let pid = lab.plane.api_server_pid().context("the API server does not run")?;
    process::cpu_time(pid)
}

/// Milliseconds from just before each request was sent until a watch showed it finished.
fn steadily(subject: &mut Subject, lab: &Lab, load: &Load, rate: u32) -> Result<Vec<f64>> {
    lab.sandbox.seed(&load.logins(), true)?;
    let done = lab.runtime.block_on(async {
        let mut watch = Watch::begin(&lab.watching, load.kind).await?;
        let seen = watch.all(load, Until::Outcome("Succeeded"), PATIENCE);
        tokio::try_join!(load.steadily(&lab.asking, rate), seen)
    });
    let (sent, seen): (Vec<Instant>, Vec<Instant>) = subject.explained(done)?;
    lab.sandbox.check_unlocked(&load.login_prefix(), load.count)?;
    let pairs = seen.iter().zip(&sent);
    Ok(pairs.map(|(seen, sent)| millis(seen.duration_since(*sent))).collect())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
