//! Bursts and steady load, with the CPU time that they cost. The subjects take turns, and who begins alternates.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::lab::Lab;
use crate::load::Load;
use crate::plan::Plan;
use crate::process;
use crate::report::{Burst, Cpu, Report, Steady};
use crate::stats::{mean_and_error, median, percentile, rounded};
use crate::subject::{PATIENCE, Subject, Who};
use crate::watch::{Until, Watch};

/// What was measured of one subject.
#[derive(Default)]
struct Measured {
    bursts: Vec<OneBurst>,
    steady: Vec<OneSteady>,
}

/// The figures of a burst.
struct OneBurst {
    per_second: f64,
    /// CPU time of the subject a request.
    cpu_ms: f64,
    /// CPU time of the API server a request: what a subject's calls cost there.
    server_cpu_ms: f64,
    /// CPU time of the load generator a request, whose work is the same with either subject: how fast the machine was just
    /// then.
    load_cpu_ms: f64,
}

/// The latencies of a steady load.
struct OneSteady {
    p50_ms: f64,
    p99_ms: f64,
}

impl Measured {
    fn burst(&self, figure: fn(&OneBurst) -> f64) -> f64 {
        median(&self.bursts.iter().map(figure).collect::<Vec<_>>())
    }

    fn steady(&self, figure: fn(&OneSteady) -> f64) -> f64 {
        median(&self.steady.iter().map(figure).collect::<Vec<_>>())
    }
}

/// Measures both, and puts down the medians.
pub(crate) fn measure(lab: &mut Lab, plan: &Plan, report: &mut Report) -> Result<()> {
    settle(lab, plan)?;
    let (mut ours, mut peers) = (Measured::default(), Measured::default());
    for run in 0..plan.runs {
        for turn in 0..plan.bursts {
            for who in order(run + turn) {
                of(who, &mut ours, &mut peers).bursts.push(burst(lab, plan, who)?);
            }
        }
        for who in order(run) {
            of(who, &mut ours, &mut peers).steady.push(steady(lab, plan, who)?);
        }
    }
    crate::progress!(
        "CPU time of the API server a request in a burst: {:.2} ms with the operator, {:.2} ms with the peer",
        ours.burst(|b| b.server_cpu_ms),
        peers.burst(|b| b.server_cpu_ms)
    );
    tell_pairs(&ours, &peers);
    let (per_second, peer_per_second) = (ours.burst(|b| b.per_second), peers.burst(|b| b.per_second));
    report.burst = Some(Burst {
        n: plan.burst,
        per_second: rounded(per_second, 1),
        peer_per_second: rounded(peer_per_second, 1),
        ratio: rounded(per_second / peer_per_second, 3),
    });
    report.steady = Some(Steady {
        rate: plan.rate,
        p50_ms: rounded(ours.steady(|s| s.p50_ms), 2),
        p99_ms: rounded(ours.steady(|s| s.p99_ms), 2),
        peer_p50_ms: rounded(peers.steady(|s| s.p50_ms), 2),
        peer_p99_ms: rounded(peers.steady(|s| s.p99_ms), 2),
    });
    report.cpu = Some(Cpu {
        ours: rounded(ours.burst(|b| b.cpu_ms), 3),
        peers: rounded(peers.burst(|b| b.cpu_ms), 3),
    });
    Ok(())
}

/// Tells how sure the ratio is. Where other machines share the processor's cache, this one's speed changes from one burst to
/// the next; what the load generator needs for its unchanging work tells how much. (etcd's does change: it does more at once
/// for a subject that writes more at once.)
fn tell_pairs(ours: &Measured, peers: &Measured) {
    let speed: fn(&OneBurst) -> f64 = |burst| burst.per_second;
    let corrected: fn(&OneBurst) -> f64 = |burst| burst.per_second * burst.load_cpu_ms;
    for (what, figure) in [("", speed), (", corrected for the machine's speed", corrected)] {
        let pairs = ours.bursts.iter().zip(&peers.bursts);
        let ratios: Vec<f64> = pairs.map(|(ours, peers)| figure(ours) / figure(peers)).collect();
        if let Some((mean, error)) = mean_and_error(&ratios) {
            crate::progress!(
                "{} pairs of bursts, operator to peer{what}: mean ratio {mean:.3}, standard error {error:.3}",
                ratios.len()
            );
        }
    }
}

/// What was measured of this one.
fn of<'a>(who: Who, ours: &'a mut Measured, peers: &'a mut Measured) -> &'a mut Measured {
    match who {
        Who::Operator => ours,
        Who::Peer => peers,
    }
}

/// Who begins alternates.
fn order(turn: usize) -> [Who; 2] {
    if turn.is_multiple_of(2) {
        [Who::Operator, Who::Peer]
    } else {
        [Who::Peer, Who::Operator]
    }
}

/// Bursts that are not measured, until the API server costs the same from one to the next. Its heap grows over the first
/// some ten thousand requests, and with it what its garbage collections cost each (from 1.1 to 1.8 ms): without this,
/// whoever has the first turns has the better figures.
fn settle(lab: &mut Lab, plan: &Plan) -> Result<()> {
    crate::progress!("bursts that do not count yet");
    for turn in 0..plan.settling {
        for who in order(turn) {
            burst(lab, plan, who)?;
        }
    }
    Ok(())
}

fn burst(lab: &mut Lab, plan: &Plan, who: Who) -> Result<OneBurst> {
    let mut subject = Subject::warmed_up(lab, who)?;
    let kind = who.kind(lab);
    let load = Load::new(kind, &lab.round(), plan.burst);
    let own = std::process::id();
    let before = [subject.cpu_time()?, server_cpu_time(lab)?, process::cpu_time(own)?];
    let taken = subject.finish(lab, &load)?;
    let after = [subject.cpu_time()?, server_cpu_time(lab)?, process::cpu_time(own)?];
    let [cpu_ms, server_cpu_ms, load_cpu_ms] =
        std::array::from_fn(|n| millis(after[n].saturating_sub(before[n])) / plan.burst as f64);
    subject.stop()?;
    lab.clear(kind)?;
    let burst = OneBurst {
        per_second: plan.burst as f64 / taken.as_secs_f64(),
        cpu_ms,
        server_cpu_ms,
        load_cpu_ms,
    };
    crate::progress!(
        "{who:?}: {:.0}/s, {cpu_ms:.3} ms CPU a request, {server_cpu_ms:.2} ms in the API server, {load_cpu_ms:.3} ms in the load generator",
        burst.per_second
    );
    Ok(burst)
}

fn steady(lab: &mut Lab, plan: &Plan, who: Who) -> Result<OneSteady> {
    let mut subject = Subject::warmed_up(lab, who)?;
    let kind = who.kind(lab);
    let count = plan.rate as usize * plan.steady.as_secs() as usize;
    let load = Load::new(kind, &lab.round(), count);
    let latencies = steadily(&mut subject, lab, &load, plan.rate)?;
    subject.stop()?;
    lab.clear(kind)?;
    let steady = OneSteady {
        p50_ms: percentile(&latencies, 50.0),
        p99_ms: percentile(&latencies, 99.0),
    };
    crate::progress!(
        "{who:?} at {}/s: p50 {:.1} ms, p99 {:.1} ms",
        plan.rate,
        steady.p50_ms,
        steady.p99_ms
    );
    Ok(steady)
}

fn server_cpu_time(lab: &Lab) -> Result<Duration> {
    let pid = lab.plane.api_server_pid().context("the API server does not run")?;
    process::cpu_time(pid)
}

/// Milliseconds from just before each request was sent until a watch showed it finished.
fn steadily(subject: &mut Subject, lab: &Lab, load: &Load, rate: u32) -> Result<Vec<f64>> {
    lab.sandbox.seed(&load.logins(), true)?;
    let done = lab.runtime.block_on(async {
        let mut watch = Watch::begin(&lab.watching, load.kind, Until::Outcome("Succeeded")).await?;
        let seen = watch.all(load, PATIENCE);
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
