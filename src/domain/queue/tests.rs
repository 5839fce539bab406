//! Order, estimates and what is learned, on a budget that earns calls at a steady rate.

use super::*;
use proptest::{collection::vec, prelude::*};
use std::cell::Cell;

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn place(lane: Lane, created: i64, uid: usize) -> Place {
    Place {
        lane,
        created: Timestamp::from_second(created).unwrap(),
        uid: format!("u{uid:05}").into(),
    }
}

/// One call every 200 ms, and so many that may be made at once.
struct Bucket {
    credit: Cell<f64>,
    made: Cell<u64>,
}

const RATE: f64 = 5.0;

impl Bucket {
    fn new(credit: f64) -> Self {
        Bucket {
            credit: Cell::new(credit),
            made: Cell::new(0),
        }
    }

    fn wait(&self, calls: usize) -> Duration {
        Duration::from_secs_f64(((calls as f64 + 1.0 - self.credit.get()) / RATE).max(0.0))
    }

    /// Time passes, until so many calls could be made; answers how long it took.
    fn make(&self, calls: u64) -> Duration {
        let credit = self.credit.get() - calls as f64;
        let took = (-credit / RATE).max(0.0);
        self.credit.set(credit.max(0.0));
        self.made.set(self.made.get() + calls);
        Duration::from_secs_f64(took)
    }
}

#[test]
fn who_finds_the_budget_free_is_served_at_once_and_the_rest_are_called_in_order() {
    let bucket = Bucket::new(4.0);
    let budget = |_: Lane, calls: usize, _: usize| bucket.wait(calls);
    let mut queue = Queue::default();
    let places: Vec<Place> = (0..5).map(|n| place(Lane::Person, 100 - n, n as usize)).collect();
    let turns: Vec<Option<Turn>> = places
        .iter()
        .map(|at| queue.ask(at, || at.uid.clone(), Duration::ZERO, &budget))
        .collect();
    // Four calls at once and five within a second: the ninth is in time, and the thirteenth is not.
    assert!(turns[..3].iter().all(Option::is_none), "{turns:?}");
    assert_eq!(queue.len(), 2);
    assert_eq!(turns[3].map(|turn| turn.ahead), Some(3));
    assert_eq!(turns[4].map(|turn| turn.ahead), Some(3), "older, so before the other");
    assert!(matches!(queue.call(Duration::ZERO, &budget), Next::Later(_)));
    for at in &places[..3] {
        queue.leave(at, seconds(1), bucket.made.get());
    }
    assert_eq!(queue.call(seconds(1), &budget), Next::Call(places[4].uid.clone()));
    assert!(queue.is_called(&places[4]) && !queue.is_called(&places[3]));
    assert_eq!(queue.ask(&places[4], || unreachable!(), seconds(1), &budget), None);
}

#[test]
fn lanes_go_first_to_last_and_wait_for_none_behind_them() {
    let bucket = Bucket::new(4.0);
    let budget = |_: Lane, calls: usize, _: usize| bucket.wait(calls);
    let mut queue = Queue::default();
    for n in 0..50 {
        queue.ask(&place(Lane::ServiceAccount, 0, n), || n, Duration::ZERO, &budget);
    }
    assert_eq!(
        queue.ask(&place(Lane::Person, 9, 99), || 99, Duration::ZERO, &budget),
        None
    );
    let background = queue.ask(&place(Lane::Background, 0, 98), || 98, Duration::ZERO, &budget);
    assert_eq!(background.map(|turn| turn.ahead), Some(51));
}

#[test]
fn who_was_called_and_is_gone_holds_nobody_up() {
    let budget = |_: Lane, _: usize, under_way: usize| if under_way == 0 { Duration::ZERO } else { seconds(9) };
    let mut queue = Queue::default();
    let places: Vec<Place> = (0..4).map(|n| place(Lane::Person, 0, n)).collect();
    for (n, at) in places.iter().enumerate() {
        queue.ask(at, || n, Duration::ZERO, &budget);
    }
    queue.leave(&places[0], Duration::ZERO, 0);
    assert_eq!(queue.call(Duration::ZERO, &budget), Next::Call(1));
    assert_eq!(queue.call(seconds(4), &budget), Next::Later(seconds(8)));
    assert_eq!(
        queue.call(seconds(5), &budget),
        Next::Call(2),
        "it did not come in time"
    );
    queue.dismiss(|n| *n == 2);
    assert_eq!(queue.call(seconds(5), &budget), Next::Call(3), "it is known to be gone");
    assert_eq!(queue.call(seconds(10), &budget), Next::Nobody);
}

/// Serves everybody, one after the other, each for so many calls; answers when each one's turn came.
fn serve(queue: &mut Queue<usize>, places: &[Place], bucket: &Bucket, calls: u64) -> Vec<(usize, Duration)> {
    let budget = |_: Lane, calls: usize, _: usize| bucket.wait(calls);
    let (mut now, mut order) = (Duration::ZERO, Vec::new());
    loop {
        match queue.call(now, &budget) {
            Next::Call(n) => {
                order.push((n, now));
                assert_eq!(
                    queue.ask(&places[n], || n, now, &budget),
                    None,
                    "whoever is called is served"
                );
                now += bucket.make(calls);
                queue.leave(&places[n], now, bucket.made.get());
            }
            Next::Later(wait) => {
                now += wait;
                bucket.credit.set(bucket.credit.get() + wait.as_secs_f64() * RATE);
            }
            Next::Nobody => return order,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn everybody_is_called_once_and_in_order(arrivals in vec((0usize..3, 0i64..5), 1..80), calls in 1u64..8) {
        let lanes = [Lane::Person, Lane::ServiceAccount, Lane::Background];
        let places: Vec<Place> = arrivals
            .iter()
            .enumerate()
            .map(|(n, (lane, created))| place(lanes[*lane], *created, n))
            .collect();
        let bucket = Bucket::new(0.0);
        let closed = |_: Lane, _: usize, _: usize| seconds(60);
        let mut queue = Queue::default();
        for (n, at) in places.iter().enumerate() {
            prop_assert!(queue.ask(at, || n, Duration::ZERO, &closed).is_some());
        }
        let order: Vec<&Place> = serve(&mut queue, &places, &bucket, calls)
            .into_iter()
            .map(|(n, _)| &places[n])
            .collect();
        prop_assert_eq!(order.len(), places.len());
        prop_assert!(order.is_sorted());
    }

    #[test]
    fn estimates_grow_with_the_place_and_come_true(count in 40usize..200, calls in 2u64..9) {
        let places: Vec<Place> = (0..count).map(|n| place(Lane::Person, n as i64, n)).collect();
        let bucket = Bucket::new(0.0);
        let budget = |_: Lane, calls: usize, _: usize| bucket.wait(calls);
        let mut queue = Queue::default();
        // What a request costs is known from those before.
        let before: Vec<Place> = (0..100).map(|n| place(Lane::Person, -1, n)).collect();
        let closed = |_: Lane, _: usize, _: usize| seconds(60);
        for (n, at) in before.iter().enumerate() {
            queue.ask(at, || n, Duration::ZERO, &closed);
        }
        serve(&mut queue, &before, &bucket, calls);
        for (n, at) in places.iter().enumerate() {
            queue.ask(at, || n, Duration::ZERO, &closed);
        }
        let turns: Vec<Turn> = places.iter().map(|at| queue.turn(at, &budget)).collect();
        prop_assert!(turns.is_sorted_by_key(|turn| turn.wait) && turns.is_sorted_by_key(|turn| turn.ahead));
        for (n, came) in serve(&mut queue, &places, &bucket, calls) {
            let (told, came) = (turns[n].wait.as_secs_f64(), came.as_secs_f64());
            prop_assert!((told - came).abs() <= 5.0 + came * 0.1, "{} was told {} and came at {}", n, told, came);
        }
    }
}

#[test]
fn a_promise_stands_while_it_is_about_right() {
    let start = Timestamp::from_second(1_000).unwrap();
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let notice = seconds(5);
    let turn = |wait: u64| Turn {
        ahead: 7,
        wait: seconds(wait),
    };
    let told = Promise::renewed(None, start, turn(400), notice);
    assert_eq!(told.at, at(1_400));
    for (name, now, wait, kept) in [
        ("as foreseen", 1_200, 200, true),
        ("a little slower", 1_200, 240, true),
        ("much slower", 1_200, 400, false),
        ("much faster", 1_200, 60, false),
        ("late, within the slack", 1_390, 40, true),
        ("far too late", 1_500, 100, false),
    ] {
        let renewed = Promise::renewed(Some(told), at(now), turn(wait), notice);
        assert_eq!(renewed == told, kept, "{name}: {renewed:?}");
        assert!(kept || renewed.at == at(now + wait as i64), "{name}");
    }
    assert_eq!(recheck(turn(400), notice), seconds(200));
    assert_eq!(recheck(turn(4), notice), seconds(30));
}
