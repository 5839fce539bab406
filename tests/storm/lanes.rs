//! In real time: 300 calls a minute, so that the crowd takes 27 minutes. The first half minute of that.

use crate::crowd::{COST, CROWD, Crowd};
use jiff::Timestamp;
use sandbox::{SEED_PASSWORD, SeedUser, Status};
use std::time::Duration;

const GROUP: &str = "readmit.dev";
const STATUS: &str = "PUT accountunlockrequests/status";

#[test]
fn nobody_else_feels_the_storm_and_who_waits_knows_for_how_long() {
    let Some(crowd) = Crowd::gather(300, (Duration::from_secs(60), 300)) else {
        return;
    };
    let locked = |login: &str| SeedUser::new(login, Status::LockedOut, Some(SEED_PASSWORD));
    let more = ["one-more@example.com", "another@example.com"];
    crowd.org.seed(more.map(locked)).expect("new logins");
    crowd.lab.okta.seed(more.map(locked)).expect("new logins");
    let idle = crowd.memory();
    let before = crowd.lab.plane.calls(GROUP).expect("metrics");
    let begun = Timestamp::now();
    crowd.asks("pipeline");
    std::thread::sleep(Duration::from_secs(8));

    // People go first, and other directories do not wait at all.
    for (n, login) in more.into_iter().enumerate() {
        let took = crowd.lets_in(&format!("person-{n}"), "storm", login);
        assert!(took < Duration::from_secs(5), "a person waited {took:?}");
        let took = crowd.lets_in(&format!("elsewhere-{n}"), "okta", login);
        assert!(took < Duration::from_secs(1), "another directory took {took:?}");
    }

    // Everybody who waits was told so once, and when the turn comes.
    let told = crowd.told();
    assert!(told.len() > CROWD * 9 / 10, "{} of {CROWD} were told", told.len());
    let last = told.iter().map(|told| told.at).max().expect("somebody waits");
    let rest = last.duration_since(begun).as_secs_f64();
    let expected = (CROWD * COST) as f64 / crowd.allowed(Duration::from_secs(1));
    assert!(
        (rest - expected).abs() < expected / 5.0,
        "the last in {rest} s, not {expected} s"
    );
    let middle = begun + last.duration_since(begun) / 2;
    let early = told.iter().filter(|told| told.at < middle).count() as f64 / told.len() as f64;
    assert!((0.35..0.65).contains(&early), "{early} of all before half the time");

    // Nothing is written while nothing changes, and no memory is used up by waiting.
    let waiting = crowd.memory();
    let writes = crowd.lab.plane.calls(GROUP).expect("metrics");
    let quiet = Timestamp::now();
    std::thread::sleep(Duration::from_secs(12));
    let ended = Timestamp::now();
    let new = crowd.lab.plane.calls_since(GROUP, &writes, &[]).expect("metrics");
    let finished = crowd.calls(quiet, ended).len() / COST;
    let written = usize::try_from(new.get(STATUS).copied().unwrap_or_default()).expect("a count");
    assert!(
        written <= finished + CROWD / 20,
        "{written} statuses were written, {finished} requests ended"
    );
    let all = crowd.lab.plane.calls_since(GROUP, &before, &[]).expect("metrics");
    let all = usize::try_from(all[STATUS]).expect("a count");
    let served = crowd.calls(begun, ended).len() / COST;
    assert!(
        all < served + CROWD * 11 / 10,
        "{all} statuses were written for {CROWD} that wait, of whom {served} were served"
    );
    let grown = crowd.memory() - waiting;
    assert!(grown < 3.0, "{grown} MB more while nothing but time passed");
    assert!(waiting - idle < 30.0, "{} MB for {CROWD} requests", waiting - idle);

    // The budget is used, and not overdrawn by more than its burst.
    let time = ended.duration_since(begun).unsigned_abs();
    let (made, allowed) = (crowd.calls(begun, ended).len() as f64, crowd.allowed(time));
    assert!(
        (0.8..=1.0).contains(&(made / (allowed + 60.0))),
        "{made} calls, {allowed} allowed"
    );
    crowd.assert_none_refused();
}
