//! Rules: each fault, seen from the client and at the API server.

use crate::{Bench, create};
use std::time::{Duration, Instant};
use testkit::api_proxy::{Fault, Matcher, Rule};

/// What a client is told: an HTTP status, or nothing.
#[derive(Debug, PartialEq)]
enum Told {
    Status(u16),
    Nothing,
}

fn creates() -> Matcher {
    Matcher::writes().method("POST").resource("configmaps")
}

/// A create meets the fault: what its sender is told, and whether it is there afterwards.
#[track_caller]
fn check(bench: &Bench, name: &str, fault: Fault, told: &Told, there: bool) {
    let rule = bench
        .proxy
        .add(Rule::new(creates().body(&format!("\"{name}\"")), fault.clone()));
    let (result, found) = bench.runtime.block_on(async {
        let result = create(&bench.through, name).await;
        (result, bench.past.get_opt(name).await.expect("the API server answers"))
    });
    let result = match result {
        Ok(_) => Told::Status(201),
        Err(kube::Error::Api(status)) => Told::Status(status.code),
        Err(_) => Told::Nothing,
    };
    assert_eq!((&result, found.is_some()), (told, there), "{fault:?}");
    assert_eq!(bench.proxy.struck(rule), 1, "{fault:?}");
}

#[test]
fn each_fault_does_what_it_says() {
    let Some(bench) = Bench::set() else { return };
    let short = Duration::from_millis(300);
    check(&bench, "lose", Fault::Lose, &Told::Nothing, false);
    check(&bench, "lose-reply", Fault::LoseReply, &Told::Nothing, true);
    check(&bench, "delay", Fault::Delay(short), &Told::Status(201), true);
    check(
        &bench,
        "delay-reply",
        Fault::DelayReply(short),
        &Told::Status(201),
        true,
    );
    for code in [409, 429, 500, 503] {
        let name = format!("answer-{code}");
        check(&bench, &name, Fault::Answer(code), &Told::Status(code), false);
        let name = format!("after-{code}");
        check(&bench, &name, Fault::AnswerAfter(code), &Told::Status(code), true);
    }
    let seen = bench.proxy.seen();
    let asked: Vec<_> = seen.iter().map(|seen| (seen.fault.clone(), seen.status)).collect();
    assert_eq!(asked[0], (Some(Fault::Lose), None));
    assert_eq!(asked[1], (Some(Fault::LoseReply), Some(201)));
}

#[test]
fn a_rule_strikes_when_its_turn_has_come() {
    let Some(bench) = Bench::set() else { return };
    let rule = Rule::new(creates(), Fault::Answer(503)).nth(2).times(2);
    let rule = bench.proxy.add(rule);
    let results: Vec<bool> = (0..5)
        .map(|n| {
            let name = format!("turn-{n}");
            // A read between them is not counted.
            let _ = bench.runtime.block_on(bench.through.get_opt(&name));
            bench.runtime.block_on(create(&bench.through, &name)).is_ok()
        })
        .collect();
    assert_eq!(results, [true, false, false, true, true]);
    assert_eq!(bench.proxy.struck(rule), 2);
}

#[test]
fn a_delayed_write_arrives_after_its_sender_has_gone() {
    let Some(bench) = Bench::set() else { return };
    bench
        .proxy
        .add(Rule::new(creates(), Fault::Delay(Duration::from_secs(1))));
    bench.runtime.block_on(async {
        let begun = Instant::now();
        let gone = tokio::time::timeout(Duration::from_millis(200), create(&bench.through, "late")).await;
        assert!(gone.is_err());
        assert_eq!(bench.past.get_opt("late").await.expect("an answer"), None);
        while bench.past.get_opt("late").await.expect("an answer").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(10), "it never came");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(begun.elapsed() > Duration::from_millis(900));
    });
}

#[test]
fn reset_forgets_rules_and_requests() {
    let Some(bench) = Bench::set() else { return };
    bench.proxy.add(Rule::new(Matcher::any(), Fault::Lose).always());
    assert!(bench.runtime.block_on(create(&bench.through, "reset-1")).is_err());
    assert_eq!(bench.proxy.seen().len(), 1);
    bench.proxy.reset();
    assert_eq!(bench.proxy.seen(), []);
    assert!(bench.runtime.block_on(create(&bench.through, "reset-2")).is_ok());
}
