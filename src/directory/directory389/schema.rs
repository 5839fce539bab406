//! The names that the server uses (its schema files 01core389 and 02common), and which attributes are asked for. The
//! state attributes are operational: they come back only when asked for by name.

use crate::directory::ldap::groups::MEMBER_OF;

/// The entry's immutable id.
pub const UNIQUE_ID: &str = "nsUniqueId";
/// How many sign-ins in a row have failed.
pub const RETRY_COUNT: &str = "passwordRetryCount";
/// When that count begins anew.
pub const RETRY_RESET_TIME: &str = "retryCountResetTime";
/// Until when the account is locked, or [`EPOCH`]. A password reset leaves it in place.
pub const UNLOCK_TIME: &str = "accountUnlockTime";
/// When the password expires; [`EPOCH`] where it must be changed.
pub const EXPIRATION_TIME: &str = "passwordExpirationTime";
/// When the password was last set, while passwordTrackUpdateTime is on.
pub const UPDATE_TIME: &str = "pwdUpdateTime";
/// `true`: inactivated by an administrator, also by way of a role.
pub const ACCOUNT_LOCK: &str = "nsAccountLock";
/// The policy that applies instead of the global one.
pub const POLICY_SUBENTRY: &str = "pwdpolicysubentry";

/// As [`UNLOCK_TIME`]: for good. As [`EXPIRATION_TIME`]: to be changed at the next sign-in.
pub const EPOCH: &str = "19700101000000Z";

/// What is read of every account besides its profile.
pub const STATE: [&str; 10] = [
    UNIQUE_ID,
    RETRY_COUNT,
    RETRY_RESET_TIME,
    UNLOCK_TIME,
    EXPIRATION_TIME,
    UPDATE_TIME,
    ACCOUNT_LOCK,
    POLICY_SUBENTRY,
    MEMBER_OF,
    "objectClass",
];

/// State attributes whose absence means something, and a value of each one's syntax to compare with.
pub const ABSENCE_MATTERS: [(&str, &str); 5] = [
    (RETRY_COUNT, "0"),
    (UNLOCK_TIME, EPOCH),
    (EXPIRATION_TIME, EPOCH),
    (ACCOUNT_LOCK, "true"),
    (POLICY_SUBENTRY, "cn=none"),
];

/// The attributes of a password policy: in cn=config the global one, in an entry of class passwordPolicy another.
pub mod policy {
    pub const LOCKOUT: &str = "passwordLockout";
    pub const MAX_FAILURE: &str = "passwordMaxFailure";
    pub const UNLOCK: &str = "passwordUnlock";
    pub const MUST_CHANGE: &str = "passwordMustChange";
    pub const TRACK_UPDATE_TIME: &str = "passwordTrackUpdateTime";
    /// Whether lock state is replicated; in cn=config alone.
    pub const IS_GLOBAL: &str = "passwordIsGlobalPolicy";
    /// Whether [`super::POLICY_SUBENTRY`] is heeded; in cn=config alone.
    pub const LOCAL: &str = "nsslapd-pwpolicy-local";
    /// Whom no policy binds, an entry or a group.
    pub const ADMIN_DN: &str = "passwordAdminDN";

    /// What decides about locks and forced changes, each with a value of its syntax.
    pub const RULES: [(&str, &str); 5] = [
        (LOCKOUT, "on"),
        (MAX_FAILURE, "3"),
        (UNLOCK, "on"),
        (MUST_CHANGE, "on"),
        (TRACK_UPDATE_TIME, "on"),
    ];
    /// What is read of cn=config.
    pub const GLOBAL: [&str; 8] = [
        LOCKOUT,
        MAX_FAILURE,
        UNLOCK,
        MUST_CHANGE,
        TRACK_UPDATE_TIME,
        IS_GLOBAL,
        LOCAL,
        ADMIN_DN,
    ];
}
