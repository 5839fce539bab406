//! What the server's answer to each operation means: section 10 of draft-behera-ldap-password-policy and the ppolicy
//! overlay's own habits. General meanings of result codes stand in [`crate::directory::ldap::fault`].

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

fn meaning(step: Step, answer: &Answer) -> Meaning {
    if is_so_already(step, answer) {
        return Meaning::AlreadySo;
    }
    let close = match step {
        Step::SetPassword => password(answer),
        Step::Unlock | Step::RequireChange => state(step, answer),
        Step::SendLink | Step::RevokeSessions => None,
    };
    close.map_or(Meaning::General, |(class, public)| Meaning::Refused(class, public))
}

/// Whether the answer says that what was asked for was so before.
fn is_so_already(step: Step, answer: &Answer) -> bool {
    match step {
        // noSuchAttribute: the lock was gone.
        Step::Unlock => answer.code == 16,
        // To an operator without manage access, the same value a second time is "in history". The value is generated,
        // so it is in force only because it was set here before.
        Step::SetPassword => answer.code == 19 && answer.text.contains("not being changed from existing value"),
        _ => false,
    }
}

fn password(answer: &Answer) -> Option<(FailureClass, &'static str)> {
    use FailureClass::{NeedsConfig, Permanent};
    Some(match (answer.code, answer.policy) {
        (19, Some(PolicyError::TooYoung)) => (
            NeedsConfig,
            "the directory's minimum password age forbids it; give the operator's account manage access to userPassword",
        ),
        (_, Some(PolicyError::ModificationNotAllowed | PolicyError::MustSupplyOldPassword)) => (
            NeedsConfig,
            "the directory asks for the old password; give the operator's account manage access to userPassword",
        ),
        (19, Some(PolicyError::TooShort)) => (
            Permanent,
            "the directory asks for a longer password; raise password.length in the AccountPolicy",
        ),
        (19, Some(PolicyError::InHistory)) => (Permanent, "the directory's password history forbids this password"),
        (19, _) => (
            Permanent,
            "the directory's password policy does not take the generated password",
        ),
        (50, _) => (
            NeedsConfig,
            "give the operator's account manage access to userPassword (write access at least)",
        ),
        _ => return None,
    })
}

fn state(step: Step, answer: &Answer) -> Option<(FailureClass, &'static str)> {
    match (answer.code, step) {
        (50, Step::Unlock) => Some((
            FailureClass::NeedsConfig,
            "give the operator's account write access to pwdAccountLockedTime",
        )),
        (50, _) => Some((
            FailureClass::NeedsConfig,
            "give the operator's account write access to pwdReset",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PolicyError::*;

    fn answered(code: u32, policy: Option<PolicyError>, text: &str) -> Result<(), Fault> {
        Err(Fault::Answered(Answer {
            code,
            policy,
            text: text.into(),
        }))
    }

    #[test]
    fn answers_are_classified() {
        let existing = "Password is not being changed from existing value";
        for (step, code, policy, text, word, class) in [
            (Step::Unlock, 16, None, "", "Done", None),
            (Step::Unlock, 50, None, "", "Refused", Some(FailureClass::NeedsConfig)),
            (Step::Unlock, 17, None, "", "Refused", Some(FailureClass::NeedsConfig)),
            (Step::Unlock, 10, None, "", "Refused", Some(FailureClass::NeedsConfig)),
            (Step::Unlock, 32, None, "", "Refused", Some(FailureClass::Permanent)),
            (
                Step::Unlock,
                51,
                None,
                "",
                "Refused",
                Some(FailureClass::Transient(None)),
            ),
            (Step::Unlock, 53, None, "", "Refused", Some(FailureClass::NeedsConfig)),
            (
                Step::Unlock,
                80,
                None,
                "",
                "Unknown",
                Some(FailureClass::Transient(None)),
            ),
            (
                Step::SetPassword,
                16,
                None,
                "",
                "Refused",
                Some(FailureClass::Permanent),
            ),
            (Step::SetPassword, 19, Some(InHistory), existing, "Done", None),
            (
                Step::SetPassword,
                19,
                Some(InHistory),
                "Password is in history",
                "Refused",
                Some(FailureClass::Permanent),
            ),
            (
                Step::SetPassword,
                19,
                Some(TooShort),
                "",
                "Refused",
                Some(FailureClass::Permanent),
            ),
            (
                Step::SetPassword,
                19,
                Some(TooYoung),
                "",
                "Refused",
                Some(FailureClass::NeedsConfig),
            ),
            (
                Step::SetPassword,
                50,
                Some(MustSupplyOldPassword),
                "",
                "Refused",
                Some(FailureClass::NeedsConfig),
            ),
            (
                Step::SetPassword,
                50,
                None,
                "",
                "Refused",
                Some(FailureClass::NeedsConfig),
            ),
            (
                Step::SetPassword,
                13,
                None,
                "",
                "Refused",
                Some(FailureClass::NeedsConfig),
            ),
            (
                Step::SetPassword,
                52,
                None,
                "",
                "Unknown",
                Some(FailureClass::Transient(None)),
            ),
            (
                Step::RequireChange,
                50,
                None,
                "",
                "Refused",
                Some(FailureClass::NeedsConfig),
            ),
        ] {
            let sent = sent(step, answered(code, policy, text), None);
            assert_eq!(sent.as_str(), word, "{step:?} {code}");
            let found = match sent {
                Sent::Done => None,
                Sent::Refused(failure) | Sent::NotSent(failure) | Sent::Unknown(failure) => Some(failure.class),
            };
            assert_eq!(found, class, "{step:?} {code}");
        }
    }
}
