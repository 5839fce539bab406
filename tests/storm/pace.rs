//! Twenty times faster than in real time, until everybody is let in: 300 calls in 3 s. What the operator saves up for a
//! burst is a part of a real minute and not of such a short one, so that Okta's limits are wider than in real time.

use crate::crowd::{CROWD, Crowd, Told, name};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

const GROUP: &str = "readmit.dev";
/// How much longer than planned it may take on a loaded machine before the test gives up.
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn the_budget_is_used_and_promises_are_kept() {
    let Some(crowd) = Crowd::gather(6_000, (Duration::from_secs(3), 600)) else {
        return;
    };
    let before = crowd.lab.plane.calls(GROUP).expect("metrics");
    let begun = Timestamp::now();
    crowd.asks("bob");
    let mut promises = Vec::new();
    let ended = watch(&crowd, &mut promises);

    // By the organisation's own log: everybody once, at the pace of the budget, and no call too many.
    let applied = crowd.calls(begun, Timestamp::now());
    let unlocks = applied.iter().filter(|call| call.applied).count();
    assert_eq!(unlocks, CROWD, "unlocks that had an effect");
    crowd.assert_none_refused();
    let (first, last) = (applied.first().expect("calls"), applied.last().expect("calls"));
    let time = last.received.duration_since(first.received).unsigned_abs();
    let used = applied.len() as f64 / crowd.allowed(time);
    assert!(used >= 0.8, "{used} of the budget was used in {time:?}");

    assert!(promises.len() > CROWD / 2, "{} were told anything", promises.len());
    let wrong: Vec<String> = promises.iter().filter_map(|told| missed(told, &ended)).collect();
    assert!(
        wrong.len() * 20 < promises.len(),
        "{} of {} promises were not kept: {:?}",
        wrong.len(),
        promises.len(),
        &wrong[..wrong.len().min(5)]
    );

    // What it cost the API server: the end, and for most a word on how long it takes.
    let own = ["POST accountunlockrequests", "LIST accountunlockrequests"];
    let calls = crowd.lab.plane.calls_since(GROUP, &before, &own).expect("metrics");
    for (call, most) in [
        ("PUT accountunlockrequests/status", 30),
        ("POST accounts", 0),
        ("GET accounts", 0),
    ] {
        let made = usize::try_from(calls.get(call).copied().unwrap_or_default()).expect("a count");
        assert!(made * 10 <= CROWD * most, "{made} times {call}: {calls:?}");
    }
}

/// Waits until everybody is let in, and notes now and then what those who wait are told; gives when each request ended.
fn watch(crowd: &Crowd, promises: &mut Vec<Told>) -> HashMap<String, Timestamp> {
    let end = Instant::now() + PATIENCE;
    loop {
        std::thread::sleep(Duration::from_secs(8));
        promises.extend(crowd.told());
        let all = crowd.lab.list("accountunlockrequests");
        let ended: Vec<&Value> = all
            .iter()
            .filter(|request| !request["status"]["outcome"].is_null())
            .collect();
        let good = ended
            .iter()
            .filter(|request| request["status"]["outcome"] == "Succeeded")
            .count();
        assert_eq!(good, ended.len(), "some did not succeed");
        if ended.len() == CROWD {
            let time = |request: &Value| request["status"]["completionTime"].as_str()?.parse().ok();
            return ended
                .iter()
                .map(|request| (name(request), time(request).expect("a time")))
                .collect();
        }
        assert!(
            Instant::now() < end,
            "{} of {CROWD} ended\n{}",
            ended.len(),
            crowd.operator.tail()
        );
    }
}

/// What the operator can have saved up while it was held up: a fifth of a real minute's calls, made faster than the pace.
const BURST: SignedDuration = SignedDuration::from_secs(12);

/// How a promise was broken: by more than a quarter of the wait that was left, the slack within which it is not renewed,
/// and a burst.
fn missed(told: &Told, ended: &HashMap<String, Timestamp>) -> Option<String> {
    let came = ended[&told.name];
    let slack = SignedDuration::from_secs(10) + BURST + told.at.duration_since(told.seen).abs() / 4;
    let off = came.duration_since(told.at).abs();
    (off > slack).then(|| {
        format!(
            "{} was told {} at {}, and was let in at {came}",
            told.name, told.at, told.seen
        )
    })
}
