//! Whether an account is locked: slapd's own rule in its own order (`account_locked` in ppolicy, 2.5 and 2.6), without
//! I/O and clock.
//!
//! The attribute pwdAccountLockedTime being there does not mean locked, and its absence does not mean not locked.

use super::{
    policy::{PasswordPolicy, Why},
    schema::{
        CHANGED_TIME, END_TIME, FAILURE_TIME, LAST_SUCCESS, LOCKED_FOR_GOOD, LOCKED_TIME, RESET, START_TIME,
        TMP_LOCKOUT_END,
    },
};
use crate::{
    directory::ldap::{Entry, time},
    domain::account::{Lock, LockState, Remedy},
};
use jiff::{SignedDuration, Timestamp};

/// A lock that seems to lie ahead by less than this is taken as in force: the server stamps it with its own clock, and
/// ours may be behind. slapd calls a lock that lies ahead "not yet in effect".
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(2);

/// The attributes that a lock depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordState {
    locked_time: Option<String>,
    tmp_lockout_end: Option<String>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    last_success: Option<Timestamp>,
    changed: Option<Timestamp>,
    failed: bool,
    /// Whether pwdReset is TRUE.
    pub reset: bool,
    /// State attributes that the operator may not see, so that their absence says nothing.
    pub hidden: Vec<&'static str>,
}

impl PasswordState {
    /// Takes them from the account's entry.
    pub fn from_entry(entry: &Entry, hidden: Vec<&'static str>) -> Self {
        PasswordState {
            locked_time: entry.first(LOCKED_TIME).map(str::to_owned),
            tmp_lockout_end: entry.first(TMP_LOCKOUT_END).map(str::to_owned),
            start: entry.time(START_TIME),
            end: entry.time(END_TIME),
            last_success: entry.time(LAST_SUCCESS),
            changed: entry.time(CHANGED_TIME),
            failed: entry.has(FAILURE_TIME),
            reset: entry.flag(RESET),
            hidden,
        }
    }

    /// Changes with each new lock.
    pub fn lock_stamp(&self) -> Option<String> {
        let parts: Vec<&str> = [&self.locked_time, &self.tmp_lockout_end]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect();
        (!parts.is_empty()).then(|| parts.join("/"))
    }

    /// Whether the owner must change the password after the next sign-in; `None` where that is not known.
    pub fn must_change(&self, policy: Result<&PasswordPolicy, Why>) -> Option<bool> {
        match (self.reset, policy) {
            (true, Ok(policy)) => Some(policy.must_change),
            (true, Err(_)) => None,
            (false, _) => (!self.hidden.contains(&RESET)).then_some(false),
        }
    }
}

/// Whether the account is locked at `now`.
pub fn lock_state(now: Timestamp, state: &PasswordState, policy: Result<&PasswordPolicy, Why>) -> LockState {
    if let Some(lock) = outside_window(now, state) {
        return LockState::Locked(lock);
    }
    let policy = match policy {
        Ok(policy) => policy,
        Err(why) => return LockState::Unknown(why.into()),
    };
    if policy.lockout {
        let lock = cooling_down(now, state)
            .or_else(|| idle(now, state.last_success, policy))
            .or_else(|| locked_out(now, state, policy));
        if let Some(lock) = lock {
            return LockState::Locked(lock);
        }
        if state.last_success.is_none() && idle(now, state.changed, policy).is_some() {
            // Locked if `lastbind` is on, not if it is off; that is in the server's configuration.
            return LockState::Unknown("whether the account is locked for not being used cannot be seen".into());
        }
    }
    let relevant: &[&str] = match policy.lockout {
        true => &[LOCKED_TIME, TMP_LOCKOUT_END, START_TIME, END_TIME],
        false => &[START_TIME, END_TIME],
    };
    match state.hidden.iter().find(|name| relevant.contains(name)) {
        Some(name) => LockState::Unknown(format!("give the operator's account read access to {name}")),
        None => LockState::NotLocked,
    }
}

/// pwdStartTime and pwdEndTime, which count even where the policy locks nothing.
fn outside_window(now: Timestamp, state: &PasswordState) -> Option<Lock> {
    let early = state.start.filter(|start| now < *start);
    let late = state.end.filter(|end| *end <= now);
    (early.is_some() || late.is_some()).then(|| Lock {
        since: late,
        until: early.filter(|_| late.is_none()),
        cause: Some("outside the account's validity window".into()),
        scope: scope(),
        remedy: Remedy::None("an administrator must change pwdStartTime or pwdEndTime".into()),
    })
}

/// The delay after failed sign-ins. Neither an unlock nor a reset ends it.
fn cooling_down(now: Timestamp, state: &PasswordState) -> Option<Lock> {
    let until = time::parse(state.tmp_lockout_end.as_deref()?)?;
    (now < until).then(|| Lock {
        since: None,
        until: Some(until),
        cause: Some("delayed after failed sign-ins".into()),
        scope: scope(),
        remedy: Remedy::Time,
    })
}

fn idle(now: Timestamp, last: Option<Timestamp>, policy: &PasswordPolicy) -> Option<Lock> {
    let since = last?.checked_add(policy.max_idle?).ok()?;
    (now > since).then(|| Lock {
        since: Some(since),
        until: None,
        cause: Some("not used for too long".into()),
        scope: scope(),
        remedy: Remedy::None("only a new password ends a lock for not being used".into()),
    })
}

/// pwdAccountLockedTime.
fn locked_out(now: Timestamp, state: &PasswordState, policy: &PasswordPolicy) -> Option<Lock> {
    let stamp = state.locked_time.as_deref()?;
    let since = time::parse(stamp);
    let for_good = since == time::parse(LOCKED_FOR_GOOD);
    // A stamp that is no time cannot be stored; were it, locked is the safe reading.
    let until = match since {
        Some(since) if !for_good => policy
            .lockout_duration
            .and_then(|duration| since.checked_add(duration).ok()),
        _ => None,
    };
    let ahead = since.is_some_and(|since| now.duration_until(since) > CLOCK_SKEW);
    let over = until.is_some_and(|until| until <= now);
    (!ahead && !over).then(|| Lock {
        since: since.filter(|_| !for_good),
        until,
        cause: Some(if for_good || !state.failed {
            "locked by an administrator".into()
        } else {
            "too many failed sign-ins".into()
        }),
        scope: scope(),
        remedy: Remedy::Unlock,
    })
}

/// Lock state does not replicate reliably, see slapo-ppolicy(5), `ppolicy_forward_updates`.
fn scope() -> Option<String> {
    Some("the server that was read; read-only replicas can hold lockouts of their own".into())
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
