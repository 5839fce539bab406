//! What the log's events explain.

use super::*;
use crate::domain::account::{Lock, Remedy};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_445_000 + second).unwrap()
}

fn event(id: u32, account: &str, second: i64, turn: Turn) -> LockEvent {
    LockEvent {
        id: id.to_string(),
        account: account.into(),
        at: at(second),
        turn,
    }
}

fn locked(cause: &str) -> Turn {
    Turn::Locked(cause.into())
}

/// An account that is locked since then.
fn account(id: &str, since: Option<i64>) -> AccountRead {
    AccountRead {
        lock: LockState::Locked(Lock {
            since: since.map(at),
            until: None,
            cause: None,
            scope: None,
            remedy: Remedy::Unlock,
        }),
        ..AccountRead::bare(id)
    }
}

/// Since when and why, as explained; seconds.
fn explained(log: &LockLog, id: &str, since: Option<i64>) -> (Option<i64>, Option<String>) {
    let mut account = account(id, since);
    log.explain(&mut account);
    match account.lock {
        LockState::Locked(lock) => (
            lock.since.map(|since| since.duration_since(at(0)).as_secs()),
            lock.cause,
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_latest_event_by_its_own_time_counts_in_whatever_order_it_is_told() {
    for (events, expected) in [
        (vec![event(1, "a", 10, locked("x"))], Some("x")),
        (
            vec![event(1, "a", 10, locked("x")), event(2, "a", 11, Turn::Unlocked)],
            None,
        ),
        (
            vec![event(2, "a", 11, Turn::Unlocked), event(1, "a", 10, locked("x"))],
            None,
        ),
        (
            vec![event(1, "a", 9, Turn::Unlocked), event(2, "a", 10, locked("y"))],
            Some("y"),
        ),
        (
            vec![event(2, "a", 10, locked("y")), event(1, "a", 5, locked("x"))],
            Some("y"),
        ),
        (vec![event(1, "b", 10, locked("x"))], None),
    ] {
        let mut log = LockLog::default();
        log.learn(events.clone());
        assert_eq!(explained(&log, "a", Some(10)).1.as_deref(), expected, "{events:?}");
    }
}

#[test]
fn an_event_that_is_told_twice_is_no_news() {
    let mut log = LockLog::default();
    let first = vec![event(1, "a", 10, locked("x")), event(2, "a", 20, Turn::Unlocked)];
    assert_eq!(log.learn(first.clone()), 2);
    assert_eq!(log.learn(first), 0);
    assert_eq!(
        log.learn(vec![event(2, "a", 20, Turn::Unlocked), event(3, "a", 30, locked("y"))]),
        1
    );
}

#[test]
fn only_the_very_lock_is_explained_and_what_the_account_tells_stays() {
    let mut log = LockLog::default();
    log.learn(vec![event(1, "a", 1000, locked("x"))]);
    for (since, expected) in [
        (Some(1000), (Some(1000), Some("x"))),
        (Some(1119), (Some(1119), Some("x"))),
        (Some(890), (Some(890), Some("x"))),
        (Some(1200), (Some(1200), None)),
        (Some(700), (Some(700), None)),
        // A lock without a time of its own, as a device block is.
        (None, (Some(1000), Some("x"))),
    ] {
        let (told, cause) = explained(&log, "a", since);
        assert_eq!((told, cause.as_deref()), expected, "{since:?}");
    }
    let mut open = account("a", None);
    open.lock = LockState::NotLocked;
    log.explain(&mut open);
    assert_eq!(
        open.lock,
        LockState::NotLocked,
        "the log never says that somebody is locked"
    );
}

#[test]
fn what_was_told_before_is_recalled_where_the_log_says_nothing_newer() {
    let mut log = LockLog::default();
    log.recall("a", at(10), "before");
    assert_eq!(explained(&log, "a", Some(10)).1.as_deref(), Some("before"));
    log.learn(vec![event(1, "b", 20, locked("now"))]);
    log.recall("b", at(10), "before");
    assert_eq!(explained(&log, "b", Some(20)).1.as_deref(), Some("now"));
}

#[test]
fn memory_is_bounded_and_the_oldest_goes() {
    let mut log = LockLog::default();
    let most = u32::try_from(MOST_ACCOUNTS).unwrap();
    let events = (0..most + 5).map(|n| event(n, &n.to_string(), i64::from(n), locked("x")));
    log.learn(events.collect());
    assert_eq!(
        (log.last.len(), log.seen.len(), log.order.len()),
        (MOST_ACCOUNTS, MOST_EVENTS, MOST_EVENTS)
    );
    assert_eq!(explained(&log, "4", None).1, None);
    assert_eq!(explained(&log, "5", None).1.as_deref(), Some("x"));
}
