//! An account's password, its history and the policy that a new one must meet.
//!
//! Values are kept in clear: this is a simulator whose accounts exist for a test. They leave it only as fingerprints.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What a new password must look like.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PasswordPolicy {
    pub min_length: usize,
    pub max_length: usize,
    pub lower: bool,
    pub upper: bool,
    pub digit: bool,
    pub symbol: bool,
    /// Refuse passwords that contain a part of the login of three letters or more.
    pub exclude_login: bool,
    /// Former passwords that may not be used again (where history is checked).
    pub history: usize,
    /// Minutes before a password may be changed again (where minimum age is checked).
    pub min_age_minutes: u64,
    /// Days until a password is found expired at sign-in; absent means never.
    pub max_age_days: Option<u64>,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: 8,
            max_length: 72,
            lower: true,
            upper: true,
            digit: true,
            symbol: false,
            exclude_login: true,
            history: 4,
            min_age_minutes: 0,
            max_age_days: None,
        }
    }
}

impl PasswordPolicy {
    /// The rules which `value` breaks for an account with this login; empty when it is acceptable.
    pub fn complaints(&self, value: &str, login: &str) -> Vec<String> {
        let length = value.chars().count();
        let lowered = value.to_lowercase();
        let has_login_part = login
            .split(|c: char| !c.is_alphanumeric())
            .any(|part| part.chars().count() > 2 && lowered.contains(&part.to_lowercase()));
        let rules = [
            (
                length < self.min_length,
                format!("at least {} characters", self.min_length),
            ),
            (
                length > self.max_length,
                format!("at most {} characters", self.max_length),
            ),
            (
                self.lower && !value.chars().any(char::is_lowercase),
                "a lowercase letter".into(),
            ),
            (
                self.upper && !value.chars().any(char::is_uppercase),
                "an uppercase letter".into(),
            ),
            (
                self.digit && !value.chars().any(|c| c.is_ascii_digit()),
                "a number".into(),
            ),
            (
                self.symbol && value.chars().all(char::is_alphanumeric),
                "a symbol".into(),
            ),
            (self.exclude_login && has_login_part, "no parts of your username".into()),
        ];
        rules
            .into_iter()
            .filter(|(broken, _)| *broken)
            .map(|(_, rule)| rule)
            .collect()
    }
}

/// An account's password state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Password {
    current: Option<String>,
    history: Vec<String>,
    /// When the current value was set.
    pub changed: Option<Timestamp>,
    /// Whether it must be changed at the next sign-in.
    pub must_change: bool,
}

impl Password {
    /// A password that was set at `changed`.
    pub fn new(value: Option<String>, changed: Option<Timestamp>) -> Self {
        Self {
            current: value,
            changed,
            ..Self::default()
        }
    }

    /// Makes `value` the current password and keeps the former one in the history.
    pub fn set(&mut self, value: &str, now: Timestamp, must_change: bool) {
        if let Some(former) = self.current.replace(value.to_owned()) {
            self.history.push(former);
        }
        self.changed = Some(now);
        self.must_change = must_change;
    }

    /// Forgets the current value, as when an account is deactivated or handed to another identity provider.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether there is a password at all.
    pub fn is_set(&self) -> bool {
        self.current.is_some()
    }

    /// Whether `value` is the current password.
    pub fn matches(&self, value: &str) -> bool {
        self.current.as_deref() == Some(value)
    }

    /// Whether `value` is the current or one of the remembered former passwords.
    pub fn was_used(&self, value: &str, policy: &PasswordPolicy) -> bool {
        self.matches(value)
            || self
                .history
                .iter()
                .rev()
                .take(policy.history)
                .any(|former| former == value)
    }

    /// Whether the current value is too fresh to be changed.
    pub fn is_too_fresh(&self, policy: &PasswordPolicy, now: Timestamp) -> bool {
        let age = SignedDuration::from_mins(i64::try_from(policy.min_age_minutes).unwrap_or(i64::MAX / 100_000));
        self.changed.is_some_and(|changed| now < changed + age)
    }

    /// Whether the current value is older than the policy allows.
    pub fn has_expired(&self, policy: &PasswordPolicy, now: Timestamp) -> bool {
        match (self.changed, policy.max_age_days) {
            (Some(changed), Some(days)) => {
                now >= changed + SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or(36_500))
            }
            _ => false,
        }
    }

    /// Fingerprint of the current value.
    pub fn fingerprint(&self) -> Option<String> {
        self.current.as_deref().map(super::fingerprint)
    }
}
