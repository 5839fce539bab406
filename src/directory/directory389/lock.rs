//! Whether an account is locked: the server's own rule (`check_account_lock`), without I/O and clock.
//!
//! All three must hold: lockout is on, the count has reached passwordMaxFailure, and accountUnlockTime lies ahead or,
//! where passwordUnlock is off, is the epoch. accountUnlockTime alone says nothing: a reset leaves it in place.

use super::{
    policy::{PasswordPolicy, Why},
    schema::{EPOCH, EXPIRATION_TIME, RETRY_COUNT, RETRY_RESET_TIME, UNLOCK_TIME},
};
use crate::{
    directory::ldap::{Entry, time},
    domain::account::{Lock, LockState, Remedy},
};
use jiff::Timestamp;

/// The attributes that a lock depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordState {
    failures: u64,
    unlock_time: Option<String>,
    reset_time: Option<String>,
    expiration: Option<String>,
    hidden: Vec<&'static str>,
}

impl PasswordState {
    /// Takes them from the account's entry. `hidden` are those whose absence says nothing.
    pub fn from_entry(entry: &Entry, hidden: Vec<&'static str>) -> Self {
        let text = |name: &str| entry.first(name).map(str::to_owned);
        PasswordState {
            // The syntax is a string; what is no number is to the server none.
            failures: entry
                .first(RETRY_COUNT)
                .and_then(|count| count.trim().parse().ok())
                .unwrap_or(0),
            unlock_time: text(UNLOCK_TIME),
            reset_time: text(RETRY_RESET_TIME),
            expiration: text(EXPIRATION_TIME),
            hidden,
        }
    }

    /// Changes with each new lock. A lock for good always has the same unlock time, so the time at which the count began
    /// is a part of it.
    pub fn lock_stamp(&self) -> Option<String> {
        let until = self.unlock_time.as_deref().filter(|_| self.failures > 0)?;
        Some(format!("{until}/{}", self.reset_time.as_deref().unwrap_or("-")))
    }

    /// Whether the owner must change the password at the next sign-in; `None` where that is not known. Under a policy
    /// without passwordMustChange the server ignores the epoch.
    pub fn must_change(&self, policy: Result<&PasswordPolicy, Why>) -> Option<bool> {
        match (self.is_to_be_changed(), policy) {
            (true, Ok(policy)) => Some(policy.must_change),
            (true, Err(_)) => None,
            (false, _) => (!self.hidden.contains(&EXPIRATION_TIME)).then_some(false),
        }
    }

    fn is_to_be_changed(&self) -> bool {
        is_epoch(self.expiration.as_deref())
    }
}

/// Whether the value is the epoch, however it is written.
pub fn is_epoch(value: Option<&str>) -> bool {
    value.is_some_and(|value| time::parse(value).is_some_and(|time| Some(time) == time::parse(EPOCH)))
}

/// Whether the account is locked at `now`. `scope` says where.
pub fn lock_state(
    now: Timestamp,
    state: &PasswordState,
    policy: Result<&PasswordPolicy, Why>,
    scope: String,
) -> LockState {
    if policy.is_ok_and(|policy| !policy.lockout) {
        return LockState::NotLocked;
    }
    if let Some(name) = [RETRY_COUNT, UNLOCK_TIME]
        .iter()
        .find(|name| state.hidden.contains(*name))
    {
        return LockState::Unknown(format!("give the operator's account read access to {name}"));
    }
    let Some(stamp) = state.unlock_time.as_deref().filter(|_| state.failures > 0) else {
        return LockState::NotLocked;
    };
    let for_good = is_epoch(Some(stamp));
    let until = time::parse(stamp);
    let over = !for_good && until.is_some_and(|until| until <= now);
    let policy = match policy {
        _ if over => return LockState::NotLocked,
        Ok(policy) => policy,
        Err(why) => return LockState::Unknown(why.into()),
    };
    if state.failures < policy.max_failure || (for_good && policy.unlock) {
        return LockState::NotLocked;
    }
    LockState::Locked(Lock {
        since: None,
        until: until.filter(|_| !for_good),
        cause: Some("too many failed sign-ins".into()),
        scope: Some(scope),
        remedy: Remedy::Unlock,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::directory389::policy::GLOBAL_UNREADABLE;

    const NOW: &str = "2026-03-01T12:00:00Z";
    const AHEAD: &str = "20260301130000Z";
    const PAST: &str = "20260301110000Z";

    fn policy(max_failure: u64, unlock: bool) -> PasswordPolicy {
        PasswordPolicy {
            lockout: true,
            max_failure,
            unlock,
            must_change: true,
            track_update_time: true,
        }
    }

    fn state(count: &str, unlock_time: &str, hidden: &[&'static str]) -> PasswordState {
        let mut attributes: Vec<(&str, &[&str])> = Vec::new();
        let (counts, times) = ([count], [unlock_time]);
        if !count.is_empty() {
            attributes.push((RETRY_COUNT, &counts));
        }
        if !unlock_time.is_empty() {
            attributes.push((UNLOCK_TIME, &times));
        }
        PasswordState::from_entry(&Entry::of("uid=a", &attributes), hidden.to_vec())
    }

    fn judge(state: &PasswordState, policy: Result<&PasswordPolicy, Why>) -> &'static str {
        match lock_state(NOW.parse().unwrap(), state, policy, "here".into()) {
            LockState::NotLocked => "no",
            LockState::Unknown(_) => "unknown",
            LockState::Locked(lock) if lock.until.is_some() => "until",
            LockState::Locked(_) => "for good",
        }
    }

    #[test]
    fn all_three_must_hold() {
        for (count, unlock_time, max, unlock, expected) in [
            ("", "", 3, true, "no"),
            ("3", AHEAD, 3, true, "until"),
            ("4", AHEAD, 3, true, "until"),
            ("2", AHEAD, 3, true, "no"),
            ("3", "", 3, true, "no"),
            ("3", PAST, 3, true, "no"),
            // After a password reset: the count is gone, the time stays.
            ("0", AHEAD, 3, true, "no"),
            ("1", AHEAD, 3, true, "no"),
            ("", AHEAD, 3, true, "no"),
            ("3", EPOCH, 3, false, "for good"),
            ("3", EPOCH, 3, true, "no"),
            ("2", EPOCH, 3, false, "no"),
            ("0", EPOCH, 3, false, "no"),
            ("3", AHEAD, 3, false, "until"),
            ("10", AHEAD, 9, true, "until"),
            ("nonsense", AHEAD, 3, true, "no"),
        ] {
            let found = judge(&state(count, unlock_time, &[]), Ok(&policy(max, unlock)));
            assert_eq!(
                found, expected,
                "count {count}, until {unlock_time}, max {max}, unlock {unlock}"
            );
        }
    }

    #[test]
    fn a_policy_that_locks_nothing_locks_nothing() {
        let off = PasswordPolicy {
            lockout: false,
            ..policy(3, true)
        };
        assert_eq!(judge(&state("3", AHEAD, &[]), Ok(&off)), "no");
        assert_eq!(judge(&state("3", AHEAD, &[RETRY_COUNT]), Ok(&off)), "no");
    }

    #[test]
    fn without_the_policy_only_the_certain_is_said() {
        for (count, unlock_time, expected) in [
            ("", "", "no"),
            ("0", AHEAD, "no"),
            ("3", "", "no"),
            ("3", PAST, "no"),
            ("3", AHEAD, "unknown"),
            ("1", AHEAD, "unknown"),
            ("3", EPOCH, "unknown"),
        ] {
            let found = judge(&state(count, unlock_time, &[]), Err(GLOBAL_UNREADABLE));
            assert_eq!(found, expected, "count {count}, until {unlock_time}");
        }
    }

    #[test]
    fn what_is_hidden_is_unknown() {
        for hidden in [RETRY_COUNT, UNLOCK_TIME] {
            assert_eq!(judge(&state("", "", &[hidden]), Ok(&policy(3, true))), "unknown");
        }
        assert_eq!(judge(&state("", "", &[EXPIRATION_TIME]), Ok(&policy(3, true))), "no");
    }

    #[test]
    fn a_change_is_required_at_the_epoch_and_by_a_policy_that_heeds_it() {
        let heeds = policy(3, true);
        let ignores = PasswordPolicy {
            must_change: false,
            ..heeds.clone()
        };
        for (expiration, policy, expected) in [
            (EPOCH, Ok(&heeds), Some(true)),
            (EPOCH, Ok(&ignores), Some(false)),
            (EPOCH, Err(GLOBAL_UNREADABLE), None),
            // One second later means: no expiry was ever set.
            ("19700101000001Z", Ok(&heeds), Some(false)),
            (AHEAD, Err(GLOBAL_UNREADABLE), Some(false)),
        ] {
            let entry = Entry::of("uid=a", &[(EXPIRATION_TIME, &[expiration])]);
            let state = PasswordState::from_entry(&entry, Vec::new());
            assert_eq!(state.must_change(policy), expected, "{expiration}");
        }
        let hidden = PasswordState::from_entry(&Entry::of("uid=a", &[]), vec![EXPIRATION_TIME]);
        assert_eq!(hidden.must_change(Ok(&heeds)), None);
    }

    #[test]
    fn each_lock_has_a_stamp_of_its_own() {
        assert_eq!(state("0", AHEAD, &[]).lock_stamp(), None);
        assert_eq!(state("3", "", &[]).lock_stamp(), None);
        let lock = |reset: &str| {
            let entry = Entry::of(
                "uid=a",
                &[
                    (RETRY_COUNT, &["3"]),
                    (UNLOCK_TIME, &[EPOCH]),
                    (RETRY_RESET_TIME, &[reset]),
                ],
            );
            PasswordState::from_entry(&entry, Vec::new()).lock_stamp()
        };
        assert_ne!(lock(AHEAD), lock(PAST));
    }
}
