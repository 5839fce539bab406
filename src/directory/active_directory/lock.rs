//! How an account stands, without I/O and clock. Whether it is locked is the server's own computation; what is added here
//! is since when, until when, and what the other flags mean.

use super::schema::{COMPUTED, LOCKOUT_TIME, PWD_LAST_SET, USER_ACCOUNT_CONTROL, flag};
use crate::{
    directory::ldap::Entry,
    domain::account::{Lock, LockState, Remedy, Step},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// FILETIME counts 100 ns since 1601.
const TICKS_BEFORE_1970: i64 = 116_444_736_000_000_000;

/// The attributes that a sign-in depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInState {
    computed: Option<i64>,
    control: Option<i64>,
    lockout_time: i64,
    pwd_last_set: Option<i64>,
}

impl SignInState {
    /// Takes them from the account's entry.
    pub fn from_entry(entry: &Entry) -> Self {
        SignInState {
            computed: entry.number(COMPUTED),
            control: entry.number(USER_ACCOUNT_CONTROL),
            lockout_time: entry.number(LOCKOUT_TIME).unwrap_or_default(),
            pwd_last_set: entry.number(PWD_LAST_SET),
        }
    }

    /// Whether the server says that it is locked; `None` where it does not say.
    pub fn is_locked(&self) -> Option<bool> {
        self.computed.map(|flags| flags & flag::LOCKED != 0)
    }

    /// The lock. `duration` is that of the policy in effect as stored: negative, in 100 ns; 0 and the smallest number
    /// mean until an administrator unlocks; `None`: not known.
    pub fn lock_state(&self, duration: Option<i64>) -> LockState {
        match self.is_locked() {
            None => LockState::Unknown(format!("give the operator's account read access to {COMPUTED}")),
            Some(false) => LockState::NotLocked,
            Some(true) => {
                let since = file_time(self.lockout_time);
                LockState::Locked(Lock {
                    since,
                    until: since
                        .zip(duration.and_then(lasting))
                        .and_then(|(since, lasting)| since.checked_add(lasting).ok()),
                    cause: Some("too many failed sign-ins".into()),
                    scope: None,
                    remedy: Remedy::Unlock,
                })
            }
        }
    }

    /// Changes with each new lock. An old lock's time stays until the next sign-in; that is no lock, and no harm.
    pub fn lock_stamp(&self) -> Option<String> {
        (self.lockout_time != 0).then(|| self.lockout_time.to_string())
    }

    /// Whether it is disabled.
    pub fn disabled(&self) -> Option<bool> {
        self.control.map(|flags| flags & flag::DISABLED != 0)
    }

    /// Whether the owner must choose a new password. The server does not ask those whose password never expires.
    pub fn must_change(&self) -> Option<bool> {
        let asked = self.control? & (flag::NEVER_EXPIRES | flag::SMARTCARD) == 0;
        Some(asked && self.pwd_last_set? == 0)
    }

    /// What cannot be done to the account as it stands: a change that nobody will be asked for.
    pub fn obstacles(&self) -> BTreeMap<Step, String> {
        let why = match self.control {
            None => {
                "whether its password never expires cannot be read; give the operator's account read access to userAccountControl"
            }
            Some(flags) if flags & flag::SMARTCARD != 0 => {
                "the account signs in by smart card, so that a change of its password would not be asked for"
            }
            Some(flags) if flags & flag::NEVER_EXPIRES != 0 => {
                "the account's password never expires, so that a change would not be asked for; clear that flag first"
            }
            Some(_) => return BTreeMap::new(),
        };
        BTreeMap::from([(Step::RequireChange, why.to_owned())])
    }
}

/// The moment of a FILETIME; `None` for 0, which stands for never.
fn file_time(ticks: i64) -> Option<Timestamp> {
    let since_1970 = ticks.checked_sub(TICKS_BEFORE_1970)?;
    let moment = || Timestamp::from_nanosecond(i128::from(since_1970).checked_mul(100)?).ok();
    (ticks != 0).then(moment)?
}

/// How long a lock lasts; `None`: until somebody ends it. The smallest number has no positive counterpart.
fn lasting(duration: i64) -> Option<SignedDuration> {
    let ticks = duration.checked_neg().filter(|ticks| *ticks > 0)?;
    Some(SignedDuration::from_micros(ticks / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(computed: &str, lockout_time: &str, control: &str, pwd_last_set: &str) -> SignInState {
        let attributes = [
            (COMPUTED, computed),
            (LOCKOUT_TIME, lockout_time),
            (USER_ACCOUNT_CONTROL, control),
            (PWD_LAST_SET, pwd_last_set),
        ];
        let there: Vec<(&str, Vec<&str>)> = attributes
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, vec![value]))
            .collect();
        let there: Vec<(&str, &[&str])> = there.iter().map(|(name, values)| (*name, values.as_slice())).collect();
        SignInState::from_entry(&Entry::of("cn=a", &there))
    }

    /// 2026-03-01T09:30:05Z
    const STAMP: &str = "134168310050000000";

    #[test]
    fn the_servers_computation_decides() {
        for (computed, lockout_time, locked) in [
            ("16", STAMP, Some(true)),
            // The lock ran out; its time stays until the next sign-in.
            ("0", STAMP, Some(false)),
            ("8388608", STAMP, Some(false)),
            ("8388624", STAMP, Some(true)),
            ("0", "0", Some(false)),
            ("0", "", Some(false)),
            ("", STAMP, None),
            ("", "", None),
        ] {
            let state = state(computed, lockout_time, "512", STAMP);
            assert_eq!(state.is_locked(), locked, "{computed} {lockout_time}");
            let unknown = matches!(state.lock_state(None), LockState::Unknown(_));
            assert_eq!(unknown, locked.is_none());
        }
    }

    #[test]
    fn durations_that_mean_for_ever_give_no_end() {
        let locked = state("16", STAMP, "512", STAMP);
        for (duration, until) in [
            (Some(-18_000_000_000), Some("2026-03-01T10:00:05Z")),
            (Some(0), None),
            (Some(i64::MIN), None),
            (Some(i64::MIN + 1), None),
            (None, None),
        ] {
            let LockState::Locked(lock) = locked.lock_state(duration) else {
                panic!("locked");
            };
            assert_eq!(lock.since, "2026-03-01T09:30:05Z".parse().ok());
            assert_eq!(
                lock.until,
                until.map(|text| text.parse::<Timestamp>().unwrap()),
                "{duration:?}"
            );
        }
    }

    #[test]
    fn a_forced_change_conflicts_with_a_password_that_never_expires() {
        for (control, pwd_last_set, must_change, word) in [
            ("512", "0", Some(true), None),
            ("512", STAMP, Some(false), None),
            ("512", "", None, None),
            ("66048", "0", Some(false), Some("never expires")),
            ("262656", "0", Some(false), Some("smart card")),
            ("", "0", None, Some("userAccountControl")),
        ] {
            let state = state("0", "0", control, pwd_last_set);
            assert_eq!(state.must_change(), must_change, "{control} {pwd_last_set}");
            let obstacles = state.obstacles();
            let obstacle = obstacles.get(&Step::RequireChange);
            assert_eq!(obstacle.is_some(), word.is_some(), "{control}");
            assert!(word.is_none_or(|word| obstacle.unwrap().contains(word)));
        }
    }

    #[test]
    fn disabled_is_no_lock() {
        let state = state("0", "0", "514", STAMP);
        assert_eq!((state.disabled(), state.is_locked()), (Some(true), Some(false)));
    }
}
