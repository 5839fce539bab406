//! What the server's answer to each operation means (its files pw.c, pw_mgmt.c and passwd_extop.c). General meanings of
//! result codes stand in [`crate::directory::ldap::fault`].

use crate::{
    directory::ldap::{
        Answer, Fault,
        ppolicy::PolicyError,
        sending::{self, Meaning},
    },
    domain::account::{FailureClass, Sent, Step},
    secret::Secret,
};

/// What a send came to.
pub fn sent(step: Step, outcome: Result<(), Fault>, secret: Option<&Secret>) -> Sent {
    sending::sent(outcome, secret, |answer| meaning(step, answer))
}

/// What an administrator must do where the operator's own bind was refused.
pub fn own_bind(answer: &Answer) -> Option<&'static str> {
    match answer.code {
        // "Exceed password retry limit", "Account inactivity limit exceeded".
        19 => Some(
            "the operator's own account is locked in the directory; unlock it there, and see who signs in as it with a \
             wrong password",
        ),
        53 if answer.text.contains("inactivated") => {
            Some("the operator's own account is inactivated in the directory; activate it there")
        }
        _ => None,
    }
}

fn meaning(step: Step, answer: &Answer) -> Meaning {
    let rights = match step {
        Step::SetPassword => "give the operator's account write access to userPassword",
        Step::Unlock => {
            "give the operator's account write access to passwordRetryCount, accountUnlockTime and retryCountResetTime"
        }
        Step::RequireChange => "give the operator's account write access to passwordExpirationTime",
        Step::SendLink | Step::RevokeSessions => return Meaning::General,
    };
    match (answer.code, step) {
        (50, _) => Meaning::Refused(FailureClass::NeedsConfig, rights),
        (19, Step::SetPassword) => {
            let (class, public) = password(answer);
            Meaning::Refused(class, public)
        }
        _ => Meaning::General,
    }
}

/// The extended operation says no more than "Failed to update password"; what is known comes from the control. By way
/// of it the account's policy binds password administrators (passwordAdminDN) too.
fn password(answer: &Answer) -> (FailureClass, &'static str) {
    use FailureClass::{NeedsConfig, Permanent};
    match answer.policy {
        Some(PolicyError::TooYoung) => (
            NeedsConfig,
            "the directory's minimum password age forbids it; lower passwordMinAge in the account's password policy",
        ),
        Some(PolicyError::ModificationNotAllowed | PolicyError::MustSupplyOldPassword) => (
            NeedsConfig,
            "the account's password policy does not let passwords be changed; set passwordChange: on in it",
        ),
        Some(PolicyError::TooShort | PolicyError::InsufficientQuality) => (
            Permanent,
            "the directory's password policy does not take the generated password; raise password.length in the \
             AccountPolicy",
        ),
        _ => (
            Permanent,
            "the directory does not take the generated password; its password history may forbid it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PolicyError::*;

    fn answer(code: u32, policy: Option<PolicyError>, text: &str) -> Answer {
        Answer {
            code,
            policy,
            text: text.into(),
        }
    }

    #[test]
    fn answers_are_classified() {
        use FailureClass::{NeedsConfig, Permanent, Transient};
        for (step, code, policy, word, class) in [
            (Step::Unlock, 50, None, "Refused", NeedsConfig),
            // Replacing by nothing needs no value to be there, so this one is not "it was so before".
            (Step::Unlock, 16, None, "Refused", Permanent),
            (Step::Unlock, 10, None, "Refused", NeedsConfig),
            (Step::Unlock, 53, None, "Refused", NeedsConfig),
            (Step::Unlock, 32, None, "Refused", Permanent),
            (Step::Unlock, 51, None, "Refused", Transient(None)),
            (Step::Unlock, 52, None, "Unknown", Transient(None)),
            (Step::Unlock, 80, None, "Unknown", Transient(None)),
            (Step::SetPassword, 13, None, "Refused", NeedsConfig),
            (Step::SetPassword, 50, None, "Refused", NeedsConfig),
            (Step::SetPassword, 19, Some(TooYoung), "Refused", NeedsConfig),
            (Step::SetPassword, 19, Some(TooShort), "Refused", Permanent),
            (Step::SetPassword, 19, Some(InsufficientQuality), "Refused", Permanent),
            (Step::SetPassword, 19, None, "Refused", Permanent),
            (Step::SetPassword, 80, None, "Unknown", Transient(None)),
            (Step::RequireChange, 50, None, "Refused", NeedsConfig),
        ] {
            let sent = sent(step, Err(Fault::Answered(answer(code, policy, ""))), None);
            assert_eq!(sent.as_str(), word, "{step:?} {code}");
            let (Sent::Refused(failure) | Sent::NotSent(failure) | Sent::Unknown(failure)) = sent else {
                panic!("{step:?} {code}: done")
            };
            assert_eq!(failure.class, class, "{step:?} {code}");
        }
    }

    #[test]
    fn the_operators_own_locks_are_told() {
        let locked = "Exceed password retry limit. Please try later.";
        let inactive = "Account inactivated. Contact system administrator.";
        for (code, text, told) in [
            (19, locked, true),
            (53, inactive, true),
            (53, "", false),
            (49, "", false),
        ] {
            assert_eq!(own_bind(&answer(code, None, text)).is_some(), told, "{code} {text}");
        }
    }
}
