//! Budget, lanes and circuit breaker together.

use super::*;
use std::future::Future;
use tokio::{sync::mpsc, task::JoinHandle};

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn call(lane: Lane, within: Duration) -> Call {
    Call {
        lane,
        deadline: now() + within,
    }
}

/// A throttle at 60 a minute with its burst spent: the next call by a person comes after a second.
async fn spent(concurrency: u32) -> Throttle {
    let throttle = Throttle::new(60, concurrency);
    for _ in 0..6 {
        drop(throttle.acquire(&call(Lane::Person, seconds(1))).await.unwrap());
    }
    throttle
}

/// Starts waiters one after the other and answers the order in which they got their turn.
fn queue(throttle: &Throttle, lanes: &[(Lane, &'static str)]) -> mpsc::UnboundedReceiver<&'static str> {
    let (sender, order) = mpsc::unbounded_channel();
    for (lane, name) in lanes.iter().copied() {
        let (throttle, sender) = (throttle.clone(), sender.clone());
        let call = call(lane, seconds(600));
        tokio::spawn(async move {
            let permit = throttle.acquire(&call).await.unwrap();
            sender.send(name).unwrap();
            permit.report(true);
        });
    }
    order
}

async fn all(mut order: mpsc::UnboundedReceiver<&'static str>) -> Vec<&'static str> {
    let mut names = Vec::new();
    while let Some(name) = order.recv().await {
        names.push(name);
    }
    names
}

async fn started<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let task = tokio::spawn(future);
    tokio::task::yield_now().await;
    task
}

#[tokio::test(start_paused = true)]
async fn lanes_go_first_to_last_and_first_come_first_served_within() {
    let throttle = spent(4).await;
    for _ in 0..6 {
        drop(throttle.acquire(&call(Lane::ReadBack, seconds(1))).await.unwrap());
    }
    let order = queue(
        &throttle,
        &[
            (Lane::Background, "sweep"),
            (Lane::ServiceAccount, "pipeline"),
            (Lane::Person, "ann"),
            (Lane::Person, "bob"),
            (Lane::ReadBack, "read"),
            (Lane::Person, "cid"),
        ],
    );
    assert_eq!(all(order).await, ["read", "ann", "bob", "cid", "pipeline", "sweep"]);
}

#[tokio::test(start_paused = true)]
async fn service_accounts_and_the_background_progress_while_people_are_idle() {
    let throttle = spent(1).await;
    let began = now();
    let order = queue(
        &throttle,
        &[(Lane::Background, "sweep"), (Lane::ServiceAccount, "pipeline")],
    );
    assert_eq!(all(order).await, ["pipeline", "sweep"]);
    assert_eq!(now() - began, seconds(2));
}

#[tokio::test(start_paused = true)]
async fn the_reserve_lets_a_read_back_pass_at_once() {
    let throttle = spent(4).await;
    let began = now();
    let waiting = queue(&throttle, &[(Lane::Person, "ann")]);
    tokio::task::yield_now().await;
    drop(throttle.acquire(&call(Lane::ReadBack, seconds(1))).await.unwrap());
    assert_eq!(now(), began);
    assert_eq!(all(waiting).await, ["ann"]);
    assert_eq!(now() - began, seconds(2), "the read-back's call is earned again first");
}

#[tokio::test(start_paused = true)]
async fn so_many_at_once_and_a_freed_slot_wakes_the_next() {
    let throttle = Throttle::new(6000, 2);
    let first = throttle.acquire(&call(Lane::Person, seconds(9))).await.unwrap();
    let _second = throttle.acquire(&call(Lane::Person, seconds(9))).await.unwrap();
    let third = {
        let throttle = throttle.clone();
        started(async move { throttle.acquire(&call(Lane::Person, seconds(9))).await.is_ok() }).await
    };
    tokio::time::sleep(seconds(3)).await;
    assert!(!third.is_finished());
    drop(first);
    assert!(third.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_waiter_leaves_the_line() {
    let throttle = Throttle::new(6000, 1);
    let held = throttle.acquire(&call(Lane::Person, seconds(60))).await.unwrap();
    let doomed = {
        let throttle = throttle.clone();
        started(async move { throttle.acquire(&call(Lane::ReadBack, seconds(60))).await.map(drop) }).await
    };
    let order = queue(&throttle, &[(Lane::Person, "ann")]);
    tokio::task::yield_now().await;
    assert_eq!(throttle.lock().line.len(), 2);
    doomed.abort();
    assert!(doomed.await.unwrap_err().is_cancelled());
    assert_eq!(throttle.lock().line.len(), 1);
    drop(held);
    assert_eq!(all(order).await, ["ann"]);
    assert_eq!(throttle.lock().free, 1);
    assert_eq!(throttle.lock().line.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn refuses_at_once_what_cannot_come_before_the_deadline() {
    let throttle = spent(4).await;
    throttle.pause(seconds(30));
    let began = now();
    assert_eq!(throttle.estimate(Lane::Person), seconds(30));
    let failure = throttle
        .acquire(&call(Lane::Person, seconds(10)))
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(failure.class, FailureClass::RateLimited(seconds(30)));
    assert_eq!(now(), began, "without waiting");
    drop(throttle.acquire(&call(Lane::Person, seconds(40))).await.unwrap());
    assert_eq!(now() - began, seconds(30));
}

#[tokio::test(start_paused = true)]
async fn a_waiter_gives_up_at_its_deadline() {
    let throttle = Throttle::new(6000, 1);
    let _held = throttle.acquire(&call(Lane::Person, seconds(60))).await.unwrap();
    let began = now();
    let failure = throttle
        .acquire(&call(Lane::Person, seconds(5)))
        .await
        .map(drop)
        .unwrap_err();
    assert!(matches!(failure.class, FailureClass::RateLimited(_)));
    assert_eq!(now() - began, seconds(5));
    let past = Call {
        lane: Lane::ReadBack,
        deadline: now(),
    };
    assert!(
        throttle.acquire(&past).await.is_err(),
        "nothing is sent after the deadline"
    );
}

#[tokio::test(start_paused = true)]
async fn estimates_grow_with_the_line_and_with_slow_calls() {
    let throttle = spent(1).await;
    assert_eq!(throttle.estimate(Lane::Person), seconds(1));
    let order = queue(&throttle, &[(Lane::Person, "ann"), (Lane::ServiceAccount, "pipeline")]);
    tokio::task::yield_now().await;
    assert_eq!(throttle.estimate(Lane::ReadBack), Duration::ZERO);
    assert_eq!(throttle.estimate(Lane::Person), seconds(2));
    assert_eq!(throttle.estimate(Lane::Background), seconds(3));
    all(order).await;

    let slow = Throttle::new(6000, 1);
    for _ in 0..30 {
        let permit = slow.acquire(&call(Lane::Person, seconds(60))).await.unwrap();
        tokio::time::sleep(seconds(8)).await;
        drop(permit);
    }
    let _held = slow.acquire(&call(Lane::Person, seconds(60))).await.unwrap();
    assert!(
        slow.estimate(Lane::Person) > seconds(7),
        "{:?}",
        slow.estimate(Lane::Person)
    );
}

#[tokio::test(start_paused = true)]
async fn the_upstreams_headers_stop_people_but_not_read_backs() {
    let throttle = Throttle::new(6000, 4);
    throttle.observe("read", (600, 59), seconds(20));
    assert_eq!(throttle.snapshot(), (600, 59));
    assert_eq!(throttle.estimate(Lane::Person), seconds(20));
    assert_eq!(throttle.estimate(Lane::ReadBack), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_fails_waiters_and_newcomers_then_tries_once() {
    let throttle = Throttle::new(6000, 5);
    let mut permits = Vec::new();
    for _ in 0..5 {
        permits.push(throttle.acquire(&call(Lane::Person, seconds(60))).await.unwrap());
    }
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let throttle = throttle.clone();
            tokio::spawn(async move { throttle.acquire(&call(Lane::Person, seconds(60))).await.map(drop) })
        })
        .collect();
    tokio::task::yield_now().await;
    let mut last = permits.split_off(4);
    permits.into_iter().for_each(|permit| permit.report(false));
    last.remove(0).report(false);
    let began = now();
    let mut failed = 0;
    for waiter in waiters {
        if let Err(failure) = waiter.await.unwrap() {
            assert_eq!(failure.class, FailureClass::Transient(Some(seconds(1))));
            failed += 1;
        }
    }
    assert_eq!((failed, now()), (3, began), "those in line fail at once");
    assert!(throttle.acquire(&call(Lane::ReadBack, seconds(60))).await.is_err());

    tokio::time::sleep(seconds(1)).await;
    let trial = throttle.acquire(&call(Lane::Person, seconds(60))).await.unwrap();
    assert!(
        throttle.acquire(&call(Lane::Person, seconds(60))).await.is_err(),
        "one trial only"
    );
    drop(trial);
    let trial = throttle.acquire(&call(Lane::Person, seconds(60))).await.unwrap();
    trial.report(true);
    drop(throttle.acquire(&call(Lane::Person, seconds(60))).await.unwrap());
}
