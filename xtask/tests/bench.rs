//! The benchmark runs and prints what it promises. Development builds and small numbers: nothing here says how fast
//! anything is.

use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::{assets, skip};

/// The figures, and between what they are sane on any machine that can run this at all.
const FIGURES: &[(&str, f64, f64)] = &[
    ("/burst/n", 500.0, 500.0),
    ("/burst/perSecond", 1.0, 1e5),
    ("/burst/peerPerSecond", 1.0, 1e5),
    // A development build of the operator against an optimised peer.
    ("/burst/ratio", 0.02, 50.0),
    ("/steady/rate", 100.0, 100.0),
    ("/steady/p50Ms", 0.5, 60_000.0),
    ("/steady/p99Ms", 0.5, 60_000.0),
    ("/steady/peerP50Ms", 0.5, 60_000.0),
    ("/steady/peerP99Ms", 0.5, 60_000.0),
    // These are the same in every build: tests/api_calls.rs is exact about them. Here the machine may be so slow that
    // ledgers are closed, or a watch is begun again with a LIST, while the calls are counted.
    ("/perRequest/unlockWrites", 1.0, 1.0),
    ("/perRequest/resetWrites", 2.0, 3.0),
    ("/perRequest/deniedWrites", 1.0, 1.0),
    ("/perRequest/reads", 0.0, 0.2),
    ("/perRequest/cpuMs", 0.01, 1_000.0),
    ("/perRequest/peerCpuMs", 0.01, 1_000.0),
    ("/memoryMb/idle", 5.0, 500.0),
    ("/memoryMb/finished10k", 5.0, 500.0),
    ("/memoryMb/waiting10k", 5.0, 500.0),
    ("/memoryMb/peerIdle", 5.0, 500.0),
    ("/memoryMb/peerAfter10k", 5.0, 500.0),
];

#[test]
fn a_quick_run_prints_every_figure() {
    if skip::unless_missing(assets::ensure()).is_none() {
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["bench", "--quick", "--dev"])
        .stderr(Stdio::inherit())
        .output()
        .expect("run xtask");
    assert!(output.status.success(), "the benchmark failed: {}", output.status);
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let report: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error} in {printed:?}"));
    for (place, least, most) in FIGURES {
        let figure = report.pointer(place).and_then(Value::as_f64);
        let figure = figure.unwrap_or_else(|| panic!("{place} is no number in {printed}"));
        assert!(
            (*least..=*most).contains(&figure),
            "{place} is {figure}, and not between {least} and {most}, in {printed}"
        );
    }
    assert_eq!(leaves(&report), FIGURES.len() + 1, "and `scale` in {printed}");
    assert!(report["scale"].is_null(), "a quick run leaves it out: {printed}");
    let (ours, peers) = (&report["burst"]["perSecond"], &report["burst"]["peerPerSecond"]);
    let ratio = ours.as_f64().expect("a number") / peers.as_f64().expect("a number");
    let told = report["burst"]["ratio"].as_f64().expect("a number");
    assert!((ratio - told).abs() < 0.01, "{ratio} is told as {told}");
}

/// How many values are no objects.
fn leaves(value: &Value) -> usize {
    value.as_object().map_or(1, |fields| fields.values().map(leaves).sum())
}
