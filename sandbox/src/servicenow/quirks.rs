//! ServiceNow's oddities.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::quirks::Oddity;

/// One oddity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// An invalid part of `sysparm_query` is ignored and the rest is run; without it such a query finds nothing. On by
    /// default.
    InvalidQueryIgnored,
    /// A value that begins with `javascript:` is evaluated on the server. On by default.
    ScriptsEvaluated,
    /// Equality of texts does not heed case. On by default.
    EqualityIgnoresCase,
    /// Rights on rows are applied after limit and count: pages are short, `X-Total-Count` too high. On by default.
    AclAfterLimit,
    /// Inactive users are hidden from everybody but admin. On by default.
    InactiveHidden,
    /// A password that is written without `sysparm_input_display_value` is stored as given, and no sign-in works with
    /// it. On by default.
    PasswordStoredPlain,
    /// Deactivating a user locks it. On by default.
    LockOutInactive,
    /// user_admin cannot change holders of admin. On by default.
    AdminsAboveUserAdmin,
    /// Resolving an incident demands a close code and close notes. On by default.
    ResolveNeedsClosing,
    /// While a token is good the token endpoint gives the same one again. On by default.
    SameToken,
    /// A session cookie that is sent back is answered with 202, and the call is not carried out. On by default.
    SessionQueue,
    /// The semaphore's 429 has no JSON and no Retry-After. On by default.
    #[serde(rename = "semaphore-plain-429")]
    #[value(name = "semaphore-plain-429")]
    SemaphorePlain429,
    /// With `sysparm_exclude_reference_link` a reference is still an object with `value`; without it a bare text.
    ReferenceStaysObject,
    /// Every write is answered with 202 and not carried out, as when the session's queue overflows.
    #[serde(rename = "queue-overflow-202")]
    #[value(name = "queue-overflow-202")]
    QueueOverflow202,
    /// Answers are a 200 with HTML, as of a hibernating instance.
    Hibernating,
    /// Reads have `error` beside `result`, as when a transaction was cancelled.
    ErrorBesideResult,
    /// The texts of errors are in another language.
    LocalizedErrors,
    /// Every call by password is a 401 that demands multi-factor authentication.
    MfaDemanded,
    /// An API user whose password needs a reset gets 401.
    NeedsResetBlocksApi,
    /// A JSON boolean in a write is not taken for `true` or `false`: the field is dropped, and the answer is still 200.
    BooleanTextsOnly,
    /// Domains are kept apart: a caller who is no admin sees people of the own domain only, and the count leaves the
    /// others out.
    DomainsApart,
    /// Calls are counted against rate rules every 30 s only: more of them pass than the rule allows, and it bites late.
    RateCountsLate,
    /// OAuth's client credentials grant is not switched on.
    ClientCredentialsOff,
    /// A rule locks a user again as part of the write that unlocks.
    RuleRelocks,
    /// A rule locks a user again some time after the write that unlocks.
    AsyncRuleRelocks,
    /// A rule aborts every write to a user with 403.
    RuleAborts,
    /// A password that does not meet the policy is dropped, and the answer is still 200.
    WeakPasswordDropped,
    /// A write of what is there already counts as a change.
    EqualWriteCounts,
    /// `sys_user.locked_out` may not be read.
    LockedOutUnreadable,
    /// `sys_user.active` may not be read.
    ActiveUnreadable,
    /// `sys_user.sys_mod_count` may not be read.
    ModCountUnreadable,
    /// `sys_user.locked_out` may not be written: it is dropped, and the answer is still 200.
    LockedOutUnwritable,
    /// `sys_user.failed_attempts` may not be written: it is dropped, and the answer is still 200.
    FailedAttemptsUnwritable,
    /// `sys_user.password_needs_reset` may not be written: it is dropped, and the answer is still 200.
    NeedsResetUnwritable,
    /// `sys_user.user_password` may not be written: it is dropped, and the answer is still 200.
    PasswordUnwritable,
    /// Nobody's roles can be read: the table looks empty.
    RolesUnreadable,
    /// A caller reads its own roles only: everybody else's look empty.
    OwnRolesOnly,
    /// Journal entries cannot be read: the table looks empty.
    JournalUnreadable,
    /// `incident.correlation_id` may not be written: it is dropped, and the answer is still 200.
    CorrelationUnwritable,
    /// States of incidents have other numbers (at start).
    StateNumbersDiffer,
    /// Incidents have no category Password Reset (at start).
    CategoryMissing,
}

impl Oddity for Quirk {
    const DEFAULT: &'static [Self] = &[
        Self::InvalidQueryIgnored,
        Self::ScriptsEvaluated,
        Self::EqualityIgnoresCase,
        Self::AclAfterLimit,
        Self::InactiveHidden,
        Self::PasswordStoredPlain,
        Self::LockOutInactive,
        Self::AdminsAboveUserAdmin,
        Self::ResolveNeedsClosing,
        Self::SameToken,
        Self::SessionQueue,
        Self::SemaphorePlain429,
    ];
}
