//! CXone's oddities.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::quirks::Oddity;

/// One oddity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// `searchString` matches parts of user names, names and addresses. On by default.
    SearchMatchesParts,
    /// `locked` is shown in lists only, not of a single agent. On by default.
    LockedInListOnly,
    /// A call without `Accept: application/json` cannot be answered. On by default.
    AcceptDemanded,
    /// Who does not sign in within two days of an unlock is locked again. On by default.
    TwoDayRule,
    /// The reason of a refusal stands in the header icStatusDescription, and the body is empty. On by default.
    ReasonInHeader,
    /// The token endpoint takes the client's secret in the Authorization header only. On by default.
    ClientSecretBasicOnly,
    /// A 429 has no Retry-After. On by default.
    ThrottledWithoutRetryAfter,
    /// The token endpoint takes the client's secret in the form only.
    ClientSecretPostOnly,
    /// Errors of OAuth say `errorDescription` in the place of `error_description`.
    ErrorDescriptionCamel,
    /// A refresh token is never taken.
    RefreshRefused,
    /// Discovery names a token endpoint of a foreign host.
    ForeignTokenEndpoint,
    /// Discovery names an API endpoint of a foreign host.
    ForeignApiEndpoint,
    /// A list's `next` leads to a foreign host.
    ForeignNextPage,
    /// A list without rows is a 204 without a body.
    #[serde(rename = "empty-list-204")]
    #[value(name = "empty-list-204")]
    EmptyList204,
    /// Lists do not say how many records there are.
    TotalMissing,
    /// Pages have two rows, whatever was asked for.
    SmallPages,
    /// `agentId` is a text and no number.
    AgentIdAsText,
    /// The UUID of a user is called `userId` and not `userID`.
    UserIdSpelling,
    /// The filter `isLocked` is not heeded.
    LockFilterIgnored,
    /// `locked` is shown nowhere.
    LockedMissing,
    /// Half of the agents are hidden from the caller's role, and counted.
    AgentsHidden,
    /// A list has an `error` beside its rows.
    ErrorBesideRows,
    /// Writes are answered with 202: accepted, and not carried out yet.
    #[serde(rename = "accepted-202")]
    #[value(name = "accepted-202")]
    Accepted202,
    /// A reset is not there (404), as on tenants that are managed elsewhere.
    ResetMissing,
    /// A reset is forbidden to the caller's role.
    ResetForbidden,
    /// A reset is answered with 204 without a body.
    #[serde(rename = "reset-204")]
    #[value(name = "reset-204")]
    Reset204,
    /// A reset is refused within a 200 that has an `error`.
    ErrorInsideSuccess,
    /// The text of a refused password repeats that password.
    RefusalEchoesPassword,
    /// A reset clears the lock.
    ResetUnlocks,
    /// A session cannot be ended.
    LogoutRefused,
    /// `apiversion` lists a call with `unlock` in its path.
    UnlockListed,
    /// `apiversion` is forbidden to the caller's role.
    VersionsForbidden,
    /// The Admin API's version is not known: 404 for each of its calls.
    VersionUnknown,
    /// The Admin API's version has no such method: 405 for each of its calls.
    #[serde(rename = "version-405")]
    #[value(name = "version-405")]
    Version405,
    /// UserHub is forbidden to the caller's role.
    UserHubForbidden,
    /// There is no UserHub (404), as on older tenants.
    UserHubAbsent,
    /// UserHub shows no role.
    RoleMissing,
}

impl Oddity for Quirk {
    const DEFAULT: &'static [Self] = &[
        Self::SearchMatchesParts,
        Self::LockedInListOnly,
        Self::AcceptDemanded,
        Self::TwoDayRule,
        Self::ReasonInHeader,
        Self::ClientSecretBasicOnly,
        Self::ThrottledWithoutRetryAfter,
    ];
}
