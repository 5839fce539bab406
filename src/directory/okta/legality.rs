//! What Okta allows for an account in a given state: the table of statuses and of credential providers. Pure.
//!
//! Only what Okta's documentation rules out is listed. What it leaves open is tried once, and Okta's refusal is told.
//! Source: Okta's user lifecycle (developer.okta.com/docs/concepts/user-lifecycle) and the descriptions of the
//! operations.

use crate::domain::account::Step;
use std::collections::BTreeMap;

/// `User.status`. An open set: `Other` is what we do not know, and nothing is assumed about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Staged,
    Provisioned,
    Active,
    Recovery,
    PasswordExpired,
    LockedOut,
    Suspended,
    Deprovisioned,
    Other,
}

impl Status {
    /// Reads the word.
    pub(super) fn parse(word: &str) -> Self {
        match word {
            "STAGED" => Status::Staged,
            "PROVISIONED" => Status::Provisioned,
            "ACTIVE" => Status::Active,
            "RECOVERY" => Status::Recovery,
            "PASSWORD_EXPIRED" => Status::PasswordExpired,
            "LOCKED_OUT" => Status::LockedOut,
            "SUSPENDED" => Status::Suspended,
            "DEPROVISIONED" => Status::Deprovisioned,
            _ => Status::Other,
        }
    }

    /// Whether the account is disabled; `None` where the status is not known.
    pub(super) fn is_disabled(self) -> Option<bool> {
        match self {
            Status::Suspended | Status::Deprovisioned => Some(true),
            Status::Other => None,
            _ => Some(false),
        }
    }

    /// Whether a new password must be chosen at the next sign-in; `None` where the status is not known.
    pub(super) fn must_change(self) -> Option<bool> {
        match self {
            Status::PasswordExpired => Some(true),
            Status::Other => None,
            _ => Some(false),
        }
    }
}

/// Where an account's credentials live, by `credentials.provider.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In Okta.
    Okta,
    /// In a directory behind an agent: Active Directory or LDAP.
    Directory,
    /// At another identity provider, or in a place that we do not know: Okta holds no password.
    Elsewhere,
}

impl Source {
    /// Reads the word. IMPORT is a password whose hash came from outside; it lives in Okta.
    pub(super) fn parse(word: Option<&str>) -> Self {
        match word {
            Some("OKTA" | "IMPORT") => Source::Okta,
            Some("ACTIVE_DIRECTORY" | "LDAP") => Source::Directory,
            _ => Source::Elsewhere,
        }
    }
}

/// What cannot be done to an account in this state, and why, for the requester. `locked` is whether it is locked: an
/// unlock that has nothing to do is no obstacle.
pub(super) fn obstacles(status: Status, source: Source, locked: bool) -> BTreeMap<Step, String> {
    let rows = state(status).iter().chain(origin(source));
    let relevant = rows.filter(|(step, _)| locked || *step != Step::Unlock);
    let mut obstacles = BTreeMap::new();
    for (step, why) in relevant {
        obstacles.entry(*step).or_insert_with(|| (*why).to_owned());
    }
    obstacles
}

type Row = (Step, &'static str);

fn state(status: Status) -> &'static [Row] {
    const STAGED: &str = "the account was never activated; an Okta administrator must activate it";
    const PROVISIONED: &str =
        "the account's activation is not finished; an Okta administrator can send its activation mail again";
    const RECOVERY: &str = "a password reset is under way; its mail tells the owner how to go on";
    const EXPIRED: &str = "the password has expired; the owner changes it by signing in";
    const SUSPENDED: &str = "the account is suspended; an Okta administrator must unsuspend it";
    const DEPROVISIONED: &str = "the account is deactivated; an Okta administrator must activate it";
    const OTHER: &str = "the account is in a state that is not known here; see it in Okta's console";
    match status {
        Status::Active | Status::LockedOut => &[],
        Status::Staged => &[(Step::Unlock, STAGED), (Step::SendLink, STAGED)],
        Status::Provisioned => &[(Step::Unlock, PROVISIONED), (Step::SendLink, PROVISIONED)],
        Status::Recovery => &[(Step::Unlock, RECOVERY)],
        Status::PasswordExpired => &[(Step::Unlock, EXPIRED)],
        // A password that nobody is made to change is not set: expiring it is not legal here.
        Status::Suspended => &[
            (Step::Unlock, SUSPENDED),
            (Step::SetPassword, SUSPENDED),
            (Step::SendLink, SUSPENDED),
            (Step::RequireChange, SUSPENDED),
        ],
        Status::Deprovisioned => &[
            (Step::Unlock, DEPROVISIONED),
            (Step::SetPassword, DEPROVISIONED),
            (Step::SendLink, DEPROVISIONED),
            (Step::RequireChange, DEPROVISIONED),
        ],
        Status::Other => &[
            (Step::Unlock, OTHER),
            (Step::SetPassword, OTHER),
            (Step::SendLink, OTHER),
            (Step::RequireChange, OTHER),
        ],
    }
}

fn origin(source: Source) -> &'static [Row] {
    const DIRECTORY: &str = "the account's password lives in another directory; it must be done there";
    const ELSEWHERE: &str = "the account signs in at another identity provider; Okta holds no password of it";
    match source {
        Source::Okta => &[],
        Source::Directory => &[
            (Step::Unlock, DIRECTORY),
            (Step::SetPassword, DIRECTORY),
            (Step::SendLink, DIRECTORY),
            (Step::RequireChange, DIRECTORY),
        ],
        // A reset of a federated account would make it a local one.
        Source::Elsewhere => &[
            (Step::Unlock, ELSEWHERE),
            (Step::SetPassword, ELSEWHERE),
            (Step::SendLink, ELSEWHERE),
            (Step::RequireChange, ELSEWHERE),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &[Step] = &[Step::Unlock, Step::SetPassword, Step::SendLink, Step::RequireChange];

    fn steps(status: &str, provider: Option<&str>, locked: bool) -> Vec<Step> {
        let obstacles = obstacles(Status::parse(status), Source::parse(provider), locked);
        obstacles.into_keys().collect()
    }

    #[test]
    fn each_status_has_its_obstacles() {
        for (status, expected) in [
            ("STAGED", &[Step::Unlock, Step::SendLink][..]),
            ("PROVISIONED", &[Step::Unlock, Step::SendLink]),
            ("ACTIVE", &[]),
            ("RECOVERY", &[Step::Unlock]),
            ("PASSWORD_EXPIRED", &[Step::Unlock]),
            ("LOCKED_OUT", &[]),
            ("SUSPENDED", PASSWORD),
            ("DEPROVISIONED", PASSWORD),
            ("SOMETHING_NEW", PASSWORD),
        ] {
            assert_eq!(steps(status, Some("OKTA"), true), expected, "{status}");
            let unlocked: Vec<_> = expected.iter().copied().filter(|step| *step != Step::Unlock).collect();
            assert_eq!(steps(status, Some("OKTA"), false), unlocked, "{status}, not locked");
        }
    }

    #[test]
    fn passwords_that_live_elsewhere_are_not_touched() {
        for (provider, expected) in [
            (Some("OKTA"), &[][..]),
            (Some("IMPORT"), &[]),
            (Some("ACTIVE_DIRECTORY"), PASSWORD),
            (Some("LDAP"), PASSWORD),
            (Some("FEDERATION"), PASSWORD),
            (Some("SOCIAL"), PASSWORD),
            (Some("SOMETHING_NEW"), PASSWORD),
            (None, PASSWORD),
        ] {
            assert_eq!(steps("LOCKED_OUT", provider, true), expected, "{provider:?}");
        }
    }

    #[test]
    fn unknown_statuses_are_unknown_facts() {
        for (status, disabled, must_change) in [
            ("ACTIVE", Some(false), Some(false)),
            ("PASSWORD_EXPIRED", Some(false), Some(true)),
            ("SUSPENDED", Some(true), Some(false)),
            ("DEPROVISIONED", Some(true), Some(false)),
            ("ACTIVATING", None, None),
        ] {
            let status = Status::parse(status);
            assert_eq!(
                (status.is_disabled(), status.must_change()),
                (disabled, must_change),
                "{status:?}"
            );
        }
    }
}
