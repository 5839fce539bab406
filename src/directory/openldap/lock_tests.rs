//! The rule's table.

use super::*;
use crate::directory::openldap::policy::UNREADABLE;

const NOW: &str = "2026-03-01T12:00:00Z";

#[derive(Debug, PartialEq)]
enum Expect {
    NotLocked,
    Unknown,
    /// `until` as text, empty for none.
    Unlock(&'static str),
    Time(&'static str),
    Nothing,
}

fn simplify(state: LockState) -> Expect {
    match state {
        LockState::NotLocked => Expect::NotLocked,
        LockState::Unknown(_) => Expect::Unknown,
        LockState::Locked(lock) => {
            let until = lock.until.map(|t| t.to_string()).unwrap_or_default();
            match lock.remedy {
                Remedy::Unlock | Remedy::Clear => Expect::Unlock(until.leak()),
                Remedy::Time => Expect::Time(until.leak()),
                Remedy::None(_) => Expect::Nothing,
                Remedy::Manual { .. } => unreachable!("OpenLDAP clears locks by calls"),
            }
        }
    }
}

fn policy(lockout: bool, duration: i64, max_idle: i64) -> PasswordPolicy {
    let seconds = |n: i64| (n > 0).then(|| SignedDuration::from_secs(n));
    PasswordPolicy {
        lockout,
        lockout_duration: seconds(duration),
        max_idle: seconds(max_idle),
        must_change: false,
    }
}

fn judge(attributes: &[(&str, &[&str])], hidden: &[&'static str], policy: Result<&PasswordPolicy, Why>) -> Expect {
    let state = PasswordState::from_entry(&Entry::of("uid=a", attributes), hidden.to_vec());
    simplify(lock_state(NOW.parse().unwrap(), &state, policy))
}

#[test]
fn the_rule_holds_in_its_order() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a [&'a str])], PasswordPolicy, Expect);
    let locks = || policy(true, 0, 0);
    let for_a_minute = || policy(true, 60, 0);
    let cases: &[Case] = &[
        ("no attribute", &[], locks(), Expect::NotLocked),
        (
            "locked, no duration",
            &[(LOCKED_TIME, &["20260301115930Z"])],
            locks(),
            Expect::Unlock(""),
        ),
        (
            "locked within its duration",
            &[(LOCKED_TIME, &["20260301115930Z"])],
            for_a_minute(),
            Expect::Unlock("2026-03-01T12:00:30Z"),
        ),
        (
            "its duration is over",
            &[(LOCKED_TIME, &["20260301115859Z"])],
            for_a_minute(),
            Expect::NotLocked,
        ),
        (
            "its duration ends now",
            &[(LOCKED_TIME, &["20260301115900Z"])],
            for_a_minute(),
            Expect::NotLocked,
        ),
        (
            "for good",
            &[(LOCKED_TIME, &[LOCKED_FOR_GOOD])],
            locks(),
            Expect::Unlock(""),
        ),
        (
            "for good, whatever the duration",
            &[(LOCKED_TIME, &[LOCKED_FOR_GOOD])],
            for_a_minute(),
            Expect::Unlock(""),
        ),
        (
            "for good, written out",
            &[(LOCKED_TIME, &["00000101000000Z"])],
            for_a_minute(),
            Expect::Unlock(""),
        ),
        (
            "a stamp ahead",
            &[(LOCKED_TIME, &["20260302120000Z"])],
            locks(),
            Expect::NotLocked,
        ),
        (
            "a stamp ahead by a clock's error",
            &[(LOCKED_TIME, &["20260301120130Z"])],
            locks(),
            Expect::Unlock(""),
        ),
        (
            "lockout off",
            &[(LOCKED_TIME, &["20260301115930Z"])],
            policy(false, 0, 0),
            Expect::NotLocked,
        ),
        (
            "lockout off, for good",
            &[(LOCKED_TIME, &[LOCKED_FOR_GOOD])],
            policy(false, 0, 0),
            Expect::NotLocked,
        ),
        (
            "a delay comes before the lock",
            &[
                (LOCKED_TIME, &["20260301115930Z"]),
                (TMP_LOCKOUT_END, &["20260301120010Z"]),
            ],
            locks(),
            Expect::Time("2026-03-01T12:00:10Z"),
        ),
        (
            "a delay alone",
            &[(TMP_LOCKOUT_END, &["20260301120010Z"])],
            locks(),
            Expect::Time("2026-03-01T12:00:10Z"),
        ),
        (
            "a delay that is over",
            &[(TMP_LOCKOUT_END, &["20260301120000Z"])],
            locks(),
            Expect::NotLocked,
        ),
        (
            "a delay with lockout off",
            &[(TMP_LOCKOUT_END, &["20260301120010Z"])],
            policy(false, 0, 0),
            Expect::NotLocked,
        ),
        (
            "not valid yet",
            &[(START_TIME, &["20260301120001Z"])],
            policy(false, 0, 0),
            Expect::Nothing,
        ),
        (
            "valid from now",
            &[(START_TIME, &["20260301120000Z"])],
            policy(false, 0, 0),
            Expect::NotLocked,
        ),
        (
            "no longer valid",
            &[(END_TIME, &["20260301120000Z"])],
            policy(false, 0, 0),
            Expect::Nothing,
        ),
        (
            "still valid",
            &[(END_TIME, &["20260301120001Z"])],
            locks(),
            Expect::NotLocked,
        ),
        (
            "the window comes first",
            &[(END_TIME, &["20260101000000Z"]), (LOCKED_TIME, &["20260301115930Z"])],
            locks(),
            Expect::Nothing,
        ),
        (
            "idle",
            &[(LAST_SUCCESS, &["20260301105959Z"])],
            policy(true, 0, 3600),
            Expect::Nothing,
        ),
        (
            "just not idle",
            &[(LAST_SUCCESS, &["20260301110000Z"])],
            policy(true, 0, 3600),
            Expect::NotLocked,
        ),
        (
            "idle comes before the lock",
            &[(LAST_SUCCESS, &["20260201000000Z"]), (LOCKED_TIME, &[LOCKED_FOR_GOOD])],
            policy(true, 0, 3600),
            Expect::Nothing,
        ),
        (
            "idle with lockout off",
            &[(LAST_SUCCESS, &["20260201000000Z"])],
            policy(false, 0, 3600),
            Expect::NotLocked,
        ),
        (
            "idle only if lastbind is on",
            &[(CHANGED_TIME, &["20260201000000Z"])],
            policy(true, 0, 3600),
            Expect::Unknown,
        ),
        (
            "set lately",
            &[(CHANGED_TIME, &["20260301115000Z"])],
            policy(true, 0, 3600),
            Expect::NotLocked,
        ),
        (
            "used lately, set long ago",
            &[
                (CHANGED_TIME, &["20250201000000Z"]),
                (LAST_SUCCESS, &["20260301115000Z"]),
            ],
            policy(true, 0, 3600),
            Expect::NotLocked,
        ),
    ];
    for (name, attributes, policy, expected) in cases {
        assert_eq!(&judge(attributes, &[], Ok(policy)), expected, "{name}");
    }
}

#[test]
fn what_cannot_be_seen_is_unknown() {
    let (on, off) = (policy(true, 0, 0), policy(false, 0, 0));
    let locked: &[(&str, &[&str])] = &[(LOCKED_TIME, &["20260301115930Z"])];
    for (name, attributes, hidden, policy, expected) in [
        ("no policy", locked, &[][..], Err(UNREADABLE), Expect::Unknown),
        ("no policy, no lock seen", &[], &[], Err(UNREADABLE), Expect::Unknown),
        (
            "no policy needed",
            &[(END_TIME, &["20260101000000Z"][..])],
            &[],
            Err(UNREADABLE),
            Expect::Nothing,
        ),
        ("the lock hidden", &[], &[LOCKED_TIME], Ok(&on), Expect::Unknown),
        (
            "the lock hidden, lockout off",
            &[],
            &[LOCKED_TIME],
            Ok(&off),
            Expect::NotLocked,
        ),
        ("the delay hidden", &[], &[TMP_LOCKOUT_END], Ok(&on), Expect::Unknown),
        ("the window hidden", &[], &[END_TIME], Ok(&off), Expect::Unknown),
        (
            "what is seen suffices",
            locked,
            &[TMP_LOCKOUT_END],
            Ok(&on),
            Expect::Unlock(""),
        ),
        ("pwdReset does not matter", &[], &[RESET], Ok(&on), Expect::NotLocked),
    ] {
        assert_eq!(judge(attributes, hidden, policy), expected, "{name}");
    }
}

#[test]
fn the_stamp_changes_with_each_lock() {
    for (attributes, stamp) in [
        (&[][..], None),
        (&[(LOCKED_TIME, &["1Z"][..])], Some("1Z")),
        (&[(TMP_LOCKOUT_END, &["2Z"][..])], Some("2Z")),
        (&[(LOCKED_TIME, &["1Z"][..]), (TMP_LOCKOUT_END, &["2Z"])], Some("1Z/2Z")),
    ] {
        let state = PasswordState::from_entry(&Entry::of("uid=a", attributes), Vec::new());
        assert_eq!(state.lock_stamp().as_deref(), stamp);
    }
}

#[test]
fn a_change_is_forced_only_where_the_policy_says_so() {
    let forcing = PasswordPolicy {
        must_change: true,
        ..policy(true, 0, 0)
    };
    let lenient = policy(true, 0, 0);
    let reset: &[(&str, &[&str])] = &[(RESET, &["TRUE"])];
    for (attributes, hidden, policy, expected) in [
        (reset, &[][..], Ok(&forcing), Some(true)),
        (reset, &[], Ok(&lenient), Some(false)),
        (reset, &[], Err(UNREADABLE), None),
        (&[], &[], Ok(&forcing), Some(false)),
        (&[], &[RESET], Ok(&forcing), None),
        (&[], &[], Err(UNREADABLE), Some(false)),
    ] {
        let state = PasswordState::from_entry(&Entry::of("uid=a", attributes), hidden.to_vec());
        assert_eq!(state.must_change(policy), expected);
    }
}

#[test]
fn the_cause_is_told_apart() {
    let on = policy(true, 0, 0);
    for (attributes, cause) in [
        (
            &[
                (LOCKED_TIME, &["20260301115930Z"][..]),
                (FAILURE_TIME, &["20260301115930.1Z"]),
            ][..],
            "too many failed sign-ins",
        ),
        (&[(LOCKED_TIME, &[LOCKED_FOR_GOOD][..])], "locked by an administrator"),
    ] {
        let state = PasswordState::from_entry(&Entry::of("uid=a", attributes), Vec::new());
        let LockState::Locked(lock) = lock_state(NOW.parse().unwrap(), &state, Ok(&on)) else {
            panic!("not locked");
        };
        assert_eq!(lock.cause.as_deref(), Some(cause));
    }
}
