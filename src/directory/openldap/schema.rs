//! The names that slapd and its ppolicy overlay use, and which attributes are asked for. The state attributes are
//! operational: they come back only when asked for by name.

use crate::directory::ldap::groups::MEMBER_OF;

/// The entry's immutable id (RFC 4530).
pub const ENTRY_UUID: &str = "entryUUID";
/// When the account was locked, or [`LOCKED_FOR_GOOD`].
pub const LOCKED_TIME: &str = "pwdAccountLockedTime";
/// The end of the delay after failed sign-ins (pwdMinDelay), 2.5 and later.
pub const TMP_LOCKOUT_END: &str = "pwdAccountTmpLockoutEnd";
/// TRUE: the password must be changed after the next sign-in.
pub const RESET: &str = "pwdReset";
/// Sign-in is possible from here on.
pub const START_TIME: &str = "pwdStartTime";
/// Sign-in is possible until here.
pub const END_TIME: &str = "pwdEndTime";
/// When the password was last set.
pub const CHANGED_TIME: &str = "pwdChangedTime";
/// The last successful bind, where `lastbind` is on.
pub const LAST_SUCCESS: &str = "pwdLastSuccess";
/// One value a failed sign-in.
pub const FAILURE_TIME: &str = "pwdFailureTime";
/// The account's own policy.
pub const POLICY_SUBENTRY: &str = "pwdPolicySubentry";

/// The value of [`LOCKED_TIME`] with which an administrator locks for good.
pub const LOCKED_FOR_GOOD: &str = "000001010000Z";

/// What is read of every account besides its profile.
pub const STATE: [&str; 12] = [
    ENTRY_UUID,
    LOCKED_TIME,
    TMP_LOCKOUT_END,
    RESET,
    START_TIME,
    END_TIME,
    CHANGED_TIME,
    LAST_SUCCESS,
    FAILURE_TIME,
    POLICY_SUBENTRY,
    MEMBER_OF,
    "objectClass",
];

/// State attributes whose absence means something, and a value with which each can be compared to tell an absent one
/// from a hidden one. For [`POLICY_SUBENTRY`] the value is any DN.
pub const ABSENCE_MATTERS: [(&str, &str); 6] = [
    (LOCKED_TIME, LOCKED_FOR_GOOD),
    (TMP_LOCKOUT_END, LOCKED_FOR_GOOD),
    (START_TIME, LOCKED_FOR_GOOD),
    (END_TIME, LOCKED_FOR_GOOD),
    (RESET, "TRUE"),
    (POLICY_SUBENTRY, "cn=none"),
];

/// The attributes of a policy entry (class pwdPolicy).
pub mod policy {
    /// The class's one mandatory attribute: where it is not seen, the entry is not readable.
    pub const ATTRIBUTE: &str = "pwdAttribute";
    pub const LOCKOUT: &str = "pwdLockout";
    pub const LOCKOUT_DURATION: &str = "pwdLockoutDuration";
    pub const MAX_IDLE: &str = "pwdMaxIdle";
    pub const MUST_CHANGE: &str = "pwdMustChange";
    pub const ALL: [&str; 5] = [ATTRIBUTE, LOCKOUT, LOCKOUT_DURATION, MAX_IDLE, MUST_CHANGE];
}
